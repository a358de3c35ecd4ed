import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { withProgress } from '../../cli/progress.ts';
import { queueArg } from '../../cli/queue-flags.ts';
import { queueDocument, warnOfMemory } from '../../cli/queues.ts';
import type { Client } from '../../engine/index.ts';

export default class QueueMove extends BaseCommand<typeof QueueMove> {
  static override summary = 'Have a queue live on another node; nothing of it is lost.';
  static override description = [
    'Its messages go there with their leases, delays, histories and ids; receipts stay good. While it moves, sends and ' +
      'receives wait. Queues that have the same dead letters move together.',
    'A node that dies in the middle goes on when it starts again. Where the other node cannot be reached for a minute, the ' +
      'queue stays. With --timeout it is waited for no longer than that; the move goes on. Prints its name and its node.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> <%= command.id %> jobs --to beta',
    '<%= config.bin %> <%= command.id %> jobs --to region=eu --json',
  ];
  static override args = { queue: queueArg };
  static override flags = {
    to: Flags.string({
      helpValue: 'NODE|LABEL=VALUE',
      required: true,
      summary: 'The node on which it is to live: its name or id, or what it has.',
    }),
  };

  async run(): Promise<void> {
    const { to } = this.flags;
    const { queue } = this.args;
    const { timeoutGiven } = await this.settings();
    const move = (client: Client) => client.queue(queue).move(to);
    // Why no limit where none is given: it takes as long as there are messages.
    const moving = timeoutGiven ? this.ask('the queue', move) : this.client().then(move);
    const info = await withProgress(`moving ${queue} to ${to}`, this.output, moving);
    await this.output.result(queueDocument(info), `${info.name}\t${info.node}`);
    warnOfMemory(info, this.output);
    this.output.note(`look at it: mpreg queue info ${queue}`);
  }
}
