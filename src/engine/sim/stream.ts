/**
 * One direction of one link: ordered and reliable, as TCP is. What is sent arrives later, in order, or not at all once
 * the link is broken; while the way is blocked it waits, as retransmission makes it wait.
 *
 *   sender ──[ 7 6 5 ]── latency, bandwidth ──► receiver
 *               │
 *               └─ way blocked: stalls; freed: goes on within a retransmission time; blocked too long: gives up
 */
import { assert } from '../core/base/assert.ts';
import type { DialId, LinkId } from '../core/base/ids.ts';
import type { Instant } from '../core/base/instant.ts';
import type { HubPeer, Peer } from '../core/links/messages.ts';
import type { Message } from '../core/node/inputs.ts';
import { digest } from './digest.ts';

/** Something with links: a process of a node, or a client. */
export interface Endpoint {
  /** The machine it runs on. */
  readonly place: number;
  readonly peer: Peer;
  /** Absent: a client, of no cluster. */
  readonly cluster?: string;
  /** As whom it meets hubs of other clusters, where it is one. */
  readonly hub?: HubPeer;
  /** Calls `then` as soon as the process has time to shake hands; never, where it has ended. */
  answer(then: () => void): void;
  linkUp(link: LinkId, peer: Peer, dial: DialId | undefined): void;
  linkDown(link: LinkId, reason: string): void;
  dialFailed(dial: DialId, refused: boolean, reason: string): void;
  message(link: LinkId, message: Message): void;
  /** What it sends has room again, after the network said that it had none. */
  drained(link: LinkId): void;
}

/** One endpoint's end of a link. */
export interface End {
  readonly link: LinkId;
  readonly endpoint: Endpoint;
  /** Set where this end dialled; it is up only once the welcome has arrived. */
  readonly dial: DialId | undefined;
  /** It is a bridge between hubs. */
  readonly bridge: boolean;
  up: boolean;
  /** This side is done with the link: it sends nothing, and what arrives is answered with a reset. */
  gone: boolean;
  /** This side reads nothing: what comes waits on its way. */
  held: boolean;
  out: Stream;
}

/** What travels: a message, or the handshake's last word, or the orderly end. */
export type Item =
  | { readonly kind: 'message'; readonly message: Message; readonly hash: number | undefined }
  | { readonly kind: 'welcome' }
  | { readonly kind: 'close'; readonly reason: string };

interface OnItsWay {
  readonly item: Item;
  readonly arrivesAt: Instant;
  readonly bytes: number;
}

/** What a stream needs of its network. */
export interface Way {
  readonly now: Instant;
  at(at: Instant, happen: () => void): void;
  /** How long this item is under way, in milliseconds, waiting not included. */
  travelMs(from: number, to: number): number;
  readonly bytesPerMs: number;
  /** Most bytes that wait for a blocked way; more breaks the link. */
  readonly waitingBytesMax: number;
  /** From so many bytes on that have not arrived, a stream is full, until half of them have. */
  readonly fullBytes: number;
  blocked(from: number, to: number): boolean;
  stalled(stream: Stream): void;
  arrived(item: Item, at: End, from: End): void;
  /** The sender loses the link. */
  lost(end: End, reason: string): void;
}

export class Stream {
  readonly from: End;
  readonly to: End;
  readonly #way: Way;
  #queue: OnItsWay[] = [];
  #clearAt: Instant = 0;
  #lastAt: Instant = 0;
  #waitingBytes = 0;
  #full = false;
  #planned = false;
  /** When it last began to stall; undefined while it flows. */
  stalledAt: Instant | undefined;

  constructor(from: End, to: End, way: Way) {
    this.from = from;
    this.to = to;
    this.#way = way;
  }

  /** Whether a sender that can wait should. */
  get isFull(): boolean {
    return this.#full;
  }

  send(item: Item, bytes: number): void {
    const { now, bytesPerMs, fullBytes, waitingBytesMax } = this.#way;
    this.#clearAt = Math.max(this.#clearAt, now) + Math.floor(bytes / bytesPerMs);
    this.#lastAt = Math.max(
      this.#lastAt,
      this.#clearAt + this.#way.travelMs(this.from.endpoint.place, this.to.endpoint.place),
    );
    this.#queue.push({ item, bytes, arrivesAt: this.#lastAt });
    this.#waitingBytes += bytes;
    if (this.#waitingBytes > fullBytes) this.#full = true;
    // Why not at once: whoever sends is in the middle of something, and hears of its links between two things only.
    if (this.#waitingBytes > waitingBytesMax) this.#way.at(now, () => this.#way.lost(this.from, 'too much waits'));
    else this.#plan(this.#lastAt);
  }

  /** The way is free again, or the other side reads again: tries after `delayMs`. */
  resume(delayMs: number): void {
    if (this.#queue.length > 0) this.#plan(this.#way.now + delayMs);
  }

  /** Nothing more arrives. */
  clear(): void {
    this.#queue = [];
    this.#waitingBytes = 0;
    this.#full = false;
    this.stalledAt = undefined;
  }

  #plan(at: Instant): void {
    if (this.#planned) return;
    this.#planned = true;
    this.#way.at(at, () => {
      this.#planned = false;
      this.#arrive();
    });
  }

  #arrive(): void {
    const head = this.#queue[0];
    if (head === undefined || this.to.held) return;
    if (this.#way.blocked(this.from.endpoint.place, this.to.endpoint.place)) {
      if (this.stalledAt === undefined) {
        this.stalledAt = this.#way.now;
        this.#way.stalled(this);
      }
      return;
    }
    this.stalledAt = undefined;
    this.#queue.shift();
    this.#waitingBytes -= head.bytes;
    const next = this.#queue[0];
    if (next !== undefined) this.#plan(Math.max(next.arrivesAt, this.#way.now));
    this.#drain();
    if (head.item.kind === 'message' && head.item.hash !== undefined) {
      assert(digest(head.item.message).hash === head.item.hash, 'a message is not changed after it was sent');
    }
    this.#way.arrived(head.item, this.to, this.from);
  }

  #drain(): void {
    if (!this.#full || this.#waitingBytes > this.#way.fullBytes / 2) return;
    this.#full = false;
    const { from } = this;
    this.#way.at(this.#way.now, () => {
      if (!from.gone) from.endpoint.drained(from.link);
    });
  }
}
