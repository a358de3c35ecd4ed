import { setTimeout as pause } from 'node:timers/promises';
import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { parseLongDuration } from '../../cli/duration.ts';
import { MessageProcesses } from '../../cli/message-processes.ts';
import { queueArg } from '../../cli/queue-flags.ts';
import { inFlags } from '../../cli/queue-flaws.ts';
import { type CommandEnd, printAll, type Receiving, runAll, type Tally } from '../../cli/queue-receiving.ts';
import { bodyText, isoOf, messageDocument, rawBody } from '../../cli/queues.ts';
import { dropEmpty } from '../../cli/settings.ts';
import {
  type ConsumeOptions,
  exitOf,
  type Problem,
  ProblemError,
  problemError,
  type QueueMessage,
} from '../../engine/index.ts';

/** With --exec: so long may the commands that run take to end after Ctrl-C, and what is left to be given back. */
const GRACE_MS = 4_800;
const PREFETCH = 100;
const WAIT_MS_MAX = 20_000;
const AGAIN_MS = 500;

export default class QueueReceive extends BaseCommand<typeof QueueReceive> {
  static override summary = 'Take messages from a queue, a line for each, or run a command for each.';
  static override description = [
    'Prints when it was sent, its id and its body, with tabs between, and with --ack manual the receipt before the body; with ' +
      '--json an object with all that is known of it. Each is acknowledged once it is printed, and given back where that ' +
      'cannot be: after Ctrl-C, or when the reader went away. With --ack manual it stays leased, and "queue ack", "nack", "extend" ' +
      'or "release" with its receipt says what becomes of it.',
    'One message, or up to --max; those that are there, or come within --wait. With --follow, all that come, until interrupted.',
    'With --exec, a command gets the body on stdin, and MPREG_QUEUE, MPREG_ID, MPREG_RECEIVES, MPREG_SENT_AT, MPREG_GROUP, ' +
      'MPREG_DEDUPE_ID, MPREG_PRIORITY and MPREG_HEADER_… in its environment; there is no shell. The message stays leased as ' +
      "long as it runs. Ends it with 0, the message is acknowledged; with anything else it comes again, as the queue's retry " +
      'policy says, and is a dead letter in the end.',
    'Without --follow, a queue that cannot be reached is waited for as long as --timeout says. Ends with 0, also where there was nothing; with 7 where the lease of a message was lost before it was acknowledged.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> <%= command.id %> jobs --wait 10s',
    '<%= config.bin %> <%= command.id %> jobs --max 100 --json',
    "<%= config.bin %> <%= command.id %> jobs --follow --exec 'node send-mail.js' --concurrency 4",
    '<%= config.bin %> <%= command.id %> jobs --ack manual --visibility 10m',
  ];
  static override args = { queue: queueArg };
  static override flags = {
    max: Flags.integer({ helpValue: 'N', min: 1, summary: 'So many at most; 1, or with --follow any number.' }),
    wait: Flags.string({ helpValue: 'DURATION', summary: 'How long to wait where there is none: 20s. 0.' }),
    follow: Flags.boolean({ char: 'f', summary: 'Go on until interrupted, or --max is reached.' }),
    ack: Flags.option({ options: ['auto', 'manual'] as const })({
      default: 'auto',
      summary: 'Whether a message is done when it is printed.',
    }),
    visibility: Flags.string({
      helpValue: 'DURATION',
      summary: "How long each is leased; the queue's own without it.",
    }),
    consumer: Flags.string({ helpValue: 'NAME', summary: 'In whose name, for broadcast and quorum.' }),
    raw: Flags.boolean({ summary: 'Only bodies: text as it is, bytes as they are, all else as JSON.' }),
    exec: Flags.string({ helpValue: 'COMMAND', summary: 'Run this for each message, its body on stdin.' }),
    concurrency: Flags.integer({ dependsOn: ['exec'], helpValue: 'N', min: 1, summary: 'So many at once. 1.' }),
  };

