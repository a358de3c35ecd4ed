import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { afterResult } from '../../cli/failure.ts';
import { countStates, memberDocuments, memberTable } from '../../cli/members.ts';
import { connectOptions } from '../../cli/settings.ts';
import { wantsColor } from '../../cli/terminal.ts';
import { connect, problem } from '../../engine/index.ts';

/** To give the terminal back. */
const WATCH_END_MS = 2000;

export default class ClusterStatus extends BaseCommand<typeof ClusterStatus> {
  static override summary = 'Show every member of the mesh and how it is.';
  static override description =
    'As one node sees it: alive, suspect (did not answer, may contradict), dead, left (said so itself), or draining ' +
    '(finishes its calls and takes no new ones). With --json, an array with one object per member.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --json',
    '<%= config.bin %> <%= command.id %> --watch',
    '<%= config.bin %> <%= command.id %> --exit-code --quiet',
  ];
  static override flags = {
    watch: Flags.boolean({
      char: 'w',
      summary:
        'Keep watching on the whole terminal; q ends it. Not on a terminal, or with --json: one look, then exit.',
    }),
    'exit-code': Flags.boolean({ summary: 'Exit with 8 if any member is suspect or dead.' }),
  };

  async run(): Promise<void> {
    if (this.flags.watch && this.output.tty && !this.output.json) return this.#watch();
    const rows = memberDocuments(await this.ask('members', (client) => client.members()));
    await this.output.table(rows, memberTable(rows));
    if (this.output.tty) this.output.note(`${countStates(rows)}, as ${(await this.client()).node.name} sees it`);
    const unwell = rows.filter(({ state }) => state === 'suspect' || state === 'dead');
    if (!this.flags['exit-code'] || unwell.length === 0) return;
    const who = unwell.map(({ name, state }) => `${name} is ${state}`).join(', ');
    throw afterResult(
      problem('found-wanting', `not well: ${who}`, { hint: 'Look closer.\nmpreg doctor' }),
      this.output,
    );
  }

  async #watch(): Promise<void> {
    this.interruption.endsGracefully(WATCH_END_MS);
    const [client, settings, { watchCluster }] = await Promise.all([
      this.client(),
      this.settings(),
      import('../../tui/watch-cluster.ts'),
    ]);
    const { urls: named = [], ...options } = connectOptions(settings, (message) => this.output.detail(message));
    await watchCluster({
      client,
      color: wantsColor(process.stdout, this.flags['no-color']),
      open: (known) => {
        const urls = known.length > 0 ? known : named;
        return connect({ ...options, ...(urls.length > 0 && { urls }) });
      },
      signal: this.interruption.signal,
    });
  }
}
