import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { sayChanged } from '../../cli/federation/changed.ts';
import { ClientHubAccess } from '../../cli/federation/hub-access.ts';

export default class FederationUnregister extends BaseCommand<typeof FederationUnregister> {
  static override summary = 'Have this cluster forget another one.';
  static override description =
    'Its hubs drop their link to it and take none from it any more. It stays known as long as other clusters reach it, and is missed by ' +
    'nobody here once none does; do the same there to take it out of the federation.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> prod-eu --yes',
    '<%= config.bin %> <%= command.id %> prod-eu --yes --json',
  ];
  static override args = {
    cluster: Args.string({ description: 'The id of the other cluster.', ignoreStdin: true, required: true }),
  };

  async run(): Promise<void> {
    const { cluster } = this.args;
    const { timeoutMs } = await this.settings();
    const access = new ClientHubAccess(await this.client(), timeoutMs);
    await this.confirm(`forget the cluster ${cluster}`);
    await sayChanged(await access.unregister(cluster), `${cluster} is forgotten`, this.output);
  }
}
