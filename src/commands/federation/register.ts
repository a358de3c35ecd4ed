import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { sayChanged } from '../../cli/federation/changed.ts';
import { ClientHubAccess, openAccess } from '../../cli/federation/hub-access.ts';
import { connectOptions } from '../../cli/settings.ts';
import { parseNodeUrl } from '../../cli/url.ts';
import { problemError } from '../../engine/index.ts';

export default class FederationRegister extends BaseCommand<typeof FederationRegister> {
  static override summary = 'Make two clusters known to each other, by one address of the other.';
  static override description =
    'Connects to the address, asks who is there and where its hubs are dialled, and links both clusters with each other. ' +
    'With --one-way only the cluster that one is connected to is told; the other must do its part.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> ws://hub.eu.example:8000',
    '<%= config.bin %> <%= command.id %> ws://hub.eu.example:8000 --one-way --json',
  ];
  static override args = {
    url: Args.string({ description: 'Any node of the other cluster.', ignoreStdin: true, required: true }),
  };
  static override flags = {
    'one-way': Flags.boolean({ summary: 'Tell only this cluster.' }),
  };

  async run(): Promise<void> {
    const settings = await this.settings();
    const { timeoutMs } = settings;
    const near = new ClientHubAccess(await this.client(), timeoutMs);
    const url = parseNodeUrl(this.args.url, 'the address');
    const { cluster: _, ...options } = connectOptions(settings, (text) => this.output.warn(text));
    const far = await openAccess([url], options, timeoutMs);
    try {
      const [own, other] = await Promise.all([near.view(), far.view()]);
      if (own.cluster === other.cluster) {
        throw problemError(
          'usage-invalid',
          `${url} is of this very cluster, ${own.cluster}; name a node of another one`,
        );
      }
      const addressesOf = ({ cluster, hubs }: typeof own): readonly string[] =>
        hubs.filter((hub) => hub.cluster === cluster && !hub.withdrawn).map(({ address }) => address);
      const applied = await near.register({ addresses: addressesOf(other), cluster: other.cluster });
      if (!this.flags['one-way']) await far.register({ addresses: addressesOf(own), cluster: own.cluster });
      await sayChanged(applied, `${own.cluster} and ${other.cluster} know each other`, this.output);
    } finally {
      await far.close();
    }
  }
}
