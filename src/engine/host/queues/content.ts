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
  if (isBare && typeof body === 'string') {
    const packed = Buffer.allocUnsafe(Buffer.byteLength(body) + 1);
    packed[0] = TEXT;
    packed.write(body, 1);
    return packed;
  }
  if (isBare && body instanceof Uint8Array) return withForm(BYTES, body);
  const packed = encodable(
    { b: body, ...(dedupeId !== undefined && { d: dedupeId }), ...(headers && { h: headers }) },
    '',
  );
  if (!packed.ok) throw new ProblemError(packed.problem);
  return withForm(VALUE, packed.value.bytes());
}

/** Throws `store-corrupt` for what it did not make. A body of bytes shares no memory with them. */
export function unpackContent(bytes: Buffer, from = 0, to = bytes.length): Content {
  const form = to > from ? bytes[from] : undefined;
  if (form === TEXT) return { body: bytes.toString('utf8', from + 1, to) };
  if (form === BYTES) return { body: new Uint8Array(bytes.subarray(from + 1, to)) };
  const value = form === VALUE ? payloadFrom(bytes.subarray(from + 1, to)).value() : undefined;
  if (!value?.ok) throw problemError('store-corrupt', 'a message of a queue cannot be read');
  const { b, h, d } = value.value as { b: unknown; h?: Content['headers']; d?: string };
  return { body: b, dedupeId: d, headers: h };
}

/** Whether it can be read. What is bare always can. */
export function isContent(bytes: Uint8Array): boolean {
  if (bytes[0] !== VALUE) return bytes[0] === TEXT || bytes[0] === BYTES;
  const value = payloadFrom(bytes.subarray(1)).value();
  if (!value.ok || !isMap(value.value)) return false;
  const { b, d, h } = value.value;
  return b !== undefined && (d === undefined || typeof d === 'string') && (h === undefined || isMap(h));
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function withForm(form: number, bytes: Uint8Array): Uint8Array {
  const packed = Buffer.allocUnsafe(bytes.length + 1);
  packed[0] = form;
  packed.set(bytes, 1);
  return packed;
}
