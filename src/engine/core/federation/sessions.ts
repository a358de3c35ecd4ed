import { Effects } from '../base/effects.ts';
import type { NodeId } from '../base/ids.ts';
import { earlier, type Instant, NEVER } from '../base/instant.ts';
import { getOrMake } from '../base/maps.ts';
import type { Carried } from './effects.ts';
import { sizeOf as sizeOfAll } from './size-of.ts';

/**
 * Messages between two hubs that have no link to each other: each arrives once, in order, as long as both live and some way
 * leads from one to the other; hubs between them may die.
 *
 *     a                     r                     b
 *     │ ── 7, 8 ──────────► │ ── 7 ─────────────► │   n counts up within a session
 *     │                     ✝  (8 is lost)        │
 *     │ ── 8 ──────────────────── r2 ───────────► │   the way broke: all that is not acknowledged goes again, over another
 *     │ ◄───────────────────────────────── ack 8 ─│   all up to here; what came twice is thrown away
 *
 * A session begins anew, with a higher number, when its sender or its receiver does, or after one was given up.
 *
 * Invariants:
 * - a message is handed out at most once, and not before all earlier ones of its session;
 * - at most `hubsMax` hubs are heard, whatever names they use;
 * - of each session at most `windowMax` messages are on their way and `waitingMax` behind them; beyond `windowBytesMax` a message
 *   is on its way only alone;
 * - what came before what it follows takes at most `earlyBytesMax`, of all hubs together; what finds no room is not
 *   acknowledged, so it comes again;
 * - what was given up is told: as undelivered where it was never sent, else as part of a hub that is lost.
 *
 * It refuses to know ways: `transmit` effects name receivers, and who gives it the way says when that broke (`resend`).
 */
export class Sessions<Message extends Carried> {
  readonly #options: SessionsOptions;
  readonly #outgoing = new Map<NodeId, Outgoing<Message>>();
  readonly #incoming = new Map<NodeId, Incoming<Message>>();
  readonly #effects = new Effects<SessionsEffect<Message>>();
  #nextSession = 1;
  /** Of payloads that are not acknowledged, or wait. */
  #bytes = 0;
  /** Of all that waits in `early`. */
  #earlyBytes = 0;

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  /** Sessions of this life have higher numbers than those of any other. */
  start(epoch: number): void {
    this.#nextSession = epoch * 2 ** 20 + 1;
  }

  drain(): SessionsEffect<Message>[] {
    return this.#effects.drain();
  }

