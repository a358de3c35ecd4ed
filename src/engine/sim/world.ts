/**
 * The simulated world: machines with disks, nodes that live on them one after another, the network between, clients.
 *
 * It owns who lives; `faults.ts` decides what happens to them, `checkers/` judge it.
 */
import { assert } from '../core/base/assert.ts';
import { hash32 } from '../core/base/hash.ts';
import type { Address, LinkId, NodeId } from '../core/base/ids.ts';
import type { Outcome } from '../core/base/outcome.ts';
import type { Payload } from '../core/base/payload.ts';
import { Prng } from '../core/base/prng.ts';
import type { FunctionRecord } from '../core/directory/record.ts';
import type { Peer } from '../core/links/messages.ts';
import type { NodeEffect } from '../core/node/effects.ts';
import type { HubConfig } from '../core/node/federation-door.ts';
import type { Message, NodeInput } from '../core/node/inputs.ts';
import { DEFAULT_TUNING, type NodeTuning } from '../core/node/tuning.ts';
import type { QueueTables } from '../core/queues/tables.ts';
import type { FlowMessage } from '../core/topics/messages.ts';
import type { LogBatch } from '../flow/message-log.ts';
import { type Ask, type AskEvent, type AskWatcher, SimClient } from './client.ts';
import { SimClock } from './clock.ts';
import { SimDisk } from './disk.ts';
import { FarQueueUser, type FarQueueWatcher } from './far-queue-user.ts';
import type { RunEffect } from './functions.ts';
import type { AlertsWatcher } from './hub-watch.ts';
import { HubWatches } from './hub-watches.ts';
import type { MakeNode } from './machine.ts';
import { type KeepOnDisk, SimLog } from './message-log.ts';
import { Network, type Weather } from './network.ts';
import { simPayload } from './payload.ts';
import { Policies } from './policies.ts';
import { SimProcess } from './process.ts';
import { SimQueueDisk } from './queue-disk.ts';
import { QueueUsers, type QueueWatcher } from './queue-users.ts';
import type { ByClient, FarQueueEvent, PolicyEvent, QueueEvent, Scenario, ScenarioNode } from './scenario.ts';
import { Timeline } from './timeline.ts';
import { TopicsClient, type TopicsWatcher } from './topics-client.ts';
import { Trace } from './trace.ts';

/** One machine: an address, a disk, and whoever lives there now. */
export interface Place {
  readonly index: number;
  readonly plan: ScenarioNode;
  readonly address: Address;
  readonly disk: SimDisk;
  readonly log: SimLog;
  readonly queues: SimQueueDisk;
  readonly client: SimClient;
  id: NodeId;
  lives: number;
  /** What its node offers now, and will offer when it is started again. */
  functions: readonly FunctionRecord[];
  process: SimProcess | undefined;
  /** Until when its process was stopped, so far. */
  sleptUntil: number;
}

/** Who looks on. Called after the node's step and before its effects are carried out. */
export interface Watcher extends AlertsWatcher, AskWatcher, FarQueueWatcher, QueueWatcher, TopicsWatcher {
  /** A batch of queues has been stored; the disk was replaced by an empty one. */
  queueStored(place: number, tables: QueueTables): void;
  queueWiped(place: number): void;
  started(process: SimProcess): void;
  stepped(process: SimProcess, input: NodeInput, effects: readonly NodeEffect[]): void;
  /** `asked`: it left in good order. */
  ended(process: SimProcess, asked: boolean): void;
  /** A function began to run there, in that version; it ended there. */
  began(process: SimProcess, run: RunEffect, version: string): void;
  ran(process: SimProcess, run: RunEffect, outcome: Outcome<Payload>): void;
  /** A node takes a message of a topic, which it has not carried out yet; it puts one onto a link. */
  took(process: SimProcess, link: LinkId, peer: Peer, message: FlowMessage): void;
  put(process: SimProcess, link: LinkId, message: Message): void;
  /** Messages that are kept have become durable. */
  stored(keep: KeepOnDisk, batch: LogBatch): void;
}

