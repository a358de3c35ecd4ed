import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { optionFlags, optionsOf, queueArg } from '../../cli/queue-flags.ts';
import { inFlags } from '../../cli/queue-flaws.ts';
import { queueDocument, warnOfMemory } from '../../cli/queues.ts';
import { dropEmpty } from '../../cli/settings.ts';

export default class QueueCreate extends BaseCommand<typeof QueueCreate> {
  static override summary = 'Make a queue.';
  static override description = [
    'It lives on one node, and can be used through all. Making it again with the same options changes nothing; with others it ' +
      'is exists-already, exit code 7.',
    'fifo: messages of one --group come in order, one at a time; priority: the highest first; delay: like standard.',
    'Prints its name, node, kind and durability; with --json all that "queue info" says.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> <%= command.id %> jobs',
    '<%= config.bin %> <%= command.id %> orders --kind fifo --visibility 2m --max-receives 5',
    '<%= config.bin %> <%= command.id %> mails --place region=eu --ttl 7d --expired dead-letter',
  ];
  static override args = { name: queueArg };
  static override flags = {
    kind: Flags.option({ options: ['standard', 'fifo', 'priority', 'delay'] as const })({
      summary: 'What order its messages come in; for good. standard.',
    }),
    place: Flags.string({
      helpValue: 'any|NODE|LABEL=VALUE',
      summary: 'Where it lives. The node one is connected to.',
    }),
    ...optionFlags,
  };

  async run(): Promise<void> {
    const { kind, place } = this.flags;
    const options = { ...optionsOf(this.flags), ...dropEmpty({ kind, place }) };
    const info = await this.ask('the queue', (client) => client.queue(this.args.name).create(options));
    const { durability, name, node } = info;
    await this.output.result(queueDocument(info), [name, node, info.kind, durability].join('\t'));
    warnOfMemory(info, this.output);
    this.output.note(`send to it: mpreg queue send ${name} 'hello'`);
  }

  protected override catch(error: Error): Promise<never> {
    return super.catch(inFlags(error, 'queue create'));
  }
}
