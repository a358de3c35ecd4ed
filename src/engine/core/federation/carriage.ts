import { Alarms } from '../base/alarms.ts';
import type { Effects } from '../base/effects.ts';
import type { NodeId } from '../base/ids.ts';
import { earlier, type Instant, NEVER } from '../base/instant.ts';
import type { Carried, FederationEffect } from './effects.ts';
import { type FederationMessage, isAck, type Over } from './messages.ts';
import { lifeOf, Sessions, type SessionsOptions } from './sessions.ts';
import type { StandingWay, Ways } from './ways.ts';

export interface CarriageParts<Message extends Carried> {
  readonly self: NodeId;
  readonly cluster: () => string;
  readonly ways: Ways;
  readonly options: SessionsOptions & { readonly partedMs: number; readonly hopsMax: number };
  readonly effects: Effects<FederationEffect<Message>>;
  /** Gives something to a neighbour; false where there is no link to it. */
  readonly give: (to: NodeId, message: FederationMessage | Message) => boolean;
  readonly nameOf: (hub: NodeId) => string;
  /** Which life of this hub it is. */
  readonly ownLife: () => number;
}

/**
 * Carries messages between hubs, over the ways of now: those of this hub's own sessions, and those that others send through it.
 *
 * Invariants:
 * - what was sent to one life of a hub is not handed out by the next;
 * - nothing is passed on to a hub that has had it, nor over more than `hopsMax` links;
 * - whatever this hub sent and nobody acknowledged goes again when a link of its way is gone or was made anew;
 * - a hub to which no way has led for `partedMs` is told as lost, once.
 */
export class Carriage<Message extends Carried> {
  readonly #parts: CarriageParts<Message>;
  readonly #sessions: Sessions<Message>;
  /** The ways on which something travels that is not acknowledged. */
  readonly #inUse = new Map<NodeId, Set<StandingWay>>();
  /** When hubs to which no way leads are lost. */
  readonly #parted = new Alarms<NodeId>();
  /** Those that were told as lost, until a way leads there again, or something comes from there. */
  readonly #gone = new Set<NodeId>();
  /** Those to which something waits for a way. */
  readonly #stalled = new Set<NodeId>();
  /** The lives of the hubs that have a record, or have sent something in a later life than that. */
  readonly #lives = new Map<NodeId, number>();
  sent = 0;
  arrived = 0;
  relayed = 0;
  failed = 0;

  constructor(parts: CarriageParts<Message>) {
    this.#parts = parts;
    this.#sessions = new Sessions(parts.options);
  }

  start(epoch: number): void {
    this.#sessions.start(epoch);
  }

  /** Whether calls of hubs may be under way with that one. */
  knows(hub: NodeId): boolean {
    return this.#sessions.knows(hub);
  }

