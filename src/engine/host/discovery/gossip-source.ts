/**
 * Any one member of a mesh, which knows the others: it is asked for its members, and a hub of its cluster for all the hubs
 * of the federation that it has heard of.
 */
import type { Client } from '../../api.ts';
import type { FederationView } from '../../core/federation/view.ts';
import { ProblemError } from '../../problem-error.ts';
import { type DiscoverySource, type Found, merged, type Sighting } from './discovery-source.ts';
import { interrupted, silent } from './source-problems.ts';

const EVERY_MS = 15_000;

/** Says so of a node that is a hub. */
const HUB = 'role:hub';

/** Problems that say: no hub there. */
const NO_HUB = new Set(['function-unknown', 'resource-unknown', 'hub-missing', 'not-here']);

export interface GossipSourceOptions {
  /** For the whole answer, in milliseconds; default 5 000. Longer: slow members are heard; shorter: dead ones hold nobody up. */
  readonly timeoutMs?: number;
}

/** `open` connects to the member. */
export function gossipSource(
  url: string,
  open: (url: string, timeoutMs: number) => Promise<Pick<Client, 'call' | 'close' | 'members'>>,
  { timeoutMs = 5_000 }: GossipSourceOptions = {},
): DiscoverySource {
  const name = `gossip:${url}`;
  const closed = new AbortController();
  return {
    close: async () => closed.abort(),
    everyMs: EVERY_MS,
    find: async (given): Promise<Found> => {
      const ended = AbortSignal.any([given, closed.signal]);
      if (ended.aborted) throw interrupted(name);
      try {
        const client = await open(url, timeoutMs);
        try {
          return await withinTime(
            askMember(client, timeoutMs),
            AbortSignal.any([ended, AbortSignal.timeout(timeoutMs)]),
          );
        } finally {
          void client.close().catch(() => undefined);
        }
      } catch (error) {
        if (ended.aborted) throw interrupted(name);
        if (error instanceof ProblemError) throw error;
        throw silent(name, (error as Error).message);
      }
    },
    name,
  };
}

async function askMember(client: Pick<Client, 'call' | 'members'>, timeoutMs: number): Promise<Found> {
  const members = (await client.members()).filter(({ state }) => state !== 'dead' && state !== 'left');
  const near = members.map(({ address, name, record }): Sighting => {
    const hub = record?.resources.includes(HUB) ?? false;
    const { cluster, region } = record ?? {};
    return {
      name,
      url: address,
      ...(cluster !== undefined && { cluster }),
      ...(region !== undefined && { region }),
      ...(hub && { hub }),
    };
  });
  return { complaints: [], sightings: merged([...(await farHubs(client, timeoutMs)), ...near]) };
}

async function farHubs(client: Pick<Client, 'call'>, timeoutMs: number): Promise<readonly Sighting[]> {
  let view: FederationView;
  try {
    const ask = client.call.with({ locs: [HUB], timeoutMs });
    view = (await ask('mpreg.federation.view', {})) as FederationView;
  } catch (error) {
    if (error instanceof ProblemError && NO_HUB.has(error.problem.code)) return [];
    throw error;
  }
  const regions = new Map(view.clusters.map(({ cluster, region }) => [cluster, region]));
  return view.hubs
    .filter(({ withdrawn }) => !withdrawn)
    .map(({ address, cluster, name, url }): Sighting => {
      const region = regions.get(cluster);
      return { bridge: address, cluster, hub: true, name, url, ...(region !== undefined && { region }) };
    });
}

async function withinTime<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  work.catch(() => undefined); // who gave up does not hear of it
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('it did not answer in time')), { once: true });
  });
  return Promise.race([work, late]);
}
