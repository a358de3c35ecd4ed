/**
 * Everybody this node has heard of, itself included, in the order in which it did.
 *
 * Dead members stay, so that they can be asked again and old news of their life is recognised; so do, for a while, those
 * that left. Both are bounded: the longest gone is forgotten first.
 *
 * Invariant: counts and tombstones agree with the members' states after every `put` and `remove`.
 */
import type { NodeId } from '../base/ids.ts';
import type { Member } from './effects.ts';
import type { MemberRumor, MemberState } from './messages.ts';

export class Roster {
  readonly self: NodeId;
  readonly #members = new Map<NodeId, Member>();
  /** Ids by state, each in the order in which they came into it. */
  readonly #in: Readonly<Record<MemberState, Set<NodeId>>> = {
    alive: new Set(),
    suspect: new Set(),
    dead: new Set(),
    left: new Set(),
  };

  constructor(self: NodeId) {
    this.self = self;
  }

  get aliveCount(): number {
    return this.#in.alive.size;
  }

  /** Alive or suspected, this node included: the n of all formulas. */
  get activeCount(): number {
    return this.#in.alive.size + this.#in.suspect.size;
  }

  get(id: NodeId): Member | undefined {
    return this.#members.get(id);
  }

  values(): MapIterator<Member> {
    return this.#members.values();
  }

  /** The ids in one state, longest there first. */
  in(state: MemberState): ReadonlySet<NodeId> {
    return this.#in[state];
  }

  /** Takes the new statement in place of the old one, which it returns. */
  put(member: Member): Member | undefined {
    const before = this.#members.get(member.id);
    if (before !== undefined && before.state !== member.state) this.#in[before.state].delete(member.id);
    this.#members.set(member.id, member);
    this.#in[member.state].add(member.id);
    return before;
  }

  remove(id: NodeId): void {
    const member = this.#members.get(id);
    if (member === undefined) return;
    this.#in[member.state].delete(id);
    this.#members.delete(id);
  }
}

/** A member as news. */
export function rumorOf(member: Member): MemberRumor {
  const { id, state, incarnation, address, by } = member;
  return { kind: 'member', about: id, state, incarnation, address, by };
}
