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
}

interface Claimed {
  readonly name: string;
  readonly options: QueueOptions;
  readonly stock: Stock;
}

/** The message that a receipt is good for, or why it is good for nothing. */
export function entryFor(queue: Claimed, { receipt, consumer, late = false }: Claim, now: Instant): Entry | Problem {
  const read = readReceipt(receipt);
  if (read === undefined) return problem('input-invalid', `${JSON.stringify(receipt)} is no receipt`);
  const { seq, token } = read;
  const entry = queue.stock.schedule.known.get(seq);
  // Why 0 is nobody's: it is what a message has that never was leased.
  if (entry === undefined || token === 0) return lost(queue, seq, 'gone', 'it is done, or waits to be received later');
  if (entry.token !== token) return lost(queue, seq, 'lost', 'somebody else has had it since');
  if (consumer !== undefined && entry.consumer !== consumer) {
    return lost(queue, seq, 'lost', `its lease is not ${consumer}'s`);
  }
  const isHeld = entry.state === 'ending' || (entry.state === 'leased' && entry.leaseUntil > now);
  const isFree = entry.state === 'ready' || entry.state === 'leased';
  if (isHeld || (late && isFree && queue.options.kind !== 'fifo')) return entry;
  return lost(queue, seq, 'expired', 'it came back when its time was up');
}

function lost({ name: queue }: Claimed, seq: number, name: 'gone' | 'lost' | 'expired', why: string): Problem {
  const message = `message ${seq} of ${queue} is not yours (any more): ${why}`;
  return problem('lease-lost', message, { cause: { message: why, name } });
}