  async run(): Promise<void> {
    const { ack, exec, follow, raw } = this.flags;
    if (ack === 'manual' && exec !== undefined)
      throw problemError('usage-invalid', '--exec acknowledges by itself: by the exit code of its command');
    if (raw && (ack === 'manual' || exec !== undefined))
      throw problemError('usage-invalid', '--raw prints no receipts, and with --exec there is nothing to print');
    const processes =
      exec === undefined ? undefined : new MessageProcesses(exec, this.output.json ? 'stderr' : 'stdout');
    const client = await this.client({ survives: follow });
    const queue = client.queue(this.args.queue);
    if (ack === 'manual') return this.#manually(queue);
    const patience = new Patience((await this.settings()).timeoutMs);
    const signal = AbortSignal.any([this.interruption.signal, patience.signal]);
    const options = { ...this.#options(patience), signal };
    const receiving: Receiving = { options, output: this.output, queue, signal };
    if (follow) this.output.note(`receiving from ${queue.name} through ${client.node.name}; Ctrl-C ends`);
    if (processes !== undefined) this.interruption.takes(GRACE_MS);
    const tally =
      processes === undefined
        ? await printAll(receiving, (message) => this.#print(message, patience))
        : await runAll(receiving, processes, this.flags.concurrency ?? 1, (end) => this.#ended(end, patience));
    this.#conclude(tally, patience.end());
  }

  #options(patience: Patience): ConsumeOptions {
    const { concurrency = 1, consumer, exec, follow, visibility } = this.flags;
    const max = this.flags.max ?? (follow ? undefined : 1);
    const prefetch = Math.min(max ?? PREFETCH, exec === undefined ? PREFETCH : concurrency);
    return {
      graceMs: GRACE_MS - 300,
      onTrouble: (problem) => {
        this.output.warn(`${problem.message}; trying again`);
        if (!follow) patience.trouble(problem);
      },
      onWell: () => patience.well(),
      prefetch,
      ...dropEmpty({
        consumer,
        idleMs: follow ? undefined : this.#waitMs,
        max,
        visibilityMs: visibility === undefined ? undefined : parseLongDuration(visibility, '--visibility'),
      }),
    };
  }

  get #waitMs(): number {
    return this.flags.wait === undefined ? 0 : parseLongDuration(this.flags.wait, '--wait');
  }

  #conclude({ done, failed, lost }: Tally, lastTrouble: Problem | undefined): void {
    const { exec, follow } = this.flags;
    if (lastTrouble !== undefined) throw new ProblemError(lastTrouble);
    if (done + failed + lost === 0 && !follow) this.output.note('there was no message');
    if (lost > 0) {
      const what = `of ${lost} ${lost === 1 ? 'message' : 'messages'} the lease was lost before it was acknowledged`;
      throw problemError('lease-lost', what);
    }
    if (exec !== undefined && failed > 0 && !this.interruption.signal.aborted)
      throw problemError('function-failed', `${failed} of ${done + failed} commands failed`, {
        hint: `Each is told above; they come again, or are dead letters.\nmpreg queue info ${this.args.queue}`,
      });
  }

  /** What is printed stays leased, whatever becomes of this command. */
  async #manually(queue: ReturnType<Awaited<ReturnType<typeof this.client>>['queue']>): Promise<void> {
    const { consumer, follow, visibility } = this.flags;
    const { signal } = this.interruption;
    const visibilityMs = visibility === undefined ? undefined : parseLongDuration(visibility, '--visibility');
    let left = this.flags.max ?? (follow ? Number.POSITIVE_INFINITY : 1);
    const waitMs = follow ? WAIT_MS_MAX : this.#waitMs;
    const most = left;
    let seen = !follow; // the first look does not wait, so that a queue that never was is told from one that is away
    while (left > 0 && !signal.aborted) {
      const options = { max: Math.min(left, PREFETCH), signal, ...dropEmpty({ consumer, visibilityMs }) };
      let messages: readonly QueueMessage[];
      try {
        messages = await queue.receive({ ...options, waitMs: seen ? waitMs : 0 });
        seen = true;
      } catch (error) {
        if (!follow || signal.aborted || !mayPass(error, seen)) throw error;
        this.output.warn(`${error.message}; trying again`);
        await pause(AGAIN_MS, undefined, { signal }).catch(() => undefined);
        continue;
      }
      for (const message of messages) await this.#print(message);
      left -= messages.length;
      if (messages.length === 0 && !follow) break;
    }
    if (left === most) this.output.note('there was no message');
    else if (left < most) this.output.note(`say what became of them: mpreg queue ack ${queue.name} RECEIPT`);
  }

  async #print(message: QueueMessage, patience?: Patience): Promise<void> {
    patience?.well();
    const { body, id, receipt, sentAt } = message;
    if (this.flags.raw) return this.output.handOver(rawBody(body));
    const fields = [isoOf(sentAt), id, ...(this.flags.ack === 'manual' ? [receipt] : []), bodyText(body)];
    await this.output.handOver({ document: messageDocument(message.queue, message), text: fields.join('\t') });
  }

  async #ended(end: CommandEnd, patience: Patience): Promise<void> {
    const { code, failure, message, tookMs } = end;
    const { id, queue, receives } = message;
    patience.well();
    if (failure !== undefined) this.output.warn(`message ${id}: the command ${failure}`);
    if (this.output.json) await this.output.event({ queue, id, receives, code, failure: failure ?? null, tookMs }, '');
  }

  protected override catch(error: Error): Promise<never> {
    return super.catch(inFlags(error, 'queue receive'));
  }
}

/** How long whoever does not follow puts up with a queue that cannot be reached. */
class Patience {
  readonly #over = new AbortController();
  readonly #timeoutMs: number;
  #timer: NodeJS.Timeout | undefined;
  #trouble: Problem | undefined;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  get signal(): AbortSignal {
    return this.#over.signal;
  }

  trouble(problem: Problem): void {
    this.#trouble = problem;
    if (this.#timeoutMs > 0) this.#timer ??= setTimeout(() => this.#over.abort(), this.#timeoutMs).unref();
  }

  well(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Why it gave up, where it did. */
  end(): Problem | undefined {
    this.well();
    return this.#over.signal.aborted ? this.#trouble : undefined;
  }
}

/** Whether one who goes on until interrupted tries again: nobody was there, or it is not known what happened. */
function mayPass(error: unknown, seen: boolean): error is ProblemError {
  if (!(error instanceof ProblemError)) return false;
  const exit = exitOf(error.problem);
  return exit === 5 || exit === 6 || (seen && error.code === 'queue-unknown');
}
