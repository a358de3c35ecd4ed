import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { afterResult } from '../../cli/failure.ts';
import { hubsOf } from '../../cli/federation/deployment.ts';
import { type Discovered, type DiscoveredCluster, discoverClusters } from '../../cli/federation/discovering.ts';
import { ClientHubAccess, type HubAccess } from '../../cli/federation/hub-access.ts';
import { readFederationFile } from '../../cli/federation/read-file.ts';
import { wrongSource } from '../../cli/federation/source-words.ts';
import { withProgress } from '../../cli/progress.ts';
import { connectOptions } from '../../cli/settings.ts';
import type { Style, Table } from '../../cli/table.ts';
import { nearbyNodes, type Problem, problem, problemError } from '../../engine/index.ts';

export default class FederationDiscover extends BaseCommand<typeof FederationDiscover> {
  static override summary = 'Find the clusters of a federation: ask every source, and every hub that is found.';
  static override description =
    'Sources: file:PATH (a list, or a configuration file), srv:NAME, http://HOST/PATH, mdns, ws://HOST:PORT (that node), ' +
    'gossip:ws://HOST:PORT (whom that node knows); with --config, those of its "discovery" and the hubs of its clusters. Without ' +
    'any: the node that the context, --url or this machine gives.\n\nStates are as the first hub sees them: self, reachable, lost (no way ' +
    'leads there), configured (never seen), unlinked (it answers, and that hub does not know it), silent (it was named and does not answer).';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --source srv:_mpreg._tcp.example.com --source mdns',
    '<%= config.bin %> <%= command.id %> --config federation.json --json',
  ];
  static override flags = {
    source: Flags.string({
      helpValue: 'SOURCE',
      multiple: true,
      multipleNonGreedy: true,
      summary: 'Where to look; repeatable.',
    }),
    config: Flags.string({ helpValue: 'FILE', summary: 'A configuration file, whose sources and hubs are asked.' }),
  };

  async run(): Promise<void> {
    const settings = await this.settings();
    const sources = [...(this.flags.source ?? []), ...(await this.#sourcesOfConfig())];
    const wrong = sources.map(wrongSource).find((why) => why !== undefined);
    if (wrong !== undefined) throw problemError('usage-invalid', wrong);
    const { cluster: _, urls: __, ...connect } = connectOptions(settings, (text) => this.output.warn(text));
    const timeoutMs = settings.timeoutMs === 0 ? 30_000 : settings.timeoutMs;
    const { signal } = this.interruption;
    const home = await this.#home(sources.length > 0, settings.urls.length > 0, timeoutMs);
    const work = discoverClusters({ connect, home, signal, sources, timeoutMs });
    const found = await withProgress('asking sources and hubs', this.output, work);
    this.#complain(found);
    await this.output.table(found, tableOf(found.clusters));
    if (found.clusters.every(({ state }) => state === 'silent')) throw afterResult(nothing(found), this.output);
  }

  async #sourcesOfConfig(): Promise<readonly string[]> {
    const { config } = this.flags;
    if (config === undefined) return [];
    const note = (text: string): void => this.output.note(text);
    const warn = (text: string): void => this.output.warn(text);
    const file = await readFederationFile(config, { note, signal: this.interruption.signal, warn });
    const hubs = file.clusters.flatMap((cluster) => hubsOf(cluster).map(({ serverUrl }) => serverUrl));
    return [...(file.discovery?.sources ?? []), ...hubs];
  }

  /** The node that the command line leads to; with sources, only where it leads to one that is named or runs here. */
  async #home(hasSources: boolean, isNamed: boolean, timeoutMs: number): Promise<HubAccess | undefined> {
    if (hasSources && !isNamed && (await nearbyNodes()).nodes.length === 0) return undefined;
    try {
      return new ClientHubAccess(await this.client(), timeoutMs);
    } catch (error) {
      if (!hasSources || isNamed) throw error;
      return undefined; // several clusters run here, or one whose key we have not: the sources say enough
    }
  }

  #complain({ places }: Discovered): void {
    for (const { complaints, problem, source } of places) {
      if (problem !== undefined) this.output.warn(problem.message);
      for (const complaint of complaints) this.output.warn(`${source}: ${complaint}`);
    }
  }
}

/** Why nobody was found. */
function nothing({ clusters, places }: Discovered): Problem {
  const [first] = [...clusters, ...places].flatMap(({ problem: why }) => why ?? []);
  const asked = places.map(({ source }) => source).join(', ');
  return first ?? problem('nobody-there', `no cluster was found${asked === '' ? '' : ` at ${asked}`}`);
}

const STYLES: Readonly<Record<DiscoveredCluster['state'], Style>> = {
  configured: 'dim',
  lost: 'red',
  reachable: 'green',
  self: 'bold',
  silent: 'red',
  unlinked: 'yellow',
};

function tableOf(rows: readonly DiscoveredCluster[]): Table<DiscoveredCluster> {
  return {
    columns: [
      { name: 'cluster', value: ({ cluster }) => cluster },
      { name: 'region', value: ({ region }) => region },
      { name: 'url', value: ({ url }) => url },
      { align: 'right', name: 'nodes', value: ({ nodes }) => String(nodes) },
      { align: 'right', name: 'functions', value: ({ functions }) => String(functions.length) },
      {
        align: 'right',
        name: 'distance',
        value: ({ distanceMs }) => (distanceMs === undefined ? '' : `${distanceMs.toFixed(1)} ms`),
      },
      { name: 'state', style: ({ state }) => STYLES[state], value: ({ state }) => state },
    ],
    empty: 'There are no clusters.',
    rows,
  };
}
