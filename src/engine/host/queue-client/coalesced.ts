/**
 * Many small requests as few calls: what is asked in one turn of the loop goes in one call, and several calls are under
 * way at once. Each request is settled by its own result.
 *
 *     add add add ──► waiting ──(end of the turn, or a call came back)──► call ──► resolve, reject, resolve
 *
 * Requests go out in the order in which they came. It repeats nothing.
 */
import { type Problem, problem } from '../../core/base/problems.ts';
import { ProblemError } from '../../problem-error.ts';

export interface CoalescedOptions<Item, Result> {
  /** Of one call. */
  readonly itemsMax: number;
  readonly bytesMax: number;
  /**
   * No call has more than half of what is open: while one half is being stored, the other is on its way. For who waits for
   * answers before more is asked.
   */
  readonly halves?: boolean;
  /** Calls under way. More: a slow answer holds up less. Fewer: more items in each. */
  readonly callsMax: number;
  /** Of items without an answer, together; one more is `overloaded`. */
  readonly openMax: number;
  readonly openBytesMax: number;
  /** Roughly. Default 0. */
  readonly cost?: (item: Item) => number;
  /** What came of each item, in order. Rejects where nothing is known of any. */
  readonly call: (items: readonly Item[]) => Promise<readonly (Outcome<Result> | undefined)[]>;
}

export type Outcome<Result> = { readonly value: Result } | { readonly problem: Problem };

interface Asked<Item, Result> {
  readonly item: Item;
  readonly cost: number;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

export class Coalesced<Item, Result> {
  readonly #options: CoalescedOptions<Item, Result>;
  #waiting: Asked<Item, Result>[] = [];
  /** Items without an answer, and their bytes. */
  #open = 0;
  #bytes = 0;
  #calls = 0;
  #planned = false;
  #roomy: (() => void)[] = [];
  #idle: (() => void)[] = [];

  constructor(options: CoalescedOptions<Item, Result>) {
    this.#options = options;
  }

  get open(): number {
    return this.#open;
  }

  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => this.#add(item, resolve, reject));
  }

  /** The same for who wants to hear of trouble only. */
  tell(item: Item, failed: (error: unknown) => void): void {
    this.#add(item, ignore, failed);
  }

  #add(item: Item, resolve: (result: Result) => void, reject: (error: unknown) => void): void {
    const { cost: costOf, openBytesMax, openMax } = this.#options;
    const cost = costOf?.(item) ?? 0;
    if (this.#open >= openMax || (this.#open > 0 && this.#bytes + cost > openBytesMax)) {
      const text = `${this.#open} messages, ${this.#bytes} bytes, wait for their answer already`;
      const hint = 'Wait for answers, or for room(), before more is sent.\nmpreg queue send --help';
      return reject(new ProblemError(problem('overloaded', text, { hint })));
    }
    this.#open++;
    this.#bytes += cost;
    this.#waiting.push({ cost, item, reject, resolve });
    if (this.#planned) return;
    this.#planned = true;
    setImmediate(() => {
      this.#planned = false;
      this.#flush();
    });
  }

  /** Resolves when half of what may be open is free. */
  room(): Promise<void> {
    if (this.#isRoomy) return Promise.resolve();
    return new Promise((resolve) => void this.#roomy.push(resolve));
  }

  /** Resolves when nothing is open any more. */
  idle(): Promise<void> {
    if (this.#open === 0) return Promise.resolve();
    return new Promise((resolve) => void this.#idle.push(resolve));
  }

  get #isRoomy(): boolean {
    const { openBytesMax, openMax } = this.#options;
    return this.#open <= openMax / 2 && this.#bytes <= openBytesMax / 2;
  }

  #flush(): void {
    while (this.#waiting.length > 0 && this.#calls < this.#options.callsMax) void this.#call(this.#next());
  }

  /** As many of those that wait as one call may have; at least one. */
  #next(): Asked<Item, Result>[] {
    const { bytesMax, halves = false } = this.#options;
    const half = halves ? Math.max(ITEMS_MIN, Math.ceil(this.#open / 2)) : Number.POSITIVE_INFINITY;
    const itemsMax = Math.min(this.#options.itemsMax, half);
    let bytes = 0;
    let count = 0;
    for (const { cost } of this.#waiting) {
      bytes += cost;
      if (count >= itemsMax || (count > 0 && bytes > bytesMax)) break;
      count++;
    }
    if (count === this.#waiting.length) {
      const all = this.#waiting;
      this.#waiting = [];
      return all;
    }
    return this.#waiting.splice(0, count);
  }

  async #call(asked: readonly Asked<Item, Result>[]): Promise<void> {
    this.#calls++;
    try {
      const outcomes = await this.#options.call(asked.map(({ item }) => item));
      asked.forEach(({ reject, resolve }, i) => {
        const outcome = outcomes[i] ?? { problem: problem('internal', 'the node gave no result for a message') };
        if ('value' in outcome) resolve(outcome.value);
        else reject(new ProblemError(outcome.problem));
      });
    } catch (error) {
      for (const { reject } of asked) reject(error);
    }
    this.#calls--;
    this.#open -= asked.length;
    for (const { cost } of asked) this.#bytes -= cost;
    if (this.#roomy.length > 0 && this.#isRoomy) for (const resolve of this.#roomy.splice(0)) resolve();
    if (this.#open === 0) for (const resolve of this.#idle.splice(0)) resolve();
    if (!this.#planned) this.#flush();
  }
}

function ignore(): void {}

/** So many always go in one call, where they may. */
const ITEMS_MIN = 100;
