import { Effects } from '../base/effects.ts';
import type { NodeId } from '../base/ids.ts';
import { getOrMake } from '../base/maps.ts';
import { type Debt, DebtLane } from './debt-lane.ts';
import { highest, type Member, memberKey } from './groups.ts';

/**
 * What a publisher's node owes to groups whose members acknowledge: each message to one member, until it says that it is done.
 *
 *     owe ──► waiting ── a member has room ──► out ── done ──► forgotten
 *               ▲                               │
 *               └────── refused, left, lost ────┘   chosen anew, as attempt 2
 *
 * A member has at most its *window* of messages out from here; what finds no room waits here, not there, so that a member
 * that comes, or is quicker, gets its share. Without a key the one with the least out gets the next. Messages of one key are
 * a *lane*: they go out in order, to the member that rendezvous hashing names, and while any of them is out to no other.
 * So a key is never with two members at once; what comes back goes out again before what came later.
 *
 * Invariants:
 * - a debt is waiting in its lane or out at one member, and no member has more out than its window;
 * - those out of one keyed lane are all at one member;
 * - every debt ends as done, or as a `lost` that is told;
 * - what is said of a message that was out at a node when that was lost says nothing of it later: it has another number by then.
 *
 * Time comes as `tick`, a tenth of a second or so. It refuses to know topics and links: who could get a message it asks.
 */
export class Debts<Item> {
  readonly #limits: DebtLimits;
  readonly #membersOf: (topic: string, group: string) => readonly Member[];
  readonly #effects = new Effects<DebtsEffect<Item>>();
  /** By the numbers that members know them by. */
  readonly #debts = new Map<number, Debt<Item>>();
  readonly #lanes = new Map<string, DebtLane<Item>>();
  /** By member: how much it has out. Only those that have any. */
  readonly #out = new Map<string, number>();
  /** Lanes that wait for room: by member, or by group where any will do. */
  readonly #full = new Map<string, Set<DebtLane<Item>>>();
  /** Lanes for whose first message there is nobody. */
  readonly #alone = new Set<DebtLane<Item>>();
  /** Refused ones without a key, and lanes, that wait for their tick. */
  readonly #later = new Set<Debt<Item>>();
  readonly #paused = new Set<DebtLane<Item>>();
  /** Members that gave something back, until the next tick: perhaps they are gone, and the news is on its way. */
  readonly #shunned = new Set<string>();
  #next = 1;
  #turn = 0;
  #ticks = 0;
  #bytes = 0;
  #isFull = false;

  /** `membersOf`: those of a group who could get a message of a topic now, in an order that depends on nothing else. */
  constructor(limits: DebtLimits, membersOf: (topic: string, group: string) => readonly Member[]) {
    this.#limits = limits;
    this.#membersOf = membersOf;
  }

