import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { parseLongDuration } from '../../cli/duration.ts';
import { queueArg, receiptsArg } from '../../cli/queue-flags.ts';
import { readReceipts } from '../../cli/queue-receipts.ts';
import { tellReceipts } from '../../cli/queues.ts';
import { dropEmpty } from '../../cli/settings.ts';

export default class QueueNack extends BaseCommand<typeof QueueNack> {
  static override summary = 'Say that messages failed: they come again, or are dead letters.';
  static override description =
    'When they come again is up to the retry policy of the queue, unless --in says. Received as often as the queue allows, they ' +
    'go to its dead letters, with the reason. Ends with 7 where a lease was over already.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> jobs RECEIPT --reason "no such customer"',
    '<%= config.bin %> <%= command.id %> jobs RECEIPT --in 5m',
  ];
  static override args = { queue: queueArg, receipts: receiptsArg };
  static override flags = {
    in: Flags.string({ helpValue: 'DURATION', summary: 'They come again after so long; 0: at once.' }),
    reason: Flags.string({ summary: 'Why, for whoever looks at the dead letters.' }),
    consumer: Flags.string({ helpValue: 'NAME', summary: 'In whose name, for broadcast and quorum.' }),
  };

  async run(): Promise<void> {
    const { consumer, in: delay, reason } = this.flags;
    const delayMs = delay === undefined ? undefined : parseLongDuration(delay, '--in');
    const receipts = await readReceipts(this.args.receipts, this.interruption.signal);
    const nacks = receipts.map((receipt) => ({ receipt, ...dropEmpty({ delayMs, reason }) }));
    const results = await this.ask('the queue', (client) => client.queue(this.args.queue).nack(nacks, consumer));
    await tellReceipts(receipts, results, 'refused', this.output);
  }
}
