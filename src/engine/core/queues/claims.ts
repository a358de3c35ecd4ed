import type { Instant } from '../base/instant.ts';
import { type Problem, problem } from '../base/problems.ts';
import type { Entry } from './entry.ts';
import { readReceipt } from './leases.ts';
import type { QueueOptions } from './options.ts';
import type { Stock } from './stock.ts';

export interface Claim {
  readonly receipt: unknown;
  readonly consumer: string | undefined;
  /**
   * It may come late: also where its time is up, as long as nobody has had it since: there is still one owner. Not in a fifo queue, where
   * others of its group may have gone on.
   */
  readonly late?: boolean;
  /**
   * What an earlier receipt may still do that says of itself that it cannot know better (`lenient`): `free`, where nobody has the message
   * now; `held`, also where somebody does, who must not lose it by this. Not in a fifo queue. Amazon SQS documents of an earlier handle
   * that deleting succeeds and the message “might not be deleted”, and takes changes of visibility with it.
   */
  readonly lenient?: 'free' | 'held';
}

export type Leniency = Pick<Claim, 'late' | 'lenient'>;

interface Claimed {
  readonly name: string;
  readonly options: QueueOptions;
  readonly stock: Stock;
}

/** The message that a receipt is good for, or why it is good for nothing. */
export function entryFor(
  queue: Claimed,
  { receipt, consumer, late = false, lenient }: Claim,
  now: Instant,
): Entry | Problem {
  const read = readReceipt(receipt, queue.stock.receiptEnd);
  if (read === undefined) return problem('input-invalid', `${JSON.stringify(receipt)} is no receipt`);
  const { isFormer, isLenient, seq, token } = read;
  if (isFormer) return lost(queue, seq, 'gone', 'it was received from another queue of that name, which was deleted');
  const entry = queue.stock.schedule.known.get(seq);
  // Why 0 is nobody's: it is what a message has that never was leased.
  if (entry === undefined || token === 0) return lost(queue, seq, 'gone', 'it is done, or waits to be received later');
  const isHeld = entry.state === 'ending' || (entry.state === 'leased' && entry.leaseUntil > now);
  const isFree = entry.state === 'ready' || (entry.state === 'leased' && !isHeld);
  const isFifo = queue.options.kind === 'fifo';
  if (entry.token !== token) {
    const isEarlier = isLenient && lenient !== undefined && !isFifo && token < entry.token;
    if (isEarlier && (isFree || (isHeld && lenient === 'held'))) return entry;
    return lost(queue, seq, 'lost', 'somebody else has had it since');
  }
  if (consumer !== undefined && entry.consumer !== consumer) {
    return lost(queue, seq, 'lost', `its lease is not ${consumer}'s`);
  }
  if (isHeld || (late && isFree && !isFifo)) return entry;
  return lost(queue, seq, 'expired', 'it came back when its time was up');
}

/** Whether nobody has had the message since this receipt of it. */
export function isNewest({ token }: Entry, receipt: unknown, { stock }: Claimed): boolean {
  return readReceipt(receipt, stock.receiptEnd)?.token === token;
}

function lost({ name: queue }: Claimed, seq: number, name: 'gone' | 'lost' | 'expired', why: string): Problem {
  const message = `message ${seq} of ${queue} is not yours (any more): ${why}`;
  return problem('lease-lost', message, { cause: { message: why, name } });
}
