import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { parseLongDuration } from '../../cli/duration.ts';
import { queueArg, receiptsArg } from '../../cli/queue-flags.ts';
import { readReceipts } from '../../cli/queue-receipts.ts';
import { tellReceipts } from '../../cli/queues.ts';

export default class QueueExtend extends BaseCommand<typeof QueueExtend> {
  static override summary = 'Keep messages for longer: their leases end so long from now.';
  static override description =
    'For work that takes longer than the lease of the queue. 0 ends the lease at once. Ends with 7 where it was over already.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> jobs 10m RECEIPT',
    '<%= config.bin %> <%= command.id %> jobs 1h RECEIPT1 RECEIPT2 --json',
  ];
  static override args = {
    queue: queueArg,
    duration: Args.string({ description: 'From now: 30s, 10m.', ignoreStdin: true, required: true }),
    receipts: receiptsArg,
  };

  async run(): Promise<void> {
    const visibilityMs = parseLongDuration(this.args.duration, 'the duration');
    const receipts = await readReceipts(this.args.receipts, this.interruption.signal);
    const wanted = receipts.map((receipt) => ({ receipt, visibilityMs }));
    const results = await this.ask('the queue', (client) => client.queue(this.args.queue).extend(wanted));
    await tellReceipts(receipts, results, 'extended', this.output);
  }
}
