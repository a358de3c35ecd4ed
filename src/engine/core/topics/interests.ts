import type { Effects } from '../base/effects.ts';
import type { NodeId } from '../base/ids.ts';
import { earlier, type Instant, NEVER } from '../base/instant.ts';
import { Announcements } from './announcements.ts';
import type { TopicsEffect } from './effects.ts';
import type { Listeners } from './listeners.ts';
import type { Interest, InterestMessage, TopicsMessage } from './messages.ts';

/**
 * How nodes come to know what each other listens to.
 *
 *     a                                        b
 *     │ ◄──────────── have 0 ───────────────── │  a link is up: each says what it holds of the other
 *     │ ───── interest 0 → 7: all of it ─────► │
 *     │ ◄──────────── have 7 ───────────────── │  it is effective there
 *     │ ───── interest 7 → 9: what changed ──► │  sent by itself, one message at a time
 *     │ ◄──────────── have 9 ───────────────── │
 *     ·  record of a, by gossip: version 12    ·  to nodes without a link
 *     │ ◄──────────── have 9 ───────────────── │  who hears of a version that it does not get, asks
 *     │ ───── interest 9 → 12 ───────────────► │
 *
 * A node with a link is told; all others hear of the version in this node's record, and ask. While one message is on its
 * way to a node, changes are gathered, so that a slow node costs no more than a quick one.
 *
 * Invariants:
 * - what is held of a node is what it said at one version, and versions held only grow while the node is known;
 * - at most one interest message per node is unanswered, but for repetitions after `retryMs`.
 *
 * It refuses to judge who is there: a node is known between `linked` or `heard` and `gone`; others are not listened to.
 */
export class Interests {
  readonly #own: Announcements;
  readonly #listeners: Listeners;
  readonly #effects: Effects<TopicsEffect>;
  readonly #retryMs: number;
  readonly #peers = new Map<NodeId, Peer>();
  /** Who waits until all nodes have a version. */
  readonly #waiting = new Map<number, number>();
  /** Not later than the first thing that is due. */
  #dueAt: Instant = NEVER;

  constructor(version: number, listeners: Listeners, effects: Effects<TopicsEffect>, retryMs: number) {
    this.#own = new Announcements(version);
    this.#listeners = listeners;
    this.#effects = effects;
    this.#retryMs = retryMs;
  }

