/**
 * What this node believes of each member, and how it comes to change its mind (SWIM §4.2).
 *
 * Every change goes through `#take`, which keeps its consequences together: roster, timers, probes, news, effect.
 */
import type { Address, NodeId } from '../base/ids.ts';
import { type Instant, NEVER } from '../base/instant.ts';
import type { Prng } from '../base/prng.ts';
import type { Member } from './effects.ts';
import type { Health } from './health.ts';
import type { MemberRumor, MemberState } from './messages.ts';
import type { MembershipOptions } from './options.ts';
import { INCARNATION_MAX, isActive, isMeaningful, supersedes } from './precedence.ts';
import type { Probing } from './probe.ts';
import { type Roster, rumorOf } from './roster.ts';
import type { Rumors } from './rumors.ts';
import type { Suspicions } from './suspicion.ts';
import type { Voice } from './voice.ts';

/** How a statement came: as news, or in an exchange of all that two nodes know, as a rumor or as a line of its summary. */
export type Via = 'gossip' | 'sync' | 'summary';

interface Parts {
  readonly options: MembershipOptions;
  readonly prng: Prng;
  readonly roster: Roster;
  readonly rumors: Rumors;
  readonly suspicions: Suspicions;
  readonly probing: Probing;
  readonly health: Health;
  readonly voice: Voice;
}

