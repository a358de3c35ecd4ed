import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { formatDuration, parseDuration } from '../../cli/duration.ts';
import { dropEmpty } from '../../cli/settings.ts';
import { formatSize, parseSize } from '../../cli/sizes.ts';

export default class TopicKeep extends BaseCommand<typeof TopicKeep> {
  static override summary = 'Keep messages of topics, so that they can be read later.';
  static override description = [
    'The node that is asked, or that of --node, stores every message of a matching topic, wherever it is published, and the ' +
      'publisher is answered only then. Where one of the limits is reached, the oldest messages go first. Read them with ' +
      'subscribe --since, --last, --from or --durable.',
    'On disk where the node has a data directory; elsewhere, and with --memory, they end with the node. Where the node keeps ' +
      'the pattern already, its limits are changed, to what is given here or else the defaults.',
    'With --json the keep, as topic info prints it.',
  ].join('\n\n');
  static override examples = [
    "<%= config.bin %> <%= command.id %> 'order.#' --age 1h --count 100000 --bytes 1gb",
    "<%= config.bin %> <%= command.id %> 'price.*' --memory --count 1000 --node alpha",
  ];
  static override args = {
    pattern: Args.string({ description: 'Which topics: order.*, order.#.', ignoreStdin: true, required: true }),
  };
  static override flags = {
    age: Flags.string({
      helpValue: 'DURATION',
      summary: 'Messages that are older go: 1h, 7d. 0, as without it: none is too old.',
    }),
    count: Flags.integer({ helpValue: 'N', min: 1, summary: 'Messages at most. 100000 without it.' }),
    bytes: Flags.string({ helpValue: 'SIZE', summary: 'Their size at most: 500mb, 10gb. 1gb without it.' }),
    memory: Flags.boolean({ summary: 'Not on disk: faster, and gone when the node ends.' }),
    node: Flags.string({ helpValue: 'NAME', summary: 'Which node keeps them; the one that is asked without it.' }),
  };

  async run(): Promise<void> {
    const { age, bytes, count, memory, node } = this.flags;
    const { pattern } = this.args;
    const ageMs = age === undefined ? undefined : parseDuration(age, '--age', Number.MAX_SAFE_INTEGER) || undefined;
    const bytesMax = bytes === undefined ? undefined : parseSize(bytes, '--bytes');
    const limits = dropEmpty({ ageMs, bytesMax, countMax: count, memory: memory || undefined, node });
    const kept = await this.ask('keep', (client) => client.keep(pattern, limits));
    const { ageMaxMs, durability } = kept;
    const most = `${kept.countMax} messages, ${formatSize(kept.bytesMax)}`;
    const oldest = ageMaxMs === undefined ? '' : `, ${formatDuration(ageMaxMs)}`;
    const where = durability === 'disk' ? 'on disk' : 'in memory, until the node ends';
    await this.output.result(kept, `${pattern} is kept on ${kept.node}, ${where}: at most ${most}${oldest}`);
    this.output.note(`read it: mpreg subscribe '${pattern}' --since 5m`);
  }
}