  get size(): number {
    return this.#debts.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** More is owed than should be, until half of it is done: publishers must wait. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Where something is out. */
  get nodes(): ReadonlySet<NodeId> {
    return new Set([...this.#debts.values()].flatMap(({ member }) => member?.node ?? []));
  }

  /** A message for one member of a group. Taken also where it is too much: whoever publishes is held. */
  owe({ group, topic, key, item, bytes }: Order<Item>): void {
    const id = key === undefined ? `${group}\n\n${topic}` : `${group}\n${key}`;
    const lane = getOrMake(this.#lanes, id, () => new DebtLane<Item>(id, group, key));
    const number = this.#next++;
    const since = this.#ticks;
    const debt: Debt<Item> = { attempt: 1, bytes, dueAt: 0, item, knownAs: number, lane, number, since, topic };
    this.#debts.set(number, debt);
    this.#bytes += bytes;
    if (this.#debts.size >= this.#limits.messagesMax || this.#bytes >= this.#limits.bytesMax) this.#isFull = true;
    lane.add(debt);
    if (lane.waiting === 1) this.#go(lane);
  }

  /** A member is done with a message. False where nothing is known of it. */
  done(number: number): boolean {
    const debt = this.#debts.get(number);
    const member = debt === undefined ? undefined : this.#take(debt);
    if (debt === undefined || member === undefined) return false;
    this.#forget(debt);
    this.#go(debt.lane);
    this.#freed(member);
    return true;
  }

  /**
   * A message comes back: the member refused it, or let it lie too long; or it has left with it; or never had it
   * (`unseen`: then it is no new attempt).
   */
  back(number: number, how: 'refused' | 'left' | 'unseen'): boolean {
    const debt = this.#debts.get(number);
    const member = debt === undefined ? undefined : this.#take(debt);
    if (debt === undefined || member === undefined) return false;
    if (how !== 'unseen') debt.attempt++;
    if (how !== 'refused') this.#shunned.add(memberKey(member));
    if (how !== 'refused' || !this.#delay(debt)) debt.lane.putBack(debt);
    this.#go(debt.lane);
    this.#freed(member);
    return true;
  }

  /** A node is out of reach: what its members had may have been dealt with or not, but for `unseen`. It is owed again. */
  lost(node: NodeId, unseen: ReadonlySet<number> = new Set()): void {
    const lanes = new Set<DebtLane<Item>>();
    for (const debt of [...this.#debts.values()]) {
      if (debt.member?.node !== node) continue;
      this.#shunned.add(memberKey(debt.member));
      this.#take(debt);
      if (!unseen.has(debt.knownAs)) this.#renew(debt);
      debt.lane.putBack(debt);
      lanes.add(debt.lane);
    }
    for (const lane of lanes) this.#go(lane);
  }

  /** Some time has passed. `changed`: members may have come or gone since the last. */
  tick(changed: boolean): void {
    this.#ticks++;
    for (const debt of this.#later) {
      if (debt.dueAt > this.#ticks) continue;
      this.#later.delete(debt);
      debt.lane.delayed--;
      debt.lane.putBack(debt);
      this.#go(debt.lane);
    }
    for (const lane of this.#paused) {
      if (lane.dueAt > this.#ticks) continue;
      this.#paused.delete(lane);
      this.#go(lane);
    }
    if (this.#ticks % EXPIRE_TICKS === 0) this.#expire();
    if (!changed && this.#shunned.size === 0) return;
    this.#shunned.clear();
    const again = [...this.#alone, ...[...this.#full.values()].flatMap((lanes) => [...lanes])];
    this.#alone.clear();
    this.#full.clear();
    for (const lane of again) this.#go(lane);
  }

  drain(): DebtsEffect<Item>[] {
    return this.#effects.drain();
  }

  /** Hands out what a lane has, as far as there is room. */
  #go(lane: DebtLane<Item>): void {
    for (let debt = lane.first; debt !== undefined; debt = lane.first) {
      if (lane.key !== undefined && lane.dueAt > this.#ticks) return void this.#paused.add(lane);
      const there = this.#there(debt.topic, lane.group);
      if (lane.key !== undefined && lane.member !== undefined && !there.some((one) => isSame(one, lane.member))) return;
      const [first] = there;
      if (first === undefined) return void this.#alone.add(lane);
      const member =
        lane.key === undefined ? this.#leastBusy(there, debt.last) : (lane.member ?? highest(there, lane.key));
      if (member === undefined || !this.#hasRoom(member)) return this.#wait(lane, member);
      lane.shift();
      this.#hand(debt, member);
    }
    if (lane.isEmpty && this.#lanes.get(lane.id) === lane) this.#lanes.delete(lane.id);
  }

  #there(topic: string, group: string): readonly Member[] {
    const members = this.#membersOf(topic, group);
    return this.#shunned.size === 0 ? members : members.filter((one) => !this.#shunned.has(memberKey(one)));
  }

  #hand(debt: Debt<Item>, member: Member): void {
    const { attempt, item, knownAs, lane } = debt;
    debt.since = this.#ticks;
    const acks = member.window !== undefined;
    this.#effects.push({ attempt, debt: acks ? knownAs : 0, item, kind: 'hand', member });
    if (!acks) return this.#forget(debt);
    debt.member = member;
    lane.gave(member);
    const key = memberKey(member);
    this.#out.set(key, (this.#out.get(key) ?? 0) + 1);
  }

  /** Takes what is out from the member that has it. */
  #take(debt: Debt<Item>): Member | undefined {
    const { member } = debt;
    if (member === undefined) return undefined;
    const key = memberKey(member);
    const left = (this.#out.get(key) ?? 1) - 1;
    if (left === 0) this.#out.delete(key);
    else this.#out.set(key, left);
    debt.member = undefined;
    debt.last = key;
    debt.lane.got();
    return member;
  }

  /**
   * Another attempt, of another number. Why: one link of several may be gone, and over the others comes what the node says of the
   * last attempt.
   */
  #renew(debt: Debt<Item>): void {
    this.#debts.delete(debt.knownAs);
    debt.knownAs = this.#next++;
    debt.attempt++;
    this.#debts.set(debt.knownAs, debt);
  }

  #hasRoom(member: Member): boolean {
    return member.window === undefined || (this.#out.get(memberKey(member)) ?? 0) < member.window;
  }

  /** Who has the least out; of equals the next in turn; not the one that gave it back, if another has room. */
  #leastBusy(members: readonly Member[], last: string | undefined): Member | undefined {
    const start = this.#turn++;
    let best: Member | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < members.length; i++) {
      const member = members[(start + i) % members.length] as Member;
      const key = memberKey(member);
      const busy = (this.#out.get(key) ?? 0) + (key === last ? LAST : 0);
      if (busy >= least || !this.#hasRoom(member)) continue;
      best = member;
      least = busy;
    }
    return best;
  }

  #wait(lane: DebtLane<Item>, member: Member | undefined): void {
    const key = member === undefined ? groupKey(lane.group) : memberKey(member);
    getOrMake(this.#full, key, () => new Set()).add(lane);
  }

  /** A member has room for one more. Limit: so many lanes are asked; others are at the next change. */
  #freed(member: Member): void {
    for (const key of [memberKey(member), groupKey(member.group)]) {
      const lanes = this.#full.get(key);
      if (lanes === undefined) continue;
      let left = Math.min(lanes.size, ASKED_MAX);
      for (const lane of lanes) {
        if (left-- === 0 || !this.#hasRoom(member)) break;
        lanes.delete(lane);
        this.#go(lane);
      }
      if (lanes.size === 0) this.#full.delete(key);
    }
  }

  /**
   * Lets it wait, longer from attempt to attempt; true where it waits by itself, false where its whole lane does.
   * Why: a member that refuses at once would be asked without end.
   */
  #delay(debt: Debt<Item>): boolean {
    const { lane } = debt;
    const dueAt = this.#ticks + Math.min(2 ** (debt.attempt - 2), DELAY_TICKS_MAX);
    if (lane.key !== undefined) {
      lane.dueAt = Math.max(lane.dueAt, dueAt);
      return false;
    }
    debt.dueAt = dueAt;
    lane.delayed++;
    this.#later.add(debt);
    return true;
  }

  #expire(): void {
    for (const lane of this.#alone) {
      for (let debt = lane.first; debt !== undefined; debt = lane.first) {
        if (this.#ticks - debt.since < this.#limits.aloneTicks) break;
        lane.shift();
        this.#effects.push({ group: lane.group, item: debt.item, kind: 'lost' });
        this.#forget(debt);
      }
      if (lane.first !== undefined) continue;
      this.#alone.delete(lane);
      this.#go(lane);
    }
  }

  #forget({ bytes, knownAs }: Debt<Item>): void {
    this.#debts.delete(knownAs);
    this.#bytes -= bytes;
    const { messagesMax, bytesMax } = this.#limits;
    if (!this.#isFull || this.#debts.size > messagesMax / 2 || this.#bytes > bytesMax / 2) return;
    this.#isFull = false;
    this.#effects.push({ kind: 'relieved' });
  }
}

/** What is to be done by one member of a group. */
export interface Order<Item> {
  readonly group: string;
  readonly topic: string;
  readonly key: string | undefined;
  readonly item: Item;
  readonly bytes: number;
}

export interface DebtLimits {
  readonly messagesMax: number;
  readonly bytesMax: number;
  /** How long a message is kept where its group has no member any more, in ticks. */
  readonly aloneTicks: number;
}

export type DebtsEffect<Item> =
  /** To be given to a member; to be answered by `done`, `back` or `lost`, but for `debt` 0: it never acknowledges. */
  | {
      readonly kind: 'hand';
      readonly debt: number;
      readonly member: Member;
      readonly item: Item;
      /** 1, or more where another may have had it. */
      readonly attempt: number;
    }
  /** Nobody was there for it. */
  | { readonly kind: 'lost'; readonly group: string; readonly item: Item }
  /** Publishers that were held may go on. */
  | { readonly kind: 'relieved' };

function isSame(a: Member, b: Member | undefined): boolean {
  return a.node === b?.node && a.id === b.id;
}

function groupKey(group: string): string {
  return `\n${group}`;
}

/** More than any member has out. */
const LAST = 2 ** 32;
const ASKED_MAX = 64;
const EXPIRE_TICKS = 10;
const DELAY_TICKS_MAX = 100;
