/**
 * Nodes of one process, joined by a `MemoryNetwork`: the same contract as WebSocket, without sockets.
 *
 * Messages are copied and arrive in order, each turn of the loop delivering what was sent before it, so that no sender
 * ever runs inside its receiver. What it refuses to do: lose, delay or reorder anything; for that there is the simulator.
 */
import type { Address } from '../../core/base/ids.ts';
import { problemError } from '../../problem-error.ts';
import {
  type Connection,
  type ConnectionEvents,
  DialError,
  type DialOptions,
  type Listener,
  type ListenOptions,
  type Subprotocol,
  type Transport,
} from '../ports.ts';
import { BUFFERED_HIGH, byteLength, CLOSE_MS_MAX } from './buffering.ts';

const FIRST_PORT = 1024;
const PORTS_END = 2 ** 16;

/** Who listens where. Transports that share one can reach each other. */
export class MemoryNetwork {
  readonly listeners = new Map<Address, MemoryListener>();
  #port = FIRST_PORT;
  #dialled = 0;

  /** A port that was never given out before. */
  freePort(): number {
    if (this.#port === PORTS_END) throw problemError('limit-exceeded', 'this memory network has no ports left');
    return this.#port++;
  }

  /** The dialling end's name, for logs. */
  nextRemote(): string {
    return `memory:${++this.#dialled}`;
  }
}

export class MemoryTransport implements Transport {
  readonly #network: MemoryNetwork;

  constructor(network: MemoryNetwork) {
    this.#network = network;
  }

