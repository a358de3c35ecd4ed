import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { inputChunks } from '../../cli/io.ts';
import { jsonDocuments } from '../../cli/json-documents.ts';
import { planFlags, runPlans } from '../../cli/plans.ts';

export default class PlanRun extends BaseCommand<typeof PlanRun> {
  static override summary = 'Run the plans of a file, or of stdin.';
  static override description = [
    'A plan is a JSON array of steps, or an object with "steps". Prints the results object; with --json the whole reply: ' +
      'results, what became of each step and where, timings, and the line on which the plan begins.',
    'Many plans, one per line: each is answered on a line of its own as soon as it is done. Text that is no plan ends the ' +
      'command with exit code 2; a plan that fails is a line {"error":…}, the others go on, and the exit code is that of ' +
      'the failure that stands first.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> <%= command.id %> plan.json',
    '<%= config.bin %> <%= command.id %> plan.json --json --timeout 1m',
    '<%= config.bin %> <%= command.id %> many.ndjson --concurrency 64 --ordered',
    `echo '[{"name":"first","fun":"echo","args":["hi there!"]}]' | <%= config.bin %> <%= command.id %> -`,
  ];
  static override args = {
    file: Args.string({ description: 'The file with the plans, or - for stdin.', ignoreStdin: true, required: true }),
  };
  static override flags = planFlags;

  async run(): Promise<void> {
    const { concurrency, ordered } = this.flags;
    const { file } = this.args;
    const { signal } = this.interruption;
    const { timeoutGiven, timeoutMs } = await this.settings();
    const chunks = inputChunks(file, 'a plan', { note: (text) => this.output.note(text), signal });
    await runPlans(jsonDocuments(chunks, 'the plan'), {
      client: this.client(),
      concurrency,
      insists: timeoutGiven,
      ordered,
      output: this.output,
      signal,
      source: file === '-' ? 'stdin' : file,
      timeoutMs,
    });
  }
}
