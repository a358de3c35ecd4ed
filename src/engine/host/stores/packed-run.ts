/**
 * Plain messages that were sent one after the other, as one row of the table `runs`:
 *
 *     id of the first · count · sentAt of the first · lastAt of the last · members · packed
 *     members   [[bytes, ms since the first was sent, place in packed, length], …]    JSON, so that SQL can take a run apart
 *     packed    their contents, end to end
 *
 * Why: written, read and removed as one, a message costs a fifth of what a row of its own does.
 */
import { problemError } from '../../problem-error.ts';
import type { SqlValue } from './packed-rows.ts';
import { RUN_MAX, RUN_MIN } from './queue-sql.ts';

/** A message of which there is nothing unusual, and that was never received. */
export interface PlainMessage {
  readonly seq: number;
  readonly bytes: number;
  readonly sentAt: number;
  readonly content: Uint8Array;
}

/** Larger ones have rows of their own. Why: a run is read whole, also where one of its contents is wanted. */
export const MEMBER_BYTES_MAX = 1_024;

/** The values of a run's row, after the id of its first message. `messages` have consecutive ids. */
export function packRun(messages: readonly PlainMessage[]): readonly SqlValue[] {
  const sentAt = messages[0]?.sentAt ?? 0;
  const packed = Buffer.allocUnsafe(messages.reduce((sum, { content }) => sum + content.length, 0));
  let at = 0;
  let members = '';
  for (const { bytes, content, sentAt: sent } of messages) {
    members += `${members === '' ? '[' : ','}[${bytes},${sent - sentAt},${at},${content.length}]`;
    packed.set(content, at);
    at += content.length;
  }
  return [messages.length, sentAt, messages.at(-1)?.sentAt ?? 0, `${members}]`, packed];
}

/** Of the columns id of the first message, sentAt, members, packed. Contents are views of `packed`. Throws `store-corrupt`. */
export function readRun([first, sentAt, members, packed]: readonly SqlValue[]): readonly PlainMessage[] {
  const from = Number(first);
  const began = Number(sentAt);
  return parsed(members).map(([bytes, ms, at, length], i) => ({
    bytes,
    content: (packed as Uint8Array).subarray(at, at + length),
    sentAt: began + ms,
    seq: from + i,
  }));
}

type Member = readonly [bytes: number, ms: number, at: number, length: number];

function parsed(members: SqlValue | undefined): readonly Member[] {
  try {
    return JSON.parse(String(members)) as readonly Member[];
  } catch {
    throw problemError('store-corrupt', 'messages of a queue that were sent together cannot be read');
  }
}

/** What can be stored as runs, and what is left over; both in order. */
export function inRuns(
  messages: readonly PlainMessage[],
  isFit: (message: PlainMessage) => boolean,
): { readonly runs: readonly (readonly PlainMessage[])[]; readonly others: readonly PlainMessage[] } {
  const runs: (readonly PlainMessage[])[] = [];
  const others: PlainMessage[] = [];
  let run: PlainMessage[] = [];
  const end = () => {
    if (run.length >= RUN_MIN) runs.push(run);
    else others.push(...run);
    run = [];
  };
  for (const message of messages) {
    const last = run.at(-1);
    if (run.length >= RUN_MAX || (last !== undefined && last.seq + 1 !== message.seq)) end();
    if (message.content.length <= MEMBER_BYTES_MAX && isFit(message)) run.push(message);
    else {
      end();
      others.push(message);
    }
  }
  end();
  return { others, runs };
}