export class View {
  readonly #parts: Parts;
  readonly #self: NodeId;
  /** Suspected once because of their address, and not again: two live nodes may claim one by mistake. */
  readonly #displaced = new Set<NodeId>();
  #ignored = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#self = parts.roster.self;
  }

  get ignored(): number {
    return this.#ignored;
  }

  /** This node says something about itself. */
  announce(of: { state: MemberState; incarnation: number; address: Address }, now: Instant): MemberRumor {
    const member: Member = { id: this.#self, ...of, by: this.#self, since: now };
    this.#parts.roster.put(member);
    const rumor = rumorOf(member);
    this.#parts.voice.tell(rumor, 'in full');
    return rumor;
  }

  /** Takes in what somebody says of a member, as far as it is news. */
  believe(rumor: MemberRumor, via: Via, now: Instant): void {
    if (!isMeaningful(rumor)) {
      this.#ignored++;
      return;
    }
    if (rumor.about === this.#self) {
      this.#contradict(rumor, now);
      return;
    }
    const known = this.#parts.roster.get(rumor.about);
    if (known === undefined && !isActive(rumor)) return;
    const said = via !== 'gossip' && known !== undefined ? soften(rumor, known) : rumor;
    if (known !== undefined && !supersedes(said, known)) {
      if (via !== 'summary' && said.state === 'suspect' && said.incarnation === known.incarnation) this.#accuse(said);
      return;
    }
    const { about: id, state, incarnation, address, by } = said;
    this.#take({ id, state, incarnation, address, by, since: now }, reasonOf(said, known), via, now);
    if (state === 'suspect') this.#verify(id, now);
    if (state === 'alive' && address === this.#parts.roster.get(this.#self)?.address) this.#displace(id, now);
  }

  /** This node found a member silent. */
  suspect(id: NodeId, reason: string, now: Instant): void {
    const known = this.#parts.roster.get(id);
    if (known?.state === 'suspect') this.#accuse({ ...rumorOf(known), by: this.#self });
    if (known?.state !== 'alive') return;
    this.#take({ ...known, state: 'suspect', by: this.#self, since: now }, reason, 'gossip', now);
  }

  /**
   * Somebody answers at this address: other members that claim it, and are not `excused`, have probably gone.
   * Why suspicion and not death: two live nodes may claim one address (loopback on two machines), and then contradict.
   */
  displace(address: Address, excused: (id: NodeId) => boolean, now: Instant): void {
    for (const { id, address: claimed, state } of this.#parts.roster.values()) {
      if (claimed === address && state === 'alive' && id !== this.#self && !excused(id)) this.#displace(id, now);
    }
  }

  /** Declares dead whoever was suspected long enough. */
  expire(now: Instant): void {
    const { suspicions, roster } = this.#parts;
    for (let over = suspicions.expire(now); over !== undefined; over = suspicions.expire(now)) {
      const known = roster.get(over.id);
      if (known?.state !== 'suspect') continue;
      const reason = `suspected by ${over.accusers} for ${(over.ms / 1_000).toFixed(1)} s without contradiction`;
      this.#take({ ...known, state: 'dead', by: this.#self, since: now }, reason, 'gossip', now);
    }
  }

  /** When the next goodbye is old enough to be forgotten. */
  forgetAt(): Instant {
    for (const id of this.#parts.roster.in('left')) {
      const member = this.#parts.roster.get(id);
      if (member !== undefined && id !== this.#self) return member.since + this.#parts.options.leftMs;
    }
    return NEVER;
  }

  forget(now: Instant): void {
    for (const id of this.#parts.roster.in('left')) {
      if (id === this.#self) continue;
      const member = this.#parts.roster.get(id);
      if (member !== undefined && member.since + this.#parts.options.leftMs > now) return;
      this.#drop(id);
    }
  }

  #take(next: Member, reason: string, via: Via, now: Instant): void {
    const { roster, suspicions, probing, voice } = this.#parts;
    const before = roster.put(next);
    if (next.state === 'suspect') suspicions.begin(next.id, next.by, roster.activeCount, now);
    else suspicions.end(next.id);
    if (isActive(next)) probing.add(next.id);
    else this.#displaced.delete(next.id);
    voice.tell(rumorOf(next), via === 'gossip' ? 'in full' : 'to a few');
    if (before === undefined) voice.emit({ kind: 'changed', member: next, reason });
    else if (before.state !== next.state || before.address !== next.address) {
      voice.emit({ kind: 'changed', member: next, before: before.state, reason });
    }
    this.#bound();
  }

  /** One more independent accuser of a suspect: it counts, and is passed on, up to a number (Lifeguard §3). */
  #accuse(rumor: MemberRumor): void {
    if (this.#parts.suspicions.accuse(rumor.about, rumor.by)) this.#parts.voice.tell(rumor, 'in full');
  }

  /**
   * A suspicion heard of is worth a look of one's own, by some: about 2 (k + 1) among all nodes. Thus a crash finds its
   * k + 1 accusers within two intervals instead of by the chance of their rounds, and a mistake none.
   */
  #verify(id: NodeId, now: Instant): void {
    const { options, roster, prng, probing } = this.#parts;
    const share = (2 * (options.accusersMax + 1)) / roster.activeCount;
    if (prng.chance(Math.min(1, share))) probing.hurry(id, now);
  }

  /** Somebody says something of this node that it did not say: it says otherwise, with the next incarnation (SWIM §4.2). */
  #contradict(rumor: MemberRumor, now: Instant): void {
    const { roster, health, voice } = this.#parts;
    const self = roster.get(this.#self);
    if (self === undefined || self.state !== 'alive' || rumor.incarnation < self.incarnation) return;
    const { state, incarnation, address } = rumor;
    if (state === 'alive' && incarnation === self.incarnation && address === self.address) return;
    if (incarnation === INCARNATION_MAX) {
      this.#ignored++;
      return;
    }
    this.announce({ state: 'alive', incarnation: incarnation + 1, address: self.address }, now);
    if (state !== 'alive') health.worse();
    voice.emit({ kind: 'refuted', incarnation: incarnation + 1, by: rumor.by });
  }

  #displace(id: NodeId, now: Instant): void {
    if (this.#displaced.has(id)) return;
    this.#displaced.add(id);
    this.suspect(id, 'its address belongs to another node now', now);
    this.#parts.probing.hurry(id, now);
  }

  /** Forgets whoever is gone longest, where there are too many. */
  #bound(): void {
    const { roster, options } = this.#parts;
    const { deadMax, leftMax } = options;
    for (const [state, max] of [
      ['dead', deadMax],
      ['left', leftMax],
    ] as const) {
      const gone = roster.in(state);
      if (gone.size <= max) continue;
      for (const id of gone) {
        if (gone.size <= max) break;
        if (id !== this.#self) this.#drop(id);
      }
    }
  }

  #drop(id: NodeId): void {
    this.#parts.roster.remove(id);
    this.#parts.rumors.drop(id);
    this.#parts.voice.emit({ kind: 'forgotten', id });
  }
}

/**
 * In an exchange of all that two nodes know, "dead" may be the view from the other side of a cut that has just healed:
 * then it is an accusation, which the living can contradict (as in memberlist).
 */
function soften(rumor: MemberRumor, known: Member): MemberRumor {
  return rumor.state === 'dead' && isActive(known) ? { ...rumor, state: 'suspect' } : rumor;
}

function reasonOf(said: MemberRumor, known: Member | undefined): string {
  switch (said.state) {
    case 'alive':
      if (known === undefined) return 'it joined';
      if (known.state === 'alive') return 'it has another address';
      return known.state === 'suspect' ? 'it contradicted' : 'it is back';
    case 'suspect':
      return `suspected by ${said.by}`;
    case 'dead':
      return `declared dead by ${said.by}`;
    case 'left':
      return 'it said goodbye';
  }
}
