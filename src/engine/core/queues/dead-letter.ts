import type { Instant } from '../base/instant.ts';
import type { About } from './effects.ts';
import { type Entry, HISTORY_MAX } from './entry.ts';
import type { DeadInfo, Receipt } from './messages.ts';

/** What a dead letter tells of its life. */
export function deadInfo(queue: string, entry: Entry, reason: string, now: Instant): DeadInfo {
  const { seq, sentAt, receives, history } = entry;
  return { at: now, history, id: seq, queue, reason, receives, sentAt };
}

/** One more receive that led to nothing. */
export function withReceipt(
  entry: Entry,
  how: Receipt['how'],
  reason: string | undefined,
  now: Instant,
): readonly Receipt[] {
  const receipt: Receipt = {
    at: entry.leasedAt,
    endedAt: now,
    how,
    ...(entry.consumer !== undefined && { consumer: entry.consumer }),
    ...(reason !== undefined && { reason: reason.slice(0, REASON_MAX) }),
  };
  return [...entry.history, receipt].slice(-HISTORY_MAX);
}

/** What a message keeps of what was said about it when it goes to another queue. */
export function aboutElsewhere({ about }: Entry, origin: string | undefined, rank: number): About | undefined {
  const { retry, maxReceives } = about;
  const kept = {
    ...(retry !== undefined && { retry }),
    ...(maxReceives !== undefined && { maxReceives }),
    ...(origin !== undefined && { origin }),
    ...(rank > 0 && { rank }),
  };
  return Object.keys(kept).length === 0 ? undefined : kept;
}

/** Limit: characters of a reason. */
const REASON_MAX = 1_000;
