/**
 * Clusters of real processes in places far from each other. Hubs dial each other through proxies, which hold up what passes
 * for as long as light and routers would, and which can be cut; nodes of one cluster, and clients, go there directly.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import type { RunningNode, World } from '../cli/mpreg.ts';
import { WeakWire } from './weak-wire.ts';

export interface Cluster {
  readonly id: string;
  /** By name; those that were started again stand in the place of their former lives. */
  readonly nodes: Map<string, RunningNode>;
}

interface Hub {
  readonly port: number;
}

export class FarApart {
  readonly wire: WeakWire;
  readonly clusters = new Map<string, Cluster>();
  readonly #world: World;
  /** Clusters by process, also of those that have ended. */
  readonly #places = new Map<number, string>();
  /** Proxies of hubs, by name. */
  readonly #hubs = new Map<string, Hub>();

  /** `oneWayMs`: between two clusters, both ids in order with a space between. */
  constructor(world: World, oneWayMs: Readonly<Record<string, number>>) {
    this.#world = world;
    this.wire = new WeakWire((from, to) => {
      const ends = [from === undefined ? '' : this.#places.get(from), this.#places.get(to)];
      return oneWayMs[ends.sort().join(' ')] ?? 0;
    });
  }

  /** Two hubs, `ID-1` and `ID-2`, and `ID-3`, which alone has the functions. */
  async cluster(id: string, functions: string): Promise<void> {
    writeFileSync(this.#world.path(`${id}.mjs`), functions);
    const cluster: Cluster = { id, nodes: new Map() };
    this.clusters.set(id, cluster);
    for (const name of [`${id}-1`, `${id}-2`]) {
      const port = await this.wire.front(() => Number(new URL(this.node(name).url).port));
      this.#hubs.set(name, { port });
    }
    await Promise.all([`${id}-1`, `${id}-2`, `${id}-3`].map((name) => this.start(name)));
  }

  /** Starts a node, or starts it again where it was. */
  async start(name: string): Promise<RunningNode> {
    const [id = ''] = name.split('-');
    const cluster = this.clusters.get(id);
    if (cluster === undefined) throw new Error(`no cluster ${id}`);
    const before = cluster.nodes.get(name);
    const port = before === undefined ? '0' : new URL(before.url).port;
    const hub = this.#hubs.get(name);
    const data = this.#world.path(`data-${name}`);
    mkdirSync(data, { mode: 0o700, recursive: true });
    const node = await this.#world.node([
      ...['--name', name, '--cluster', id, '--region', `region-${id}`, '--port', port, '--data-dir', data],
      ...(hub === undefined
        ? ['--functions', this.#world.path(`${id}.mjs`)]
        : ['--hub', '--bridge-url', addressOf(hub), '--workers', '1']),
    ]);
    cluster.nodes.set(name, node);
    this.#places.set(node.pid, id);
    if (hub !== undefined) this.wire.owner(hub.port, node.pid);
    return node;
  }

  async kill(name: string): Promise<void> {
    const node = this.node(name);
    node.child.kill('SIGKILL');
    await node.ended;
  }

  node(name: string): RunningNode {
    for (const { nodes } of this.clusters.values()) {
      const node = nodes.get(name);
      if (node !== undefined) return node;
    }
    throw new Error(`${name} is not started`);
  }

  get all(): readonly RunningNode[] {
    return [...this.clusters.values()].flatMap(({ nodes }) => [...nodes.values()]);
  }

  /** Nothing passes between the hubs of a cluster and those of others. */
  cut(id: string): void {
    for (const [pid, place] of this.#places) if (place === id) this.wire.cut(pid);
  }

  /** The file of a federation in which each cluster is linked with the next one. */
  write(path: string): void {
    const ids = [...this.clusters.keys()];
    const clusters = ids.map((id) => {
      const [first, second] = [`${id}-1`, `${id}-2`].map((name) => ({
        bridge_url: addressOf(this.#hubs.get(name) ?? { port: 0 }),
        server_url: this.node(name).url,
      }));
      return { cluster_id: id, region: `region-${id}`, ...first, hubs: [{ name: `${id}-2`, ...second }] };
    });
    const file = {
      clusters,
      federation: {
        enabled: true,
        health_check_interval: 1,
        resilience: { circuit_breaker: { failure_threshold: 5, success_threshold: 2, timeout_seconds: 2 } },
      },
      links: ids.slice(1).map((to, at) => ({ from: ids[at], to })),
      version: '1.0',
    };
    writeFileSync(path, JSON.stringify(file));
  }

  close(): void {
    this.wire.close();
  }
}

function addressOf({ port }: Hub): string {
  return `ws://127.0.0.1:${port}`;
}
