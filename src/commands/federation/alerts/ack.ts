import { userInfo } from 'node:os';
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../../cli/base-command.ts';
import { askHubs } from '../../../cli/federation/hubs.ts';
import { dropEmpty } from '../../../cli/settings.ts';
import type { AlertView } from '../../../engine/index.ts';

export default class FederationAlertsAck extends BaseCommand<typeof FederationAlertsAck> {
  static override summary =
    'Say that somebody is at an alert: it is not told again, and resolves by itself when all is well.';
  static override description =
    'ALERT is the name of one, as "alerts list" has it, or of a rule: then all of it that fire. Kept by the hubs, over restarts. ' +
    'Exit code 3 where no such alert fires.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> cluster-lost:prod-eu',
    `<%= config.bin %> <%= command.id %> slow --by ann --note 'cable cut, repair at 15:00'`,
  ];
  static override args = {
    alert: Args.string({ description: 'An alert, or a rule.', ignoreStdin: true, required: true }),
  };
  static override flags = {
    by: Flags.string({ helpValue: 'NAME', summary: 'Who; default: your name on this machine.' }),
    note: Flags.string({ helpValue: 'TEXT', summary: 'What the others should know.' }),
  };

  async run(): Promise<void> {
    const { by = userInfo().username, note } = this.flags;
    const { alert } = this.args;
    const ask = { alert, by, ...dropEmpty({ note }) };
    const answers = await this.ask('an acknowledgement', (client) => askHubs<readonly AlertView[]>(client, 'ack', ask));
    const acknowledged = answers.flat();
    await this.output.result(acknowledged, acknowledged.map(({ id }) => `${id} acknowledged by ${by}`).join('\n'));
  }
}
