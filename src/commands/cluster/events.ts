import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import type { NodeEvent } from '../../engine/index.ts';

export default class ClusterEvents extends BaseCommand<typeof ClusterEvents> {
  static override summary = 'Follow what happens in the mesh, one line per event, until interrupted.';
  static override description =
    'Members that come, go and fall silent, functions that appear and disappear, links that open and close, ' +
    'clusters that are reached and lost: as the node that one is connected to sees it, from now on. Ends with 0 after --count events, with 130 after Ctrl-C.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --json --count 10',
    '<%= config.bin %> <%= command.id %> --kind member --json',
  ];
  static override flags = {
    count: Flags.integer({ min: 1, summary: 'End after so many events.' }),
    kind: Flags.option({ options: ['member', 'function', 'link', 'cluster', 'bridge', 'paused', 'refuted'] as const })({
      multiple: true,
      multipleNonGreedy: true,
      summary: 'Only events of this kind; repeatable.',
    }),
  };

  async run(): Promise<void> {
    const { count = Number.POSITIVE_INFINITY, kind: kinds } = this.flags;
    const client = await this.client();
    this.output.note(`following ${client.node.name}; Ctrl-C ends`);
    let seen = 0;
    for await (const event of client.events({ signal: this.interruption.signal })) {
      if (kinds !== undefined && kinds.length > 0 && !kinds.includes(event.kind)) continue;
      const at = new Date(event.at);
      await this.output.event({ ...event, at: at.toISOString() }, `${at.toISOString()}\t${describe(event)}`);
      if (++seen >= count) return;
    }
  }
}

function describe(event: NodeEvent): string {
  switch (event.kind) {
    case 'member':
      return `member\t${event.name}\t${event.before ?? 'unknown'} → ${event.state}\t${event.reason}`;
    case 'function':
      return `function\t${event.fun}@${event.version}\t${event.change}\ton ${event.node}`;
    case 'link':
      return `link\t${event.peer}\t${event.change}\t${event.reason}`;
    case 'paused':
      return `paused\tthis node\tstood still for ${event.ms} ms`;
    case 'cluster':
      return `cluster\t${event.cluster}\t${event.state}\t${event.reason}`;
    case 'bridge':
      return `bridge\t${event.peer} of ${event.cluster}\t${event.change}\t${event.reason}`;
    case 'refuted':
      return `refuted\tthis node\tcontradicted ${event.by}, incarnation ${event.incarnation}`;
  }
}
