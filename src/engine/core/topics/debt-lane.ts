import type { Member } from './groups.ts';

/**
 * Messages that are owed in order: of one key of a group, or of one topic where there is no key.
 *
 *     returned  [ 3 5 ]            came back, in the order of their numbers
 *     fresh     [ 8 9 12 … ]       never went out; the smaller first of both is next
 */
export class DebtLane<Item> {
  readonly id: string;
  readonly group: string;
  readonly key: string | undefined;
  /** Who has those that are out, with a key. */
  member: Member | undefined;
  /** The tick before which nothing goes out. */
  dueAt = 0;
  /** Those that wait for a tick, each by itself: they are not in here. */
  delayed = 0;
  #out = 0;
  readonly #returned: Debt<Item>[] = [];
  #fresh: Debt<Item>[] = [];
  #head = 0;

  constructor(id: string, group: string, key: string | undefined) {
    this.id = id;
    this.group = group;
    this.key = key;
  }

  get waiting(): number {
    return this.#returned.length + this.#fresh.length - this.#head;
  }

  /** Nothing waits and nothing is out. */
  get isEmpty(): boolean {
    return this.#out === 0 && this.delayed === 0 && this.waiting === 0;
  }

  get first(): Debt<Item> | undefined {
    const fresh = this.#fresh[this.#head];
    const [returned] = this.#returned;
    if (fresh === undefined || returned === undefined) return returned ?? fresh;
    return returned.number < fresh.number ? returned : fresh;
  }

  add(debt: Debt<Item>): void {
    this.#fresh.push(debt);
  }

  putBack(debt: Debt<Item>): void {
    let at = this.#returned.length;
    while (at > 0 && (this.#returned[at - 1] as Debt<Item>).number > debt.number) at--;
    this.#returned.splice(at, 0, debt);
  }

  shift(): void {
    const [returned] = this.#returned;
    if (returned !== undefined && returned === this.first) {
      this.#returned.shift();
      return;
    }
    this.#head++;
    if (this.#head === this.#fresh.length || this.#head >= COMPACT_AT) {
      this.#fresh = this.#fresh.slice(this.#head);
      this.#head = 0;
    }
  }

  gave(member: Member): void {
    this.#out++;
    if (this.key !== undefined) this.member = member;
  }

  got(): void {
    if (--this.#out === 0) this.member = undefined;
  }
}

/** One message that is owed. */
export interface Debt<Item> {
  /** Its place in its lane. */
  readonly number: number;
  /** The number by which its member speaks of it. */
  knownAs: number;
  readonly lane: DebtLane<Item>;
  readonly topic: string;
  readonly item: Item;
  readonly bytes: number;
  /** Counts those who may have had it. */
  attempt: number;
  /** Who has it now. */
  member?: Member | undefined;
  /** Who gave it back. */
  last?: string;
  /** The tick before which it does not go out again. */
  dueAt: number;
  /** The tick at which it was owed, or handed out last. */
  since: number;
}

/** Why: what was taken is held on to until then; more often would move the rest too often. */
const COMPACT_AT = 256;
