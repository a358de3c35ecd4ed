import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { parseDuration } from '../../cli/duration.ts';
import { endLocal, folderOf, foldersHere } from '../../cli/federation/local-nodes.ts';
import { withProgress } from '../../cli/progress.ts';
import { problemError } from '../../engine/index.ts';

export default class FederationDown extends BaseCommand<typeof FederationDown> {
  static override summary = 'End the hubs that "federation deploy --local" has started.';
  static override description =
    'Each finishes its calls and leaves; whoever has not done so within --grace is killed. What they have stored stays: the same ' +
    'file deployed again goes on from there. Without FILE: the one that was started from this folder.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> federation.json --json',
  ];
  static override args = {
    file: Args.string({ description: 'The file that was deployed.', ignoreStdin: true }),
  };
  static override flags = {
    'data-dir': Flags.string({ helpValue: 'FOLDER', summary: 'What "deploy --local" was given as such.' }),
    grace: Flags.string({ default: '35s', helpValue: 'DURATION', summary: 'How long they may take.' }),
  };

  async run(): Promise<void> {
    const folder = this.#folder();
    const graceMs = parseDuration(this.flags.grace, '--grace');
    const nodes = await withProgress(
      'waiting for the hubs to end',
      this.output,
      endLocal(folder, graceMs, (text) => this.output.note(text)),
    );
    await this.output.table(nodes, {
      columns: [
        { name: 'name', value: ({ name }) => name },
        { name: 'cluster', value: ({ cluster }) => cluster },
        { name: 'state', value: ({ state }) => state },
      ],
      empty: 'Nothing runs.',
      rows: nodes,
    });
    const end =
      nodes.length === 0
        ? `"federation deploy --local" has started nothing that runs in ${folder}`
        : `what they have stored stays in ${folder}`;
    this.output.note(end);
  }

  #folder(): string {
    const { 'data-dir': given } = this.flags;
    if (given !== undefined) return given;
    if (this.args.file !== undefined) return folderOf(this.args.file);
    const found = foldersHere();
    const [only] = found;
    if (only !== undefined && found.length === 1) return only;
    const why =
      found.length === 0 ? 'none was started from here' : `several were started from here: ${found.join(', ')}`;
    throw problemError('usage-invalid', `which federation? ${why}`, {
      hint: 'Name the file.\nmpreg federation down FILE',
    });
  }
}
