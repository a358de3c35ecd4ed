import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { queueArg } from '../../cli/queue-flags.ts';

export default class QueuePurge extends BaseCommand<typeof QueuePurge> {
  static override summary = 'Remove all messages of a queue; the queue stays.';
  static override description =
    'Also those that are delayed or leased: their receivers find their leases lost. Wants the name of the queue typed on a ' +
    'terminal, or --confirm NAME elsewhere, unless it is empty.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> jobs',
    '<%= config.bin %> <%= command.id %> jobs.dead --confirm jobs.dead',
  ];
  static override args = { queue: queueArg };
  static override flags = {
    confirm: Flags.string({ helpValue: 'NAME', summary: 'Its name, where nobody can be asked.' }),
  };

  async run(): Promise<void> {
    const { queue } = this.args;
    const { counts, node } = await this.ask('the queue', (client) => client.queue(queue).info());
    const held = counts.ready + counts.delayed + counts.leased;
    if (held > 0) {
      const what = `all ${held} ${held === 1 ? 'message' : 'messages'} of ${queue} on ${node} will be gone`;
      await this.confirmByName(what, queue, this.flags.confirm);
    }
    const purged = await this.ask('the queue', (client) => client.queue(queue).purge());
    await this.output.result({ name: queue, node, purged }, `${queue}\t${purged}`);
    this.output.note(`removed ${purged}; look at it: mpreg queue info ${queue}`);
  }
}
