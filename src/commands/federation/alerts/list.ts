import { Flags } from '@oclif/core';
import { BaseCommand } from '../../../cli/base-command.ts';
import { afterResult } from '../../../cli/failure.ts';
import { alertsOf, alertTable, channelsOf } from '../../../cli/federation/alerts.ts';
import { askHubs } from '../../../cli/federation/hubs.ts';
import { type AlertsReply, problem } from '../../../engine/index.ts';

export default class FederationAlertsList extends BaseCommand<typeof FederationAlertsList> {
  static override summary = 'List the alerts of the federation: what fires, since when, and who has seen it.';
  static override description =
    'Those of all hubs of the cluster; each tells of its own links, one of them of clusters and of the whole. Pending is what is ' +
    'wrong, but not for long enough yet. With --json {"alerts", "channels"}; times are milliseconds since 1970.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --all --json',
    '<%= config.bin %> <%= command.id %> --exit-code --quiet',
  ];
  static override flags = {
    all: Flags.boolean({ char: 'a', summary: 'Also those that are pending, or resolved and still to be told.' }),
    'exit-code': Flags.boolean({ summary: 'Exit with 8 if any fires that nobody has acknowledged.' }),
  };

  async run(): Promise<void> {
    const replies = await this.ask('the alerts', (client) =>
      askHubs<AlertsReply>(client, 'alerts', {}, (text) => this.output.warn(text)),
    );
    const { all, 'exit-code': exitCode } = this.flags;
    const alerts = alertsOf(replies).filter(({ state }) => all || state === 'firing' || state === 'acknowledged');
    const channels = channelsOf(replies);
    await this.output.table({ alerts, channels }, alertTable(alerts, Date.now()));
    for (const { hub, name, trouble } of channels) {
      if (trouble !== undefined && !this.output.json)
        this.output.warn(`${name} of ${hub} does not take alerts: ${trouble}`);
    }
    const firing = alerts.filter(({ state }) => state === 'firing').map(({ id }) => id);
    if (!exitCode || firing.length === 0) return;
    throw afterResult(
      problem('found-wanting', `not acknowledged: ${firing.join(', ')}`, {
        hint: `Say that somebody is at it.\nmpreg federation alerts ack ${firing[0]}`,
      }),
      this.output,
    );
  }
}
