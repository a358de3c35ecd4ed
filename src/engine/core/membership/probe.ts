/**
 * Asking members whether they are there (SWIM §3.1), more patiently the worse this node feels (Lifeguard §3, LHA-Probe).
 *
 *     0            timeout                       interval
 *     ├─ ping ───────┼─ ping-req to helpers ────────┤ verdict
 *                    │  each: ping … ack, or nack   │
 *
 * Beside the regular probe of each interval there are urgent ones, for members whose link broke or who were accused.
 *
 * What it refuses to do: judge. It reports who was silent; what follows from that is said elsewhere.
 *
 * Invariants:
 * - at most one probe per target and interval, however often its link breaks;
 * - at most `urgentMax` + 1 unanswered probes, and `relaysMax` relays.
 */
import type { NodeId } from '../base/ids.ts';
import { earlier, type Instant, NEVER } from '../base/instant.ts';
import type { Prng } from '../base/prng.ts';
import type { Health } from './health.ts';
import type { MembershipMessage } from './messages.ts';
import type { MembershipOptions } from './options.ts';
import { isActive } from './precedence.ts';
import { Relays } from './relays.ts';
import type { Roster } from './roster.ts';
import { Rounds } from './rounds.ts';
import type { Voice } from './voice.ts';

interface Probe {
  readonly seq: number;
  readonly target: NodeId;
  /** The life that is probed: silence says nothing about a later one. */
  readonly incarnation: number;
  /** When helpers are asked; `NEVER` once that is done or needless. */
  askAt: Instant;
  endAt: Instant;
  helpers: NodeId[];
  readonly nacks: Set<NodeId>;
  answered: boolean;
  /** There was a new reason to probe while this one ran. */
  again: boolean;
}

export class Probing {
  readonly #options: MembershipOptions;
  readonly #roster: Roster;
  readonly #voice: Voice;
  readonly #health: Health;
  readonly #prng: Prng;
  readonly #rounds: Rounds;
  readonly #relays: Relays;
  /** By target. An answered one stays until its end, which spaces the probes of one target. */
  readonly #probes = new Map<NodeId, Probe>();
  /** To be probed before the next regular one. */
  readonly #urgent = new Set<NodeId>();
  #unanswered = 0;
  #seq = 0;
  #nextAt: Instant = NEVER;

  constructor(of: { options: MembershipOptions; roster: Roster; voice: Voice; health: Health; prng: Prng }) {
    this.#options = of.options;
    this.#roster = of.roster;
    this.#voice = of.voice;
    this.#health = of.health;
    this.#prng = of.prng;
    this.#rounds = new Rounds(of.prng);
    this.#relays = new Relays(of.options, of.voice);
  }

  /** Begins at a random moment of the interval, so that nodes started together do not probe in step. */
  start(now: Instant): void {
    this.#nextAt = now + this.#prng.between(1, this.#options.probeIntervalMs);
  }

  stop(): void {
    this.#nextAt = NEVER;
    this.abandon();
  }

  /** A member to be probed from now on, while it is active. */
  add(id: NodeId): void {
    this.#rounds.add(id);
  }

  /** Up to `count` random active members besides those `but`. */
  some(count: number, but: readonly NodeId[] = []): NodeId[] {
    return this.#rounds.some(count, (id) => !but.includes(id) && this.#isActive(id));
  }

  /** There is reason to doubt this member: probe it now, or as soon as the limits allow. */
  hurry(id: NodeId, now: Instant): void {
    const probe = this.#probes.get(id);
    if (probe === undefined) this.#urgent.add(id);
    else if (probe.answered) probe.again = true;
    this.#startUrgent(now);
  }

  /** A message to this node could not be delivered. */
  unreachable(id: NodeId, neighbours: readonly NodeId[]): void {
    const probe = this.#probes.get(id);
    if (probe !== undefined && probe.askAt !== NEVER) this.#ask(probe, neighbours);
    // A helper that nothing reaches owes no nack: its silence says nothing about this node.
    for (const other of this.#probes.values()) {
      if (other.helpers.includes(id)) other.helpers = other.helpers.filter((helper) => helper !== id);
    }
    this.#relays.unreachable(id);
  }

  receive(from: NodeId, message: MembershipMessage & { kind: 'ack' | 'nack' | 'ping-req' }, now: Instant): void {
    if (message.kind === 'ping-req') {
      this.#relays.add({ asker: from, askedAs: message.seq, target: message.target, seq: ++this.#seq }, now);
      return;
    }
    for (const probe of this.#probes.values()) {
      if (probe.seq !== message.seq || probe.answered) continue;
      if (message.kind === 'nack') {
        if (probe.helpers.includes(from)) probe.nacks.add(from);
      } else if (from === probe.target || probe.helpers.includes(from)) {
        this.#answer(probe);
        this.#startUrgent(now);
      }
      return;
    }
    if (message.kind === 'ack') this.#relays.acked(from, message.seq);
  }