  /** Messages that are not acknowledged, or wait, and ways on which they are. */
  get held(): number {
    let held = this.#sessions.held + this.#parted.size + this.#stalled.size;
    for (const used of this.#inUse.values()) held += used.size;
    return held;
  }

  get counts(): { readonly arrived: number; readonly failed: number; readonly relayed: number; readonly sent: number } {
    const { arrived, failed, relayed, sent } = this;
    return { arrived, failed, relayed, sent };
  }

  /** See `Sessions.room`. */
  room(to: NodeId): number {
    return this.#sessions.room(to);
  }

  send(to: NodeId, message: Message, now: Instant): void {
    const { ways } = this.#parts;
    if (ways.to(to) === undefined && (this.#gone.has(to) || !this.#sessions.knows(to))) {
      this.#undelivered(to, message, `no way leads to ${this.#parts.nameOf(to)}`);
    } else if (this.#sessions.send(to, message, now)) {
      this.sent++;
      this.#transmit(now);
    } else {
      this.#undelivered(to, message, `too much waits for ${this.#parts.nameOf(to)}`);
    }
  }

  /** Something came over a link that has a way in its header: what is to be handed out here. */
  carry(message: Message | Ack, now: Instant): readonly Arrived<Message>[] {
    const { over } = message;
    const { self } = this.#parts;
    if (over === undefined || over.ahead[0] !== self || over.passed.includes(self)) {
      this.failed++;
      return [];
    }
    if (over.to !== self) {
      this.#relay(message, over);
      return [];
    }
    if (isAck(message)) {
      this.#sessions.acknowledged(over.from, over.session, over.n, now);
      if (this.#sessions.isClear(over.from)) this.#inUse.delete(over.from);
      this.#transmit(now);
      return [];
    }
    if (over.life !== this.#parts.ownLife()) {
      this.failed++;
      return [];
    }
    this.#heard(over.from, lifeOf(over.session), now);
    const inOrder = this.#sessions.arrived(over.from, over.session, over.n, message, now);
    this.arrived += inOrder.length;
    return inOrder.map((arrived) => ({ message: arrived, over }));
  }

  /** The ways are different now. */
  changed(now: Instant): void {
    const { ways, options } = this.#parts;
    for (const [hub, used] of this.#inUse) {
      const broken = [...used].filter((way) => !ways.stands(way));
      for (const way of broken) used.delete(way);
      if (broken.length > 0) this.#stalled.add(hub);
    }
    for (const hub of this.#stalled) {
      if (ways.to(hub) === undefined) continue;
      this.#stalled.delete(hub);
      this.#sessions.resend(hub, now);
    }
    for (const hub of this.#sessions.peers()) {
      if (ways.to(hub) !== undefined) {
        this.#parted.clear(hub);
        this.#gone.delete(hub);
      } else if (!this.#gone.has(hub) && this.#parted.of(hub) === NEVER) {
        this.#parted.set(hub, now + options.partedMs);
        this.#parts.effects.push({ hub, kind: 'parted', name: this.#parts.nameOf(hub) });
      }
    }
    this.#transmit(now);
  }

  /** The record of a hub is of this life: where that is another one than before, what was sent to that one is in doubt. */
  lives(hub: NodeId, life: number, now: Instant): void {
    const before = this.#lives.get(hub);
    if (before !== undefined && before >= life) return;
    this.#lives.set(hub, life);
    if (before !== undefined) this.lost(hub, `${this.#parts.nameOf(hub)} has begun anew`, now);
  }

  /** A hub begins anew, or is gone for good: what was sent there is in doubt. */
  lost(hub: NodeId, reason: string, now: Instant, mayReturn = false): void {
    this.#parted.clear(hub);
    if (!this.#sessions.knows(hub)) return;
    this.#inUse.delete(hub);
    this.#stalled.delete(hub);
    const { sent, unsent } = this.#sessions.drop(hub);
    for (const message of unsent) this.#undelivered(hub, message, reason);
    this.#parts.effects.push({ hub, inDoubt: sent, kind: 'lost', mayReturn, name: this.#parts.nameOf(hub), reason });
    this.#transmit(now);
  }

  /** A hub is known no longer. */
  forget(hub: NodeId, now: Instant): void {
    this.lost(hub, 'nothing has been heard of it for too long', now);
    this.#sessions.forget(hub);
    this.#gone.delete(hub);
    this.#lives.delete(hub);
  }

  deadline(): Instant {
    return earlier(this.#sessions.deadline(), this.#parted.deadline());
  }

  advance(now: Instant): void {
    this.#sessions.advance(now);
    for (let hub = this.#parted.due(now); hub !== undefined; hub = this.#parted.due(now)) {
      this.#gone.add(hub);
      const { nameOf, options } = this.#parts;
      this.lost(hub, `no way has led to ${nameOf(hub)} for ${options.partedMs} ms`, now, true);
    }
    this.#transmit(now);
  }

  /** Gives what the sessions want sent to the first hub of its way. What has none waits: it goes again when there is one. */
  #transmit(_now: Instant): void {
    const { self, cluster, ways, give } = this.#parts;
    for (const effect of this.#sessions.drain()) {
      const { to, session, n } = effect;
      const way = ways.to(to);
      if (way === undefined) {
        if (effect.kind === 'transmit') this.#stalled.add(to);
        continue;
      }
      const life = this.#lives.get(to) ?? 0;
      const over: Over = { ahead: way.hubs, cluster: cluster(), from: self, life, n, passed: [self], session, to };
      const first = way.hubs[0] as NodeId;
      if (effect.kind === 'acknowledge') give(first, { kind: 'hub-ack', over });
      else {
        this.#use(to, way);
        give(first, { ...effect.message, over });
      }
    }
  }

  #use(to: NodeId, way: StandingWay): void {
    const used = this.#inUse.get(to);
    if (used === undefined) this.#inUse.set(to, new Set([way]));
    else used.add(way);
  }

  /**
   * Something came from a hub, though no way may lead there yet: what is said to it is to wait for one.
   * Why its life is looked at: what it sends may come before its record, and the record is not to end what has come since.
   */
  #heard(from: NodeId, life: number, now: Instant): void {
    if (this.#lives.has(from)) this.lives(from, life, now);
    if (!this.#gone.delete(from) || this.#parts.ways.to(from) !== undefined) return;
    this.#parted.set(from, now + this.#parts.options.partedMs);
  }

  /** The next hub of its way, or another way where that one is gone. What finds none is sent again by its sender. */
  #relay(message: Message | Ack, over: Over): void {
    const { self, ways, give, options } = this.#parts;
    const passed = [...over.passed, self];
    const ahead = over.ahead.slice(1);
    const isSound = passed.length + ahead.length <= options.hopsMax + 1 && !ahead.some((hub) => passed.includes(hub));
    const next = ahead[0];
    if (isSound && next !== undefined && give(next, { ...message, over: { ...over, ahead, passed } })) {
      this.relayed++;
      return;
    }
    const around = ways.around(over.to, passed);
    const first = around?.[0];
    if (
      around !== undefined &&
      first !== undefined &&
      give(first, { ...message, over: { ...over, ahead: around, passed } })
    )
      this.relayed++;
    else this.failed++;
  }

  #undelivered(to: NodeId, message: Message, reason: string): void {
    this.failed++;
    this.#parts.effects.push({ kind: 'undelivered', message, reason, to });
  }
}

type Ack = Extract<FederationMessage, { readonly kind: 'hub-ack' }>;

/** All that is handed out at once has come from the same hub. */
export interface Arrived<Message> {
  readonly message: Message;
  readonly over: Over;
}
