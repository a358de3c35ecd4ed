import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { inputChunks } from '../../cli/io.ts';
import { type JsonDocument, jsonDocuments, soundDocuments } from '../../cli/json-documents.ts';
import { planFlags, runPlans } from '../../cli/plans.ts';
import { resumedPlans } from '../../cli/resume.ts';
import { problemError } from '../../engine/index.ts';

export default class PlanRun extends BaseCommand<typeof PlanRun> {
  static override summary = 'Run the plans of a file, or of stdin.';
  static override description = [
    'A plan is a JSON array of steps, or an object with "steps". Prints the results object; with --json the whole reply: ' +
      'results, what became of each step and where, timings, and the line on which the plan begins.',
    'Many plans, one per line: each is answered on a line of its own as soon as it is done. A plan that fails, and text ' +
      'that is none, is a line {"error":…}, the others go on, and the exit code is that of the failure that stands first.',
    'With --json a reply that failed holds the plan and the values of its steps: --resume goes on with it, and steps that ' +
      'are done are not run again. With a plan beside it, steps that were changed since, and all behind them, run again.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> <%= command.id %> plan.json',
    '<%= config.bin %> <%= command.id %> plan.json --json --timeout 1m',
    '<%= config.bin %> <%= command.id %> many.ndjson --concurrency 64 --ordered',
    '<%= config.bin %> <%= command.id %> plan.json --json > reply.json || <%= config.bin %> <%= command.id %> --resume reply.json',
    '<%= config.bin %> <%= command.id %> mended.json --resume reply.json',
    `echo '[{"name":"first","fun":"echo","args":["hi there!"]}]' | <%= config.bin %> <%= command.id %> -`,
  ];
  static override args = {
    file: Args.string({
      description: 'The file with the plans, or - for stdin; with --resume it may be left away.',
      ignoreStdin: true,
    }),
  };
  static override flags = {
    ...planFlags,
    resume: Flags.string({
      helpValue: 'REPLY',
      summary: 'Go on from this reply of plan run --json (a file, or - for stdin): what is done is not run again.',
    }),
  };

  async run(): Promise<void> {
    const { concurrency, ordered, resume } = this.flags;
    const { file } = this.args;
    const { signal } = this.interruption;
    const { timeoutGiven, timeoutMs } = await this.settings();
    await runPlans(this.#documents(file, resume), {
      client: this.client(),
      concurrency,
      insists: timeoutGiven,
      ordered,
      output: this.output,
      signal,
      source: nameOf(file ?? resume),
      timeoutMs,
    });
  }

  #documents(file: string | undefined, resume: string | undefined): AsyncGenerator<JsonDocument> {
    const read = (from: string, what: string) => {
      const options = { note: (text: string) => this.output.note(text), signal: this.interruption.signal };
      return jsonDocuments(inputChunks(from, `a ${what}`, options), `the ${what}`);
    };
    if (resume === undefined) {
      if (file === undefined) throw problemError('usage-invalid', 'no plan is named: a file, or - for stdin');
      return read(file, 'plan');
    }
    if (file === '-' && resume === '-') {
      throw problemError('usage-invalid', 'the plan and the reply cannot both be read from stdin');
    }
    const plans = file === undefined ? {} : { plans: soundDocuments(read(file, 'plan')) };
    const replies = soundDocuments(read(resume, 'reply'));
    return resumedPlans({ ...plans, output: this.output, replies, source: nameOf(resume) });
  }
}

function nameOf(source: string | undefined): string {
  return source === '-' || source === undefined ? 'stdin' : source;
}
