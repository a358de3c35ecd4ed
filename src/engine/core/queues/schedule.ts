import { Alarms } from '../base/alarms.ts';
import { earlier, type Instant, NEVER } from '../base/instant.ts';
import { getOrMake } from '../base/maps.ts';
import type { LoadAsk, Loaded, StoredMessage } from './effects.ts';
import { type Entry, entryOf, inOrder } from './entry.ts';
import { AHEAD_MAX, Groups } from './groups.ts';
import { ByTurn, InOrder, type Line } from './line.ts';
import type { Kind } from './options.ts';

/**
 * What may be received next. Messages are on disk; of those that are ready, memory knows the first ones.
 *
 *     by (rank, seq)   ├── known ──┤ cursor ├────── on disk only ──────┤       covered: there are none of these
 *     by (due, seq)    ├─ looked at ─┤ dueTo ├──── on disk only ──────┤ ◄─ nextDue is the first
 *
 * Whatever was ready and is before the cursor was known once: it is in memory, in somebody's hands, or gone. What comes
 * back from somebody's hands stays in memory; only what is parked until later, or was put out again to make room, leaves it.
 *
 * Invariants:
 * - at most as many ready messages as the window has room for are in memory, apart from those that came back;
 * - a message is in memory once: what storage says of one that is known does not count;
 * - at most one load of each kind is under way.
 *
 * It relies on storage to answer in the order in which it was asked: an answer to a load shows what has been reported as
 * durable by then, and nothing that was not.
 */
export class Schedule {
  readonly known = new Map<number, Entry>();
  readonly #told: ScheduleTold;
  readonly #groups: Groups | undefined;
  readonly #ready: Line;
  /** What each named consumer owes. */
  readonly #owed = new Map<string, Line>();
  /** In the shared heap; entries of it that are no longer ready do not count. */
  #readyCount = 0;
  #cursor = START;
  #covered = false;
  /** Room for ready messages; more where they are received faster than storage answers. */
  #window = WINDOW_MIN;
  /** Somebody asked for a message while none was in memory, since the last load. */
  #ranDry = false;
  /** How many the last load of ready messages asked for. */
  #limit = 0;
  #dueAfter = { due: 0, seq: 0 };
  #dueTo: Instant = 0;
  #nextDue: Instant;
  #delayed: number;
  readonly #wanted = new Set<string>();
  /** When more of a group that is in memory may be received: it was parked when storage was asked. */
  readonly #more = new Alarms<string>();
  #loads: { ready?: number; due?: number; groups?: number } = {};
  /** The groups that storage was asked for. */
  #asked: readonly string[] = [];

  /** `delayed` messages are parked on disk, the first of them until `nextDue`. */
  constructor(kind: Kind, stored: { readonly delayed: number; readonly nextDue?: Instant }, told: ScheduleTold) {
    this.#told = told;
    this.#delayed = stored.delayed;
    this.#nextDue = stored.nextDue ?? NEVER;
    if (kind !== 'fifo') {
      this.#ready = new InOrder(this.#isReady);
      return;
    }
    const groups = new Groups({
      behind: () => this.#readyCount--,
      drop: (group) =>
        told.settled((now) => {
          groups.drop(group);
          this.refill(now);
        }),
      forgotten: (entry) => this.#forgotten(entry),
      later: (group, due) => this.#more.set(group, earlier(this.#more.of(group), due)),
      ready: (entry) => this.#push(entry),
      want: (group) => this.#wanted.add(group),
    });
    this.#groups = groups;
    this.#ready = new ByTurn(this.#isReady, (entry) => groups.turnOf(entry));
  }

  get delayed(): number {
    return this.#delayed;
  }

