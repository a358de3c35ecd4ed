import type { Entry } from './entry.ts';
import { receiptOf } from './leases.ts';
import type { Lease } from './messages.ts';
import type { QueueOptions } from './options.ts';

/** What a consumer is told of a message that it has got. */
export function leaseOf(entry: Entry, kind: QueueOptions['kind']): Lease {
  const { seq, delivery, group, rank, sentAt, receives, firstAt = 0, leaseUntil, token, about } = entry;
  return {
    contentId: delivery?.of ?? seq,
    firstReceivedAt: firstAt,
    guarantee: about.guarantee ?? 'at-least-once',
    id: seq,
    leaseUntil,
    priority: kind === 'priority' ? 255 - rank : 0,
    receipt: receiptOf(entry),
    receives,
    sentAt,
    token,
    ...(group !== undefined && { group }),
  };
}
