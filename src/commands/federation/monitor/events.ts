import { Flags } from '@oclif/core';
import { BaseCommand } from '../../../cli/base-command.ts';
import type { FederationEvent } from '../../../engine/index.ts';
import { federationEvents } from '../../../tui/federation/feed.ts';

export default class FederationMonitorEvents extends BaseCommand<typeof FederationMonitorEvents> {
  static override summary = 'Follow what happens between clusters, one line per event, until interrupted.';
  static override description =
    'Clusters that can be reached again, no longer, or have left; links of the hub that come and go; breakers that open and close: ' +
    'as one hub of this cluster sees it, from now on. The same, and alerts, are on the topics mpreg.federation.#. Ends with 0 ' +
    'after --count events, with 130 after Ctrl-C.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --kind cluster --json --count 1',
  ];
  static override flags = {
    count: Flags.integer({ helpValue: 'N', min: 1, summary: 'End after so many events.' }),
    kind: Flags.option({ options: ['cluster', 'bridge'] as const })({
      multiple: true,
      multipleNonGreedy: true,
      summary: 'Only events of this kind; repeatable.',
    }),
  };

  async run(): Promise<void> {
    const { count = Number.POSITIVE_INFINITY, kind: kinds = [] } = this.flags;
    const client = await this.client();
    this.output.note('following a hub of this cluster; Ctrl-C ends');
    let seen = 0;
    for await (const event of federationEvents(client, this.interruption.signal)) {
      if (kinds.length > 0 && !kinds.includes(event.kind)) continue;
      const at = new Date(event.at).toISOString();
      await this.output.event({ ...event, at }, `${at}\t${describe(event)}`);
      if (++seen >= count) return;
    }
  }
}

function describe(event: FederationEvent): string {
  const { cluster, reason } = event;
  return event.kind === 'cluster'
    ? `cluster\t${cluster}\t${event.state}\t${reason}`
    : `bridge\t${cluster}\t${event.change}\t${event.peer}\t${reason}`;
}
