/**
 * Who is here: SWIM (Das, Gupta, Motivala 2002) with Lifeguard (Dadgar, Phillips, Currey 2017), and anti-entropy.
 *
 * The idea: each node probes one other per interval, whatever their number. Who is silent is suspected in public, may
 * contradict for a while, and is then dead. All news rides along with the probes and with rounds of gossip, so that it
 * reaches n nodes in about log n rounds; exchanges of digests repair what was missed.
 *
 *     probe ── silent ──► suspicion ── no contradiction ──► dead ── revival: asked again ──► alive
 *       ▲                     │                                          at a higher incarnation
 *       └────── alive ◄───────┘ contradicted
 *
 * What it refuses to do: open links (it names nodes and addresses; how a message gets there is not its business), look
 * into cargo, and decide about others while it has reason to doubt itself.
 */
import type { Address, NodeId } from '../base/ids.ts';
import { earlier, type Instant, NEVER } from '../base/instant.ts';
import type { Machine } from '../base/machine.ts';
import type { Prng } from '../base/prng.ts';
import type { Cargo, Member, MembershipEffect } from './effects.ts';
import { Health } from './health.ts';
import type { CargoRumor, MembershipMessage, Rumor } from './messages.ts';
import type { MembershipOptions } from './options.ts';
import { isActive } from './precedence.ts';
import { Probing } from './probe.ts';
import { Revival } from './revival.ts';
import { Roster } from './roster.ts';
import { Rumors } from './rumors.ts';
import { Suspicions } from './suspicion.ts';
import { Sync } from './sync.ts';
import { View } from './view.ts';
import { Voice } from './voice.ts';

export type { Cargo, Member, MembershipEffect } from './effects.ts';

export interface MembershipConfig {
  readonly self: NodeId;
  readonly prng: Prng;
  readonly options: MembershipOptions;
  readonly cargo: Cargo;
}

/**
 * Membership of one node.
 *
 * Invariants:
 * - a member's incarnation never decreases; at the same incarnation its state only goes from alive towards left;
 * - only this node makes its own incarnations;
 * - nobody is declared dead by this node without a suspicion that had its full time while this node ran;
 * - no input costs more than its message is long; only joining links, anti-entropy and revival look at all members.
 */
export class Membership implements Machine<MembershipEffect> {
  readonly #self: NodeId;
  readonly #options: MembershipOptions;
  readonly #prng: Prng;
  readonly #cargo: Cargo;
  readonly #health: Health;
  readonly #roster: Roster;
  readonly #rumors: Rumors;
  readonly #suspicions: Suspicions;
  readonly #voice: Voice;
  readonly #probing: Probing;
  readonly #sync: Sync;
  readonly #revival: Revival;
  readonly #view: View;
  #phase: 'new' | 'running' | 'leaving' | 'gone' = 'new';
  #neighbours: readonly NodeId[] = [];
  /** The next round of gossip; `NEVER` while there is nothing to say or nobody to say it to. */
  #gossipAt: Instant = NEVER;
  #gossipedAt: Instant = 0;
  #syncAt: Instant = NEVER;
  #goneAt: Instant = NEVER;
  /** When this node last noticed that it runs late: what was due before is accounted for. */
  #noticedAt: Instant = 0;
  /** When anything happened here last, and when a death was put off because that was long ago. */
  #ranAt: Instant = 0;
  #doubtedAt: Instant = Number.NEGATIVE_INFINITY;
  /** The versions of cargo that the last message of an exchange brought at second hand. */
  readonly #fromSync = new Map<NodeId, number>();
  #ignored = 0;

  constructor({ self, prng, options, cargo }: MembershipConfig) {
    this.#self = self;
    this.#options = options;
    this.#prng = prng;
    this.#cargo = cargo;
    this.#health = new Health(options.healthMax);
    this.#rumors = new Rumors(({ kind, about }) => (kind === 'cargo' ? cargo.weight(about) : 1));
    this.#roster = new Roster(self);
    this.#suspicions = new Suspicions(options);
    const roster = this.#roster;
    const voice = new Voice(options, roster, this.#rumors);
    this.#voice = voice;
    this.#probing = new Probing({ options, roster, voice, health: this.#health, prng });
    this.#sync = new Sync({ options, roster, cargo, voice });
    this.#revival = new Revival(options, roster, prng);
    this.#view = new View({
      ...{ options, roster, voice, prng },
      ...{ health: this.#health, rumors: this.#rumors, suspicions: this.#suspicions, probing: this.#probing },
    });
  }

