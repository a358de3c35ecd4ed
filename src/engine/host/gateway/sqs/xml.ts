/**
 * Answers of the query protocol. Character references are exact: what a parser of XML would change on the way (a carriage
 * return, tabs and line ends in white space) is written as a number, so that a body's MD5 still fits.
 *
 * Limit: XML 1.0 has no way to write control characters, lone surrogates, U+FFFE and U+FFFF. SQS refuses them in
 * messages; other senders of the same queue may not. `writable` says what is given in their place.
 */
import type { RecordShape, Shape } from './shape.ts';

const NAMESPACE = 'http://queue.amazonaws.com/doc/2012-11-05/';

export function resultXml(
  action: string,
  shape: RecordShape | undefined,
  value: Readonly<Record<string, unknown>>,
  requestId: string,
): string {
  const result = shape === undefined ? '' : element(`${action}Result`, fields(value, shape));
  const metadata = element('ResponseMetadata', element('RequestId', requestId));
  return `<?xml version="1.0"?><${action}Response xmlns="${NAMESPACE}">${result}${metadata}</${action}Response>`;
}

export function errorXml(
  error: { readonly fault: string; readonly code: string; readonly message: string },
  requestId: string,
): string {
  const parts = [
    element('Type', error.fault),
    element('Code', escaped(error.code)),
    element('Message', escaped(writable(error.message))),
  ];
  const inner = `${element('Error', `${parts.join('')}<Detail/>`)}${element('RequestId', requestId)}`;
  return `<?xml version="1.0"?><ErrorResponse xmlns="${NAMESPACE}">${inner}</ErrorResponse>`;
}

/** The text with U+FFFD where XML has no way to say what stands there. */
export function writable(text: string): string {
  return text.toWellFormed().replace(UNWRITABLE, '\uFFFD');
}

/** Whatever is not Char of XML 1.0, §2.2. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
export const UNWRITABLE = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]|\p{Surrogate}/gu;

function fields(value: Readonly<Record<string, unknown>>, shape: RecordShape): string {
  return Object.entries(shape.fields)
    .map(([name, of]) => (value[name] === undefined ? '' : field(name, of, value[name])))
    .join('');
}

function field(name: string, shape: Shape, value: unknown): string {
  switch (shape.kind) {
    case 'list':
      return (value as readonly unknown[]).map((one) => element(shape.names[0], content(shape.of, one))).join('');
    case 'map':
      return [...(value as ReadonlyMap<string, unknown>)]
        .map(([key, one]) => {
          const pair = `${element(shape.key, escaped(writable(key)))}${element('Value', content(shape.of, one))}`;
          return element(shape.names[0], pair);
        })
        .join('');
    default:
      return element(name, content(shape, value));
  }
}

function content(shape: Shape, value: unknown): string {
  switch (shape.kind) {
    case 'text':
      return escaped(value as string);
    case 'blob':
      return Buffer.from(value as Uint8Array).toString('base64');
    case 'record':
      return fields(value as Readonly<Record<string, unknown>>, shape);
    default:
      return String(value);
  }
}

function element(name: string, inner: string): string {
  return `<${name}>${inner}</${name}>`;
}

const REFERENCES: Readonly<Record<string, string>> = {
  '\t': '&#x9;',
  '\n': '&#xA;',
  '\r': '&#xD;',
  '"': '&quot;',
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
};

function escaped(text: string): string {
  return text.replace(/[\t\n\r"&<>]/g, (one) => REFERENCES[one] as string);
}
