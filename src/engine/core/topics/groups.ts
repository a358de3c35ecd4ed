import { finish, hash32, mix } from '../base/hash.ts';
import type { NodeId } from '../base/ids.ts';
import { getOrMake } from '../base/maps.ts';

/**
 * Consumer groups: of all members whose patterns match a message, wherever they are, one gets it.
 *
 * With a key, the member with the highest hash of key and member (rendezvous hashing, Thaler and Ravishankar 1998): the
 * same key stays with the same member, whichever node publishes; where a member leaves, its keys and no others move, and
 * where one comes, it takes its share from all alike. Without a key, the members take turns.
 *
 * Limit: two nodes that do not yet know of the same members may choose differently, until interest has spread.
 */
export class Groups {
  readonly #groups = new Map<string, { members: number; turn: number }>();

  get size(): number {
    return this.#groups.size;
  }

  joined(group: string): void {
    getOrMake(this.#groups, group, () => ({ members: 0, turn: 0 })).members++;
  }

  left(group: string): void {
    const entry = this.#groups.get(group);
    if (entry === undefined || --entry.members > 0) return;
    this.#groups.delete(group);
  }

  /** One of the members, of which there is at least one. */
  choose({ group, members }: GroupRoute, key: string | undefined): Member {
    const [only] = members as readonly [Member];
    if (members.length === 1) return only;
    if (key !== undefined) return highest(members, key);
    const entry = this.#groups.get(group);
    const turn = entry === undefined ? 0 : entry.turn++;
    return members[turn % members.length] ?? only;
  }
}

/** One member of a group, on this node or another. */
export interface Member {
  readonly group: string;
  /** Where it is. */
  readonly node: NodeId;
  /** Its subscription's number on that node. */
  readonly id: number;
  readonly salt: number;
}

/** The members of one group that a topic concerns, in the same order on every node. */
export interface GroupRoute {
  readonly group: string;
  readonly members: readonly Member[];
}

export function memberOf(group: string, node: NodeId, id: number): Member {
  return { group, id, node, salt: hash32(`${node}/${id}`) };
}

/** Groups members by their group, each member once; all in an order that depends on nothing but them. */
export function groupRoutes(members: Iterable<Member>): readonly GroupRoute[] {
  const groups = new Map<string, Map<string, Member>>();
  for (const member of members) {
    getOrMake(groups, member.group, () => new Map()).set(`${member.node}/${member.id}`, member);
  }
  const routes = [...groups].map(([group, found]) => {
    const sorted = [...found.values()].sort((a, b) => (isBefore(a, b) ? -1 : 1));
    return Object.freeze({ group, members: Object.freeze(sorted) });
  });
  return Object.freeze(routes.sort((a, b) => (a.group < b.group ? -1 : 1)));
}

function highest(members: readonly Member[], key: string): Member {
  const hash = hash32(key);
  let best = members[0] as Member;
  let rank = -1;
  for (const member of members) {
    const its = finish(mix(member.salt, hash));
    if (its < rank || (its === rank && isBefore(best, member))) continue;
    best = member;
    rank = its;
  }
  return best;
}

function isBefore(a: Member, b: Member): boolean {
  return a.node === b.node ? a.id < b.id : a.node < b.node;
}
