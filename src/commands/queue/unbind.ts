import { BaseCommand } from '../../cli/base-command.ts';
import { patternsArg, queueArg } from '../../cli/queue-flags.ts';
import { queueDocument } from '../../cli/queues.ts';

export default class QueueUnbind extends BaseCommand<typeof QueueUnbind> {
  static override summary = 'Have messages of topics no longer stored in a queue.';
  static override description =
    'What is stored stays. Prints the patterns that are left; one that it had not is no error.';
  static override examples = [
    "<%= config.bin %> <%= command.id %> jobs 'order.*.created'",
    "<%= config.bin %> <%= command.id %> audit 'user.#' --json",
  ];
  static override args = { queue: queueArg, patterns: patternsArg };

  async run(): Promise<void> {
    const { patterns, queue } = this.args;
    const names = patterns as unknown as readonly string[];
    const info = await this.ask('the queue', (client) => client.queue(queue).unbind(names));
    const document = queueDocument(info);
    await this.output.result(document, document.bindings.join('\n'));
    this.output.note(`look at it: mpreg queue info ${queue}`);
  }
}
