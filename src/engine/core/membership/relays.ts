/**
 * Pinging for others (SWIM §3.1), and telling them when the target is silent (Lifeguard §3: the nack), so that they can
 * tell its silence from their own deafness.
 *
 * Invariant: waiting relays lie in the order of their times, which all have the same length: the first is due first.
 */
import type { NodeId } from '../base/ids.ts';
import { earlier, type Instant, NEVER } from '../base/instant.ts';
import type { MembershipOptions } from './options.ts';
import type { Voice } from './voice.ts';

interface Asked {
  readonly asker: NodeId;
  /** The asker's number for it. */
  readonly askedAs: number;
  readonly target: NodeId;
  /** Ours. */
  readonly seq: number;
}

interface Relay extends Asked {
  readonly nackAt: Instant;
  readonly endAt: Instant;
}

/** The nack comes at this share of the timeout, so that it arrives in time (Lifeguard §3). */
const NACK_SHARE = 0.8;

export class Relays {
  readonly #options: MembershipOptions;
  readonly #voice: Voice;
  /** By our number: silent so far, then those whose asker knows that. */
  readonly #waiting = new Map<number, Relay>();
  readonly #nacked = new Map<number, Relay>();

  constructor(options: MembershipOptions, voice: Voice) {
    this.#options = options;
    this.#voice = voice;
  }

  add(asked: Asked, now: Instant): void {
    const nackAt = now + Math.round(this.#options.probeTimeoutMs * NACK_SHARE);
    const relay = { ...asked, nackAt, endAt: now + this.#options.probeIntervalMs };
    this.#waiting.set(asked.seq, relay);
    const oldest = first(this.#waiting);
    if (oldest !== undefined && this.#waiting.size > this.#options.relaysMax) this.#waiting.delete(oldest.seq);
    const { target, seq } = asked;
    this.#voice.send(target, { kind: 'ping', seq, target, rumors: this.#voice.piggyback(target) });
  }

  /** The target answered our ping: pass it on, also when it comes late. */
  acked(from: NodeId, seq: number): void {
    const relay = this.#waiting.get(seq) ?? this.#nacked.get(seq);
    if (relay === undefined || relay.target !== from) return;
    this.#waiting.delete(seq);
    this.#nacked.delete(seq);
    this.#voice.send(relay.asker, { kind: 'ack', seq: relay.askedAs, rumors: this.#voice.piggyback(relay.asker) });
  }

  /** Our ping could not be delivered: no need to wait before saying so. */
  unreachable(target: NodeId): void {
    for (const relay of this.#waiting.values()) if (relay.target === target) this.#nack(relay);
  }

  deadline(): Instant {
    return earlier(first(this.#waiting)?.nackAt ?? NEVER, first(this.#nacked)?.endAt ?? NEVER);
  }

  advance(now: Instant): void {
    for (const relay of this.#waiting.values()) {
      if (relay.nackAt > now) break;
      this.#nack(relay);
    }
    for (const relay of this.#nacked.values()) {
      if (relay.endAt > now) break;
      this.#nacked.delete(relay.seq);
    }
  }

  #nack(relay: Relay): void {
    this.#waiting.delete(relay.seq);
    this.#nacked.set(relay.seq, relay);
    const oldest = first(this.#nacked);
    if (oldest !== undefined && this.#nacked.size > this.#options.relaysMax) this.#nacked.delete(oldest.seq);
    this.#voice.send(relay.asker, { kind: 'nack', seq: relay.askedAs });
  }
}

function first<Item>(map: ReadonlyMap<number, Item>): Item | undefined {
  for (const item of map.values()) return item;
  return undefined;
}
