import { BaseCommand } from '../cli/base-command.ts';
import { examine } from '../cli/doctor.ts';
import { afterResult } from '../cli/failure.ts';
import { problem } from '../engine/index.ts';

const MARKS = { failed: ['red', '✗ failed'], ok: ['green', '✓ ok'], warning: ['yellow', '! warning'] } as const;

export default class Doctor extends BaseCommand<typeof Doctor> {
  static override summary = 'Look for what keeps commands from reaching the mesh.';
  static override description =
    'Checks the runtime, contexts, project file, runtime directory, key, every node that commands would try, their ' +
    'clocks and versions. Changes nothing. Exits with 8 where a check failed; warnings do not count.';
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --json'];

  async run(): Promise<void> {
    const checks = await examine(() => this.settings());
    const failed = checks.filter(({ state }) => state === 'failed');
    await this.output.table(
      { ok: failed.length === 0, checks },
      {
        columns: [
          { name: 'result', style: ({ state }) => MARKS[state][0], value: ({ state }) => MARKS[state][1] },
          { name: 'check', style: () => 'bold', value: ({ name }) => name },
          { name: 'found', value: ({ message }) => message },
        ],
        empty: '',
        rows: checks,
      },
    );
    for (const { hint, name } of checks)
      if (hint !== undefined) this.output.note(`${name}: ${hint.replaceAll('\n', ' ')}`);
    if (failed.length === 0) return;
    const names = failed.map(({ name }) => name).join(', ');
    throw afterResult(
      problem('found-wanting', `${failed.length} of ${checks.length} checks failed: ${names}`),
      this.output,
    );
  }
}
