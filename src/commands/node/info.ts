import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import type { NodeSnapshot } from '../../engine/index.ts';

export default class NodeInfo extends BaseCommand<typeof NodeInfo> {
  static override summary = 'Show what a node says of itself: functions, resources, load, links.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> alpha --json',
  ];
  static override args = {
    node: Args.string({ description: 'Name or id; without it, the node one is connected to.', ignoreStdin: true }),
  };

  async run(): Promise<void> {
    const snapshot = await this.ask('info', (client) => client.info(this.args.node));
    await this.output.result(snapshot, describe(snapshot));
  }
}

function describe({ calls, health, id, links, members, phase, record }: NodeSnapshot): string {
  const functions = record.functions.map(({ name, version }) => `${name}@${version}`);
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['name', record.name],
    ['id', id],
    ['phase', record.state === 'draining' ? 'draining' : phase],
    ['cluster', record.cluster],
    ['region', record.region],
    ['place', record.coordinates && `${record.coordinates.latitude}, ${record.coordinates.longitude}`],
    ['addresses', record.addresses.join(' ')],
    ['resources', record.resources.join(' ')],
    ['functions', functions.join(' ')],
    ['calls', `${calls.running} running, ${calls.waiting} waiting`],
    ['links', `${links.peers} to nodes, ${links.clients} to clients`],
    ['members', String(members.length)],
    ['load', `${record.load} of 10`],
    ['health', health === 0 ? 'fine' : `${health} of 8: slow to answer`],
    ['version', record.software],
  ];
  return rows.map(([name, value]) => `${name}\t${value ?? ''}`).join('\n');
}
