import { Alarms } from '../base/alarms.ts';
import { earlier, type Instant, NEVER } from '../base/instant.ts';
import type { Entry } from './entry.ts';

/**
 * Who has which message until when, and the tokens that prove it.
 *
 *     used ─────────► next ──────────────► reserved            on disk: reserved
 *          tokens      │      may be given      │
 *
 * A token is a number that grows with every lease and is never given twice: a block of them is reserved on disk before the
 * first of it is given, and a new life of the node begins after the last block (the fencing tokens of Kleppmann 2016,
 * "How to do distributed locking"). Of two who think that they have a message, the one with the smaller token is refused.
 *
 * A lease is written to disk when it is `writeMs` old: most are over by then, and cost no write. What the node forgets when
 * it dies is therefore young: such a message is received again, and its former holder is refused.
 */
export class Leases {
  #ends = new Alarms<Entry>();
  #next: number;
  #reserved: number;
  /** Leases that are not on disk, the oldest first, from `#oldest` on; those that are over are skipped. */
  #young: { readonly entry: Entry; readonly token: number }[] = [];
  #oldest = 0;

  /** Tokens up to and with `reserved` may have been given by a former life. */
  constructor(reserved: number) {
    this.#next = reserved + 1;
    this.#reserved = reserved;
  }

  get count(): number {
    return this.#ends.size;
  }

  /** How many tokens may be given now. */
  get tokens(): number {
    return this.#reserved - this.#next + 1;
  }

  /** What to reserve now, to be reported with `reserved` once it is on disk; undefined where there are enough. */
  get wanted(): number | undefined {
    return this.tokens < BLOCK / 2 ? this.#next + BLOCK - 1 : undefined;
  }

  reserved(through: number): void {
    this.#reserved = Math.max(this.#reserved, through);
  }

  grant(entry: Entry, consumer: string | undefined, visibilityMs: number, now: Instant): void {
    entry.state = 'leased';
    entry.token = this.#next++;
    entry.leasedAt = now;
    entry.consumer = consumer;
    entry.receives++;
    entry.firstAt ??= now;
    entry.written = false;
    this.hold(entry, now + visibilityMs);
    this.#young.push({ entry, token: entry.token });
  }

  /** A lease ends then, and not before. */
  hold(entry: Entry, until: Instant): void {
    entry.leaseUntil = until;
    this.#ends.set(entry, until);
  }

  end(entry: Entry): void {
    this.#ends.clear(entry);
  }

  /** All leases are over. */
  clear(): void {
    this.#ends = new Alarms();
    this.#young = [];
    this.#oldest = 0;
  }

  /** Whether somebody's time is up. */
  isDue(now: Instant): boolean {
    return this.#ends.deadline() <= now;
  }

  /** One whose time is up, which is then over. */
  due(now: Instant): Entry | undefined {
    return this.#ends.due(now);
  }

  deadline(writeMs: number): Instant {
    const young = this.#young[this.#skipOver()];
    return earlier(this.#ends.deadline(), young === undefined ? NEVER : young.entry.leasedAt + writeMs);
  }

  /** One that is old enough to be written. */
  old(writeMs: number, now: Instant): Entry | undefined {
    const young = this.#young[this.#skipOver()];
    if (young === undefined || young.entry.leasedAt + writeMs > now) return undefined;
    this.#oldest++;
    young.entry.written = true;
    return young.entry;
  }

  #skipOver(): number {
    const young = this.#young;
    for (let first = young[this.#oldest]; first !== undefined; first = young[this.#oldest]) {
      const { entry, token } = first;
      if (entry.state === 'leased' && entry.token === token && !entry.written) break;
      this.#oldest++;
    }
    if (this.#oldest > 1_024 && this.#oldest * 2 > young.length) {
      this.#young = young.slice(this.#oldest);
      this.#oldest = 0;
    }
    return this.#oldest;
  }
}

/** Trade-off: more are fewer writes, and more numbers are skipped by every start. 2⁵³ are there. */
const BLOCK = 2 ** 20;

/** What all receipts of a queue end in: when it was made. A former queue of the name gave others, wherever it was. */
export function receiptEnd(createdAt: Instant): string {
  return `.${createdAt.toString(36)}`;
}

export function receiptOf({ seq, token }: Pick<Entry, 'seq' | 'token'>, end: string): string {
  return `${seq}.${token}${end}`;
}

/** The same receipt from somebody who cannot know whether it is the last one: see `Claim.lenient`. */
export function lenient(receipt: string): string {
  return `${receipt}${LENIENT}`;
}

/** `end`: of the queue's own receipts. */
export function readReceipt(receipt: unknown, end: string): ReadReceipt | undefined {
  if (typeof receipt !== 'string' || receipt.length > RECEIPT_MAX) return undefined;
  const isLenient = receipt.charCodeAt(receipt.length - 1) === LENIENT_CODE; // for every message, too
  const to = isLenient ? receipt.length - 1 : receipt.length;
  const dot = receipt.indexOf('.');
  const isOwn = receipt.endsWith(end, to);
  const last = isOwn ? to - end.length : receipt.indexOf('.', dot + 1);
  const seq = digits(receipt, 0, dot);
  const token = digits(receipt, dot + 1, last < 0 ? to : last);
  if (seq === undefined || token === undefined) return undefined;
  return { isFormer: !isOwn && last >= 0, isLenient, seq, token };
}

interface ReadReceipt {
  readonly seq: number;
  readonly token: number;
  readonly isLenient: boolean;
  /** It is of another queue. Not where it does not say of which: an earlier version gave it, and it is good for what it was good for. */
  readonly isFormer: boolean;
}

const LENIENT = '~';
const LENIENT_CODE = LENIENT.charCodeAt(0);

/** Why not a pattern: this is done for every message. */
function digits(text: string, from: number, to: number): number | undefined {
  if (to <= from || to - from > DIGITS_MAX) return undefined;
  let value = 0;
  for (let i = from; i < to; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return value;
}

const DIGITS_MAX = 16;
/** Three numbers, two dots and a sign. */
const RECEIPT_MAX = 3 * DIGITS_MAX + 3;