  async listen(options: ListenOptions): Promise<Listener> {
    const listener = new MemoryListener(this.#network, options);
    if (this.#network.listeners.has(listener.url))
      throw problemError('address-in-use', `${listener.url} is taken by another listener`);
    this.#network.listeners.set(listener.url, listener);
    return listener;
  }

  async dial(address: Address, options: DialOptions): Promise<Connection> {
    await turn();
    if (options.signal?.aborted) throw new DialError(`the attempt to reach ${address} was given up`, false);
    const listener = this.#network.listeners.get(address.replace(/\/$/, ''));
    if (listener === undefined) throw new DialError(`nobody listens at ${address}`, true);
    return listener.meet(options);
  }
}

class MemoryListener implements Listener {
  readonly port: number;
  readonly url: Address;
  readonly #network: MemoryNetwork;
  readonly #options: ListenOptions;
  #connections = 0;

  constructor(network: MemoryNetwork, options: ListenOptions) {
    this.#network = network;
    this.#options = options;
    this.port = options.port === 0 ? network.freePort() : options.port;
    this.url = `ws://${options.host}:${this.port}`;
  }

  /** Makes both ends; the dialling one is the answer. */
  meet({ protocol, messageBytesMax }: DialOptions): MemoryConnection {
    const { connectionsMax, messageBytesMax: takes, accept, refused } = this.#options;
    if (this.#connections >= connectionsMax) {
      const why = `all ${connectionsMax} connections of this node are taken`;
      refused?.(why);
      throw new DialError(`${this.url} refused: ${why}`, false);
    }
    this.#connections++;
    const here = new MemoryConnection(protocol, this.#network.nextRemote(), takes, () => {
      this.#connections--;
    });
    const there = new MemoryConnection(protocol, this.url.slice('ws://'.length), messageBytesMax, () => undefined);
    here.join(there);
    there.join(here);
    accept(here);
    return there;
  }

  async close(): Promise<void> {
    if (this.#network.listeners.get(this.url) === this) this.#network.listeners.delete(this.url);
  }
}

/** A sent message, or the wish to close. */
type Parcel = { readonly data: Uint8Array | string; readonly size: number } | { readonly closing: string };

class MemoryConnection implements Connection {
  readonly protocol: Subprotocol;
  readonly remote: string;
  #takes: number;
  readonly #freed: () => void;
  #other!: MemoryConnection;
  #events: ConnectionEvents | undefined;
  /** Sent by the other end, not yet delivered to this one's owner. */
  #inbox: Parcel[] = [];
  /** Bytes in the inbox. */
  #inboxBytes = 0;
  #paused = false;
  #scheduled = false;
  /** This side's `send` has answered false and `drained` has not come yet. */
  #full = false;
  #closing: string | undefined;
  #closed: string | undefined;
  /** Whether the owner has heard `closed`. */
  #told = false;
  #closeTimer: NodeJS.Timeout | undefined;

  constructor(protocol: Subprotocol, remote: string, takes: number, freed: () => void) {
    this.protocol = protocol;
    this.remote = remote;
    this.#takes = takes;
    this.#freed = freed;
  }

  join(other: MemoryConnection): void {
    this.#other = other;
  }

  get buffered(): number {
    return this.#other.#inboxBytes;
  }

  own(events: ConnectionEvents): void {
    this.#events = events;
    if (this.#closed !== undefined) setImmediate(() => this.#tell());
    this.#schedule();
  }

  limit(messageBytesMax: number): void {
    this.#takes = messageBytesMax;
  }

  send(data: Uint8Array | string, bufferedMax = BUFFERED_HIGH): boolean {
    if (this.#closed !== undefined || this.#closing !== undefined) return true;
    const size = byteLength(data);
    this.#other.#put({ data: typeof data === 'string' ? data : data.slice(), size }, size);
    if (this.buffered <= bufferedMax) return true;
    this.#full = true;
    return false;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#schedule();
  }

  close(reason: string): void {
    if (this.#closing !== undefined || this.#closed !== undefined) return;
    this.#closing = reason;
    this.#other.#put({ closing: reason }, 0);
    this.#closeTimer = setTimeout(() => this.#cut(reason, 'the connection broke'), CLOSE_MS_MAX);
  }

  destroy(reason: string): void {
    this.#closing ??= reason;
    this.#cut(this.#closing, 'the connection broke');
  }

  #put(parcel: Parcel, size: number): void {
    this.#inbox.push(parcel);
    this.#inboxBytes += size;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#paused || this.#events === undefined || this.#inbox.length === 0) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#deliver();
    });
  }

  /** Delivers what was there when the turn began; what is sent meanwhile waits for the next. */
  #deliver(): void {
    for (let left = this.#inbox.length; left > 0 && !this.#paused && this.#closed === undefined; left--) {
      const parcel = this.#inbox.shift() as Parcel;
      if ('closing' in parcel) {
        this.#cut(this.#closing ?? parcel.closing, parcel.closing);
        return;
      }
      this.#inboxBytes -= parcel.size;
      if (parcel.size > this.#takes) {
        this.#tooLarge();
        return;
      }
      if (this.#closing === undefined) this.#events?.message(parcel.data);
      this.#other.#emptied();
    }
    this.#schedule();
  }

  #tooLarge(): void {
    this.#cut('the other side sent a message over the limit', 'the other side refused a message over its limit');
  }

  #emptied(): void {
    if (!this.#full || this.buffered > 0) return;
    this.#full = false;
    if (this.#closing === undefined && this.#closed === undefined) this.#events?.drained();
  }

  /** Ends both sides, each with its own reason, in a turn of its own. */
  #cut(here: string, there: string): void {
    this.#gone(here);
    this.#other.#gone(this.#other.#closing ?? there);
  }

  #gone(reason: string): void {
    if (this.#closed !== undefined) return;
    this.#closed = reason;
    this.#inbox = [];
    this.#inboxBytes = 0;
    clearTimeout(this.#closeTimer);
    setImmediate(() => {
      this.#freed();
      this.#tell();
    });
  }

  #tell(): void {
    if (this.#told || this.#closed === undefined || this.#events === undefined) return;
    this.#told = true;
    this.#events.closed(this.#closed);
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
