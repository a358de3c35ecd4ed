/**
 * The simulated network: dials and links between machines that may be blocked, dark or slow.
 *
 * It behaves as TCP does where that hurts: a blocked way stalls silently and both ends believe in their link until one
 * of them gives up; a machine without power answers nothing; one that has come back answers data of old links with a
 * reset; a process that is stopped keeps its links but shakes no hands.
 *
 * It does not lose, double or reorder messages within a link, because TCP does not.
 */
import type { Address, DialId, LinkId } from '../core/base/ids.ts';
import type { Instant } from '../core/base/instant.ts';
import type { Prng } from '../core/base/prng.ts';
import type { Peer } from '../core/links/messages.ts';
import type { Message } from '../core/node/inputs.ts';
import { digest } from './digest.ts';
import { type End, type Endpoint, type Item, Stream, type Way } from './stream.ts';
import type { Timeline } from './timeline.ts';

/** How the network is when nothing is wrong. */
export interface Weather {
  /** One way, in milliseconds, from and to. */
  readonly latencyMs: readonly [number, number];
  readonly bytesPerMs: number;
  /** How long a dial is tried. */
  readonly dialMs: number;
  /** How long a blocked link is believed in before the system gives it up, from and to. */
  readonly patienceMs: readonly [number, number];
  /** More that it takes between two machines, one way; default none. */
  readonly distanceMs?: (from: number, to: number) => number;
  /** From so many bytes on that have not arrived, a link has no room for those who can wait. Default 1 MiB. */
  readonly fullBytes?: number;
}

/** Packets are lost: the share of messages that wait for a retransmission, and for how long at most. */
export interface Storm {
  readonly share: number;
  readonly delayMs: number;
}

/** Says whether it blocks the way from one machine to another. */
export type Block = (from: number, to: number) => boolean;

interface Attempt {
  readonly by: Endpoint;
  readonly dial: DialId;
  readonly address: Address;
  readonly bridge: boolean;
  open: boolean;
}

const WAITING_BYTES_MAX = 8 * 1024 * 1024;
/** More than real connections have (`BUFFERED_HIGH` in `host/transports`): more is on its way when something breaks. */
const FULL_BYTES = 1024 * 1024;
const RETRY_MS = 1_000;

export class Network implements Way {
  readonly #timeline: Timeline;
  readonly #prng: Prng;
  readonly #weather: Weather;
  readonly #hashed: boolean;
  readonly #listeners = new Map<Address, Endpoint>();
  readonly #places = new Map<Address, number>();
  readonly #ends = new Map<LinkId, End>();
  readonly #ofEndpoint = new Map<Endpoint, Set<End>>();
  readonly #blocks = new Set<Block>();
  readonly #storms = new Set<Storm>();
  readonly #dark = new Set<number>();
  readonly #stalled = new Set<Stream>();
  readonly #vanished = new WeakSet<Endpoint>();
  #links = 0;
  readonly bytesPerMs: number;
  readonly waitingBytesMax: number = WAITING_BYTES_MAX;
  readonly fullBytes: number;
  /** Told of every message as it is sent; for statistics. */
  onSend: (from: number, message: Message, to: Endpoint) => void = () => {};

  /** `hashed`: whether every message is hashed, to see that nobody changes it and to weigh it. */
  constructor(timeline: Timeline, prng: Prng, weather: Weather, hashed = true) {
    this.#hashed = hashed;
    this.#timeline = timeline;
    this.#prng = prng;
    this.#weather = weather;
    this.bytesPerMs = weather.bytesPerMs;
    this.fullBytes = weather.fullBytes ?? FULL_BYTES;
  }

  listen(address: Address, endpoint: Endpoint): void {
    this.#listeners.set(address, endpoint);
    this.#places.set(address, endpoint.place);
  }

  /** `bridge`: a hub dials one of another cluster. */
  dial(by: Endpoint, dial: DialId, address: Address, bridge = false): void {
    const attempt: Attempt = { address, bridge, by, dial, open: true };
    this.#timeline.after(this.#weather.dialMs, () => this.#fail(attempt, false, 'no answer'));
    const to = this.#places.get(address) ?? by.place;
    this.#timeline.after(3 * this.travelMs(by.place, to), () => this.#knock(attempt));
  }

  send(link: LinkId, message: Message): void {
    const end = this.#ends.get(link);
    if (end === undefined || end.gone || !end.up) return;
    const { hash, bytes } = this.#hashed ? digest(message) : { bytes: 0, hash: undefined };
    this.onSend(end.endpoint.place, message, end.out.to.endpoint);
    end.out.send({ hash, kind: 'message', message }, bytes);
  }

