import { Args } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.ts';
import { nearest, PROBLEMS, type ProblemKind, problemError } from '../engine/index.ts';

/** The catalogue of problems, as the command line shows it. */
export default class ErrorsCommand extends BaseCommand<typeof ErrorsCommand> {
  static override summary = 'Explain what can go wrong: every problem code, or one of them.';
  static override description =
    'Each problem has a code that never changes, a hint, an exit code, and an outcome: "did-not-happen" promises that ' +
    'the work was not done and may be tried again, "unknown" means that it may or may not have been done.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> nobody-there',
    '<%= config.bin %> <%= command.id %> --json',
  ];
  static override args = {
    code: Args.string({ description: 'The code to explain.', ignoreStdin: true }),
  };

  async run(): Promise<void> {
    const all = Object.entries<ProblemKind>(PROBLEMS).map(([code, { title, outcome, exit, hint }]) => ({
      code,
      exitCode: exit,
      outcome,
      title,
      hint,
    }));
    const { code } = this.args;
    if (code === undefined) {
      all.sort((a, b) => a.exitCode - b.exitCode || (a.code < b.code ? -1 : 1));
      return this.output.table(all, {
        columns: [
          { name: 'code', style: () => 'bold', value: (row) => row.code },
          { align: 'right', name: 'exit', value: (row) => String(row.exitCode) },
          { name: 'outcome', value: (row) => row.outcome },
          { name: 'title', value: (row) => row.title },
        ],
        empty: '',
        rows: all,
      });
    }
    const found = all.find((row) => row.code === code);
    if (found === undefined) {
      const meant = nearest(
        code,
        all.map((row) => row.code),
      );
      throw problemError('code-unknown', `no problem has the code "${code}"`, {
        ...(meant !== undefined && { hint: `Did you mean this?\nmpreg errors ${meant}` }),
      });
    }
    const text = [
      `${this.output.paint('bold', found.code)}: ${found.title}`,
      `exit code ${found.exitCode}, outcome ${found.outcome}`,
      ...found.hint.split('\n'),
    ];
    await this.output.result(found, text.join('\n'));
  }
}
