/**
 * What a message holds, as bytes: they are stored and given back unread.
 *
 *     0 · bytes                 a body of bytes, and nothing else
 *     1 · UTF-8                 a body of text, and nothing else
 *     2 · { b, h, d }           MessagePack: any body, headers, the id for deduplication
 */
import { ProblemError, problemError } from '../../problem-error.ts';
import { encodable, payloadFrom } from '../../wire/payload.ts';

export interface Content {
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, unknown>> | undefined;
  readonly dedupeId?: string | undefined;
}

const BYTES = 0;
const TEXT = 1;
const VALUE = 2;

/** Throws `result-unencodable` for what cannot be sent. */
export function packContent({ body, headers, dedupeId }: Content): Uint8Array {
  const isBare = dedupeId === undefined && (headers === undefined || Object.keys(headers).length === 0);
  if (isBare && typeof body === 'string') return withForm(TEXT, Buffer.from(body));
  if (isBare && body instanceof Uint8Array) return withForm(BYTES, body);
  const packed = encodable(
    { b: body, ...(dedupeId !== undefined && { d: dedupeId }), ...(headers && { h: headers }) },
    '',
  );
  if (!packed.ok) throw new ProblemError(packed.problem);
  return withForm(VALUE, packed.value.bytes());
}

/** Throws `store-corrupt` for what it did not make. */
export function unpackContent(bytes: Uint8Array): Content {
  const rest = bytes.subarray(1);
  if (bytes[0] === BYTES) return { body: rest };
  if (bytes[0] === TEXT) return { body: Buffer.from(rest.buffer, rest.byteOffset, rest.length).toString('utf8') };
  const value = bytes[0] === VALUE ? payloadFrom(rest).value() : undefined;
  if (!value?.ok) throw problemError('store-corrupt', 'a message of a queue cannot be read');
  const { b, h, d } = value.value as { b: unknown; h?: Content['headers']; d?: string };
  return { body: b, dedupeId: d, headers: h };
}

function withForm(form: number, bytes: Uint8Array): Uint8Array {
  const packed = Buffer.allocUnsafe(bytes.length + 1);
  packed[0] = form;
  packed.set(bytes, 1);
  return packed;
}
