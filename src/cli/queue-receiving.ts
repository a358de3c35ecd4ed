/**
 * Messages of a queue for the command line: printed, or each given to a command.
 *
 * A message is acknowledged when it was handed over: when the operating system has taken what was printed, or the command has
 * ended with 0. Whatever comes between (Ctrl-C, a reader that went away) gives it back, at once.
 */
import { type ConsumeOptions, ProblemError, type Queue, type QueueMessage } from '../engine/index.ts';
import { headerVariables, type MessageProcesses } from './message-processes.ts';
import { beforeBrokenPipe, type Output } from './output.ts';
import { isoOf } from './queues.ts';

/** What became of the messages that were received. */
export class Tally {
  done = 0;
  failed = 0;
  /** Handed over, but their lease was over before the queue heard of it: they come again. */
  lost = 0;
}

export interface Receiving {
  readonly queue: Queue;
  readonly options: ConsumeOptions;
  readonly output: Output;
  readonly signal: AbortSignal;
}

/** Prints messages until there is an end. */
export async function printAll(
  { queue, options, output }: Receiving,
  print: (message: QueueMessage) => Promise<void>,
): Promise<Tally> {
  const tally = new Tally();
  const consumption = queue.consume({ ...options, ack: 'manual' });
  let current: QueueMessage | undefined;
  const giveBack = async () => {
    await Promise.allSettled([current?.isSettled === false ? current.release() : undefined, consumption.stop()]);
  };
  beforeBrokenPipe(giveBack);
  const acks = new Set<Promise<void>>();
  for await (const message of consumption) {
    current = message;
    try {
      await print(message);
    } catch (error) {
      await giveBack();
      if (!NOBODY_READS.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
      return tally;
    }
    const ack = acknowledge(message, tally, output).finally(() => acks.delete(ack));
    acks.add(ack);
  }
  await Promise.all(acks);
  await consumption.closed;
  return tally;
}

const NOBODY_READS: ReadonlySet<string> = new Set([
  'EOF',
  'EPIPE',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_WRITE_AFTER_END',
]);

async function acknowledge(message: QueueMessage, tally: Tally, output: Output): Promise<void> {
  try {
    await message.ack();
    tally.done++;
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    tally.lost++;
    output.warn(`message ${message.id} comes again: ${error.message}`);
  }
}

export interface CommandEnd {
  readonly message: QueueMessage;
  readonly code: number | null;
  readonly failure: string | undefined;
  readonly tookMs: number;
}

/** Has each message worked on by a command of its own. */
export async function runAll(
  { queue, options, output, signal }: Receiving,
  processes: MessageProcesses,
  concurrency: number,
  ended: (end: CommandEnd) => Promise<void>,
): Promise<Tally> {
  const tally = new Tally();
  const work = queue.work(
    async (message) => {
      const began = performance.now();
      const run = { body: message.body, captured: false, environment: environmentOf(message) };
      const { code, failure } = await processes.run(run);
      if (message.signal.aborted) {
        tally.lost++;
        output.warn(`message ${message.id} comes again: its lease was lost while its command ran`);
        return;
      }
      await ended({ code, failure, message, tookMs: Math.round(performance.now() - began) });
      if (failure === undefined) {
        await acknowledge(message, tally, output);
        return;
      }
      tally.failed++;
      // Why released: the command did not fail by itself, it was stopped or never began.
      if (signal.aborted || processes.hopeless !== undefined) await message.release();
      else await message.nack({ reason: `its command ${failure}` });
      if (processes.hopeless !== undefined) void work.stop();
    },
    { ...options, concurrency },
  );
  const late = () => setTimeout(() => processes.stop(), LAST_MS).unref();
  signal.addEventListener('abort', late, { once: true });
  await work.closed;
  if (processes.hopeless !== undefined) throw processes.hopeless;
  return tally;
}

/** How long commands that run may go on after Ctrl-C before they are told to end. */
const LAST_MS = 3_000;

function environmentOf(message: QueueMessage): Record<string, string> {
  const { dead, dedupeId, group, headers, id, priority, queue, receives, sentAt } = message;
  return {
    ...headerVariables(headers),
    ID: `${id}`,
    PRIORITY: `${priority}`,
    QUEUE: queue,
    RECEIVES: `${receives}`,
    SENT_AT: isoOf(sentAt) ?? '',
    ...(group === undefined ? {} : { GROUP: group }),
    ...(dedupeId === undefined ? {} : { DEDUPE_ID: dedupeId }),
    ...(dead === undefined ? {} : { DEAD_QUEUE: dead.queue, DEAD_REASON: dead.reason }),
  };
}
