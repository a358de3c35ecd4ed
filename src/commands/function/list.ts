import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';

export default class FunctionList extends BaseCommand<typeof FunctionList> {
  static override summary = 'List what can be called, and on which nodes.';
  static override description = 'With --json, an array with one object per function and node.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --node alpha --json',
  ];
  static override flags = {
    node: Flags.string({ helpValue: 'NODE', summary: 'Only what this node (name or id) offers.' }),
  };

  async run(): Promise<void> {
    const { node: wanted } = this.flags;
    if (wanted !== undefined) await this.ask('info', (client) => client.info(wanted)); // an unknown node is told as one, not as an empty list
    const rows = (await this.ask('functions', (client) => client.functions()))
      .filter(({ node, id }) => wanted === undefined || wanted === node || wanted === id)
      .map(({ name, version, node, id, allResources, resources, description, idempotent, functionId, timeoutMs }) => ({
        name,
        version,
        node,
        id,
        resources: allResources,
        ownResources: resources,
        description: description ?? null,
        idempotent: idempotent ?? false,
        functionId: functionId ?? null,
        timeoutMs: timeoutMs ?? null,
      }))
      .sort((a, b) =>
        order(`${a.name}\0${a.version}\0${a.node}\0${a.id}`, `${b.name}\0${b.version}\0${b.node}\0${b.id}`),
      );
    await this.output.table(rows, {
      columns: [
        { name: 'function', style: () => 'bold', value: (row) => row.name },
        { name: 'version', value: (row) => row.version },
        { name: 'node', value: (row) => row.node },
        { name: 'resources', value: (row) => row.resources.join(',') },
        { name: 'description', style: () => 'dim', value: (row) => row.description ?? '' },
      ],
      empty: 'Nothing can be called.',
      rows,
    });
  }
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
