/** Clusters of real nodes in this process, joined by hubs. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Client, FederationView, HubOptions, MpregNode, NodeOptions } from '../../../src/engine/index.ts';
import { createNode } from '../../../src/engine/index.ts';

export class Clusters {
  readonly #nodes: MpregNode[] = [];
  readonly #clients: Client[] = [];

  /** A node of a cluster that is linked with `peers`; a hub with `hub`. */
  async node(
    cluster: string,
    name: string,
    options: Omit<NodeOptions, 'hub'> & { readonly hub?: HubOptions } = {},
  ): Promise<MpregNode> {
    const node = await createNode({ cluster, discover: false, name, ...options });
    this.#nodes.push(node);
    return node;
  }

  async client(node: MpregNode): Promise<Client> {
    const client = await node.client();
    this.#clients.push(client);
    return client;
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#clients.map((client) => client.close()));
    await Promise.allSettled(this.#nodes.map((node) => node.kill()));
  }
}

const PATIENCE_MS = 60_000;

/** Waits until something is so. */
export async function until(what: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`not within ${PATIENCE_MS} ms: ${what}`);
    await pause(20);
  }
}

export function viewOf(client: Client): Promise<FederationView> {
  return client.call.with({ locs: ['role:hub'] })('mpreg.federation.view') as Promise<FederationView>;
}

/** Waits until a cluster can be reached from the hub that answers, and offers something. */
export function reached(client: Client, cluster: string, fun?: string): Promise<void> {
  return until(`${cluster} is reached${fun === undefined ? '' : ` with ${fun}`}`, async () => {
    const { clusters } = await viewOf(client);
    const one = clusters.find((known) => known.cluster === cluster);
    return one?.state === 'reachable' && (fun === undefined || one.functions.some(({ name }) => name === fun));
  });
}
