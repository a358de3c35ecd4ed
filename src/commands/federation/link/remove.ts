import { Args } from '@oclif/core';
import { BaseCommand } from '../../../cli/base-command.ts';
import { sayChanged } from '../../../cli/federation/changed.ts';
import { ClientHubAccess } from '../../../cli/federation/hub-access.ts';

export default class FederationLinkRemove extends BaseCommand<typeof FederationLinkRemove> {
  static override summary = 'Remove the link of this cluster with another.';
  static override description =
    'The link ends at once; what is under way on it is tried on other ways. The other cluster keeps its own entry until it is removed there.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> prod-eu',
    '<%= config.bin %> <%= command.id %> prod-eu --json',
  ];
  static override args = {
    cluster: Args.string({ description: 'The id of the other cluster.', ignoreStdin: true, required: true }),
  };

  async run(): Promise<void> {
    const { cluster } = this.args;
    const { timeoutMs } = await this.settings();
    const access = new ClientHubAccess(await this.client(), timeoutMs);
    const applied = await access.link({ action: 'remove', cluster });
    await sayChanged(applied, `no link with ${cluster}`, this.output);
  }
}
