import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { queueArg } from '../../cli/queue-flags.ts';

export default class QueueDelete extends BaseCommand<typeof QueueDelete> {
  static override summary = 'Remove a queue, with all that it holds.';
  static override description =
    'A queue that holds messages wants its name typed on a terminal, or --confirm NAME elsewhere. Its dead letters are in a ' +
    'queue of their own, and stay.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> jobs',
    '<%= config.bin %> <%= command.id %> jobs --confirm jobs --json',
  ];
  static override args = { queue: queueArg };
  static override flags = {
    confirm: Flags.string({ helpValue: 'NAME', summary: 'Its name, where it holds messages and nobody can be asked.' }),
  };

  async run(): Promise<void> {
    const { queue } = this.args;
    const { counts, deadLetter, node } = await this.ask('the queue', (client) => client.queue(queue).info());
    const held = counts.ready + counts.delayed + counts.leased;
    if (held > 0) {
      const what = `${queue} on ${node} holds ${held} ${held === 1 ? 'message' : 'messages'}, which go with it`;
      await this.confirmByName(what, queue, this.flags.confirm);
    }
    await this.ask('the queue', (client) => client.queue(queue).delete());
    await this.output.result({ name: queue, node, deleted: true, messages: held }, `${queue}\tdeleted\t${held}`);
    if (counts.dead > 0 && deadLetter !== null)
      this.output.note(`its dead letters stay: mpreg queue peek ${deadLetter}`);
    else this.output.note('look at the others: mpreg queue list');
  }
}
