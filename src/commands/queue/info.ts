import { BaseCommand } from '../../cli/base-command.ts';
import { queueArg } from '../../cli/queue-flags.ts';
import { queueDocument, queueText, warnOfMemory } from '../../cli/queues.ts';

export default class QueueInfo extends BaseCommand<typeof QueueInfo> {
  static override summary = 'Show one queue: where it is, what it holds, what became of the rest, how it is set up.';
  static override description =
    'sent = ready + delayed + leased + done + dead + expired + purged, at any time. What is lost was sent without a promise; ' +
    'what is refused was never sent.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> jobs',
    '<%= config.bin %> <%= command.id %> jobs --json',
  ];
  static override args = { queue: queueArg };

  async run(): Promise<void> {
    const info = await this.ask('the queue', (client) => client.queue(this.args.queue).info());
    const document = queueDocument(info);
    await this.output.result(document, queueText(document));
    if (this.output.json) warnOfMemory(info, this.output);
  }
}
