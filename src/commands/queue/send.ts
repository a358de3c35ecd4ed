import { Args, Flags } from '@oclif/core';
import { asArgument, readArguments } from '../../cli/arguments.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { parseLongDuration } from '../../cli/duration.ts';
import { afterResult } from '../../cli/failure.ts';
import { STDIN_BYTES_MAX, stdinChunks } from '../../cli/io.ts';
import { Progress } from '../../cli/progress.ts';
import { linesOf, parseHeaders } from '../../cli/publishing.ts';
import { parseMoment, queueArg, retryFlags, retryOf } from '../../cli/queue-flags.ts';
import { inFlags } from '../../cli/queue-flaws.ts';
import { type Stored, sendAll } from '../../cli/queue-sending.ts';
import { dropEmpty } from '../../cli/settings.ts';
import { didNotHappen, ProblemError, problem, problemError, type SendOptions } from '../../engine/index.ts';

const repeatable = { multiple: true, multipleNonGreedy: true } as const;

export default class QueueSend extends BaseCommand<typeof QueueSend> {
  static override summary = 'Put a message into a queue, or one for each line of stdin.';
  static override description = [
    'A body that parses as JSON is JSON, any other is text; @file is what a file holds, - is stdin, @@ is an @. Words that ' +
      'begin with a dash come after --.',
    'Done when the queue has stored it: on disk, unless its node keeps it in memory ("mpreg queue info" says). Prints its id; ' +
      'a message that was there already, by its --dedupe-id, is not stored again, and has the id of the first.',
    'With --split newline it prints how many are stored. Where one is refused, or the connection breaks, it stops there, tells ' +
      'how many are stored and the first line that is not known to be, and ends with the exit code of that problem. A queue that ' +
      'is full is queue-full, exit code 1.',
    'With --json {"queue", "id", "duplicate", "stored", "duplicates", "refused", "unknown", "tookMs"}: id and duplicate are of ' +
      'the last one, and what was there already counts under duplicates, not under stored.',
  ].join('\n\n');
  static override examples = [
    `<%= config.bin %> <%= command.id %> jobs '{"mail": 7}' --header tries=3 --in 10m`,
    '<%= config.bin %> <%= command.id %> orders @order.json --group customer-7 --dedupe-id order-1234',
    'cat urls.txt | <%= config.bin %> <%= command.id %> jobs - --split newline --string',
  ];
  static override args = {
    queue: queueArg,
    body: Args.string({
      description: 'The message; - for stdin, @file for a file.',
      ignoreStdin: true,
      required: true,
    }),
  };
  static override flags = {
    split: Flags.option({ options: ['newline'] as const })({
      summary: 'Each line of stdin is a message of its own, sent as it comes.',
    }),
    string: Flags.boolean({ summary: 'Take bodies as text, also what looks like JSON.' }),
    header: Flags.string({ ...repeatable, helpValue: 'NAME=VALUE', summary: 'Beside the body; repeatable.' }),
    group: Flags.string({ summary: 'In a fifo queue: those of one group come in order, one at a time.' }),
    'dedupe-id': Flags.string({ helpValue: 'ID', summary: 'A second message with the same id is not stored.' }),
    priority: Flags.integer({
      helpValue: 'N',
      max: 255,
      min: 0,
      summary: 'In a priority queue: 255 is first, 0 is last.',
    }),
    in: Flags.string({ exclusive: ['at'], helpValue: 'DURATION', summary: 'Not to be received before that: 90s, 2d.' }),
    at: Flags.string({ helpValue: 'TIME', summary: 'Not to be received before: 2026-12-24T18:00, 18:00.' }),
    ttl: Flags.string({ helpValue: 'DURATION', summary: 'How long it is kept.' }),
    guarantee: Flags.option({ options: ['fire-and-forget', 'at-least-once', 'broadcast', 'quorum'] as const })({
      summary: 'What is promised; without it, what the queue says.',
    }),
    quorum: Flags.integer({ helpValue: 'N', min: 1, summary: 'How many consumers have to acknowledge it.' }),
    'max-receives': Flags.integer({ helpValue: 'N', min: 1, summary: "In place of the queue's." }),
    ...retryFlags,
  };

