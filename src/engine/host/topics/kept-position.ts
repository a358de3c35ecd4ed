/**
 * Where a reader of what is kept is: what it asks for when it begins and when it comes back, and what it has dealt with.
 *
 *     received …… 40 │ 41  42  43 │ 44                     next = 44: with that it goes on when its link was lost
 *       acknowledged ▲      ▲ acknowledged, but not 41: told is 40
 *
 * What is told is the last number of those that are all acknowledged, so that none is passed over.
 */
import { type Problem, problem } from '../../core/base/problems.ts';
import type { ReadMessage } from '../../core/topics/messages.ts';
import type { SubscribeOptions } from '../../topics-api.ts';

/** What a reader asks for, but for its number. */
export type ReadRequest = Omit<ReadMessage, 'id' | 'kind'>;

export class KeptPosition {
  readonly #first: ReadRequest;
  readonly #durable: boolean;
  readonly #now: () => number;
  readonly #since: Date | undefined;
  #keep = '';
  #next = 0;
  /** Received and not told as acknowledged, in their order, from `#head` on. */
  #open: number[] = [];
  #head = 0;
  readonly #acknowledged = new Set<number>();
  /** What was told as acknowledged last; told again when it comes back, for it may have been lost. */
  told = 0;

  /** Undefined where the options ask for nothing that is kept. */
  static of(patterns: readonly string[], options: SubscribeOptions, now: () => number): KeptPosition | undefined {
    const { after, durable, from, last, since } = options;
    const wanted = [after, durable, from, last, since].some((option) => option !== undefined);
    return wanted ? new KeptPosition(patterns, options, now) : undefined;
  }

  private constructor(patterns: readonly string[], options: SubscribeOptions, now: () => number) {
    const { after, durable, from, last, since } = options;
    const position = after === undefined ? null : POSITION.exec(after);
    this.#keep = position?.[2] ?? '';
    this.#next = position === null ? 0 : Number(position[1]) + 1;
    this.#durable = durable !== undefined;
    this.#now = now;
    this.#since = since instanceof Date ? since : undefined;
    const lastMax = from === 'first' ? Number.MAX_SAFE_INTEGER : last;
    this.#first = {
      patterns,
      ...(durable === undefined ? {} : { durable }),
      ...(typeof from === 'number' ? { from } : {}),
      ...(lastMax === undefined ? {} : { last: lastMax }),
      ...(typeof since === 'number' ? { ageMs: Math.round(since) } : {}),
    };
  }

  /** Why these options do not go together. */
  static flaw({
    ack,
    after,
    durable,
    everywhere,
    from,
    group,
    keptIn,
    last,
    policy,
    since,
  }: SubscribeOptions): Problem | undefined {
    const starts = { from, last, since };
    const given = Object.entries(starts).filter(([, value]) => value !== undefined);
    const isKept = given.length > 0 || durable !== undefined || after !== undefined;
    const says = (text: string) => problem('input-invalid', text);
    if (keptIn !== undefined && (!isKept || durable !== undefined)) {
      return says('keptIn goes with from, after, last or since; a durable name is of the own cluster');
    }
    if (given.length > 1) return says(`one of ${given.map(([name]) => name).join(' and ')} can be given, not both`);
    if (ack !== undefined && durable === undefined && group === undefined) {
      return says('ack goes with durable and with group: others acknowledge nothing');
    }
    if (ack === 'none' && durable !== undefined) return says('what nobody acknowledges has no durable name');
    if (isKept && group !== undefined) return says('members of a group share what comes now, not what is kept');
    if (isKept && (policy !== undefined || everywhere)) {
      return says('a reader of what is kept reads it when it has room: it needs no policy, and no everywhere');
    }
    if (after !== undefined && !isPosition(after)) {
      return says(`after is the position of a message, SEQUENCE@KEEP, not ${JSON.stringify(after.slice(0, 60))}`);
    }
    const isCount = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0;
    if (last !== undefined && !isCount(last)) return says('last is a whole number, not negative');
    if (typeof from === 'number' && !(isCount(from) && from > 0)) {
      return says(`from is a whole number above 0, for numbers begin with 1; or first, or new; not ${from}`);
    }
    const odd = typeof since === 'number' ? !(since >= 0) : since !== undefined && Number.isNaN(since.getTime());
    if (odd) return says('since is a date, or so many milliseconds ago');
    if (durable === '' || (durable?.length ?? 0) > NAME_MAX)
      return says(`a durable name has 1 to ${NAME_MAX} characters`);
    return undefined;
  }

  request(): ReadRequest {
    const ageMs = this.#since === undefined ? {} : { ageMs: Math.max(0, this.#now() - this.#since.getTime()) };
    const resume = this.#keep === '' ? {} : { resume: { keep: this.#keep, next: this.#next } };
    return { ...this.#first, ...ageMs, ...resume };
  }

  /** It reads `keep`. True where that is another one than before: nobody knows what was missed. */
  reading(keep: string, next: number): boolean {
    if (keep === this.#keep) return false;
    const isOther = this.#keep !== '';
    this.#keep = keep;
    this.#next = next;
    this.#open = [];
    this.#head = 0;
    this.#acknowledged.clear();
    this.told = 0;
    return isOther;
  }

  /** Of a message that was received. */
  positionOf(sequence: number): string {
    return `${sequence}@${this.#keep}`;
  }

  /** False where it was received before. */
  received(sequence: number): boolean {
    if (sequence < this.#next) return false;
    this.#next = sequence + 1;
    if (this.#durable) this.#open.push(sequence);
    return true;
  }

  /** What is to be told as acknowledged now, if that is more than before. */
  acknowledge(sequence: number): number | undefined {
    if (!this.#durable) return undefined;
    let told: number | undefined;
    this.#acknowledged.add(sequence);
    for (;;) {
      const first = this.#open[this.#head];
      if (first === undefined || !this.#acknowledged.delete(first)) break;
      told = first;
      this.#head++;
    }
    if (this.#head >= COMPACT_AT && this.#head * 2 >= this.#open.length) {
      this.#open = this.#open.slice(this.#head);
      this.#head = 0;
    }
    this.told = told ?? this.told;
    return told;
  }

  /** Whether more is open than may be. */
  get isFull(): boolean {
    return this.#open.length - this.#head > OPEN_MAX;
  }
}

/** Whether a text is the position of a message: SEQUENCE@KEEP. */
export function isPosition(text: string): boolean {
  return POSITION.test(text);
}

/** Limit: messages that are not acknowledged. */
export const OPEN_MAX = 100_000;
const COMPACT_AT = 1_024;
const NAME_MAX = 255;
const POSITION = /^(\d{1,15})@(.{1,400})$/;
