import { BaseCommand } from '../../cli/base-command.ts';
import { patternsArg, queueArg } from '../../cli/queue-flags.ts';
import { queueDocument, warnOfMemory } from '../../cli/queues.ts';

export default class QueueBind extends BaseCommand<typeof QueueBind> {
  static override summary = 'Have messages of topics stored in a queue, once each, in order.';
  static override description = [
    'The binding stays with the queue, also when its node starts again. A message that several of its patterns match is stored ' +
      'once. Its body is the payload; its headers are those of the message, with mpreg-topic, mpreg-id and mpreg-publisher.',
    'What is published to a kept topic arrives, whatever happens in between. Of other topics, a message that is under way to the ' +
      "queue's node when that node or the connection ends is lost; once it is there, it is stored like any that is sent.",
    'Prints the patterns of the queue.',
  ].join('\n\n');
  static override examples = [
    "<%= config.bin %> <%= command.id %> jobs 'order.*.created'",
    "<%= config.bin %> <%= command.id %> audit 'order.#' 'user.#' --json",
  ];
  static override args = { queue: queueArg, patterns: patternsArg };

  async run(): Promise<void> {
    const { patterns, queue } = this.args;
    const names = patterns as unknown as readonly string[];
    const info = await this.ask('the queue', (client) => client.queue(queue).bind(names));
    const document = queueDocument(info);
    await this.output.result(document, document.bindings.join('\n'));
    warnOfMemory(info, this.output);
    this.output.note(`see what arrives: mpreg queue peek ${queue}`);
  }
}
