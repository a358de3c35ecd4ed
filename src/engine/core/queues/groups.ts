import type { Instant } from '../base/instant.ts';
import { getOrMake } from '../base/maps.ts';
import { type Entry, inOrder } from './entry.ts';

/**
 * The groups of a fifo queue that memory knows of: in each, only the first message may be received, and only while no
 * earlier one of the group is in somebody's hands.
 *
 *     group a    (in flight: 1)      2   5   6 │ 9  17 …     │ what is on disk only
 *     group b    (none in flight)    3                       covered: nothing of it is on disk only
 *     group c    (in flight: 8, 9)   7   10
 *                                    ▲
 *                                    ready: 3 and 7, which came back before those that were received with it
 *
 * Invariants:
 * - the members of a group are the first of those on disk that nobody has, without a gap;
 * - a member is ready only where it is the first, nothing before it is in flight, and nothing of the group is parked.
 *
 * Why a group that has a parked message is dropped when nothing of it is in flight: the parked one comes before what is
 * in memory, and only storage knows whose turn it is then.
 */
export class Groups {
  readonly #groups = new Map<string, Group>();
  readonly #told: GroupsTold;
  /** Counts what is received. */
  #turn = 0;

  constructor(told: GroupsTold) {
    this.#told = told;
  }

  get size(): number {
    return this.#groups.size;
  }

  has(name: string): boolean {
    return this.#groups.has(name);
  }

  /**
   * When its group was last received from, or came: Amazon SQS begins with the group that has waited longest since then, which
   * it does not document.
   */
  turnOf(entry: Entry): number {
    return this.#groups.get(entry.group ?? '')?.turn ?? this.#turn;
  }

  /** A group of which this new message is all there is. */
  begin(entry: Entry): void {
    const group = this.#newGroup();
    group.covered = true;
    this.#groups.set(entry.group ?? '', group);
    this.#insert(group, entry);
  }

  /** A new message of a group that is known. False where it stays on disk. */
  append(entry: Entry, isDelayed: boolean): boolean {
    const group = this.#groups.get(entry.group ?? '');
    if (group === undefined) return false;
    if (isDelayed || !group.covered || isStale(group) || group.members.length >= AHEAD_MAX) {
      group.covered = false;
      if (isDelayed) this.#told.later(entry.group ?? '', entry.due);
      return false;
    }
    this.#insert(group, entry);
    return true;
  }

  /** The head of a group, from storage. It is ready when those that follow it are known, so that one receive can take several. */
  head(entry: Entry): void {
    const group = this.#of(entry);
    if (!group.covered && group.members.length === 0) this.want(entry.group ?? '');
    this.#insert(group, entry);
  }

  /** The first messages of a group, from storage, as many as asked for or all. Those that memory knows are left out. */
  fill(name: string, entries: readonly Entry[], all: boolean, now: Instant): readonly Entry[] {
    const group = this.#groups.get(name);
    if (group === undefined) return [];
    group.asked = false;
    if (isStale(group)) {
      this.#promote(name, group);
      return [];
    }
    const cut = entries.findIndex((entry) => entry.due > now);
    const taken = cut < 0 ? entries : entries.slice(0, cut);
    group.covered = all && cut < 0;
    for (const entry of taken) this.#insert(group, entry);
    // Its head is parked: it comes when it is due.
    if (cut === 0 && group.inFlight.size === 0 && group.members.length === 0) {
      this.#groups.delete(name);
      return taken;
    }
    const parked = entries[cut];
    if (parked !== undefined) {
      this.#told.later(name, parked.due);
      // Why: what has come back from somebody's hands, or will, may be behind it.
      const last = group.members.at(-1) ?? parked;
      if (group.inFlight.size > 0 || inOrder(last, parked) > 0) group.parkedFrom = parked.seq;
    }
    this.#promote(name, group);
    return taken;
  }

  /** Somebody gets the head, and up to `max − 1` after it. */
  take(head: Entry, max: number, fits: (entry: Entry) => boolean): Entry[] {
    const group = this.#of(head);
    const taken: Entry[] = [];
    for (let next = group.members[0]; next !== undefined && taken.length < max; next = group.members[0]) {
      if (next !== head && (next.state !== 'behind' || !fits(next) || isBlocked(group, next))) break;
      group.members.shift();
      taken.push(next);
    }
    for (const entry of taken) group.inFlight.add(entry);
    group.turn = ++this.#turn;
    return taken;
  }

  /** One that was in somebody's hands when the node began. Storage is asked whether one before it is parked. */
  held(entry: Entry): void {
    this.#of(entry).inFlight.add(entry);
    this.want(entry.group ?? '');
  }

