import { BaseCommand } from '../../cli/base-command.ts';
import { consumerArg, queueArg } from '../../cli/queue-flags.ts';

export default class QueueUnsubscribe extends BaseCommand<typeof QueueUnsubscribe> {
  static override summary = 'Take a consumer off a queue: no message waits for it any more.';
  static override description = 'What only it had not acknowledged is done. Prints the consumers that are left.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> news mailer',
    '<%= config.bin %> <%= command.id %> news archive --json',
  ];
  static override args = { queue: queueArg, consumer: consumerArg };

  async run(): Promise<void> {
    const { consumer, queue } = this.args;
    const consumers = await this.ask('the queue', (client) => client.queue(queue).unsubscribe(consumer));
    await this.output.result({ queue, consumers }, consumers.join('\n'));
    this.output.note(`look at it: mpreg queue info ${queue}`);
  }
}
