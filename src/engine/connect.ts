/** Connects to a mesh through any one of its nodes: one that is named, or one that runs on this machine. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Client, ConnectOptions } from './api.ts';
import { Prng } from './core/base/prng.ts';
import { LinkClient } from './host/client.ts';
import { systemDigest } from './host/digest.ts';
import { Doors } from './host/doors.ts';
import { systemEntropy } from './host/entropy.ts';
import { type Lane, PooledClient } from './host/pooled-client.ts';
import type { Transport } from './host/ports.ts';
import { DEFAULT_RECONNECT, ReconnectPolicy } from './host/reconnect-policy.ts';
import { ReconnectingClient } from './host/reconnecting-client.ts';
import { RuntimeDirectory } from './host/runtime-directory.ts';
import { webSocketTransport } from './host/transports/web-socket.ts';
import { WireCounters } from './host/wire-counters.ts';
import { WireLink } from './host/wire-link.ts';
import { ProblemError, problemError } from './problem-error.ts';

const CONNECT_MS_MAX = 10_000;
/** For one address, once a connection has been lost: others are tried meanwhile by nobody. */
const DIAL_MS_MAX = 3_000;
const KEEP_ALIVE_MS = 5_000;
const WAIT_MS = 10_000;
/** Limit: connections of one client. */
const POOL_MAX = 64;

/** A node needs about 300 ms to be found. Trade-off: longer finds slower starts; shorter says sooner that there is none. */
const STARTING_MS = 500;

/**
 * Rejects with a `ProblemError`: `nobody-there`, where no address answered; what the handshake found (`key-wrong`, …),
 * where one did and refused.
 */
export async function connect(options: ConnectOptions = {}): Promise<Client> {
  const urls = options.urls ?? (await nearbySoon(options.cluster));
  if (urls.length === 0) throw nobodyNearby(options.cluster);
  const { pool = 1 } = options;
  if (!Number.isInteger(pool) || pool < 1 || pool > POOL_MAX) {
    throw problemError('input-invalid', `pool must be a whole number from 1 to ${POOL_MAX}`);
  }
  if (pool === 1) return openLane(urls, options);
  const opening = Array.from({ length: pool }, (_, i) => openLane(turned(urls, i), options));
  const lanes = await Promise.allSettled(opening);
  const open = lanes.flatMap((lane) => (lane.status === 'fulfilled' ? [lane.value] : []));
  const refused = lanes.find((lane) => lane.status === 'rejected');
  const [first, ...more] = open;
  if (refused === undefined && first !== undefined) return new PooledClient([first, ...more]);
  await Promise.all(open.map((lane) => lane.close()));
  throw refused?.reason;
}

/** One connection, which is made again where that is wanted. */
async function openLane(urls: readonly string[], options: ConnectOptions): Promise<Lane> {
  if (options.reconnect === false) return connectToAny(urls, options);
  const kept = { keepAliveMs: KEEP_ALIVE_MS, ...options };
  const policy = new ReconnectPolicy(urls, new Prng(systemEntropy.seed()), {
    ...DEFAULT_RECONNECT,
    giveUpMs: options.giveUpMs ?? DEFAULT_RECONNECT.giveUpMs,
  });
  return new ReconnectingClient(await connectToAny(urls, kept), {
    open: (url) => connectTo(url, kept, DIAL_MS_MAX),
    policy,
    seeds: () => options.urls ?? nearbyAgain(urls, options.cluster),
    waitMs: options.waitMs ?? WAIT_MS,
  });
}

/** The same, beginning with another one. */
function turned(urls: readonly string[], by: number): readonly string[] {
  const from = by % urls.length;
  return [...urls.slice(from), ...urls.slice(0, from)];
}

async function connectToAny(urls: readonly string[], options: ConnectOptions): Promise<LinkClient> {
  const { connectTimeoutMs = CONNECT_MS_MAX } = options;
  const until = performance.now() + connectTimeoutMs;
  const failures: { readonly url: string; readonly error: unknown }[] = [];
  for (const [tried, url] of urls.entries()) {
    const left = (until - performance.now()) / (urls.length - tried);
    try {
      return await connectTo(url, options, Math.ceil(Math.max(left, 1)));
    } catch (error) {
      failures.push({ error, url });
    }
  }
  const told = failures.find(({ error }) => error instanceof ProblemError);
  if (told !== undefined) throw told.error;
  const reasons = failures.map(({ url, error }) => `${url}: ${error instanceof Error ? error.message : String(error)}`);
  throw problemError('nobody-there', `no node answered at ${reasons.join('; ')}`);
}

/** Nodes on this machine; a node that is only just being started is waited for. */
async function nearbySoon(cluster: string | undefined): Promise<readonly string[]> {
  const until = performance.now() + STARTING_MS;
  for (;;) {
    const urls = nearbyUrls(cluster);
    if (urls.length > 0 || performance.now() > until) return urls;
    await pause(25);
  }
}

/** Connects to one address, by any transport. */
export async function connectTo(
  url: string,
  options: Omit<ConnectOptions, 'urls'>,
  timeoutMs: number,
  transport: Transport = webSocketTransport,
  clientName = `pid ${process.pid}`,
): Promise<LinkClient> {
  const doors = new Doors(
    {
      cluster: options.cluster,
      dialMsMax: timeoutMs,
      digest: systemDigest,
      entropy: systemEntropy,
      handshakeMsMax: timeoutMs,
      key: options.key,
      tls: options.tls,
      transport,
    },
    undefined,
    clientName,
  );
  const connection = await doors.dial(url);
  return new Promise((resolve, reject) => {
    let client: LinkClient | undefined;
    new WireLink(connection, doors.diallerOptions(url, 'client'), new WireCounters(), {
      closed: (_link, reason, why) => {
        if (client !== undefined) client.end(reason, why);
        else reject(why === undefined ? new Error(reason) : new ProblemError(why));
      },
      drained: () => client?.drained(),
      established: (link, { peer }) => {
        const { id, name } = peer.role === 'peer' ? peer : { id: '', name: peer.name };
        client = new LinkClient(link, { id, name, url }, options.keepAliveMs);
        resolve(client);
      },
      message: (_link, message) => client?.receive(message),
    });
  });
}

/** Nodes of this user on this machine, the oldest first: it has had the most time to join the others. */
function nearbyUrls(cluster: string | undefined): readonly string[] {
  const entries = new RuntimeDirectory().list();
  const chosen = cluster === undefined ? entries : entries.filter((entry) => entry.cluster === cluster);
  const clusters = [...new Set(chosen.map((entry) => entry.cluster))];
  if (clusters.length > 1) {
    throw problemError('usage-invalid', `nodes of several clusters run here: ${clusters.join(', ')}`, {
      hint: `Say which one with --cluster or --url, or for all commands of this shell:\nexport MPREG_CLUSTER=${clusters[0]}`,
    });
  }
  return chosen.map((entry) => entry.url).slice(0, NEARBY_MAX);
}

/** Who runs here now; `before`, where that cannot be said. */
function nearbyAgain(before: readonly string[], cluster: string | undefined): readonly string[] {
  try {
    const urls = nearbyUrls(cluster);
    return urls.length > 0 ? urls : before;
  } catch {
    return before;
  }
}

/** More would only make a failure slower: if none of these answers, none will. */
const NEARBY_MAX = 5;

function nobodyNearby(cluster: string | undefined): ProblemError {
  const which = cluster === undefined ? 'No node' : `No node of cluster ${cluster}`;
  return problemError('nobody-there', `${which} of yours runs on this machine, and no address was given`);
}