  back(entry: Entry): void {
    const group = this.#of(entry);
    group.inFlight.delete(entry);
    this.#insert(group, entry);
  }

  /** One that was in somebody's hands is no more. */
  ended(entry: Entry): void {
    const group = this.#of(entry);
    group.inFlight.delete(entry);
    this.#promote(entry.group ?? '', group);
  }

  /** One that nobody had is no more. */
  removed(entry: Entry): void {
    const group = this.#groups.get(entry.group ?? '');
    const at = group?.members.indexOf(entry) ?? -1;
    if (group === undefined) this.want(entry.group ?? '');
    else if (at >= 0) group.members.splice(at, 1);
    if (group !== undefined) this.#promote(entry.group ?? '', group);
  }

  /** One that was in somebody's hands goes to disk until it is due. */
  park(entry: Entry): void {
    const group = this.#of(entry);
    group.parkedFrom = Math.min(group.parkedFrom, entry.seq);
  }

  /** What was parked of a group may be due: storage knows, unless there are enough in memory. */
  more(name: string): void {
    const group = this.#groups.get(name);
    if (group !== undefined && !group.covered && group.members.length < AHEAD_MAX) this.want(name);
  }

  /** Has storage asked for a group. */
  want(name: string): void {
    const group = getOrMake(this.#groups, name, this.#newGroup);
    if (group.asked || isStale(group)) return;
    group.asked = true;
    this.#told.want(name);
  }

  /** Everything that was written of a stale group is durable: it is forgotten, and asked for anew. */
  drop(name: string): void {
    const group = this.#groups.get(name);
    if (group === undefined || !isStale(group)) return;
    group.dropping = false;
    if (group.inFlight.size > 0) return;
    this.#groups.delete(name);
    for (const member of group.members) this.#told.forgotten(member);
    this.want(name);
  }

  #of({ group = '' }: Entry): Group {
    return getOrMake(this.#groups, group, this.#newGroup);
  }

  readonly #newGroup = (): Group => ({
    asked: false,
    covered: false,
    dropping: false,
    inFlight: new Set(),
    members: [],
    parkedFrom: Number.POSITIVE_INFINITY,
    turn: this.#turn,
  });

  #insert(group: Group, entry: Entry): void {
    const { members } = group;
    let at = members.length;
    while (at > 0 && inOrder(members[at - 1] as Entry, entry) > 0) at--;
    if (at === 0 && members[0]?.state === 'ready') this.#behind(members[0]);
    members.splice(at, 0, entry);
    entry.state = 'behind';
    this.#promote(entry.group ?? '', group);
  }

  #behind(head: Entry): void {
    head.state = 'behind';
    this.#told.behind(head);
  }

  #promote(name: string, group: Group): void {
    if (group.asked) return;
    const [head] = group.members;
    if (group.inFlight.size > 0 && (head === undefined || isBlocked(group, head))) return;
    if (isStale(group) && group.inFlight.size === 0) {
      if (head?.state === 'ready') this.#behind(head);
      if (!group.dropping) this.#told.drop(name);
      group.dropping = true;
    } else if (head === undefined) {
      if (group.covered) this.#groups.delete(name);
      else this.want(name);
    } else if (head.state === 'behind') {
      head.state = 'ready';
      this.#told.ready(head);
    }
  }
}

export interface GroupsTold {
  ready(entry: Entry): void;
  /** One that was ready no longer is. */
  behind(entry: Entry): void;
  /** To be loaded. */
  want(group: string): void;
  /** More of a group that is known may be received then. */
  later(group: string, due: Instant): void;
  /** To be dropped as soon as all that was written is durable. */
  drop(group: string): void;
  /** Is on disk only from now on. */
  forgotten(entry: Entry): void;
}

interface Group {
  readonly members: Entry[];
  readonly inFlight: Set<Entry>;
  /** No member is on disk only. */
  covered: boolean;
  /** The first of it that is parked, or about to be. */
  parkedFrom: number;
  dropping: boolean;
  /** Storage was asked for it. */
  asked: boolean;
  turn: number;
}

/** Storage knows of one that memory does not, and that comes before others. */
function isStale({ parkedFrom }: Group): boolean {
  return parkedFrom < Number.POSITIVE_INFINITY;
}

/** Whether one that comes before it is parked or in somebody's hands: most often it is the one that was taken first. */
function isBlocked({ inFlight, parkedFrom }: Group, entry: Entry): boolean {
  if (parkedFrom < entry.seq) return true;
  for (const held of inFlight) if (inOrder(held, entry) < 0) return true;
  return false;
}

/** Limit: members of a group in memory that nobody has. Trade-off: more are fewer loads, for groups with many messages. */
export const AHEAD_MAX = 10;
