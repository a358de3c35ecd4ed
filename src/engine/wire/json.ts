import { done, failed, type Outcome } from '../core/base/outcome.ts';
import type { Payload } from '../core/base/payload.ts';
import { problem } from '../core/base/problems.ts';
import { ProblemError } from '../problem-error.ts';
import { isObject, valueFromJson, valueToJson } from './json-value.ts';
import { KINDS, type Kind, type MessageKind } from './messages.ts';
import { inside, Misfit, problemOf } from './misfit.ts';
import { payloadFrom, payloadOf, settled } from './payload.ts';
import { planFromJson, planToJson } from './plan-json.ts';
import { BATCH_BYTES, type Batch, type Codec, type WireLimits, type WireMessage } from './wire.ts';

/**
 * `mpreg.v1.json`: the same messages as text, for browsers, `websocat` and a first client in any language.
 *
 * One WebSocket message is one object or a list of them. Fields have names, absent ones may be left away, and payloads
 * stand in the object itself: a call's as `args` and `kwargs`, a plan's as `plan`, a result's and an item's as `value`.
 *
 * Trade-off: a payload is decoded and encoded anew at the node that the client is connected to.
 */
export const jsonCodec: Codec = {
  batch: (limits) => new JsonBatch(limits),
  decode,
  protocol: 'mpreg.v1.json',
};

type Loose = Record<string, unknown>;

function decode(data: Uint8Array | string, limits: WireLimits): Outcome<readonly WireMessage[]> {
  try {
    return done(readAll(data, limits));
  } catch (error) {
    return failed(problemOf(error, 'protocol-violated', 'frames'));
  }
}

function readAll(data: Uint8Array | string, { frameBytesMax, framesMax }: WireLimits): WireMessage[] {
  const text = typeof data === 'string' ? data : Buffer.from(data).toString('utf8');
  if (text.length > frameBytesMax + 2 * BATCH_BYTES) throw new Misfit(`${text.length} characters are over the limit`);
  const json = parsed(text);
  const frames: unknown[] = Array.isArray(json) ? json : [json];
  if (frames.length > framesMax) throw new Misfit(`more than ${framesMax} frames`);
  return frames.map((frame, i) => {
    try {
      return readFrame(frame);
    } catch (error) {
      throw inside(error, i);
    }
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new Misfit(`not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function readFrame(frame: unknown): WireMessage {
  if (!isObject(frame)) throw new Misfit('must be an object');
  const { kind } = frame;
  if (typeof kind !== 'string') throw new Misfit('kind must be text');
  if (!Object.hasOwn(KINDS, kind)) return { code: kind, frame, kind: 'unknown' };
  const spec = KINDS[kind as Kind];
  const header = spec.header.fromJson(frame);
  return { kind, ...header, ...readRest(frame), ...readPayload(frame, spec) } as WireMessage;
}

function readRest({ kind, rest }: Loose): { rest: readonly unknown[] } | undefined {
  if (kind !== 'call' || rest === undefined) return undefined;
  if (!Array.isArray(rest) || rest.length === 0) throw inside(new Misfit('must be a list, not empty'), 'rest');
  return { rest: valueFromJson(rest) as unknown[] };
}

function readPayload(frame: Loose, spec: MessageKind): Loose | undefined {
  if (spec.payload === undefined) return undefined;
  if (spec.payload === 'bytes') return { payload: payloadFrom(bytesField(frame)) };
  if (spec.payload === 'plan') return { payload: payloadOf(readPlan(frame['plan'])) };
  if (spec.payload !== 'arguments') return { payload: payloadOf(field(frame, spec.payload)) };
  const args = field(frame, 'args') ?? [];
  const kwargs = field(frame, 'kwargs');
  if (!Array.isArray(args)) throw inside(new Misfit('must be a list'), 'args');
  if (kwargs !== undefined && !isObject(kwargs)) throw inside(new Misfit('must be an object'), 'kwargs');
  return { payload: payloadOf(kwargs === undefined ? { args } : { args, kwargs }) };
}

function readPlan(json: unknown): unknown {
  const { document, misfits } = planFromJson(json);
  if (misfits[0] !== undefined) throw inside(misfits[0], 'plan');
  return document;
}

/** The value of a field; for one that is absent, undefined. */
function field(frame: Loose, key: string): unknown {
  try {
    return valueFromJson(frame[key]);
  } catch (error) {
    throw inside(error, key);
  }
}

function bytesField(frame: Loose): Uint8Array {
  const bytes = field(frame, 'bytes');
  if (!(bytes instanceof Uint8Array)) throw inside(new Misfit('must be bytes'), 'bytes');
  return bytes;
}

/** Texts of frames, put together when they are taken. */
class JsonBatch implements Batch {
  readonly #limits: WireLimits;
  #frames: string[] = [];
  #size = 0;

  constructor(limits: WireLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#size;
  }

  get frames(): number {
    return this.#frames.length;
  }

  add(message: WireMessage): Outcome<undefined> {
    const { frameBytesMax, framesMax } = this.#limits;
    if (this.#frames.length >= framesMax) {
      return failed(problem('limit-exceeded', `more than ${framesMax} frames in one batch`));
    }
    if ('payload' in message && message.payload.size > frameBytesMax) return this.#tooLarge(message);
    const written = frameText(message);
    if (!written.ok) return written;
    if (written.value.length > frameBytesMax) return this.#tooLarge(message);
    this.#frames.push(written.value);
    this.#size += written.value.length + 1;
    return done(undefined);
  }

  take(): string | undefined {
    if (this.#frames.length === 0) return undefined;
    const text = this.#frames.length === 1 ? this.#frames[0] : `[${this.#frames.join(',')}]`;
    this.#frames = [];
    this.#size = 0;
    return text;
  }

  #tooLarge({ kind }: WireMessage): Outcome<never> {
    return failed(
      problem('limit-exceeded', `a ${kind} is over the limit of ${this.#limits.frameBytesMax} for one frame`),
    );
  }
}

function frameText(message: WireMessage): Outcome<string> {
  try {
    return done(JSON.stringify(frameOf(message)));
  } catch (error) {
    if (error instanceof ProblemError) return failed(error.problem);
    return failed(problemOf(error, 'result-unencodable', message.kind));
  }
}

function frameOf(message: WireMessage): object {
  if (message.kind === 'unknown') {
    const { code, frame } = message;
    if (frame instanceof Uint8Array) throw new Misfit(`kind ${code} came as bytes and cannot be translated`);
    return frame;
  }
  const { kind } = message;
  const spec = KINDS[kind];
  const frame: Loose = { kind, ...(spec.header.toJson(message) as object) };
  if (kind === 'call' && message.rest?.length) frame['rest'] = valueToJson(message.rest);
  if (!('payload' in message)) return frame;
  return Object.assign(frame, payloadFields(message.payload, spec));
}

function payloadFields(payload: Payload, spec: MessageKind): Loose {
  if (spec.payload === 'bytes') return { bytes: valueToJson(payload.bytes()) };
  const decoded = settled(payload).value();
  if (!decoded.ok) throw new ProblemError(decoded.problem);
  const { value } = decoded;
  if (spec.payload === 'plan') return { plan: value === undefined ? undefined : planToJson(value) };
  if (spec.payload !== 'arguments') return { [spec.payload as string]: fieldOf(value) };
  if (!isObject(value)) throw new Misfit('a call must hold arguments');
  return { args: valueToJson(value['args'] ?? []), kwargs: fieldOf(value['kwargs']) };
}

/** A field whose value is undefined is left away. */
function fieldOf(value: unknown): unknown {
  return value === undefined ? undefined : valueToJson(value);
}