  get counts(): { readonly announced: number; readonly peers: number; readonly version: number } {
    return { announced: this.#own.size, peers: this.#peers.size, version: this.#own.version };
  }

  linked(node: NodeId, now: Instant): void {
    const peer = this.#know(node);
    peer.linked = true;
    peer.sentAt = NEVER;
    peer.tellAt = now + this.#retryMs;
    this.#dueAt = earlier(this.#dueAt, peer.tellAt);
    this.#ask(node, peer);
  }

  /** What was on its way may be lost; a link to come begins anew. */
  unlinked(node: NodeId): void {
    const peer = this.#peers.get(node);
    if (peer === undefined) return;
    peer.linked = false;
    peer.sentAt = NEVER;
    peer.tellAt = NEVER;
  }

  /** A node is there, and its record says that its interest is at `version`. */
  heard(node: NodeId, version: number, now: Instant): void {
    const peer = this.#know(node);
    peer.told = Math.max(peer.told, version);
    if (peer.told > peer.version && peer.askAt === NEVER) {
      // Why: to a node with a link it is on its way.
      peer.askAt = peer.linked ? now + this.#retryMs : now;
      this.#dueAt = earlier(this.#dueAt, peer.askAt);
    }
  }

  gone(node: NodeId): void {
    if (!this.#peers.delete(node)) return;
    this.#listeners.clear(node);
    this.#tellWaiting();
  }

  receive(from: NodeId, message: TopicsMessage, now: Instant): void {
    const peer = this.#peers.get(from);
    if (peer === undefined) return;
    if (message.kind === 'interest') this.#learn(from, peer, message);
    else this.#acknowledged(from, peer, message.version, now);
  }

  /** What this node listens to now; told where it is a change. */
  announce(interests: Iterable<Interest>, now: Instant): void {
    if (!this.#own.update(interests)) return;
    this.#effects.push({ kind: 'interest-version', version: this.#own.version });
    for (const [node, peer] of this.#peers) if (peer.linked && peer.sentAt === NEVER) this.#tell(node, peer, now);
  }

  /** Has `token` told once all nodes that are known now have what was announced last. */
  await(token: number): void {
    this.#waiting.set(token, this.#own.version);
    this.#tellWaiting();
  }

  /** Nobody waits for that token any more. */
  forget(token: number): void {
    this.#waiting.delete(token);
  }

  deadline(): Instant {
    return this.#dueAt;
  }

  advance(now: Instant): void {
    if (now < this.#dueAt) return;
    this.#dueAt = NEVER;
    for (const [node, peer] of this.#peers) {
      if (peer.askAt <= now) {
        this.#ask(node, peer);
        peer.askAt = now + this.#retryMs;
      }
      const again = peer.sentAt === NEVER ? peer.tellAt : peer.sentAt + this.#retryMs;
      if (again <= now) this.#tell(node, peer, now);
      this.#dueAt = earlier(this.#dueAt, earlier(peer.askAt, again <= now ? now + this.#retryMs : again));
    }
  }

  #know(node: NodeId): Peer {
    let peer = this.#peers.get(node);
    if (peer === undefined) {
      peer = { acked: 0, askAt: NEVER, linked: false, sentAt: NEVER, tellAt: NEVER, told: 0, version: 0 };
      this.#peers.set(node, peer);
    }
    return peer;
  }

  #ask(node: NodeId, { version }: Peer): void {
    this.#effects.push({ kind: 'send', message: { kind: 'interest-have', version }, to: node });
  }

  #tell(node: NodeId, peer: Peer, now: Instant): void {
    peer.sentAt = now;
    peer.tellAt = NEVER;
    this.#dueAt = earlier(this.#dueAt, now + this.#retryMs);
    this.#effects.push({ kind: 'send', message: this.#own.since(peer.acked), to: node });
  }

  #learn(node: NodeId, peer: Peer, { from, version, removed, added }: InterestMessage): void {
    const follows = from === 0 ? version > peer.version : from === peer.version && version > from;
    if (follows) {
      if (from === 0) this.#listeners.clear(node);
      for (const interest of removed) this.#listeners.remove(node, interest);
      for (const interest of added) this.#listeners.add(node, interest);
      peer.version = version;
      if (peer.version >= peer.told) peer.askAt = NEVER;
    }
    this.#ask(node, peer);
  }

  #acknowledged(node: NodeId, peer: Peer, version: number, now: Instant): void {
    peer.sentAt = NEVER;
    peer.tellAt = NEVER;
    // Why: a version that this node has not told is none of this life's; to answer it would go on for ever.
    if (version > this.#own.version) return;
    peer.acked = version;
    if (version < this.#own.version) this.#tell(node, peer, now);
    else this.#tellWaiting();
  }

  #tellWaiting(): void {
    if (this.#waiting.size === 0) return;
    let least = this.#own.version;
    for (const { acked } of this.#peers.values()) least = Math.min(least, acked);
    for (const [token, version] of this.#waiting) {
      if (version > least) continue;
      this.#waiting.delete(token);
      this.#effects.push({ kind: 'everywhere', token });
    }
  }
}

interface Peer {
  linked: boolean;
  /** Of its interest: what is held here, and the newest that gossip told of. */
  version: number;
  told: number;
  /** When to ask it for what is missing. */
  askAt: Instant;
  /** Of this node's interest: what it has said to hold. */
  acked: number;
  /** When it was told something that it has not answered. */
  sentAt: Instant;
  /**
   * When to tell it though it has not asked. It asks when its link comes up; but that may have been before it was known
   * here, and where it has known of this node all the time, it does not ask again.
   */
  tellAt: Instant;
}
