import { basename } from 'node:path';
import { Args } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.ts';
import { SCRIPTS, SHELLS } from '../cli/completion-scripts.ts';
import { problemError } from '../engine/index.ts';

export default class Completion extends BaseCommand<typeof Completion> {
  static override summary = 'Print what a shell needs to complete commands, flags and live names.';
  static override description =
    'Nodes, functions and contexts are asked for while you type. The first lines of the script say where it belongs.';
  static override examples = [
    'source <(<%= config.bin %> <%= command.id %> bash)',
    '<%= config.bin %> <%= command.id %> fish | source',
  ];
  static override args = {
    shell: Args.string({
      description: 'bash, zsh, fish or powershell; without it, that of $SHELL.',
      ignoreStdin: true,
    }),
  };

  async run(): Promise<void> {
    const wanted = this.args.shell ?? basename(process.env['SHELL'] ?? 'bash');
    const shell = SHELLS.find((known) => known === wanted);
    if (shell === undefined) {
      throw problemError('usage-invalid', `no completion for "${wanted}"; there is one for ${SHELLS.join(', ')}`);
    }
    await this.output.result({ script: SCRIPTS[shell], shell }, SCRIPTS[shell]);
  }
}
