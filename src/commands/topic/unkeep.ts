import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { formatSize } from '../../cli/sizes.ts';
import { problemError } from '../../engine/index.ts';

export default class TopicUnkeep extends BaseCommand<typeof TopicUnkeep> {
  static override summary = 'Keep messages of topics no more, and destroy what was kept.';
  static override description =
    'The pattern must be written as it is kept. Its readers end, its durable names are forgotten, and the messages cannot be ' +
    'had again. Asks for confirmation on a terminal, wants --yes elsewhere. With --json the keep as it was.';
  static override examples = [
    "<%= config.bin %> <%= command.id %> 'order.#' --yes",
    "<%= config.bin %> <%= command.id %> 'order.#' --dry-run",
  ];
  static override args = {
    pattern: Args.string({ description: 'The pattern that is kept.', ignoreStdin: true, required: true }),
  };
  static override flags = {
    node: Flags.string({ helpValue: 'NAME', summary: 'Of which node, where several keep the pattern.' }),
    'dry-run': Flags.boolean({ summary: 'Say what would be destroyed, and destroy nothing.' }),
  };

  async run(): Promise<void> {
    const { pattern } = this.args;
    const { 'dry-run': dryRun, node } = this.flags;
    const answers = await this.ask('keeps', (client) => client.keeps());
    const all = answers.flatMap(({ found, node: name }) => found.map((keep) => ({ ...keep, node: name })));
    const found = all.find((keep) => keep.pattern === pattern && (node === undefined || keep.node === node));
    if (found === undefined) throw problemError('keep-unknown', `no node in reach keeps ${pattern}`);
    const what = `${found.count} messages (${formatSize(found.bytes)}) of ${pattern} on ${found.node}`;
    if (dryRun) return this.output.result({ ...found, dryRun }, `would destroy ${what}`);
    await this.confirm(`Destroy ${what}, with ${found.names.length} durable names`);
    const was = await this.ask('unkeep', (client) => client.unkeep(pattern, { node: found.node }));
    await this.output.result(was, `${pattern} is kept no more on ${was.node}: ${was.count} messages are gone`);
    this.output.note('what is still kept: mpreg topic info');
  }
}