  deadline(): Instant {
    let at = earlier(this.#nextAt, this.#relays.deadline());
    for (const probe of this.#probes.values()) at = earlier(at, earlier(probe.askAt, probe.endAt));
    return at;
  }

  /** Returns the members that stayed silent to the end of their probe. */
  advance(now: Instant, neighbours: readonly NodeId[]): NodeId[] {
    const silent: NodeId[] = [];
    for (const probe of this.#probes.values()) {
      if (probe.askAt <= now && probe.endAt > now) this.#ask(probe, neighbours);
      if (probe.endAt <= now && this.#end(probe)) silent.push(probe.target);
    }
    this.#relays.advance(now);
    if (this.#nextAt <= now) {
      this.#nextAt = now + this.#health.scale(this.#options.probeIntervalMs);
      const target = this.#rounds.next((id) => this.#isActive(id));
      if (target !== undefined && !this.#probes.has(target)) this.#begin(target, now);
    }
    this.#startUrgent(now);
    return silent;
  }

  /** Moves every end of patience by `ms`: this node did not run and may have heard nothing through its own fault. */
  postpone(ms: number): void {
    for (const probe of this.#probes.values()) {
      probe.endAt += ms;
      if (probe.askAt !== NEVER) probe.askAt += ms;
    }
  }

  /** Drops all probes under way without blame. */
  abandon(): void {
    this.#probes.clear();
    this.#urgent.clear();
    this.#unanswered = 0;
  }

  #begin(target: NodeId, now: Instant): void {
    const seq = ++this.#seq;
    this.#urgent.delete(target);
    this.#unanswered++;
    this.#probes.set(target, {
      seq,
      target,
      incarnation: this.#roster.get(target)?.incarnation ?? 0,
      askAt: now + this.#health.scale(this.#options.probeTimeoutMs),
      endAt: now + this.#health.scale(this.#options.probeIntervalMs),
      helpers: [],
      nacks: new Set(),
      answered: false,
      again: false,
    });
    this.#voice.send(target, { kind: 'ping', seq, target, rumors: this.#voice.piggyback(target) });
  }

  #startUrgent(now: Instant): void {
    for (const id of this.#urgent) {
      if (this.#unanswered > this.#options.urgentMax) return;
      if (this.#isActive(id) && !this.#probes.has(id)) this.#begin(id, now);
      else this.#urgent.delete(id);
    }
  }

  /** Why neighbours first: there are links to them, so that no time of the probe goes into dialling. */
  #ask(probe: Probe, neighbours: readonly NodeId[]): void {
    probe.askAt = NEVER;
    const { target, seq } = probe;
    const near = neighbours.filter((id) => id !== target && this.#roster.get(id)?.state === 'alive');
    probe.helpers = this.#prng.sample(near, this.#options.helpersMax);
    const lacking = this.#options.helpersMax - probe.helpers.length;
    if (lacking > 0) probe.helpers.push(...this.some(lacking, [target, ...probe.helpers]));
    const address = this.#roster.get(target)?.address ?? '';
    for (const helper of probe.helpers) {
      const rumors = this.#voice.piggyback(helper);
      this.#voice.send(helper, { kind: 'ping-req', seq, target, address, rumors });
    }
  }

  #answer(probe: Probe): void {
    probe.answered = true;
    probe.askAt = NEVER;
    this.#unanswered--;
    this.#health.better();
  }

  /**
   * True where the target owes an answer. A silence that every helper confirmed says nothing about this node; one that
   * nobody could confirm, or each helper that did not even say so, does (Lifeguard §3; memberlist counts the same).
   */
  #end(probe: Probe): boolean {
    this.#probes.delete(probe.target);
    if (probe.answered) {
      if (probe.again) this.#urgent.add(probe.target);
      return false;
    }
    this.#unanswered--;
    const { target, incarnation } = probe;
    if (!this.#isActive(target) || this.#roster.get(target)?.incarnation !== incarnation) return false;
    this.#health.worse(probe.helpers.length === 0 ? 1 : probe.helpers.length - probe.nacks.size);
    return true;
  }

  #isActive(id: NodeId): boolean {
    const member = this.#roster.get(id);
    return member !== undefined && id !== this.#roster.self && isActive(member);
  }
}
