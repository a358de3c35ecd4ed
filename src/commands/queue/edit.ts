import { BaseCommand } from '../../cli/base-command.ts';
import { optionFlags, optionsOf, queueArg } from '../../cli/queue-flags.ts';
import { inFlags } from '../../cli/queue-flaws.ts';
import { queueDocument, queueText } from '../../cli/queues.ts';
import { problemError } from '../../engine/index.ts';

export default class QueueEdit extends BaseCommand<typeof QueueEdit> {
  static override summary = 'Change how a queue is set up; what is not named stays.';
  static override description =
    'Holds from now on: messages that wait already keep what they were sent with. Its kind stays for good. Prints what it is ' +
    'then, as "queue info" does.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> jobs --visibility 5m --max-receives 3',
    '<%= config.bin %> <%= command.id %> jobs --ttl none --messages-max 1000000',
  ];
  static override args = { queue: queueArg };
  static override flags = optionFlags;

  async run(): Promise<void> {
    const options = optionsOf(this.flags);
    if (Object.keys(options).length === 0)
      throw problemError('usage-invalid', 'nothing is to be changed: name an option');
    const info = await this.ask('the queue', (client) => client.queue(this.args.queue).edit(options));
    const document = queueDocument(info);
    await this.output.result(document, queueText(document));
  }

  protected override catch(error: Error): Promise<never> {
    return super.catch(inFlags(error, 'queue edit'));
  }
}