  async run(): Promise<void> {
    const { split } = this.flags;
    if (split !== undefined && this.args.body !== '-')
      throw problemError('usage-invalid', `--split is for what comes on stdin: mpreg queue send ${this.args.queue} -`);
    const options = this.#options();
    const bodies = split === undefined ? await this.#one() : this.#lines();
    const client = await this.client();
    const queue = client.queue(this.args.queue);
    const { signal } = this.interruption;
    const began = performance.now();
    let stored = 0;
    const progress = new Progress(this.output, () => `sending to ${queue.name}: ${stored}`);
    const outcome = await sendAll(bodies, {
      options,
      progress: (so) => {
        stored = so;
      },
      queue,
      signal,
    }).finally(() => progress.end());
    await this.#tell(outcome, Math.round(performance.now() - began));
  }

  #options(): SendOptions {
    const { at, 'dedupe-id': dedupeId, group, header = [], in: delay, priority, quorum, split, ttl } = this.flags;
    if (split !== undefined && dedupeId !== undefined)
      throw problemError('usage-invalid', 'all lines would have the same --dedupe-id, and only the first be stored');
    const guarantee = this.flags.guarantee ?? (quorum === undefined ? undefined : 'quorum');
    return dropEmpty({
      at: at === undefined ? undefined : parseMoment(at, '--at'),
      dedupeId,
      delayMs: delay === undefined ? undefined : parseLongDuration(delay, '--in'),
      group,
      guarantee,
      headers: header.length === 0 ? undefined : parseHeaders(header),
      maxReceives: this.flags['max-receives'],
      priority,
      quorum,
      retry: retryOf(this.flags),
      ttlMs: ttl === undefined ? undefined : parseLongDuration(ttl, '--ttl'),
    }) as SendOptions;
  }

  async #one(): Promise<AsyncIterable<unknown>> {
    const { signal } = this.interruption;
    const note = (text: string) => this.output.note(text);
    const reading = { bytesMax: STDIN_BYTES_MAX, note, signal, string: this.flags.string };
    const [body = null] = await readArguments([this.args.body], reading);
    return (async function* () {
      yield body;
    })();
  }

  async *#lines(): AsyncGenerator<unknown> {
    const { signal } = this.interruption;
    const chunks = stdinChunks('messages', { note: (text) => this.output.note(text), signal });
    for await (const line of linesOf(chunks)) yield asArgument(line, this.flags.string);
  }

  /** What is not known to be stored is looked for, or sent again under an id; a queue is full for what was not stored. */
  #asSend(error: Error): Error {
    if (!(error instanceof ProblemError) || error.problem.hint !== undefined) return error;
    const { queue } = this.args;
    const hint = didNotHappen(error.problem)
      ? error.code === 'queue-full'
        ? `Send again when consumers have made room, or have it hold more.\nmpreg queue edit ${queue} --help`
        : undefined
      : `It may be stored: look, or send with a --dedupe-id, which is stored once however often it is sent.\nmpreg queue peek ${queue}`;
    return hint === undefined ? error : new ProblemError({ ...error.problem, hint });
  }

  async #tell(outcome: Stored, tookMs: number): Promise<void> {
    const { duplicates, failed, last, refused, stored, unknown } = outcome;
    const { queue } = this.args;
    if (failed !== undefined && this.flags.split === undefined) throw this.#asSend(failed.error);
    const { id = null, duplicate = false } = last ?? {};
    const document = { queue, id, duplicate, stored: stored - duplicates, duplicates, refused, unknown, tookMs };
    const text = this.flags.split === undefined ? `${id}` : `${stored}`;
    const why = failed === undefined ? undefined : problemOf(this.#asSend(failed.error));
    if (why === undefined) {
      if (duplicate && this.flags.split === undefined)
        this.output.note(`it was there already, as ${id}: nothing more was stored`);
      if (this.interruption.signal.aborted) this.output.note(`interrupted: ${stored} are stored`);
      return this.output.result(document, text);
    }
    const known = `${stored} are stored, ${refused} refused, ${unknown} unknown; line ${failed?.number} is the first that is not known to be stored`;
    await this.output.result({ ...document, failedLine: failed?.number, error: why }, text);
    throw afterResult({ ...why, message: `${why.message}\n  ${known}` }, this.output);
  }

  protected override catch(error: Error): Promise<never> {
    return super.catch(inFlags(error, 'queue send', '--in'));
  }
}

function problemOf(error: Error) {
  return error instanceof ProblemError ? error.problem : problem('internal', error.message);
}
