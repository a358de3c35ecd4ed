import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { queueArg, receiptsArg } from '../../cli/queue-flags.ts';
import { readReceipts } from '../../cli/queue-receipts.ts';
import { tellReceipts } from '../../cli/queues.ts';

export default class QueueAck extends BaseCommand<typeof QueueAck> {
  static override summary = 'Say that messages are done: they never come again.';
  static override description =
    'By the receipts that "queue receive --ack manual" gave. Prints a line for each; one whose lease is over is lease-lost, and ' +
    'the command ends with 7: the message belongs to somebody else, or will.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> jobs RECEIPT',
    'cut -f 3 received.txt | <%= config.bin %> <%= command.id %> jobs -',
  ];
  static override args = { queue: queueArg, receipts: receiptsArg };
  static override flags = {
    consumer: Flags.string({ helpValue: 'NAME', summary: 'In whose name, for broadcast and quorum.' }),
  };

  async run(): Promise<void> {
    const receipts = await readReceipts(this.args.receipts, this.interruption.signal);
    const { consumer } = this.flags;
    const results = await this.ask('the queue', (client) => client.queue(this.args.queue).ack(receipts, consumer));
    await tellReceipts(receipts, results, 'acknowledged', this.output);
  }
}
