import { BaseCommand } from '../../cli/base-command.ts';
import { consumerArg, queueArg } from '../../cli/queue-flags.ts';
import { inFlags } from '../../cli/queue-flaws.ts';

export default class QueueSubscribe extends BaseCommand<typeof QueueSubscribe> {
  static override summary = 'Name a consumer of a queue, for messages that several have to acknowledge.';
  static override description =
    'From now on, each message with the guarantee broadcast waits for it, too, and one with quorum may be acknowledged by it. It ' +
    'receives and acknowledges under its name: "queue receive --consumer NAME". Prints all consumers of the queue.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> news mailer',
    '<%= config.bin %> <%= command.id %> news archive --json',
  ];
  static override args = { queue: queueArg, consumer: consumerArg };

  async run(): Promise<void> {
    const { consumer, queue } = this.args;
    const consumers = await this.ask('the queue', (client) => client.queue(queue).subscribe(consumer));
    await this.output.result({ queue, consumers }, consumers.join('\n'));
    this.output.note(`receive as it: mpreg queue receive ${queue} --consumer ${consumer}`);
  }

  protected override catch(error: Error): Promise<never> {
    return super.catch(inFlags(error, 'queue subscribe'));
  }
}
