import { Flags } from '@oclif/core';
import type { Topology } from '../../cli/federation/topology.ts';
import { topologyDot, topologyMermaid } from '../../cli/federation/topology-graph.ts';
import { WatchingCommand } from '../../cli/federation/watching-command.ts';
import { topologyOfAll } from '../../cli/federation/whole.ts';
import { topologyTree } from '../../tui/federation/topology-tree.ts';
import { mapLegend, worldMap } from '../../tui/federation/world-map.ts';
import { cutLine, type Line } from '../../tui/text.ts';

const COLUMNS = 100;
const ROWS_MAX = 200;
/** How often --watch asks; it asks at once when something happens, too. */
const WATCH_MS = 2_000;

export default class FederationTopology extends WatchingCommand<typeof FederationTopology> {
  static override summary = 'Draw the clusters of the federation and the links between them.';
  static override description =
    'As a tree by region (clusters, hubs, where their links lead, latency and state), as a map of the world, or for programs that ' +
    'draw graphs: dot (Graphviz) and mermaid. As the hubs of this cluster see it: of the links of others they know that they are up ' +
    'and what they cost. --watch keeps drawing on the whole terminal.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --format map',
    '<%= config.bin %> <%= command.id %> --format dot | dot -Tsvg > federation.svg',
    '<%= config.bin %> <%= command.id %> --watch --format map',
  ];
  static override flags = {
    format: Flags.option({ options: ['tree', 'map', 'dot', 'mermaid', 'json'] as const })({
      char: 'f',
      default: 'tree',
      summary: 'How it is drawn.',
    }),
    from: Flags.string({ helpValue: 'CLUSTER', summary: 'As a hub of this cluster sees it.' }),
    watch: Flags.boolean({
      char: 'w',
      summary: 'Keep drawing on the whole terminal; q ends it. Not on a terminal: once.',
    }),
    width: Flags.integer({
      helpValue: 'COLUMNS',
      min: 10,
      summary: `Of the map; default: the terminal's, else ${COLUMNS}.`,
    }),
  };

  async run(): Promise<void> {
    const { format, watch } = this.flags;
    if (watch && this.output.tty && !this.output.json && (format === 'tree' || format === 'map')) {
      return this.#watch(format);
    }
    const topology = await this.#topology();
    if (format === 'json') return this.output.document(topology);
    await this.output.result(topology, this.#draw(topology));
    if (format === 'tree' || format === 'map') this.output.note(`as ${topology.hub} sees it`);
  }

  #topology(): Promise<Topology> {
    const { from } = this.flags;
    return this.ask('the topology of the federation', (client) => topologyOfAll(client, { from }));
  }

  #draw(topology: Topology): string {
    const columns = this.flags.width ?? (this.output.tty ? process.stdout.columns : COLUMNS);
    switch (this.flags.format) {
      case 'dot':
        return topologyDot(topology);
      case 'mermaid':
        return topologyMermaid(topology);
      case 'map':
        return this.#print([...worldMap(topology, { columns, rows: ROWS_MAX }), ...mapLegend(topology)]);
      default:
        return this.#print(topologyTree(topology));
    }
  }

  /** Nothing is cut where nobody looks, but for what a terminal would obey. */
  #print(lines: readonly Line[]): string {
    const safe = lines.map((line) => cutLine(line, Number.POSITIVE_INFINITY));
    const paint = (text: string, style: Line['spans'][number]['style']) =>
      style === undefined ? text : this.output.paint(style, text);
    return safe
      .map(({ spans }) =>
        spans
          .map(({ style, text }) => paint(text, style))
          .join('')
          .trimEnd(),
      )
      .join('\n');
  }

  async #watch(format: 'tree' | 'map'): Promise<void> {
    const { watchFederation } = await import('../../tui/federation/watch-federation.ts');
    await watchFederation({ ...(await this.watching()), clusters: [], everyMs: WATCH_MS, view: format });
  }
}