const TRACE_LINES = 60;
/** Where the simulated calendar begins, and how far somebody sets it while a node is down. */
const CALENDAR = 1_700_000_000_000;
const SET_BACK_MS = 10_000;
const SET_FORWARD_MS = 60_000;
const ID_LETTERS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

export class World {
  readonly scenario: Scenario;
  readonly timeline = new Timeline();
  readonly network: Network;
  readonly trace: Trace;
  readonly places: readonly Place[];
  readonly asks: Ask[] = [];
  /** By their numbers. */
  readonly topicsClients = new Map<number, TopicsClient>();
  /** By the places of their queues. */
  readonly queueUsers = new Map<number, QueueUsers>();
  /** By the places that they are connected to. */
  readonly farQueueUsers = new Map<number, FarQueueUser>();
  readonly hubWatches: HubWatches;
  readonly policies: Policies;
  readonly #make: MakeNode;
  readonly #watcher: Watcher;
  readonly prng: Prng;
  #tokens = 0;
  /** Told of every step before its effects are carried out: who waits for a moment to strike. */
  onStep: (process: SimProcess, input: NodeInput, effects: readonly NodeEffect[]) => void = () => {};

  /** `traced: false` for measurements: nothing is hashed, no lines are kept. */
  constructor(scenario: Scenario, make: MakeNode, watcher: Watcher, { traced = true } = {}) {
    this.scenario = scenario;
    this.trace = new Trace(traced ? TRACE_LINES : 0);
    this.prng = new Prng(scenario.seed);
    this.#make = make;
    this.#watcher = watcher;
    this.policies = new Policies(scenario.nodes);
    this.network = new Network(this.timeline, this.prng.fork(), weatherOf(scenario), traced);
    const { network, timeline } = this;
    this.hubWatches = new HubWatches({ network, seed: scenario.seed, timeline, watcher });
    this.places = scenario.nodes.map((plan, index) => this.#place(plan, index));
    for (const place of this.places) this.timeline.at(place.plan.startMs, () => this.start(place));
  }

  /** All processes that live, in the order of their places. */
  get living(): SimProcess[] {
    return this.places.flatMap(({ process }) => (process?.alive ? [process] : []));
  }

  place(index: number): Place {
    const place = this.places[index];
    assert(place !== undefined, `the scenario has a node ${index}`);
    return place;
  }

  /** Starts the next life of a place, with power where that had failed. */
  start(place: Place): void {
    if (place.process?.alive) return;
    this.network.lighten(place.index);
    const { plan, index, address, disk, functions, id, log, queues } = place;
    const { name, resources, region } = plan;
    const birth = {
      address,
      cluster: plan.cluster ?? 'sim',
      functions,
      id,
      name,
      payload: simPayload,
      resources,
      seed: this.prng.next(),
      software: 'sim',
      tuning: this.#tuning(),
      ...(region === undefined ? {} : { region }),
      ...(plan.hub === undefined ? {} : { hub: this.#hub(plan, address) }),
    };
    const clock = new SimClock(this.timeline.now, { driftPpm: plan.driftPpm, skewMs: this.prng.below(10_000_000) });
    place.lives++;
    place.process = new SimProcess({
      birth,
      clock,
      disk,
      life: place.lives,
      log,
      machine: this.#make(birth),
      network: this.network,
      nodeMessagesMax: this.scenario.nodeMessagesMax,
      place: index,
      prng: this.prng.fork(),
      queues,
      wallMs: this.#calendar(place),
      began: (process, run, version) => this.#watcher.began(process, run, version),
      ended: (process, run, outcome) => this.#watcher.ran(process, run, outcome),
      put: (process, link, message) => this.#watcher.put(process, link, message),
      queueAnswered: (process, command, outcome) => {
        this.#watcher.queueAnswered(process.place, `${process.life}.${process.queuesLife}`, command, outcome);
        this.queueUsers.get(process.place)?.stir();
      },
      queueAsked: (process, run, command) => {
        this.#watcher.began(process, run, '');
        this.#watcher.queueAsked(process.place, command);
        this.queueUsers.get(process.place)?.stir();
      },
      took: (process, link, peer, message) => this.#watcher.took(process, link, peer, message),
      stepped: (process, input, effects) => {
        this.#watcher.stepped(process, input, effects);
        this.onStep(process, input, effects);
      },
      stopped: (process) => this.#watcher.ended(process, true),
      timeline: this.timeline,
      trace: this.trace,
    });
    place.process.memory.onStored = (keep, batch) => this.#watcher.stored(keep, batch);
    this.#watcher.started(place.process);
    place.process.start();
    place.process.give({ addresses: this.#seeds(place), kind: 'seeds' });
    if (this.scenario.seeds.length === 0) this.#announce();
    if (plan.hub !== undefined && this.scenario.alerting) this.hubWatches.begin(place.process);
  }

  /** Ends the process at once; the machine stays, dark where its power failed. */
  kill(place: Place, silent: boolean): void {
    const { process } = place;
    if (!process?.alive) return;
    if (silent) this.network.darken(place.index);
    process.end();
    if (silent) this.network.breakLinks(place.index, place.index);
    this.#watcher.ended(process, false);
  }

  /** A new machine with an empty disk at the same address: its node will be another one. */
  replace(place: Place): void {
    place.disk.wipe();
    place.log.wipe();
    place.queues.wipe();
    this.#watcher.queueWiped(place.index);
    this.hubWatches.wipe(place.index);
    for (const user of this.farQueueUsers.values()) user.forget();
    place.id = this.#newId();
  }

  ask(event: AskEvent): Ask {
    const id = this.asks.length + 1;
    const tokens = event.kind === 'call' ? [`c${id}`] : event.steps.map((_, i) => `c${id}s${i}`);
    const ask: Ask = {
      answeredAt: undefined,
      answers: [],
      cancelled: false,
      event,
      id,
      items: [],
      lost: false,
      sentAt: undefined,
      tokens,
    };
    this.asks.push(ask);
    this.#watcher.asked(ask);
    this.place(event.node).client.ask(ask);
    return ask;
  }

  /** The client of that number; it begins where it is first heard of. */
  topicsClient({ client, from, node }: ByClient): TopicsClient {
    const known = this.topicsClients.get(client);
    if (known !== undefined) return known;
    const { timeline, network } = this;
    const made = new TopicsClient({
      address: this.place(node).address,
      network,
      nextToken: () => `m${++this.#tokens}`,
      timeline,
      watcher: this.#watcher,
      where: { client, from, node },
    });
    this.topicsClients.set(client, made);
    return made;
  }

  /** Whether a client's node lives, and its own machine has power. */
  isInReach({ from, node }: ByClient): boolean {
    return this.place(node).process?.alive === true && !this.network.isDark(from);
  }

  /** Somebody begins to use a queue there. */
  useQueue({ node, ...terms }: QueueEvent): void {
    if (this.queueUsers.has(node)) return;
    const place = this.place(node);
    place.queues.refusing = terms.refusing;
    place.queues.stored = (tables) => this.#watcher.queueStored(node, tables);
    const process = () => place.process;
    const { timeline } = this;
    this.queueUsers.set(node, new QueueUsers({ place: node, process, terms, timeline, watcher: this.#watcher }));
  }

  /** Somebody begins to use the queue of another cluster from there. */
  useFarQueue({ node, ...terms }: FarQueueEvent): FarQueueUser {
    const known = this.farQueueUsers.get(node);
    if (known !== undefined) return known;
    const { network, timeline } = this;
    const { address } = this.place(node);
    const made = new FarQueueUser({ address, network, place: node, terms, timeline, watcher: this.#watcher });
    this.farQueueUsers.set(node, made);
    return made;
  }

  /** Operators want something else of the hubs of a cluster: each hears it within a second, or as it is started. */
  configure(event: PolicyEvent): void {
    this.policies.set(event);
    for (const { plan, process } of this.places) {
      const { cluster, hub } = plan;
      if (process === undefined || cluster !== event.cluster || hub === undefined) continue;
      const give = () => process.give({ config: this.#configOf(plan), kind: 'federation' });
      this.timeline.after(this.prng.below(1_000), give);
    }
  }

  /** What the calendar of a machine says now: somebody may have set it since its last life. */
  #calendar({ address, lives }: Place): number {
    const chance = new Prng(hash32(`${address} ${lives}`, this.scenario.seed));
    const jump = lives === 0 || chance.chance(0.5) ? 0 : chance.between(-SET_BACK_MS, SET_FORWARD_MS);
    return CALENDAR + this.timeline.now + jump;
  }

  #place(plan: ScenarioNode, index: number): Place {
    const address = `ws://sim-${index}:7000`;
    const { timeline, network } = this;
    const disk = new SimDisk(timeline, this.prng.fork(), this.scenario.diskMs);
    const log = new SimLog(timeline, new Prng(hash32(address, this.scenario.seed)), () => disk.delayMs);
    log.onStored = (keep, batch) => this.#watcher.stored(keep, batch);
    return {
      address,
      client: new SimClient(index, address, timeline, network, this.#watcher),
      disk,
      functions: plan.functions,
      id: this.#newId(),
      index,
      lives: 0,
      log,
      plan,
      process: undefined,
      queues: new SimQueueDisk(timeline, new Prng(hash32(`queues ${address}`, this.scenario.seed)), () => disk.delayMs),
      sleptUntil: 0,
    };
  }

  #newId(): NodeId {
    let id = '01';
    while (id.length < 26) id += ID_LETTERS[this.prng.below(32)];
    return id;
  }

  #tuning(): NodeTuning {
    const { fullMeshMax } = this.scenario;
    // Why so soon: routes that nobody needs any more must be forgotten before a run is judged.
    const tuning = { ...DEFAULT_TUNING, topics: { ...DEFAULT_TUNING.topics, routesTurnMs: 1_000 } };
    return fullMeshMax === undefined ? tuning : { ...tuning, links: { ...tuning.links, fullMeshMax } };
  }

  /** Where others of its cluster may be found. */
  #seeds({ plan }: Place): Address[] {
    const { seeds } = this.scenario;
    const near = ({ plan: other }: Place) => other.cluster === plan.cluster;
    if (seeds.length > 0) return seeds.flatMap((i) => (near(this.place(i)) ? this.place(i).address : []));
    return this.places.flatMap((place) => (place.process?.alive && near(place) ? place.address : []));
  }

  #hub(plan: ScenarioNode, address: Address): HubConfig {
    return { address, config: this.#configOf(plan), url: address };
  }

  /** What operators want of a hub: links to all hubs of some clusters, and rules. */
  #configOf({ cluster = 'sim', hub }: ScenarioNode): HubConfig['config'] {
    const links = (hub?.links ?? []).map((to) => ({
      addresses: this.places.flatMap(({ address: at, plan }) => (plan.cluster === to && plan.hub ? at : [])),
      cluster: to,
    }));
    return this.policies.configOf(cluster, links);
  }

  /** The runtime directory has changed: everybody finds out within a second. */
  #announce(): void {
    for (const place of this.places) {
      const { process } = place;
      if (!process?.alive) continue;
      const give = () => process.give({ addresses: this.#seeds(place), kind: 'seeds' });
      this.timeline.after(this.prng.below(1_000), give);
    }
  }
}

/** The weather with the distances between regions in it. */
function weatherOf({ distancesMs, nodes, weather }: Scenario): Weather {
  if (distancesMs === undefined) return weather;
  const regions = nodes.map(({ region = '' }) => region);
  return { ...weather, distanceMs: (from, to) => distancesMs[regions[from] ?? '']?.[regions[to] ?? ''] ?? 0 };
}
