import { failed, type Outcome } from '../core/base/outcome.ts';
import { problem } from '../core/base/problems.ts';
import { Assembly, type Part } from '../wire/parts.ts';
import type { Codec, WireLimits, WireMessage } from '../wire/wire.ts';

/**
 * Limit: what is read of somebody who has not said who it is. A handshake needs far less; a client that speaks JSON to a
 * node without a key may leave it away and begin with a call.
 */
const STRANGER_FRAME_BYTES_MAX = 16 * 1024;
export const STRANGER_BYTES_MAX = 64 * 1024;
const STRANGER_FRAMES_MAX = 16;

/** What comes on a link and is not simply a message of somebody who is known. */
export class Incoming {
  readonly #codec: Codec;
  #limits: WireLimits | undefined;
  #assembly: Assembly | undefined;

  constructor(codec: Codec) {
    this.#codec = codec;
  }

  /** Reads what somebody sends before it is known who that is. */
  strange(data: Uint8Array | string): Outcome<readonly WireMessage[]> {
    const json = this.#codec.protocol === 'mpreg.v1.json';
    const frameBytesMax = json ? STRANGER_BYTES_MAX : STRANGER_FRAME_BYTES_MAX;
    if (data.length > frameBytesMax) {
      const message = `${data.length} bytes came before the handshake, which takes ${frameBytesMax}`;
      return failed(problem('protocol-violated', message));
    }
    return this.#codec.decode(data, { frameBytesMax, framesMax: STRANGER_FRAMES_MAX });
  }

  /** Both sides have said that they take parts. */
  takeParts(limits: WireLimits): void {
    this.#limits = { ...limits, framesMax: 1 };
    this.#assembly = new Assembly(limits.frameBytesMax);
  }

  /** The message that a part makes whole, if it does. */
  join(part: Part): Outcome<readonly WireMessage[]> {
    if (this.#assembly === undefined || this.#limits === undefined) {
      return failed(problem('protocol-violated', 'parts were not agreed on'));
    }
    const frame = this.#assembly.take(part);
    if (!frame.ok) return frame;
    if (frame.value === undefined) return NOTHING;
    const decoded = this.#codec.decode(frame.value, this.#limits);
    if (!decoded.ok || decoded.value.every(({ kind }) => kind !== 'part')) return decoded;
    return failed(problem('protocol-violated', 'parts hold a part'));
  }
}

const NOTHING: Outcome<readonly WireMessage[]> = { ok: true, value: [] };