  member(id: NodeId): Member | undefined {
    return this.#roster.get(id);
  }

  /** Everybody this node has heard of, itself included, in the order in which it did. */
  members(): Iterable<Member> {
    return this.#roster.values();
  }

  /** Members alive in this node's eyes, itself included. */
  get aliveCount(): number {
    return this.#roster.aliveCount;
  }

  /** Lifeguard's local health: 0 is fine. */
  get health(): number {
    return this.#health.score;
  }

  get incarnation(): number {
    return this.#roster.get(this.#self)?.incarnation ?? 0;
  }

  /** Statements that made no sense, or were more than one message may hold. */
  get ignored(): number {
    return this.#ignored + this.#view.ignored;
  }

  /** This node is alive from now on. `incarnation` must be above all those of its former lives. */
  start(address: Address, incarnation: number, now: Instant): void {
    if (this.#phase !== 'new') return;
    this.#phase = 'running';
    this.#view.announce({ state: 'alive', incarnation, address }, now);
    this.#probing.start(now);
    this.#revival.start(now);
    // The first exchange comes soon: while many start at once, news can miss nodes that are not known yet.
    this.#syncAt =
      now + Math.round(this.#options.syncMs / 20) + this.#prng.below(Math.round(this.#options.syncMs / 20) + 1);
    this.#arm(now);
  }

  /** Where others may be: the whole list, in place of the last. */
  seeds(addresses: readonly Address[], now: Instant): void {
    this.#notice(now);
    this.#revival.seeds(addresses, now);
  }

  /** The members to which there are standing links: those who are told news. */
  neighbours(ids: readonly NodeId[], now: Instant): void {
    this.#notice(now);
    this.#neighbours = [...ids];
    this.#arm(now);
  }

  /** A link to this node came up: if it is not simply alive in this node's eyes, there is something to sort out. */
  met(id: NodeId, address: Address, now: Instant): void {
    if (this.#phase !== 'running' || id === this.#self) return;
    this.#notice(now);
    const known = this.#roster.get(id);
    if (known === undefined || !isActive(known)) {
      const linked = new Set(this.#neighbours);
      this.#view.displace(address, (other) => other === id || linked.has(other), now);
    }
    if (known?.state !== 'alive') this.#sync.ask(id);
    this.#arm(now);
  }

  /** The link to this node broke, or nobody listens at its address: a reason to look, not a verdict. */
  lost(id: NodeId, now: Instant): void {
    if (this.#phase !== 'running') return;
    this.#notice(now);
    this.#probing.hurry(id, now);
  }

  /** A message to this node could not be delivered: there is no point in waiting for its answer. */
  unreachable(id: NodeId, now: Instant): void {
    if (this.#phase !== 'running') return;
    this.#notice(now);
    this.#probing.unreachable(id, this.#neighbours);
  }

  receive(from: NodeId, message: MembershipMessage, now: Instant): void {
    if (this.#phase === 'new' || this.#phase === 'gone' || from === this.#self) return;
    this.#notice(now);
    this.#hear(from, message, now);
    this.#arm(now);
  }

  /** Another domain has news about a node, its own or such as it took in: passed on to everybody. */
  spread(rumor: CargoRumor, now: Instant): void {
    if (this.#phase === 'gone') return;
    const known = this.#fromSync.get(rumor.about) === rumor.version;
    this.#voice.tell(rumor, known ? 'to a few' : 'in full');
    if (this.#phase !== 'new') this.#arm(now);
  }

  /** This node listens elsewhere now. */
  readdress(address: Address, now: Instant): void {
    if (this.#phase !== 'running' || this.#roster.get(this.#self)?.address === address) return;
    this.#view.announce({ state: 'alive', incarnation: this.incarnation + 1, address }, now);
    this.#arm(now);
  }

  /** Says goodbye; `gone` follows after some rounds of gossip, at once where nobody listens. */
  leave(now: Instant): void {
    if (this.#phase !== 'running') return;
    this.#phase = 'leaving';
    const address = this.#roster.get(this.#self)?.address ?? '';
    const goodbye = this.#view.announce({ state: 'left', incarnation: this.incarnation, address }, now);
    for (const to of this.#neighbours) this.#voice.send(to, { kind: 'gossip', rumors: [goodbye] });
    this.#probing.stop();
    this.#revival.stop();
    this.#syncAt = NEVER;
    this.#goneAt = this.#neighbours.length === 0 ? now : now + this.#options.leaveMs;
    this.#gossipedAt = now;
    this.#arm(now);
  }

  drain(): MembershipEffect[] {
    return this.#voice.drain();
  }

  deadline(): Instant {
    if (this.#phase === 'new' || this.#phase === 'gone') return NEVER;
    const spoken = earlier(this.#gossipAt, earlier(this.#goneAt, this.#view.forgetAt()));
    if (this.#phase === 'leaving') return spoken; // what it still hears about others is no longer its business
    const asked = earlier(this.#probing.deadline(), this.#suspicions.deadline());
    return earlier(spoken, earlier(asked, earlier(this.#revival.deadline(), this.#syncAt)));
  }

  advance(now: Instant): void {
    if (this.#phase === 'new' || this.#phase === 'gone') return;
    this.#notice(now);
    if (this.#phase === 'running') {
      for (const id of this.#probing.advance(now, this.#neighbours)) this.#view.suspect(id, 'no answer to pings', now);
      if (!this.#isDoubtful(now)) this.#view.expire(now);
      for (const address of this.#revival.advance(now)) this.#voice.emit({ kind: 'contact', address });
      this.#syncSometimes(now);
    }
    this.#view.forget(now);
    this.#arm(now);
    this.#gossip(now);
    if (this.#goneAt <= now) {
      this.#phase = 'gone';
      this.#voice.emit({ kind: 'gone' });
    }
  }

  #hear(from: NodeId, message: MembershipMessage, now: Instant): void {
    switch (message.kind) {
      case 'ping':
        this.#believe(from, message.rumors, 'gossip', now);
        this.#pinged(from, message);
        break;
      case 'ack':
      case 'ping-req':
        this.#believe(from, message.rumors, 'gossip', now);
        this.#probing.receive(from, message, now);
        break;
      case 'nack':
        this.#probing.receive(from, message, now);
        break;
      case 'gossip':
        this.#believe(from, message.rumors, 'gossip', now);
        break;
      case 'sync-digest':
        if (message.self.about === from) this.#believe(from, [message.self], 'gossip', now);
        this.#sync.digest(from, message);
        break;
      case 'sync-buckets':
        this.#sync.buckets(from, message);
        break;
      case 'sync-entries': {
        const entries = this.#atMost(message.entries);
        this.#sync.entries(from, { ...message, entries });
        for (const { id, state, incarnation, address } of entries) {
          const rumor = { kind: 'member', about: id, state, incarnation, address, by: from } as const;
          this.#view.believe(rumor, id === from ? 'gossip' : 'summary', now);
        }
        break;
      }
      case 'sync-news':
        this.#believe(from, message.rumors, 'sync', now);
        this.#sync.wanted(from, this.#atMost(message.wanted));
        break;
    }
  }

  /** Somebody wants to know whether its target is here. Why no ack for another id: the address has a new owner. */
  #pinged(from: NodeId, message: MembershipMessage & { kind: 'ping' }): void {
    if (message.target !== this.#self) return;
    this.#voice.send(from, { kind: 'ack', seq: message.seq, rumors: this.#voice.piggyback(from) });
    if (this.#roster.get(from) === undefined && this.#phase === 'running') this.#sync.ask(from);
  }

  /** What a node says of itself is news however it comes; the rest of an exchange is old to most. */
  #believe(from: NodeId, rumors: readonly Rumor[], via: 'gossip' | 'sync', now: Instant): void {
    this.#fromSync.clear();
    for (const rumor of this.#atMost(rumors)) {
      if (rumor.kind === 'member') {
        this.#view.believe(rumor, rumor.about === from ? 'gossip' : via, now);
      } else if (!Number.isSafeInteger(rumor.version) || rumor.version < 1) {
        this.#ignored++;
      } else if (rumor.version > this.#cargo.version(rumor.about)) {
        const { about, version, body } = rumor;
        if (via === 'sync' && about !== from) this.#fromSync.set(about, version);
        this.#voice.emit({ kind: 'cargo', about, version, body, from });
      }
    }
  }

  #atMost<Item>(items: readonly Item[]): readonly Item[] {
    const max = this.#options.itemsMax;
    if (items.length <= max) return items;
    this.#ignored += items.length - max;
    return items.slice(0, max);
  }

  #syncSometimes(now: Instant): void {
    if (this.#syncAt > now) return;
    const ms = this.#options.syncMs;
    this.#syncAt = now + Math.round(ms * 0.75) + this.#prng.below(Math.round(ms * 0.5) + 1);
    const neighbour = this.#prng.pick(this.#neighbours);
    if (neighbour !== undefined) this.#sync.ask(neighbour);
  }

  #gossip(now: Instant): void {
    if (this.#gossipAt > now) return;
    for (const to of this.#prng.sample(this.#neighbours, this.#options.gossipCount)) {
      const rumors = this.#voice.news(this.#options.gossipRumorsMax);
      if (rumors.length > 0) this.#voice.send(to, { kind: 'gossip', rumors });
    }
    this.#gossipedAt = now;
    this.#gossipAt = NEVER;
    this.#arm(now);
  }

  /** Ends every input: this node runs; and where there is news, the next round of gossip is planned, at once after a quiet time. */
  #arm(now: Instant): void {
    this.#ranAt = now;
    if (this.#gossipAt !== NEVER || this.#rumors.size === 0 || this.#neighbours.length === 0) return;
    this.#gossipAt = Math.max(now, this.#gossipedAt + this.#options.gossipMs);
  }

  /**
   * A death is declared only by a node that ran a moment ago: one that wakes up for it may have slept as well as waited,
   * so it first reads for a while what lies at its door.
   */
  #isDoubtful(now: Instant): boolean {
    const { lateMs, probeTimeoutMs } = this.#options;
    if (this.#suspicions.deadline() > now || now - this.#ranAt < lateMs || now < this.#doubtedAt + 2 * probeTimeoutMs) {
      return false;
    }
    this.#doubtedAt = now;
    this.#suspicions.postpone(probeTimeoutMs);
    return true;
  }

  /**
   * Doubts this node where it runs late: it was stopped (SIGSTOP, a suspended laptop) or starved, and answers may lie
   * unread at its door. What it waited for counts as not yet waited for, plus the time in which it reads them.
   */
  #notice(now: Instant): void {
    const due = this.deadline();
    const lateMs = due === NEVER ? 0 : now - Math.max(due, this.#noticedAt);
    if (lateMs < this.#options.lateMs || this.#phase !== 'running') return;
    this.#noticedAt = now;
    this.#suspicions.postpone(lateMs + this.#options.probeTimeoutMs);
    this.#probing.postpone(lateMs + this.#options.probeTimeoutMs);
    this.#health.worse();
    if (lateMs < this.#options.pauseMs) return;
    this.#health.worst();
    this.#probing.abandon();
    this.#voice.emit({ kind: 'paused', ms: lateMs });
    this.#gossipAt = NEVER;
    // Others may have buried this node meanwhile: whoever hears from it tells it so, and it contradicts.
    const asked = this.#prng.sample(this.#neighbours, this.#options.gossipCount);
    for (const id of [...asked, ...this.#probing.some(this.#options.gossipCount, asked)]) this.#sync.ask(id);
    this.#revival.soon(now);
  }
}
