import { connectTo } from './connect.ts';
import type { FederationView } from './core/federation/view.ts';
import { systemDigest } from './host/digest.ts';
import { Doors, type Identity } from './host/doors.ts';
import { systemEntropy } from './host/entropy.ts';
import { federationMetrics } from './host/federation/federation-metrics.ts';
import type { HubWatch } from './host/federation/hub-watch.ts';
import { Gateway } from './host/gateway/gateway.ts';
import { openEndpoint } from './host/gateway/sqs/open-endpoint.ts';
import { httpHandler } from './host/http.ts';
import type { Listener, Transport } from './host/ports.ts';
import { MemoryNetwork, MemoryTransport } from './host/transports/memory.ts';
import { webSocketTransport } from './host/transports/web-socket.ts';
import type { Inside, SettledOptions } from './hosted-node.ts';
import type { LateHost } from './late-host.ts';
import { ProblemError, problemError } from './problem-error.ts';
import type { Bridges } from './wire/handshake-sides.ts';

/** Limit: sockets of one node; a cluster's links and its clients are far fewer. */
const CONNECTIONS_MAX = 4_096;
const UPGRADE_MS_MAX = 5_000;

export interface OpenDoors {
  readonly doors: Doors;
  /** What clients and nodes dial, and what hubs of other clusters do. */
  readonly address: string;
  readonly bridge: string;
  readonly inside: Inside;
}

/** Listens on the network, and inside this process for its own clients. */
export async function openDoors(
  options: SettledOptions,
  self: Omit<Identity, 'address'>,
  late: LateHost,
): Promise<OpenDoors> {
  const { cluster, key, tls } = options;
  const identity = { ...self, address: '', bridge: '' };
  const transport = webSocketTransport;
  const bridges = options.hub === undefined ? {} : { bridges: (other: string) => whyNoBridge(late, other) };
  const about = { cluster, digest: systemDigest, entropy: systemEntropy, key, tls, transport, ...bridges };
  const doors = new Doors(about, identity);
  const memory = new MemoryTransport(new MemoryNetwork());
  let innerUrl = '';
  const own = { cluster, ...(key === undefined ? {} : { key }) };
  const open = (as?: string) => connectTo(innerUrl, own, UPGRADE_MS_MAX, memory, as);
  late.open = open;
  const gateway = new Gateway({ bodyBytesMax: doors.limits.frameBytesMax, digest: systemDigest, key, open });
  const sqs = openEndpoint({ locked: key !== undefined, log: options.log, open, options: options.sqs });
  const http = httpHandler({
    counters: () => late.now.counters,
    digest: systemDigest,
    gateway: (request, response) => gateway.handle(request, response),
    key,
    snapshot: () => late.now.snapshot(),
    sqs: (request, response, protocol) => sqs.handle(request, response, protocol),
    held: () => late.now.topics.counts,
    kept: () => late.now.topics.kept.keeper,
    topics: () => late.now.topics.counters,
    federation: () => (late.hub === undefined ? [] : metricsOf(late.hub.view(), late.watchNow)),
  });
  const listen = (by: Transport, host: string, port: number): Promise<Listener> =>
    by.listen({
      accept: (connection) => late.accept(connection),
      connectionsMax: CONNECTIONS_MAX,
      host,
      http,
      messageBytesMax: doors.messageBytesMax,
      port,
      refused: (reason) => {
        if (late.host !== undefined) late.host.counters.cutOff++;
        options.log('debug', `a connection was cut off: ${reason}`);
      },
      upgradeMsMax: UPGRADE_MS_MAX,
      ...(tls === undefined ? {} : { tls }),
      ...(key === undefined ? {} : { origins: ['*'] }),
    });
  const outside = await listen(transport, options.host, options.port);
  identity.address = options.advertise ?? outside.url;
  const { bridgePort, bridgeUrl } = options.hub ?? {};
  const second =
    bridgePort === undefined ? undefined : await forHubs(outside, listen(transport, options.host, bridgePort));
  if (second !== undefined) doors.add(second);
  identity.bridge = bridgeUrl ?? second?.url ?? identity.address;
  const inner = await listen(memory, 'inside', 0);
  innerUrl = inner.url;
  doors.add(outside);
  doors.add(inner);
  return { address: identity.address, bridge: identity.bridge, doors, inside: { transport: memory, url: inner.url } };
}

/** Where there is no second door, there is no first one. */
async function forHubs(outside: Listener, second: Promise<Listener>): Promise<Listener> {
  try {
    return await second;
  } catch (error) {
    await outside.close();
    throw isTaken(error) ? problemError('address-in-use', error.message, { hint: BRIDGE_HINT }) : error;
  }
}

function isTaken(error: unknown): error is ProblemError {
  return error instanceof ProblemError && error.problem.code === 'address-in-use';
}

const BRIDGE_HINT =
  'Choose another --bridge-port than that, and than --port; without one, other hubs use the port of the node.\nmpreg node start --hub --bridge-port 0';

function metricsOf(view: FederationView, watch: HubWatch): readonly string[] {
  return federationMetrics(view, watch.health(), watch.counts);
}

/** Why this hub has no bridge with a cluster; undefined: it has. */
function whyNoBridge(late: LateHost, other: string): ReturnType<Bridges> {
  if (late.hub?.machine.admits(other)) return undefined;
  const mode = late.hub?.config.current.mode ?? 'strict';
  const hint = `Name it in the links of this hub.\nmpreg federation link add ${other} URL`;
  return { hint, message: `has no bridge with cluster ${other} (mode ${mode})` };
}