  /** Whether all that was sent to a hub is acknowledged. */
  isClear(hub: NodeId): boolean {
    return (this.#outgoing.get(hub)?.unacknowledged.length ?? 0) === 0;
  }

  /** Messages that are not acknowledged, or wait behind those. */
  get held(): number {
    let held = 0;
    for (const { unacknowledged, waiting } of this.#outgoing.values()) held += unacknowledged.length + waiting.length;
    return held;
  }

  /** How many bytes of payloads there is room for on the way to a hub: whoever sends asks first. */
  room(to: NodeId): number {
    const { allBytesMax, hubBytesHeldMax } = this.#options;
    return Math.min(hubBytesHeldMax - (this.#outgoing.get(to)?.bytes ?? 0), allBytesMax - this.#bytes);
  }

  /** All hubs that something was sent to, or came from. */
  peers(): readonly NodeId[] {
    return [...new Set([...this.#outgoing.keys(), ...this.#incoming.keys()])];
  }

  /** Whether anything was ever sent to or came from a hub, in this life of both. */
  knows(hub: NodeId): boolean {
    return this.#outgoing.has(hub) || this.#incoming.has(hub);
  }

  /** False where no more may wait: the message was not taken. */
  send(to: NodeId, message: Message, now: Instant): boolean {
    const out = getOrMake(this.#outgoing, to, () => this.#begin());
    const goes = out.waiting.length === 0 && this.#mayGo(out, message);
    if (!goes && out.waiting.length >= this.#options.waitingMax) return false;
    this.#count(out, sizeOf(message));
    if (goes) this.#transmit(to, out, message, now);
    else out.waiting.push(message);
    return true;
  }

  /** Everything up to `n` has arrived. */
  acknowledged(from: NodeId, session: number, n: number, now: Instant): void {
    const out = this.#outgoing.get(from);
    if (out === undefined || out.session !== session) return;
    const first = out.unacknowledged.findIndex((sent) => sent.n > n);
    const count = first === -1 ? out.unacknowledged.length : first;
    if (count === 0) return;
    for (const sent of out.unacknowledged.splice(0, count)) {
      out.bytesUnderWay -= sizeOf(sent.message);
      this.#count(out, -sizeOf(sent.message));
    }
    out.resendMs = this.#options.resendMs;
    out.resendAt = out.unacknowledged.length === 0 ? NEVER : now + out.resendMs;
    let next = 0;
    for (; next < out.waiting.length; next++) {
      const message = out.waiting[next] as Message;
      if (!this.#mayGo(out, message)) break;
      this.#transmit(from, out, message, now);
    }
    out.waiting.splice(0, next);
  }

  /** Something came from a hub: what can be handed out now, in order. */
  arrived(from: NodeId, session: number, n: number, message: Message, now: Instant): readonly Message[] {
    let into = this.#incoming.get(from);
    if (into !== undefined && session < into.session) return [];
    if (into === undefined && this.#incoming.size >= this.#options.hubsMax) return [];
    if (into === undefined || session > into.session) {
      if (into !== undefined) this.#discard(into);
      into = { ackAt: NEVER, early: new Map(), expected: 1, session, unsaid: 0 };
      this.#incoming.set(from, into);
    }
    this.#sayLater(into, n < into.expected, now);
    if (n < into.expected || n >= into.expected + this.#options.windowMax) return [];
    if (n > into.expected) {
      this.#wait(into, n, message);
      return [];
    }
    const inOrder = [message];
    into.expected++;
    for (let next = into.early.get(into.expected); next !== undefined; next = into.early.get(into.expected)) {
      this.#earlyBytes -= next.bytes;
      into.early.delete(into.expected++);
      inOrder.push(next.message);
    }
    return inOrder;
  }

  /** The way to a hub broke: what is not acknowledged goes again. */
  resend(to: NodeId, now: Instant): void {
    const out = this.#outgoing.get(to);
    if (out === undefined || out.unacknowledged.length === 0) return;
    out.resendAt = now + out.resendMs;
    for (const { n, message } of out.unacknowledged) {
      this.#effects.push({ again: true, kind: 'transmit', message, n, session: out.session, to });
    }
  }

  /**
   * A hub is lost, or begins anew. Returns what was never sent to it, and what was, and is not acknowledged.
   * Why what comes from it goes on: it may not have lost this one, and then goes on counting where it was.
   */
  drop(hub: NodeId): { readonly unsent: readonly Message[]; readonly sent: readonly Message[] } {
    const out = this.#outgoing.get(hub);
    this.#end(hub, out);
    return { sent: (out?.unacknowledged ?? []).map(({ message }) => message), unsent: out?.waiting ?? [] };
  }

  /** A hub is known no longer. */
  forget(hub: NodeId): void {
    this.#end(hub, this.#outgoing.get(hub));
    const into = this.#incoming.get(hub);
    if (into !== undefined) this.#discard(into);
    this.#incoming.delete(hub);
  }

  deadline(): Instant {
    let at = NEVER;
    for (const { resendAt } of this.#outgoing.values()) at = earlier(at, resendAt);
    for (const { ackAt } of this.#incoming.values()) at = earlier(at, ackAt);
    return at;
  }

  advance(now: Instant): void {
    for (const [to, out] of this.#outgoing) {
      if (out.resendAt > now) continue;
      out.resendMs *= 2;
      this.resend(to, now);
    }
    for (const [to, into] of this.#incoming) {
      if (into.ackAt > now) continue;
      into.ackAt = NEVER;
      into.unsaid = 0;
      this.#effects.push({ kind: 'acknowledge', n: into.expected - 1, session: into.session, to });
    }
  }

  /** Keeps what came early, where there is room. Why a copy: it is not to keep alive all that it came with. */
  #wait({ early }: Incoming<Message>, n: number, message: Message): void {
    const { payload, ...rest } = message;
    const bytes = sizeOf(message) + sizeOfAll(rest);
    if (early.has(n) || this.#earlyBytes + bytes > this.#options.earlyBytesMax) return;
    this.#earlyBytes += bytes;
    const kept = payload?.kept?.();
    early.set(n, { bytes, message: kept === undefined ? message : { ...message, payload: kept } });
  }

  #discard({ early }: Incoming<Message>): void {
    for (const { bytes } of early.values()) this.#earlyBytes -= bytes;
    early.clear();
  }

  #begin(): Outgoing<Message> {
    const { resendMs } = this.#options;
    const session = this.#nextSession++;
    return {
      bytes: 0,
      bytesUnderWay: 0,
      nextN: 1,
      resendAt: NEVER,
      resendMs,
      session,
      unacknowledged: [],
      waiting: [],
    };
  }

  #end(hub: NodeId, out: Outgoing<Message> | undefined): void {
    this.#bytes -= out?.bytes ?? 0;
    this.#outgoing.delete(hub);
  }

  #mayGo({ bytesUnderWay, unacknowledged }: Outgoing<Message>, message: Message): boolean {
    const { windowBytesMax, windowMax } = this.#options;
    if (unacknowledged.length >= windowMax) return false;
    return bytesUnderWay === 0 || bytesUnderWay + sizeOf(message) <= windowBytesMax;
  }

  #count(out: Outgoing<Message>, bytes: number): void {
    out.bytes += bytes;
    this.#bytes += bytes;
  }

  #transmit(to: NodeId, out: Outgoing<Message>, message: Message, now: Instant): void {
    const n = out.nextN++;
    if (out.unacknowledged.length === 0) out.resendAt = now + out.resendMs;
    out.unacknowledged.push({ message, n });
    out.bytesUnderWay += sizeOf(message);
    this.#effects.push({ again: false, kind: 'transmit', message, n, session: out.session, to });
  }

  /** Why later: many messages are acknowledged with one. What came twice is told at once: the sender waits for it. */
  #sayLater(into: Incoming<Message>, atOnce: boolean, now: Instant): void {
    into.unsaid++;
    const wait = atOnce || into.unsaid >= ACK_COUNT ? 0 : ACK_MS;
    into.ackAt = earlier(into.ackAt, now + wait);
  }
}

/** Numbers of sessions, as versions of records, begin with the epoch of their hub's life. */
export function lifeOf(number: number): number {
  return Math.floor(number / 2 ** 20);
}

function sizeOf({ payload }: Carried): number {
  return payload?.size ?? 0;
}

export interface SessionsOptions {
  readonly windowMax: number;
  readonly waitingMax: number;
  readonly windowBytesMax: number;
  readonly hubBytesHeldMax: number;
  readonly allBytesMax: number;
  readonly resendMs: number;
  readonly hubsMax: number;
  readonly earlyBytesMax: number;
}

export type SessionsEffect<Message> =
  | {
      readonly kind: 'transmit';
      readonly to: NodeId;
      readonly session: number;
      readonly n: number;
      readonly message: Message;
      /** It was sent before. */
      readonly again: boolean;
    }
  | { readonly kind: 'acknowledge'; readonly to: NodeId; readonly session: number; readonly n: number };

interface Outgoing<Message> {
  readonly session: number;
  nextN: number;
  /** In the order of their numbers. */
  readonly unacknowledged: { readonly n: number; readonly message: Message }[];
  readonly waiting: Message[];
  /** Of all their payloads, and of those that are not acknowledged. */
  bytes: number;
  bytesUnderWay: number;
  resendMs: number;
  resendAt: Instant;
}

interface Incoming<Message> {
  readonly session: number;
  expected: number;
  /** What came before what it follows. */
  readonly early: Map<number, { readonly bytes: number; readonly message: Message }>;
  ackAt: Instant;
  /** Arrived since the last acknowledgement. */
  unsaid: number;
}

/** Trade-off: longer or more is fewer acknowledgements, and more that is kept for nothing. */
const ACK_MS = 20;
const ACK_COUNT = 64;
