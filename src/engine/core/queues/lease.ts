import type { Instant } from '../base/instant.ts';
import { type Entry, isExpired } from './entry.ts';
import { receiptOf } from './leases.ts';
import type { Lease } from './messages.ts';
import type { QueueOptions } from './options.ts';
import type { Stock } from './stock.ts';

/** What a consumer is told of a message that it has got. `end`: of all receipts of its queue. */
export function leaseOf(entry: Entry, kind: QueueOptions['kind'], end: string): Lease {
  const { seq, delivery, group, rank, sentAt, receives, firstAt = 0, leaseUntil, token, about } = entry;
  return {
    contentId: delivery?.of ?? seq,
    firstReceivedAt: firstAt,
    guarantee: about.guarantee ?? 'at-least-once',
    id: seq,
    leaseUntil,
    priority: kind === 'priority' ? 255 - rank : 0,
    receipt: receiptOf(entry, end),
    receives,
    sentAt,
    token,
    ...(group !== undefined && { group }),
  };
}

/** The next messages for a consumer; what is found to be too old on the way ends there. */
export function takeUpTo(stock: Stock, { consumer, groupMax, room, ttlMs }: Wanted, now: Instant): Entry[] {
  const taken: Entry[] = [];
  const fits = (entry: Entry) => !isExpired(entry, ttlMs, now);
  while (taken.length < room) {
    const next = stock.schedule.take(consumer, Math.min(groupMax, room - taken.length), fits);
    if (next.length === 0) break;
    for (const entry of next) {
      if (fits(entry)) taken.push(entry);
      else stock.ends.expire(entry, true, now);
    }
  }
  return taken;
}

interface Wanted {
  readonly consumer: string | undefined;
  /** Consecutive members of one group. */
  readonly groupMax: number;
  readonly room: number;
  readonly ttlMs: number | null;
}
