import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../../cli/base-command.ts';
import { sayChanged } from '../../../cli/federation/changed.ts';
import { ClientHubAccess } from '../../../cli/federation/hub-access.ts';
import { parseNodeUrl } from '../../../cli/url.ts';
import { problemError } from '../../../engine/index.ts';

export default class FederationLinkAdd extends BaseCommand<typeof FederationLinkAdd> {
  static override summary = 'Link this cluster with another, or change that link.';
  static override description =
    'Told to a hub of the cluster that one is connected to, stored by all its hubs. The other cluster must have a link to this one, too ' +
    '(or mode permissive): do the same there, or use "federation deploy", which does both.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> prod-eu ws://hub.eu.example:9000',
    '<%= config.bin %> <%= command.id %> prod-eu ws://hub-1.eu.example:9000,ws://hub-2.eu.example:9000 --cost 20',
  ];
  static override args = {
    cluster: Args.string({ description: 'The id of the other cluster.', ignoreStdin: true, required: true }),
    addresses: Args.string({
      description: 'Where hubs of it are dialled (bridge_url), with commas between.',
      ignoreStdin: true,
      required: true,
    }),
  };
  static override flags = {
    cost: Flags.integer({ helpValue: 'MS', max: 60_000, min: 0, summary: 'Added to its measured round trip, in ms.' }),
  };

  async run(): Promise<void> {
    const { addresses: given, cluster } = this.args;
    const { cost } = this.flags;
    const addresses = given
      .split(',')
      .filter(Boolean)
      .map((address) => parseNodeUrl(address, 'the address'));
    if (addresses.length === 0)
      throw problemError('usage-invalid', `where is ${cluster}? Give an address, ws://HOST:PORT`);
    const { timeoutMs } = await this.settings();
    const client = await this.client();
    const ask = { action: 'add', addresses, cluster, ...(cost !== undefined && { cost }) } as const;
    const applied = await new ClientHubAccess(client, timeoutMs).link(ask);
    await sayChanged(applied, `linked with ${cluster}`, this.output);
  }
}
