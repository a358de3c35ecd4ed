/** Two links that are joined by connections through which the test lets pass what it likes. */
import type { Problem } from '../../src/engine/core/base/problems.ts';
import type { Message } from '../../src/engine/core/node/inputs.ts';
import { systemDigest } from '../../src/engine/host/digest.ts';
import type { Connection, ConnectionEvents, Subprotocol } from '../../src/engine/host/ports.ts';
import { byteLength } from '../../src/engine/host/transports/buffering.ts';
import { WireCounters } from '../../src/engine/host/wire-counters.ts';
import { WireLink } from '../../src/engine/host/wire-link.ts';
import { codecOf } from '../../src/engine/wire/codecs.ts';
import { Acceptor, Dialler, type HandshakeSide } from '../../src/engine/wire/handshake-sides.ts';
import { DEFAULT_LIMITS, type WireMessage } from '../../src/engine/wire/wire.ts';

/** One end; what it sends stays here until the test lets it pass. */
export class Valve implements Connection {
  readonly protocol: Subprotocol;
  readonly remote = 'test:1';
  paused = false;
  ended: string | undefined;
  other!: Valve;
  /** Every message that was sent, as the codec reads it. */
  readonly said: WireMessage[] = [];
  readonly #queue: (Uint8Array | string)[] = [];
  #events: ConnectionEvents | undefined;
  #bytes = 0;
  #full = false;
  #closing: string | undefined;

  constructor(protocol: Subprotocol) {
    this.protocol = protocol;
  }

  get buffered(): number {
    return this.#bytes;
  }

  own(events: ConnectionEvents): void {
    this.#events = events;
  }

  limit(): void {}

  send(data: Uint8Array | string, bufferedMax = 1024 * 1024): boolean {
    if (this.ended !== undefined || this.#closing !== undefined) return true;
    const decoded = codecOf(this.protocol).decode(data, DEFAULT_LIMITS);
    if (decoded.ok) this.said.push(...decoded.value);
    this.#queue.push(data);
    this.#bytes += byteLength(data);
    if (this.#bytes <= bufferedMax) return true;
    this.#full = true;
    return false;
  }

  /** Lets so many messages pass. */
  pass(count = Number.POSITIVE_INFINITY): void {
    for (let n = 0; n < count && this.#queue.length > 0; n++) {
      const data = this.#queue.shift() as Uint8Array | string;
      this.#bytes -= byteLength(data);
      this.other.#events?.message(data);
    }
    if (this.#queue.length > 0) return;
    if (this.#closing !== undefined) return this.destroy(this.#closing);
    if (!this.#full) return;
    this.#full = false;
    this.#events?.drained();
  }

  /** Something comes from the other side that no link has sent. */
  bring(...messages: readonly WireMessage[]): void {
    const batch = codecOf(this.protocol).batch(DEFAULT_LIMITS);
    for (const message of messages) batch.add(message);
    this.#events?.message(batch.take() as Uint8Array | string);
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  close(reason: string): void {
    this.#closing ??= reason;
  }

  destroy(reason: string): void {
    for (const end of [this, this.other]) {
      if (end.ended !== undefined) continue;
      end.ended = reason;
      end.#bytes = 0;
      end.#events?.closed(reason);
    }
  }
}

export interface JoinedEnd {
  readonly link: WireLink;
  readonly valve: Valve;
  readonly counters: WireCounters;
  readonly heard: Message[];
  readonly ends: { readonly reason: string; readonly why: Problem | undefined }[];
}

export interface JoinedOptions {
  readonly role?: 'client' | 'peer';
  readonly protocol?: Subprotocol;
  /** The dialler is of a version that knows nothing of parts. */
  readonly older?: boolean;
}

/** `acceptor` is the node that was dialled: to it, the other one is a client or a peer. */
export function joinedLinks({ role = 'peer', protocol = 'mpreg.v1', older = false }: JoinedOptions = {}) {
  const { frameBytesMax } = DEFAULT_LIMITS;
  const node = { id: '01K0A3YQ8ZC5N7W2V4X6T9R1B0', name: 'alpha' };
  const accepting = { cluster: 'c', digest: systemDigest, frameBytesMax, json: protocol === 'mpreg.v1.json', node };
  const peer =
    role === 'client'
      ? ({ name: 'notebook', role } as const)
      : ({ address: 'ws://b:1', id: '01K0A3YQ8ZC5N7W2V4X6T9R1B1', name: 'beta', role } as const);
  const valves = [new Valve(protocol), new Valve(protocol)] as const;
  valves[0].other = valves[1];
  valves[1].other = valves[0];
  const acceptor = endOf(valves[0], new Acceptor({ ...accepting, nonce: 'A'.repeat(43) }));
  const options = { address: 'ws://a:1', cluster: 'c', digest: systemDigest, frameBytesMax, peer };
  const dialler = new Dialler({ ...options, nonce: 'B'.repeat(43) });
  return { acceptor, dialler: endOf(valves[1], older ? withoutFeatures(dialler) : dialler) };
}

function endOf(valve: Valve, handshake: HandshakeSide): JoinedEnd {
  const counters = new WireCounters();
  const heard: Message[] = [];
  const ends: JoinedEnd['ends'] = [];
  const options = { handshake, handshakeMsMax: 10_000, limits: DEFAULT_LIMITS, role: 'peer' } as const;
  const link = new WireLink(valve, options, counters, {
    closed: (_link, reason, why) => ends.push({ reason, why }),
    established: () => undefined,
    message: (_link, message) => heard.push(message),
  });
  return { counters, ends, heard, link, valve };
}

function withoutFeatures(side: HandshakeSide): HandshakeSide {
  return {
    begin: () => side.begin(),
    receive: (message) => {
      if (message.kind !== 'hello') return side.receive(message);
      const { features: _, ...hello } = message;
      return side.receive(hello);
    },
  };
}

/** Lets both say what they have to say until nobody has anything to say. */
export async function settle(...ends: readonly JoinedEnd[]): Promise<void> {
  for (let quiet = 0; quiet < 3; ) {
    await turn();
    const busy = ends.some(({ valve }) => valve.buffered > 0);
    for (const { valve } of ends) valve.pass();
    quiet = busy ? 0 : quiet + 1;
  }
}

export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
