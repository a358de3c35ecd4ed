import { Flags } from '@oclif/core';
import { BaseCommand } from '../../../cli/base-command.ts';
import { historyOf, historyTable } from '../../../cli/federation/alerts.ts';
import { askHubs } from '../../../cli/federation/hubs.ts';
import type { AlertsReply } from '../../../engine/index.ts';

export default class FederationAlertsHistory extends BaseCommand<typeof FederationAlertsHistory> {
  static override summary = 'Show what alerts fired, who acknowledged them, when they resolved; newest first.';
  static override description =
    'The last 500 entries of each hub of the cluster. "untold" is a notification that a channel did not take; it is told again ' +
    'later. With --json a list; times are milliseconds since 1970.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --rule slow --last 5 --json',
  ];
  static override flags = {
    last: Flags.integer({ helpValue: 'N', min: 1, summary: 'At most so many.' }),
    rule: Flags.string({ helpValue: 'RULE', summary: 'Only of this rule.' }),
  };

  async run(): Promise<void> {
    const { last, rule } = this.flags;
    const replies = await this.ask('the alerts', (client) =>
      askHubs<AlertsReply>(client, 'alerts', {}, (text) => this.output.warn(text)),
    );
    const entries = historyOf(replies).filter((entry) => rule === undefined || entry.rule === rule);
    const shown = entries.slice(0, last);
    await this.output.table(shown, historyTable(shown));
  }
}
