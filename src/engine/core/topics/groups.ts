import { finish, hash32, mix } from '../base/hash.ts';
import type { NodeId } from '../base/ids.ts';
import { getOrMake } from '../base/maps.ts';
import { type Problem, problem } from '../base/problems.ts';

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
  readonly #groups = new Map<string, { turn: number; readonly keys: Map<string, number> }>();

  get size(): number {
    return this.#groups.size;
  }

  joined({ group, key = '' }: Member): void {
    const { keys } = getOrMake(this.#groups, group, () => ({ keys: new Map<string, number>(), turn: 0 }));
    keys.set(key, (keys.get(key) ?? 0) + 1);
  }

  left({ group, key = '' }: Member): void {
    const keys = this.#groups.get(group)?.keys;
    const left = (keys?.get(key) ?? 0) - 1;
    if (left > 0) keys?.set(key, left);
    else keys?.delete(key);
    if (keys?.size === 0) this.#groups.delete(group);
  }

  /** Where members of a group find keys, if not where a new one says; undefined where they agree, or there are none. */
  otherKey(group: string, key = ''): string | undefined {
    const keys = [...(this.#groups.get(group)?.keys.keys() ?? [])];
    return keys.length === 0 || keys.includes(key) ? undefined : keys[0];
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
  /** The header that holds a message's key. */
  readonly key?: string;
  /** It acknowledges, and has at most so many messages that it has not acknowledged. */
  readonly window?: number;
}

/** What a member says of itself. */
export interface MemberTerms extends Pick<Member, 'key' | 'window'> {
  /** What it has not acknowledged for so long goes to another. */
  readonly settleMs?: number;
}

/** Why somebody may not join as asked. */
export function whyUnfit(
  groups: Groups,
  { group, terms: { key, window } = {} }: { readonly group?: string; readonly terms?: MemberTerms },
): Problem | undefined {
  if (group === undefined) {
    if (key === undefined && window === undefined) return undefined;
    return problem('input-invalid', 'keys and acknowledgements are for members of a group: name one');
  }
  if (window !== undefined && (window < 1 || window > WINDOW_MAX)) {
    return problem('limit-exceeded', `a member has a window of 1 to ${WINDOW_MAX} messages, not ${window}`);
  }
  const other = groups.otherKey(group, key);
  if (other === undefined) return undefined;
  const text = `the members of the group ${group} find keys in ${placeOf(other)}, this one in ${placeOf(key)}`;
  return problem('exists-already', text, {
    hint: 'Say the same as they, or name another group.\nmpreg topic list --json',
  });
}

function placeOf(key = ''): string {
  return key === '' ? 'what publishers say' : `the header ${key}`;
}

/** Limit: what one member may have that it has not acknowledged. */
export const WINDOW_MAX = 10_000;

/** The members of one group that a topic concerns, in the same order on every node. */
export interface GroupRoute {
  readonly group: string;
  readonly members: readonly Member[];
  /** The header that holds a message's key. Where members that came at the same moment differ, the first name of theirs. */
  readonly key?: string;
  /** Some member acknowledges, so that messages are owed (`debts.ts`). */
  readonly owed: boolean;
}

export function memberOf(group: string, node: NodeId, id: number, { key, window }: MemberTerms = {}): Member {
  const terms = { ...(key === undefined ? {} : { key }), ...(window === undefined ? {} : { window }) };
  return { group, id, node, salt: hash32(`${node}/${id}`), ...terms };
}

/** Nobody else's. */
export function memberKey({ node, id }: Member): string {
  return `${node}/${id}`;
}

/** What decides which member gets a message: what the group looks at, else what its publisher has said. */
export function keyFor(
  { key }: GroupRoute,
  headers: Readonly<Record<string, string>> | undefined,
  said: string | undefined,
): string | undefined {
  if (key === undefined || headers === undefined || !Object.hasOwn(headers, key)) return said;
  return headers[key];
}

/** Groups members by their group, each member once; all in an order that depends on nothing but them. */
export function groupRoutes(members: Iterable<Member>): readonly GroupRoute[] {
  const groups = new Map<string, Map<string, Member>>();
  for (const member of members) {
    getOrMake(groups, member.group, () => new Map()).set(memberKey(member), member);
  }
  const routes = [...groups].map(([group, found]) => {
    const sorted = [...found.values()].sort((a, b) => (isBefore(a, b) ? -1 : 1));
    const owed = sorted.some(({ window }) => window !== undefined);
    const [key] = sorted.flatMap((member) => member.key ?? []).sort();
    return Object.freeze({ group, members: Object.freeze(sorted), owed, ...(key === undefined ? {} : { key }) });
  });
  return Object.freeze(routes.sort((a, b) => (a.group < b.group ? -1 : 1)));
}

/** The member that a key belongs to, of at least one. */
export function highest(members: readonly Member[], key: string): Member {
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
