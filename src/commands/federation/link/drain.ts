import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../../cli/base-command.ts';
import { sayChanged } from '../../../cli/federation/changed.ts';
import { ClientHubAccess } from '../../../cli/federation/hub-access.ts';

export default class FederationLinkDrain extends BaseCommand<typeof FederationLinkDrain> {
  static override summary = 'Send nothing new over a link, and keep it.';
  static override description =
    'For maintenance: what is under way ends, new messages take other ways. --undo takes it into use again.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> prod-eu',
    '<%= config.bin %> <%= command.id %> prod-eu --json',
  ];
  static override args = {
    cluster: Args.string({ description: 'The id of the other cluster.', ignoreStdin: true, required: true }),
  };
  static override flags = {
    undo: Flags.boolean({ summary: 'Take it into use again.' }),
  };
  async run(): Promise<void> {
    const { cluster } = this.args;
    const { timeoutMs } = await this.settings();
    const access = new ClientHubAccess(await this.client(), timeoutMs);
    const { undo } = this.flags;
    const applied = await access.link({ action: undo ? 'undrain' : 'drain', cluster });
    await sayChanged(
      applied,
      undo ? `in use: the link with ${cluster}` : `drained: the link with ${cluster}`,
      this.output,
    );
  }
}
