import { setTimeout as pause } from 'node:timers/promises';
import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { Progress } from '../../cli/progress.ts';
import { parseRate } from '../../cli/publishing.ts';
import { queueArg } from '../../cli/queue-flags.ts';
import { redriveDocument } from '../../cli/queues.ts';
import { dropEmpty } from '../../cli/settings.ts';
import { problemError, type Queue, type RedriveJob } from '../../engine/index.ts';

const LOOK_MS = 200;

export default class QueueRedrive extends BaseCommand<typeof QueueRedrive> {
  static override summary = 'Move dead letters back to where they came from, or elsewhere.';
  static override description = [
    'The queue is that of the dead letters: jobs.dead. Its node does the moving; the command waits for the end, and Ctrl-C stops ' +
      'only the waiting. --cancel stops the moving.',
    'Prints where to, how many were moved, of how many, and the state; those whose queue is gone or full stay and are counted ' +
      'as failed. A queue that takes no dead letters and holds none is refused, unless --to says where all of it is to go.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> <%= command.id %> jobs.dead --dry-run',
    '<%= config.bin %> <%= command.id %> jobs.dead --max 1000 --rate 50/s',
    '<%= config.bin %> <%= command.id %> jobs.dead --to jobs-by-hand',
    '<%= config.bin %> <%= command.id %> jobs.dead --cancel',
  ];
  static override args = { queue: queueArg };
  static override flags = {
    to: Flags.string({
      helpValue: 'QUEUE',
      summary: 'Another queue of the same node. Without it: where each came from.',
    }),
    max: Flags.integer({ helpValue: 'N', min: 1, summary: 'So many at most.' }),
    rate: Flags.string({ helpValue: 'RATE', summary: 'Not more than that: 50/s, 30/m.' }),
    'dry-run': Flags.boolean({ summary: 'Say how many would be moved, and move none.' }),
    cancel: Flags.boolean({
      exclusive: ['to', 'max', 'rate', 'dry-run'],
      summary: 'Stop the moving that is under way.',
    }),
  };

  async run(): Promise<void> {
    const { cancel, 'dry-run': dryRun, max, rate, to } = this.flags;
    const options = { dryRun, ...dropEmpty({ max, rate: rate === undefined ? undefined : parseRate(rate), to }) };
    const client = await this.client();
    const queue = client.queue(this.args.queue);
    if (!cancel && to === undefined) await this.ask('the queue', () => mustHaveLetters(queue));
    const begun = await this.ask('the queue', () => (cancel ? queue.cancelRedrive() : queue.redrive(options)));
    const job = begun.state === 'running' ? await this.#wait(queue, begun) : begun;
    const count = job.dryRun ? Math.min(job.total, max ?? job.total) : job.moved;
    const state = job.dryRun ? 'would be moved' : job.state;
    await this.output.result(redriveDocument(job), [job.to, count, job.total, state].join('\t'));
    if (job.failed > 0)
      this.output.warn(`${job.failed} stay: their queue is gone or full; mpreg queue peek ${queue.name}`);
    if (job.state === 'running') this.output.note(`it goes on; stop it: mpreg queue redrive ${queue.name} --cancel`);
  }

  async #wait(queue: Queue, begun: RedriveJob): Promise<RedriveJob> {
    const { signal } = this.interruption;
    let job = begun;
    const progress = new Progress(this.output, () => `moving dead letters: ${job.moved} of ${job.total}`);
    try {
      while (job.state === 'running' && !signal.aborted) {
        await pause(LOOK_MS, undefined, { signal }).catch(() => undefined);
        const { redrive } = await queue.info();
        if (redrive === null || redrive.id !== job.id) return { ...job, state: 'done' };
        job = redrive;
      }
      return job;
    } finally {
      progress.end();
    }
  }
}

/** Why: who names the queue whose dead letters they are would be told that there is nothing to be moved. */
async function mustHaveLetters(queue: Queue): Promise<void> {
  const { options, sources = [] } = await queue.info();
  if (sources.length > 0 || (await queue.peek({ max: LOOK_MAX })).some(({ dead }) => dead !== undefined)) return;
  const { deadLetter } = options;
  const theirs = typeof deadLetter === 'string' ? `; its own go to ${deadLetter}` : '';
  throw problemError('input-invalid', `${queue.name} is no queue of dead letters: nothing sends it any${theirs}`, {
    hint: `Name the queue that has them, or say with --to where all of this one is to go.\nmpreg queue redrive ${deadLetter ?? '--help'}`,
  });
}

/** Limit: a queue that takes no dead letters any more shows that it has some with its first messages, or not. */
const LOOK_MAX = 1_000;
