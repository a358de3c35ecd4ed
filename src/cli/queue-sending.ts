/**
 * Messages from the command line into a queue: one, or one per line of stdin.
 *
 * Many are under way at once, as many as the client has room for, so that a million lines take no more memory than a few.
 * The first that is refused ends it; how many are stored is known to the end.
 */
import { didNotHappen, ProblemError, type Queue, type SendOptions, type Sent } from '../engine/index.ts';

export interface Stored {
  readonly stored: number;
  readonly duplicates: number;
  /** Sent, and nobody knows what became of them. */
  readonly unknown: number;
  readonly refused: number;
  readonly last: Sent | undefined;
  /** The first, from 1, that is not known to be stored, and why. */
  readonly failed: { readonly number: number; readonly error: Error } | undefined;
}

export interface QueueSending {
  readonly queue: Queue;
  readonly options: SendOptions;
  readonly signal: AbortSignal;
  /** Hears how many are stored so far. */
  readonly progress: (stored: number) => void;
}

/** Resolves when all that was sent has its answer, also where it ended early. */
export async function sendAll(
  bodies: AsyncIterable<unknown>,
  { queue, options, signal, progress }: QueueSending,
): Promise<Stored> {
  const seen = { duplicates: 0, refused: 0, stored: 0, unknown: 0 };
  let last: Sent | undefined;
  let failed: Stored['failed'];
  const sending: Promise<void>[] = [];
  let number = 0;
  const fail = (which: number, error: Error) => {
    if (failed === undefined || which < failed.number) failed = { error, number: which };
  };
  const send = async (body: unknown, which: number) => {
    try {
      const sent = await queue.send(body, options);
      seen.stored++;
      if (sent.duplicate) seen.duplicates++;
      last = sent;
      progress(seen.stored);
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      if (didNotHappen(error.problem)) seen.refused++;
      else seen.unknown++;
      fail(which, error);
    }
  };
  try {
    for await (const body of bodies) {
      if (signal.aborted || failed !== undefined) break;
      sending.push(send(body, ++number));
      await queue.room();
      if (sending.length >= SENDING_MAX) await Promise.all(sending.splice(0, SENDING_MAX / 2));
    }
  } catch (error) {
    fail(number + 1, error as Error); // it could not be read
  }
  await Promise.all(sending);
  return { ...seen, failed, last };
}

/** Sends without an answer. */
const SENDING_MAX = 20_000;