  /** When something that is parked may be received; `NEVER` while it is being loaded, or there is no room for it. */
  deadline(): Instant {
    return earlier(this.#more.deadline(), this.#loads.due === undefined && this.#hasRoom ? this.#nextDue : NEVER);
  }

  /** Whether nothing that is ready is on disk only, as far as anybody can know. */
  isSettled(now: Instant): boolean {
    const { ready, due, groups } = this.#loads;
    const loading = ready !== undefined || due !== undefined || groups !== undefined;
    return this.#covered && !loading && this.#wanted.size === 0 && this.#nextDue > now;
  }

  /** A new message has become durable; or one that was parked, or that several must acknowledge. */
  arrived(entry: Entry): void {
    if (entry.delivery !== undefined) this.#owe(entry);
    else if (entry.due > 0) this.#arrivedDue(entry);
    else if (this.#groups === undefined) this.#arrivedReady(entry);
    else this.#arrivedInGroup(entry, this.#groups);
  }

  /** One that is leased since before the node began. */
  held(entry: Entry): void {
    this.known.set(entry.seq, entry);
    if (entry.delivery === undefined) this.#groups?.held(entry);
  }

  /** Comes back from somebody's hands. */
  back(entry: Entry): void {
    entry.due = 0;
    if (entry.delivery !== undefined) this.#owe(entry);
    else if (this.#groups === undefined) this.#push(entry);
    else this.#groups.back(entry);
  }

  /** Leaves somebody's hands to be parked; `parked` follows when that is durable. */
  park(entry: Entry): void {
    entry.state = 'parking';
    this.#delayed++;
    this.#groups?.park(entry);
  }

  parked(entry: Entry): void {
    if (entry.due <= this.#dueTo && this.#groups === undefined) {
      this.#delayed--;
      this.back(entry);
      return;
    }
    this.known.delete(entry.seq);
    this.#nextDue = earlier(this.#nextDue, entry.due);
    this.#groups?.ended(entry);
  }

  /** A message is no more; `held`: it was in somebody's hands. */
  gone(entry: Entry, held: boolean): void {
    this.known.delete(entry.seq);
    if (entry.delivery !== undefined) return;
    if (held) this.#groups?.ended(entry);
    else this.#groups?.removed(entry);
  }

  /** A message that is not to be received any more though nobody has it. */
  withdraw(entry: Entry): void {
    if (entry.due > 0 && !this.known.has(entry.seq)) this.#delayed--;
    if (entry.state === 'ready' && entry.delivery === undefined) this.#readyCount--;
    entry.state = 'ending';
    this.known.set(entry.seq, entry);
  }

  /** The next one for a consumer, and, of a fifo queue, up to `groupMax − 1` that follow in its group. */
  take(consumer: string | undefined, groupMax: number, fits: (entry: Entry) => boolean): readonly Entry[] {
    const shared = this.#ready.peek();
    const owed = consumer === undefined ? undefined : this.#owed.get(consumer);
    const own = owed?.peek();
    if (own !== undefined && (shared === undefined || inOrder(own, shared) < 0)) {
      owed?.pull(own);
      return [own];
    }
    if (shared === undefined) {
      this.#ranDry = true;
      return NONE;
    }
    this.#ready.pull(shared);
    this.#readyCount--;
    return this.#groups === undefined ? [shared] : this.#groups.take(shared, groupMax, fits);
  }

  /** The next one that anybody may have, without taking it. */
  peek(): Entry | undefined {
    return this.#ready.peek();
  }

  /** Has storage asked for what is missing. */
  refill(now: Instant): void {
    const loads = this.#loads;
    for (let group = this.#more.due(now); group !== undefined; group = this.#more.due(now)) this.#groups?.more(group);
    if (loads.due === undefined && this.#nextDue <= now && this.#hasRoom) {
      this.#dueTo = now;
      loads.due = this.#told.load({ after: this.#dueAfter, limit: LOAD_MAX, to: now, what: 'due' });
    }
    if (loads.ready === undefined && !this.#covered && this.#near < this.#window / 2) {
      this.#limit = this.#window / 2;
      loads.ready = this.#told.load({ after: this.#cursor, limit: this.#limit, what: 'ready' });
    }
    if (loads.groups === undefined && this.#wanted.size > 0) {
      const groups = [...this.#wanted].slice(0, GROUPS_MAX);
      for (const group of groups) this.#wanted.delete(group);
      loads.groups = this.#told.load({ groups, limit: AHEAD_MAX, what: 'groups' });
      this.#asked = groups;
    }
  }

  /** Storage has answered. False where nobody waits for it any more. */
  loaded(load: number, { messages, next }: Loaded, now: Instant): boolean {
    const loads = this.#loads;
    if (load === loads.ready) {
      delete loads.ready;
      this.#covered = messages.length < this.#limit;
      this.#resize();
      const last = messages.at(-1);
      if (last !== undefined) this.#cursor = placeOf(last);
      for (const message of messages) this.#enter(message);
    } else if (load === loads.due) {
      delete loads.due;
      const last = messages.at(-1);
      const full = messages.length >= LOAD_MAX && last !== undefined;
      this.#dueAfter = full ? { due: last.state?.due ?? 0, seq: last.seq } : { due: this.#dueTo, seq: SEQ_MAX };
      this.#nextDue = next ?? NEVER;
      for (const message of messages) this.#enter(message);
    } else if (load === loads.groups) {
      delete loads.groups;
      this.#fill(messages, now);
    } else {
      return false;
    }
    return true;
  }

  #fill(messages: readonly StoredMessage[], now: Instant): void {
    const byGroup = new Map<string, StoredMessage[]>(this.#asked.map((group) => [group, []]));
    for (const message of messages) byGroup.get(message.group ?? '')?.push(message);
    for (const [group, rows] of byGroup) {
      const [head] = rows;
      // Why here: it was behind others when storage was asked for what is due.
      if (head?.state?.due !== undefined && head.state.due > now)
        this.#nextDue = earlier(this.#nextDue, head.state.due);
      const strangers = rows.filter(({ seq }) => !this.known.has(seq)).map((row) => entryOf(row));
      for (const entry of this.#groups?.fill(group, strangers, rows.length < AHEAD_MAX, now) ?? []) {
        this.known.set(entry.seq, entry);
        this.#undelayed(entry);
      }
    }
  }

  /** Why not always as large as may be: a node may have thousands of deep queues that nobody reads. */
  #resize(): void {
    if (this.#covered) this.#window = WINDOW_MIN;
    else if (this.#ranDry) this.#window = Math.min(2 * this.#window, WINDOW_MAX);
    this.#ranDry = false;
  }

  get #hasRoom(): boolean {
    return this.#near < this.#window;
  }

  /** Ready, or heads of groups that are about to be. */
  get #near(): number {
    return this.#readyCount + this.#wanted.size + (this.#loads.groups === undefined ? 0 : this.#asked.length);
  }

  /** Into memory, from storage, where it is not there. */
  #enter(message: StoredMessage): void {
    if (this.known.has(message.seq)) return;
    const entry = entryOf(message);
    this.#undelayed(entry);
    this.#begin(entry);
  }

  /** It was parked, and its time has come. */
  #undelayed(entry: Entry): void {
    if (entry.due === 0) return;
    this.#delayed--;
    entry.due = 0;
    entry.wasDue = true;
  }

  #forgotten(entry: Entry): void {
    if (entry.state === 'ending') return; // storage still shows it: it would come again
    this.known.delete(entry.seq);
    if (entry.wasDue) this.#delayed++;
  }

  #begin(entry: Entry): void {
    entry.due = 0;
    this.known.set(entry.seq, entry);
    if (this.#groups === undefined) this.#push(entry);
    else this.#groups.head(entry);
  }

  #push(entry: Entry): void {
    entry.state = 'ready';
    this.#ready.push(entry);
    this.#readyCount++;
  }

