import { type Instant, NEVER } from '../base/instant.ts';
import type { About, MessageState, NewMessage, StoredMessage } from './effects.ts';
import type { Receipt } from './messages.ts';

/**
 * A message that memory knows of: one of the next, or one that somebody has. Its content is on disk.
 *
 *     (disk) ──► behind ──► ready ──► leased ──► ending ──► (gone)
 *                  ▲          ▲          │
 *                  └──────────┴──────────┴────► parking ──► (disk)
 */
export interface Entry {
  readonly seq: number;
  readonly rank: number;
  readonly group: string | undefined;
  readonly bytes: number;
  readonly sentAt: Instant;
  readonly expiresAt: Instant;
  readonly about: About;
  /** Set where it is what one consumer owes of a message for several. */
  readonly delivery: { readonly of: number; readonly consumer: string } | undefined;
  state: 'behind' | 'ready' | 'leased' | 'ending' | 'parking';
  /** Not to be received before; 0 where nothing was said. */
  due: Instant;
  receives: number;
  firstAt: Instant | undefined;
  history: readonly Receipt[];
  token: number;
  leasedAt: Instant;
  leaseUntil: Instant;
  consumer: string | undefined;
  /** Whether storage has the state of this lease. */
  written: boolean;
  /** Whether storage has, or is about to have, a state of it at all. */
  hasState: boolean;
  /** Storage has a `due` of it that is over: forgotten, it counts as delayed again. */
  wasDue: boolean;
}

export function entryOf(stored: StoredMessage, delivery?: Entry['delivery']): Entry {
  const { seq, rank, group, bytes, sentAt, expiresAt = NEVER, about = NOTHING_SAID, state } = stored;
  return {
    about,
    bytes,
    consumer: state?.consumer,
    delivery,
    due: state?.due ?? 0,
    expiresAt,
    firstAt: state?.firstAt,
    group,
    hasState: state !== undefined,
    history: state?.history ?? NO_HISTORY,
    leasedAt: 0,
    leaseUntil: state?.leaseUntil ?? 0,
    rank,
    receives: state?.receives ?? 0,
    sentAt,
    seq,
    state: 'behind',
    token: state?.token ?? 0,
    wasDue: false,
    written: false,
  };
}

/** What is stored of an entry that has no lease; `due` where it may not be received before. */
export function restingState({ receives, firstAt, history }: Entry, due?: Instant): MessageState {
  return { history, receives, ...(due !== undefined && { due }), ...(firstAt !== undefined && { firstAt }) };
}

export function leasedState({ receives, firstAt, history, token, leaseUntil, consumer }: Entry): MessageState {
  const who = consumer === undefined ? {} : { consumer };
  return { history, leaseUntil, receives, token, ...(firstAt !== undefined && { firstAt }), ...who };
}

/** The order in which ready messages are received. */
export function inOrder(a: { rank: number; seq: number }, b: { rank: number; seq: number }): number {
  return a.rank - b.rank || a.seq - b.seq;
}

export function isExpired(
  { sentAt, expiresAt }: Pick<Entry, 'sentAt' | 'expiresAt'>,
  ttlMs: number | null,
  now: Instant,
) {
  return now >= expiresAt || (ttlMs !== null && now >= sentAt + ttlMs);
}

/** Limit: receipts of one message that are remembered. */
export const HISTORY_MAX = 10;

const NOTHING_SAID: About = {};
const NO_HISTORY: readonly Receipt[] = [];

export type { NewMessage };
