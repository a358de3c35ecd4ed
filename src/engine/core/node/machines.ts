import type { Address, NodeId } from '../base/ids.ts';
import type { PayloadMaker } from '../base/payload.ts';
import { Prng } from '../base/prng.ts';

import { Calls } from '../calls/calls.ts';
import { isAboutCalls } from '../calls/messages.ts';
import { HUB } from '../calls/placement.ts';
import { Directory } from '../directory/directory.ts';
import type { Coordinates, FunctionRecord, NodeRecord } from '../directory/record.ts';
import { Links } from '../links/links.ts';
import { Membership } from '../membership/membership.ts';
import type { TopicsAbroad } from '../topics/abroad.ts';
import { FarCalls } from './far-calls.ts';
import { FederationDoor, type HubConfig } from './federation-door.ts';
import type { Message } from './inputs.ts';
import { Listening, readFilter, topicsAbroad } from './listening.ts';
import { QueuesDoor } from './queues-door.ts';
import { TopicsDoor } from './topics-door.ts';
import { DEFAULT_TUNING, type NodeTuning } from './tuning.ts';

export interface NodeConfig {
  readonly id: NodeId;
  readonly name: string;
  readonly cluster: string;
  readonly region?: string;
  readonly coordinates?: Coordinates;
  /** Where others dial it. */
  readonly address: Address;
  readonly resources: readonly string[];
  readonly functions: readonly FunctionRecord[];
  /** Whether queues are kept on disk here. */
  readonly durable?: boolean;
  /** The version of mpreg. */
  readonly software: string;
  /** Makes every choice of this node repeatable. */
  readonly seed: number;
  readonly payload: PayloadMaker;
  readonly tuning?: NodeTuning;
  /** Absent: the node is no hub. */
  readonly hub?: HubConfig;
}

/** The machines of one node. */
export interface Machines {
  readonly membership: Membership;
  readonly directory: Directory;
  readonly links: Links<Message>;
  readonly calls: Calls;
  readonly queues: QueuesDoor;
  readonly topics: TopicsDoor;
  readonly federation: FederationDoor;
  readonly listening: Listening;
  /** On a hub. */
  readonly abroad: TopicsAbroad | undefined;
}

/** The machines of a node that begins. */
export function machinesOf(config: NodeConfig): Machines {
  const { id, payload, tuning = DEFAULT_TUNING } = config;
  const prng = new Prng(config.seed);
  const directory = new Directory(recordOf(config));
  const cargo = {
    body: (about: NodeId): unknown => directory.record(about),
    version: (about: NodeId): number => directory.version(about),
    weight: (about: NodeId): number => directory.weight(about),
  };
  const membership = new Membership({ cargo, options: tuning.membership, prng: prng.fork(), self: id });
  const links = new Links<Message>(id, tuning.links, prng.fork(), {
    isUse: isAboutCalls,
    needed: (peer) => calls.isBusyWith(peer),
  });
  const calls = new Calls({
    abroad: new FarCalls(directory, () => federation.outlook),
    address: () => directory.self.addresses[0] ?? '',
    name: () => directory.self.name,
    options: tuning.calls,
    payload,
    places: directory,
    prng: prng.fork(),
    self: id,
  });
  const topics = new TopicsDoor(id, tuning.topics, readFilter);
  const queues = new QueuesDoor(prng.fork());
  const federation = new FederationDoor(directory, config.hub, tuning.federation, prng.fork());
  const listening = new Listening(federation, topics);
  const abroad = topicsAbroad(federation, links, directory.self);
  return { abroad, calls, directory, federation, links, listening, membership, queues, topics };
}

function recordOf(config: NodeConfig): NodeRecord {
  const { id, name, cluster, region, coordinates, address, functions, hub, software, durable = false } = config;
  const resources = hub === undefined ? config.resources : [...new Set([...config.resources, HUB])];
  return {
    addresses: [address],
    cluster,
    functions,
    id,
    load: 0,
    name,
    resources,
    software,
    state: 'active',
    version: 0,
    ...(region === undefined ? {} : { region }),
    ...(coordinates === undefined ? {} : { coordinates }),
    ...(durable ? { durable } : {}),
  };
}
