import { done, failed, type Outcome } from '../core/base/outcome.ts';
import { problem } from '../core/base/problems.ts';
import { BinaryBatch } from './binary-batch.ts';
import { readHot } from './hot-frames.ts';
import { KINDS, type Kind, type MessageKind } from './messages.ts';
import { inside, located, Misfit, problemOf } from './misfit.ts';
import { BytesPayload } from './payload.ts';
import { ValueReader } from './read-value.ts';
import { u32At } from './reader.ts';
import type { Codec, WireLimits, WireMessage } from './wire.ts';

/**
 * `mpreg.v1`: frames of bytes, one after the other in a WebSocket message.
 *
 *   0          4      5             8                8 + header bytes      4 + length
 *   ├──────────┼──────┼─────────────┼────────────────┼─────────────────────┤
 *   │ u32      │ u8   │ u24         │ header: one    │ payload: one value, │
 *   │ length   │ kind │ header size │ MessagePack    │ not looked into     │
 *   │          │      │             │ array          │                     │
 *   └──────────┴──────┴─────────────┴────────────────┴─────────────────────┘
 *
 * `length` counts what follows it; all numbers of the frame itself are big-endian. See `docs/PROTOCOL.md`.
 */
export const binaryCodec: Codec = {
  batch: (limits) => new BinaryBatch(limits),
  decode,
  protocol: 'mpreg.v1',
};

const byCode = new Map(Object.entries(KINDS).map(([kind, spec]) => [spec.code, { kind: kind as Kind, spec }]));

function decode(data: Uint8Array | string, limits: WireLimits): Outcome<readonly WireMessage[]> {
  if (typeof data === 'string') {
    return failed(problem('protocol-violated', 'message: mpreg.v1 is binary, this is text', { path: 'message' }));
  }
  const r = new ValueReader(data);
  const messages: WireMessage[] = [];
  try {
    while (r.at < data.length) {
      if (messages.length >= limits.framesMax) throw new Misfit(`more than ${limits.framesMax} frames`, r.at);
      messages.push(readFrame(r, data.length, limits.frameBytesMax));
    }
  } catch (error) {
    return failed(problemOf(inside(error, messages.length), 'protocol-violated', 'frames'));
  }
  return done(messages);
}

/** Reads the frame that begins at the reader, and leaves it at its end. */
function readFrame(r: ValueReader, dataEnd: number, bytesMax: number): WireMessage {
  const bytes = r.bytes;
  const from = r.at;
  if (dataEnd - from < 8) throw new Misfit('a frame has at least 8 bytes', from);
  const size = u32At(bytes, from) + 4;
  if (size > bytesMax) throw new Misfit(`a frame of ${size} bytes is over the limit of ${bytesMax}`, from);
  if (size < 8 || size > dataEnd - from) throw new Misfit(`a frame of ${size} bytes does not fit`, from);
  const end = from + size;
  const code = bytes[from + 4] as number;
  const headerEnd = from + 8 + (u32At(bytes, from + 4) & 0xff_ffff);
  if (headerEnd > end) throw new Misfit('a header is longer than its frame', from + 5);
  r.at = from + 8;
  r.end = headerEnd;
  const message = readHot(r, code, end) ?? readCold(r, code, from, end);
  r.at = end;
  return message;
}

function readCold(r: ValueReader, code: number, from: number, end: number): WireMessage {
  const known = byCode.get(code);
  if (known === undefined) return { code, frame: r.bytes.subarray(from + 4, end), kind: 'unknown' };
  const { kind, spec } = known;
  const at = r.at;
  const plain = r.value();
  if (r.at !== r.end) throw new Misfit('a header is shorter than it says', r.at);
  try {
    const header = spec.header.unpack(plain);
    return { kind, ...header, ...payloadBehind(r, spec, end) } as WireMessage;
  } catch (error) {
    // Shapes know names, not offsets.
    throw located(inside(error, kind), at);
  }
}

function payloadBehind(r: ValueReader, spec: MessageKind, end: number): object | undefined {
  if (spec.payload !== undefined) return { payload: new BytesPayload(r.bytes, r.end, end) };
  if (end > r.end) throw new Misfit('a frame of this kind has no payload', r.end);
  return undefined;
}
