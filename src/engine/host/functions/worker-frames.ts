/**
 * What a node and its worker threads send each other: many small frames in one message per turn.
 *
 *      u32 kind · u32 slot · u32 fun · u32 msLeft · u32 text bytes · u32 payload bytes · text (UTF-8) · payload
 *
 * Why bytes: cloning one object per job costs several times what a trivial job costs; one array of bytes is moved.
 */

/** From the node to a thread. */
export const TO_THREAD = {
  /** The job in the slot is no longer wanted; text: the reason. */
  abort: 2,
  /** Shows in the heartbeat that the thread's loop turns. */
  ping: 3,
  /** Run function number `fun` within `msLeft`; text: the step, payload: `Arguments`. */
  run: 1,
  /** Call number `fun` of this thread has its value: payload; text: the node that ran it. */
  replied: 5,
  /** Call number `fun` of this thread has failed; text: the problem as JSON. */
  refused: 6,
  /** Items of the slot's stream were taken that cost `fun` bytes: there is room for as many more. */
  taken: 4,
} as const;

/** From a thread to the node. */
export const FROM_THREAD = {
  /** Text: the problem as JSON. */
  failed: 3,
  /** The job in the slot makes call number `fun` of this thread; text: its `CallHeader` as JSON, payload: `Arguments`. */
  call: 6,
  /** Takes back call number `fun`, which the job in the slot has made; text: the reason. */
  uncall: 7,
  item: 1,
  /** Text: `{ message, details }` as JSON. */
  log: 5,
  ran: 2,
  /** The job had been taken back before it began. */
  skipped: 4,
} as const;

/** `msLeft` of a job without a deadline. */
export const NO_DEADLINE = 2 ** 32 - 1;

/** Jobs that a thread has at once, begun or not: the number of its slots. */
export const SLOTS = 1_024;

/** The state of a slot, shared between both sides: who changes it first, has it. */
export const SLOT = { begun: 1, sent: 0, takenBack: 2 } as const;

/** Index of the heartbeat behind the slots: changes whenever the thread takes or finishes something. */
export const BEAT = SLOTS;

export function newSlots(): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer((SLOTS + 1) * Int32Array.BYTES_PER_ELEMENT));
}

/**
 * What the items of one stream may cost on their way at most, in bytes; the node says `taken` in steps of a quarter.
 * Trade-off: more keeps a stream over a long way busy, less is held for each that is taken slowly.
 */
export const STREAM_BYTES_MAX = 256 * 1024;

/** What an item of so many bytes costs on its way: small ones are not free. */
export function itemCost(bytes: number): number {
  return bytes + 256;
}

export interface Frame {
  readonly kind: number;
  readonly slot: number;
  readonly fun?: number;
  readonly msLeft?: number;
  readonly text?: string;
  readonly payload?: Uint8Array;
}

const HEADER_BYTES = 24;
const FIRST_BYTES = 16 * 1024;
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const NOTHING = new Uint8Array(0);

/** Collects frames into one message. */
export class FrameWriter {
  #bytes = new Uint8Array(FIRST_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #end = 0;

  get empty(): boolean {
    return this.#end === 0;
  }

  add({ kind, slot, fun = 0, msLeft = 0, text, payload = NOTHING }: Frame): void {
    const said = text === undefined ? NOTHING : encoder.encode(text);
    const at = this.#end;
    this.#reserve(at + HEADER_BYTES + said.length + payload.length);
    const view = this.#view;
    view.setUint32(at, kind);
    view.setUint32(at + 4, slot);
    view.setUint32(at + 8, fun);
    view.setUint32(at + 12, msLeft);
    view.setUint32(at + 16, said.length);
    view.setUint32(at + 20, payload.length);
    this.#bytes.set(said, at + HEADER_BYTES);
    this.#bytes.set(payload, at + HEADER_BYTES + said.length);
    this.#end = at + HEADER_BYTES + said.length + payload.length;
  }

  /** Hands out a buffer of its own and begins anew. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.#bytes.slice(0, this.#end);
    this.#end = 0;
    if (this.#bytes.length > FIRST_BYTES * 16) this.#use(new Uint8Array(FIRST_BYTES));
    return taken;
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(bytes, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#end));
    this.#use(larger);
  }

  #use(bytes: Uint8Array<ArrayBuffer>): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}

/** Payloads are views into `bytes`. */
export function readFrames(bytes: Uint8Array, visit: (frame: Required<Frame>) => void): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length; ) {
    const textAt = at + HEADER_BYTES;
    const payloadAt = textAt + view.getUint32(at + 16);
    const end = payloadAt + view.getUint32(at + 20);
    visit({
      fun: view.getUint32(at + 8),
      kind: view.getUint32(at),
      msLeft: view.getUint32(at + 12),
      payload: bytes.subarray(payloadAt, end),
      slot: view.getUint32(at + 4),
      text: textAt === payloadAt ? '' : decoder.decode(bytes.subarray(textAt, payloadAt)),
    });
    at = end;
  }
}
