/** Clusters in memory, as `deploy` sees them: each has one configuration, and a link is up where both ends name each other. */
import type { HubAccess } from '../../../src/cli/federation/hub-access.ts';
import type { OpenCluster } from '../../../src/cli/federation/survey.ts';
import {
  type Applied,
  type ApplyAsk,
  type ConfigChange,
  type FederationConfig,
  type FederationView,
  type LinkView,
  ProblemError,
  problem,
  problemError,
} from '../../../src/engine/index.ts';

export class Town {
  readonly id: string;
  config: FederationConfig;
  there = true;
  software = '0.1.0';
  /** What it says of itself; another than `id` where an address is wrong. */
  says: string;
  /** How many times it was changed. */
  applied = 0;
  /** Told in place of applying. */
  refuses: ProblemError | undefined;
  /** It applies, and its answer is lost. */
  mute = false;

  constructor(id: string) {
    this.id = id;
    this.says = id;
    this.config = {
      breaker: { failureThreshold: 5, successThreshold: 3, timeoutMs: 60_000 },
      identity: { cluster: id, name: id, region: '', tags: [] },
      links: [],
      mode: 'explicit',
      version: 1,
    };
  }

  apply({ config, dryRun = false, expect }: ApplyAsk): Applied {
    const { version, ...before } = this.config;
    if (expect !== undefined && expect !== version)
      throw problemError('exists-already', `it is at version ${version}, not ${expect}`);
    const changes = difference(before, config);
    const done = { changes, told: [], untold: [], version };
    if (dryRun || changes.length === 0) return done;
    if (this.refuses !== undefined) throw this.refuses;
    this.config = { ...config, version: version + 1 };
    this.applied++;
    if (this.mute) throw new ProblemError(problem('link-lost', 'the connection broke'));
    return { ...done, version: version + 1 };
  }
}

export class Towns {
  readonly towns: ReadonlyMap<string, Town>;
  open = 0;

  constructor(...ids: readonly string[]) {
    this.towns = new Map(ids.map((id) => [id, new Town(id)]));
  }

  town(id: string): Town {
    const town = this.towns.get(id);
    if (town === undefined) throw new Error(`no town ${id}`);
    return town;
  }

  readonly access: OpenCluster = async ({ cluster_id: id }) => {
    const town = this.towns.get(id);
    if (town?.there !== true) throw problemError('nobody-there', `no node answered at ${id}`);
    this.open++;
    const hub = { id: `hub-${id}`, name: `${id}-hub-1` };
    const access: HubAccess = {
      apply: async (_, ask) => town.apply(ask),
      close: async () => {
        this.open--;
      },
      hubs: async () => [hub],
      view: async () => this.#view(town),
    };
    return access;
  };

  #view(town: Town): FederationView {
    const linked = (from: Town, to: string): boolean => {
      const other = this.towns.get(to);
      return other?.there === true && other.config.links.some(({ cluster }) => cluster === from.id);
    };
    const links = town.config.links.map(
      ({ cluster, drained }): LinkView => ({
        address: '',
        breaker: 'closed',
        cluster,
        failures: 0,
        forMs: 0,
        loss: 0,
        ...(linked(town, cluster) ? { rttMs: 1 } : { reason: 'nobody answers' }),
        state: !linked(town, cluster) ? 'waiting' : drained ? 'drained' : 'up',
      }),
    );
    const base = { forMs: 0, functions: [], hubs: [], nodes: 1, queues: [], region: '', tags: [], url: '' };
    return {
      cluster: town.says,
      clusters: [...this.towns.values()].map(({ id, there }) => ({
        ...base,
        cluster: id,
        name: id,
        self: id === town.id,
        state: there ? 'reachable' : 'lost',
      })),
      config: town.config,
      counts: { arrived: 0, failed: 0, recordsIn: 0, recordsOut: 0, recordsRefused: 0, relayed: 0, sent: 0 },
      edges: [],
      hub: `hub-${town.id}`,
      hubs: [
        {
          address: '',
          ageMs: 0,
          cluster: town.id,
          hub: `hub-${town.id}`,
          name: `${town.id}-hub-1`,
          nodes: 1,
          reachable: true,
          software: town.software,
          url: '',
          version: 1,
          withdrawn: false,
        },
      ],
      links,
      name: `${town.id}-hub-1`,
    };
  }
}

function difference(before: object, after: object): readonly ConfigChange[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].sort().flatMap((path) => {
    const [was, is] = [before, after].map((one) => (one as Record<string, unknown>)[path]);
    return JSON.stringify(was) === JSON.stringify(is) ? [] : [{ after: is, before: was, path }];
  });
}
