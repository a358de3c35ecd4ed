import { BaseCommand } from '../../cli/base-command.ts';
import { queueArg, receiptsArg } from '../../cli/queue-flags.ts';
import { readReceipts } from '../../cli/queue-receipts.ts';
import { tellReceipts } from '../../cli/queues.ts';

export default class QueueRelease extends BaseCommand<typeof QueueRelease> {
  static override summary = 'Give messages back, as if they had never been received.';
  static override description =
    'They can be received at once, and the receive is not counted. For what failed there is "queue nack". Ends with 7 where a ' +
    'lease was over already.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> jobs RECEIPT',
    'cut -f 3 received.txt | <%= config.bin %> <%= command.id %> jobs -',
  ];
  static override args = { queue: queueArg, receipts: receiptsArg };

  async run(): Promise<void> {
    const receipts = await readReceipts(this.args.receipts, this.interruption.signal);
    const results = await this.ask('the queue', (client) => client.queue(this.args.queue).release(receipts));
    await tellReceipts(receipts, results, 'released', this.output);
  }
}
