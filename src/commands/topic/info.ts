import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { formatDuration } from '../../cli/duration.ts';
import { formatSize } from '../../cli/sizes.ts';
import { problemError } from '../../engine/index.ts';

export default class TopicInfo extends BaseCommand<typeof TopicInfo> {
  static override summary = 'Say what is kept of topics, where, how much of it, and who reads it.';
  static override description =
    'One line for each pattern that a node keeps: its node, the pattern, where it is stored, the numbers of its oldest and ' +
    'newest message, how many there are and their size, each with its limit, the age limit, how many read it now, and how many ' +
    'durable names it remembers. With --json, an array with one object each, which has the readers and names themselves.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    "<%= config.bin %> <%= command.id %> 'order.#' --json",
  ];
  static override args = {
    pattern: Args.string({ description: 'Only of this pattern, as it is kept.', ignoreStdin: true }),
  };

  async run(): Promise<void> {
    const { pattern } = this.args;
    const answers = await this.ask('keeps', (client) => client.keeps());
    for (const { node, problem } of answers) if (problem !== undefined) this.output.warn(`${node}: ${problem}`);
    const all = answers.flatMap(({ node, found }) => found.map((keep) => ({ node, ...keep })));
    const rows = pattern === undefined ? all : all.filter((keep) => keep.pattern === pattern);
    if (pattern !== undefined && rows.length === 0) {
      const hint = { hint: `Keep it first.\nmpreg topic keep '${pattern}'` };
      throw problemError('keep-unknown', `no node in reach keeps ${pattern}`, hint);
    }
    await this.output.table(rows, {
      columns: [
        { name: 'node', value: ({ node }) => node },
        { name: 'pattern', style: () => 'bold', value: (keep) => keep.pattern },
        { name: 'stored', value: ({ durability }) => durability },
        { align: 'right', name: 'first', value: ({ first }) => `${first}` },
        { align: 'right', name: 'last', value: ({ last }) => `${last}` },
        { align: 'right', name: 'messages', value: ({ count, countMax }) => `${count}/${countMax}` },
        {
          align: 'right',
          name: 'size',
          value: ({ bytes, bytesMax }) => `${formatSize(bytes)}/${formatSize(bytesMax)}`,
        },
        {
          align: 'right',
          name: 'age',
          value: ({ ageMaxMs }) => (ageMaxMs === undefined ? '' : formatDuration(ageMaxMs)),
        },
        { align: 'right', name: 'readers', value: ({ readers }) => `${readers.length}` },
        { align: 'right', name: 'names', value: ({ names }) => `${names.length}` },
      ],
      empty: 'Nothing is kept.',
      rows,
    });
  }
}