  #owe(entry: Entry): void {
    entry.state = 'ready';
    this.known.set(entry.seq, entry);
    getOrMake(this.#owed, entry.delivery?.consumer ?? '', () => new InOrder(this.#isReady)).push(entry);
  }

  readonly #isReady = (entry: Entry) => entry.state === 'ready' && this.known.get(entry.seq) === entry;

  /** Parked from the start; where storage was asked beyond its time already, it would be overlooked. */
  #arrivedDue(entry: Entry): void {
    if (entry.due <= this.#dueTo && this.#groups === undefined) {
      this.#begin(entry);
      return;
    }
    this.#delayed++;
    this.#nextDue = earlier(this.#nextDue, entry.due);
    if (this.#groups === undefined) return;
    this.#groups.append(entry, true);
    if (entry.due <= this.#dueTo) this.#groups.want(entry.group ?? '');
  }

  #arrivedReady(entry: Entry): void {
    const isBefore = inOrder(entry, this.#cursor) < 0;
    if (!isBefore && !(this.#covered && this.#hasRoom)) {
      this.#covered = false;
      return;
    }
    this.#begin(entry);
    if (!isBefore) this.#cursor = placeOf(entry);
    else if (this.#readyCount > 2 * this.#window) this.#evict();
  }

  #arrivedInGroup(entry: Entry, groups: Groups): void {
    const name = entry.group ?? '';
    const isKnown = groups.has(name);
    if (isKnown && groups.append(entry, false)) this.known.set(entry.seq, entry);
    if (!this.#covered) return;
    if (isKnown) {
      this.#cursor = placeOf(entry); // it is no head: its group brings it
    } else if (!this.#hasRoom) {
      this.#covered = false;
    } else {
      this.#cursor = placeOf(entry);
      if (this.#delayed > 0) {
        groups.want(name); // a parked one may come before it
      } else {
        this.known.set(entry.seq, entry);
        groups.begin(entry);
      }
    }
  }

  /** Only where there are priorities: of those that nobody had yet, the last ones are on disk only again. */
  #evict(): void {
    const entries: Entry[] = [];
    for (let top = this.#ready.peek(); top !== undefined; top = this.#ready.peek()) {
      this.#ready.pull(top);
      entries.push(top);
    }
    const first = entries[this.#window];
    this.#readyCount = 0;
    for (const [i, entry] of entries.entries()) {
      if (i < this.#window || entry.receives > 0 || entry.hasState || first === undefined) this.#push(entry);
      else this.known.delete(entry.seq);
    }
    if (first === undefined) return;
    this.#cursor = { rank: first.rank, seq: first.seq - 1 };
    this.#covered = false;
    delete this.#loads.ready;
  }
}

export interface ScheduleTold {
  /** Asks storage; the number comes back with the answer. */
  load(ask: LoadAsk): number;
  /** Calls back once all that was written is durable, or was taken back. */
  settled(then: (now: Instant) => void): void;
}

const START = { rank: 0, seq: 0 };
function placeOf({ rank, seq }: { readonly rank: number; readonly seq: number }) {
  return { rank, seq };
}

const SEQ_MAX = Number.MAX_SAFE_INTEGER;
const NONE: readonly Entry[] = [];

/** Limits: ready messages in memory; when half of them are gone, more are loaded. Trade-off: more is fewer loads, and about 300 bytes each. */
const WINDOW_MIN = 4_096;
const WINDOW_MAX = 32_768;
const LOAD_MAX = 2_048;
const GROUPS_MAX = 256;