  /** Whether whoever can wait with what it sends should; it is told by `drained` when there is room. */
  isFull(link: LinkId): boolean {
    return this.#ends.get(link)?.out.isFull ?? false;
  }

  /** This side of the link is not read until `release`. */
  hold(link: LinkId): void {
    const end = this.#ends.get(link);
    if (end !== undefined) end.held = true;
  }

  release(link: LinkId): void {
    const end = this.#ends.get(link);
    if (end !== undefined) readOn(end);
  }

  /** What was sent before still arrives, then the other side hears the reason. */
  close(link: LinkId, reason: string): void {
    const end = this.#ends.get(link);
    if (end === undefined || end.gone) return;
    end.out.send({ kind: 'close', reason }, 1);
    this.lost(end, reason);
  }

  /** The endpoint ends in good order: what it sent still arrives. */
  closeAll(endpoint: Endpoint, reason: string): void {
    for (const end of this.#ofEndpoint.get(endpoint) ?? []) if (end.up) end.out.send({ kind: 'close', reason }, 1);
    for (const end of this.#ofEndpoint.get(endpoint) ?? []) {
      end.gone = true;
      readOn(end);
      this.#ends.delete(end.link);
    }
    this.#ofEndpoint.delete(endpoint);
    this.vanish(endpoint);
  }

  /**
   * The endpoint is no more. Where its machine still runs, that resets its links; where the power failed, nobody is told.
   */
  vanish(endpoint: Endpoint): void {
    const silent = this.#dark.has(endpoint.place);
    this.#vanished.add(endpoint);
    for (const [address, listener] of this.#listeners) if (listener === endpoint) this.#listeners.delete(address);
    for (const end of this.#ofEndpoint.get(endpoint) ?? []) {
      end.gone = true;
      readOn(end);
      this.#ends.delete(end.link);
      if (silent) end.out.clear();
      else this.#reset(end.out.to, endpoint.place);
    }
    this.#ofEndpoint.delete(endpoint);
  }

  block(block: Block): void {
    this.#blocks.add(block);
  }

  unblock(block: Block): void {
    this.#blocks.delete(block);
    this.#resume();
  }

  /** Whether what one machine sends gets to another. */
  isOpen(from: number, to: number): boolean {
    return !this.#dark.has(from) && !this.#dark.has(to) && ![...this.#blocks].some((block) => block(from, to));
  }

  isDark(place: number): boolean {
    return this.#dark.has(place);
  }

  storm(storm: Storm): void {
    this.#storms.add(storm);
  }

  calm(storm: Storm): void {
    this.#storms.delete(storm);
  }

  /** The machine's power fails: it neither sends nor answers. */
  darken(place: number): void {
    this.#dark.add(place);
  }

  lighten(place: number): void {
    this.#dark.delete(place);
    this.#resume();
  }

  /** Breaks all links between two machines at once; both sides notice. */
  breakLinks(a: number, b: number): void {
    for (const end of [...this.#ends.values()]) {
      const near = end.endpoint.place;
      const far = end.out.to.endpoint.place;
      if (!((near === a && far === b) || (near === b && far === a))) continue;
      this.#timeline.after(this.travelMs(near, far), () => this.lost(end, 'reset'));
    }
  }

  get now(): Instant {
    return this.#timeline.now;
  }

  at(at: Instant, happen: () => void): void {
    this.#timeline.at(at, happen);
  }

  travelMs(near: number, far: number): number {
    const [from, to] = this.#weather.latencyMs;
    let ms = this.#prng.between(from, to) + (this.#weather.distanceMs?.(near, far) ?? 0);
    for (const { share, delayMs } of this.#storms) if (this.#prng.chance(share)) ms += this.#prng.between(1, delayMs);
    return ms;
  }

  blocked(from: number, to: number): boolean {
    if (this.#dark.has(from) || this.#dark.has(to)) return true;
    if (from === to) return false;
    for (const block of this.#blocks) if (block(from, to)) return true;
    return false;
  }

  stalled(stream: Stream): void {
    const since = stream.stalledAt;
    this.#stalled.add(stream);
    const [from, to] = this.#weather.patienceMs;
    this.#timeline.after(this.#prng.between(from, to), () => {
      if (stream.stalledAt !== since || since === undefined) return;
      this.lost(stream.from, 'timed out');
      stream.clear();
      this.#stalled.delete(stream);
    });
  }

  arrived(item: Item, at: End, from: End): void {
    if (at.gone) {
      from.out.clear();
      this.#reset(from, at.endpoint.place);
    } else if (item.kind === 'message') {
      at.endpoint.message(at.link, item.message);
    } else if (item.kind === 'welcome') {
      at.up = true;
      at.endpoint.linkUp(at.link, peerOf(from), at.dial);
    } else {
      this.lost(at, item.reason);
    }
  }

  lost(end: End, reason: string): void {
    if (end.gone) return;
    end.gone = true;
    readOn(end);
    this.#ends.delete(end.link);
    this.#ofEndpoint.get(end.endpoint)?.delete(end);
    if (end.up) end.endpoint.linkDown(end.link, reason);
    else if (end.dial !== undefined) end.endpoint.dialFailed(end.dial, false, reason);
  }

  /** A reset travels from the machine `from` to that end; where the way is blocked it is lost. */
  #reset(end: End, from: number): void {
    this.#timeline.after(this.travelMs(from, end.endpoint.place), () => {
      if (!this.blocked(from, end.endpoint.place)) this.lost(end, 'reset');
    });
  }

  /** The dialler's first packets have arrived, if the way is free. */
  #knock(attempt: Attempt): void {
    if (!attempt.open) return;
    const place = this.#places.get(attempt.address);
    const from = attempt.by.place;
    if (place !== undefined && (this.blocked(from, place) || this.blocked(place, from))) {
      this.#timeline.after(RETRY_MS, () => this.#knock(attempt));
      return;
    }
    const listener = this.#listeners.get(attempt.address);
    if (listener === undefined || listener === attempt.by) {
      this.#timeline.after(this.travelMs(from, place ?? from), () => this.#fail(attempt, true, 'refused'));
      return;
    }
    listener.answer(() => this.#shake(attempt, listener));
  }

  #shake(attempt: Attempt, listener: Endpoint): void {
    if (!attempt.open || this.#listeners.get(attempt.address) !== listener) return;
    if (!mayMeet(attempt, listener)) {
      this.#fail(attempt, false, 'it belongs to another cluster');
      return;
    }
    attempt.open = false;
    const near = this.#end(attempt.by, attempt.dial, attempt.bridge);
    const far = this.#end(listener, undefined, attempt.bridge);
    near.out = new Stream(near, far, this);
    far.out = new Stream(far, near, this);
    far.up = true;
    far.out.send({ kind: 'welcome' }, 1);
    listener.linkUp(far.link, peerOf(near), undefined);
    this.#timeline.after(this.#weather.dialMs, () => {
      if (!near.up) this.lost(near, 'no answer');
    });
  }

  #end(endpoint: Endpoint, dial: DialId | undefined, bridge: boolean): End {
    // Why the cast: the two ends of a link need each other; `#shake` sets `out` before anybody sees the end.
    const gone = this.#vanished.has(endpoint);
    const about = { bridge, dial, endpoint, gone };
    const end: End = { ...about, held: false, link: ++this.#links, out: undefined as never, up: false };
    if (gone) return end;
    this.#ends.set(end.link, end);
    const ends = this.#ofEndpoint.get(endpoint) ?? new Set();
    this.#ofEndpoint.set(endpoint, ends.add(end));
    return end;
  }

  #fail(attempt: Attempt, refused: boolean, reason: string): void {
    if (!attempt.open) return;
    attempt.open = false;
    attempt.by.dialFailed(attempt.dial, refused, reason);
  }

  #resume(): void {
    const stalled = [...this.#stalled];
    this.#stalled.clear();
    for (const stream of stalled) {
      stream.stalledAt = undefined;
      stream.resume(this.#prng.between(1, RETRY_MS));
    }
  }
}

/** As whom the other side meets it. */
function peerOf({ bridge, endpoint }: End): Peer {
  return (bridge ? endpoint.hub : undefined) ?? endpoint.peer;
}

/** Nodes of two clusters meet as hubs only. */
function mayMeet({ bridge, by }: Attempt, listener: Endpoint): boolean {
  if (bridge) return listener.hub !== undefined && listener.cluster !== by.cluster;
  return by.cluster === undefined || by.cluster === listener.cluster;
}

/** The two ends of a connection have links of their own; this number they share. */
export function connectionOf(link: LinkId): number {
  return Math.ceil(link / 2);
}

/** What waits on its way to an end goes on. Also where the end is gone: then it is answered with a reset. */
function readOn(end: End): void {
  if (!end.held) return;
  end.held = false;
  end.out.to.out.resume(0);
}
