/** Rows of the tables of queues ⇄ what the core knows of messages. */
import type { About, MessageState, StoredMessage } from '../../core/queues/effects.ts';
import type { Receipt } from '../../core/queues/messages.ts';
import type { SqlValue } from './packed-rows.ts';

export type Row = readonly SqlValue[];

/** What is unusual about a message, as text; null where nothing is. */
export function aboutOf(about: About | undefined, group: string | undefined): string | null {
  if (about === undefined && group === undefined) return null;
  return JSON.stringify({ about, group });
}

/** Of the columns seq, rank, bytes, sentAt, expiresAt, grp, about, dead, and those of its state, where it has one. */
export function readMessage(row: Row): StoredMessage {
  const [seq, rank, bytes, sentAt, expiresAt, grp, text, dead] = row;
  const { about, group = grp ?? undefined } =
    typeof text === 'string' ? (JSON.parse(text) as { about?: About; group?: string }) : {};
  return {
    bytes: Number(bytes),
    rank: Number(rank ?? 0),
    sentAt: Number(sentAt),
    seq: Number(seq),
    ...(group !== undefined && { group: String(group) }),
    ...(expiresAt !== null && expiresAt !== undefined && { expiresAt: Number(expiresAt) }),
    ...(about !== undefined && { about }),
    ...(typeof dead === 'string' && { dead: JSON.parse(dead) as NonNullable<StoredMessage['dead']> }),
    ...readState(row, 8),
  };
}

/** Of the columns seq, bytes, sentAt, and one text of all others. */
export function readNext([seq, bytes, sentAt, unusual]: Row): StoredMessage {
  const plain = { bytes: Number(bytes), rank: 0, sentAt: Number(sentAt), seq: Number(seq) };
  if (typeof unusual !== 'string') return plain;
  const [rank = null, ...more] = JSON.parse(unusual) as SqlValue[];
  return readMessage([plain.seq, rank, plain.bytes, plain.sentAt, ...more]);
}

/** Of the columns due, token, leaseUntil, consumer, receives, firstAt, history, from that place on. */
export function readState(row: Row, from: number): { readonly state?: MessageState } {
  const [due, token, leaseUntil, consumer, receives, firstAt, history] = row.slice(from, from + 7);
  if (receives === null || receives === undefined) return {};
  return {
    state: {
      history: typeof history === 'string' ? (JSON.parse(history) as Receipt[]) : [],
      receives: Number(receives),
      ...(typeof due === 'number' && { due }),
      ...(typeof token === 'number' && { token }),
      ...(typeof leaseUntil === 'number' && { leaseUntil }),
      ...(typeof consumer === 'string' && { consumer }),
      ...(typeof firstAt === 'number' && { firstAt }),
    },
  };
}
