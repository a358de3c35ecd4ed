/**
 * How a federation grows: 50, 200, 1,000 simulated nodes in clusters of four regions that are as far from each other as real ones.
 * How long until all hubs know a new function, go around a hub that is dead, and have a region back that was cut off; what
 * nodes and hubs send at rest and while nodes come and go.
 *
 *   node bench/scale-federation.ts [--sizes 100:5,300:10] [--into docs/scale.md]
 *
 * The nodes, their messages and their encoding are the real ones; time, network and disks are simulated, so that the
 * figures do not depend on this machine. A size is so many nodes in so many clusters.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { NodeId } from '../src/engine/core/base/ids.ts';
import { Prng } from '../src/engine/core/base/prng.ts';
import { Node } from '../src/engine/core/node/node.ts';
import { Checker } from '../src/engine/sim/checkers/checker.ts';
import { DISTANCES_MS } from '../src/engine/sim/draw-federation.ts';
import { functionRecord } from '../src/engine/sim/faults.ts';
import type { Scenario, ScenarioNode } from '../src/engine/sim/scenario.ts';
import { World } from '../src/engine/sim/world.ts';
import { codecOf } from '../src/engine/wire/codecs.ts';
import { DEFAULT_LIMITS } from '../src/engine/wire/wire.ts';

const REGIONS = Object.keys(DISTANCES_MS);
const HUBS = 2;
const REST_MS = 30_000;
const CHURN_MS = 60_000;
/** While nodes come and go: so often each of them crashes, and so long it stays away. */
const CRASH_EVERY_MS = 600_000;
const AWAY_MS = 10_000;
const CUT_MS = 30_000;

/** The first cluster of each region is linked with all others there, and with the very first. */
function linksOf(clusters: number): readonly (readonly [number, number])[] {
  const all = [...Array(clusters).keys()].slice(1);
  return all.map((cluster) => [cluster < REGIONS.length ? 0 : cluster % REGIONS.length, cluster]);
}

function scenarioOf(nodes: number, clusters: number): Scenario {
  const links = linksOf(clusters);
  const size = nodes / clusters;
  const places = Array.from({ length: nodes }, (_, i): ScenarioNode => {
    const cluster = Math.floor(i / size);
    const near = links.flatMap(([a, b]) => (a === cluster ? `c${b}` : b === cluster ? `c${a}` : []));
    return {
      cluster: `c${cluster}`,
      driftPpm: 0,
      functions: ['ingest', `of-c${cluster}`].map((name) => functionRecord(name)),
      name: `n${i}`,
      region: REGIONS[cluster % REGIONS.length] ?? '',
      resources: [],
      startMs: i * 5,
      ...(i % size < HUBS ? { hub: { links: near } } : {}),
    };
  });
  return {
    calmMs: 0,
    diskMs: [0, 5],
    distancesMs: DISTANCES_MS,
    events: [],
    faultsMs: 0,
    nodes: places,
    seed: 1,
    // Two of each cluster, so that one may be away.
    seeds: places.flatMap((_, i) => (i % size < 2 ? i : [])),
    settleMs: 0,
    weather: { bytesPerMs: 100_000, dialMs: 5_000, latencyMs: [1, 3], patienceMs: [20_000, 60_000] },
  };
}

/** What is sent while it counts. */
class Scales {
  readonly #batch = codecOf('mpreg.v1').batch(DEFAULT_LIMITS);
  readonly #world: World;
  readonly #since: number;
  #all = 0;
  #byHubs = 0;
  #overBridges = 0;

  constructor(world: World) {
    this.#world = world;
    this.#since = world.timeline.now;
    world.network.onSend = (from, message, to) => {
      this.#batch.add(message);
      const bytes = this.#batch.size;
      this.#batch.take();
      const { plan } = world.place(from);
      this.#all += bytes;
      if (plan.hub !== undefined) this.#byHubs += bytes;
      if (to.cluster !== undefined && to.cluster !== plan.cluster) this.#overBridges += bytes;
    };
  }

  /** Bytes in each second: of a node on average, of a hub, and over all bridges for each node that there is. */
  read(): { readonly node: number; readonly hub: number; readonly bridges: number } {
    const { network, places, timeline } = this.#world;
    network.onSend = () => {};
    const seconds = (timeline.now - this.#since) / 1_000;
    const hubs = places.filter(({ plan }) => plan.hub !== undefined).length;
    const per = (bytes: number, count: number) => bytes / count / seconds;
    return {
      bridges: per(this.#overBridges, places.length),
      hub: per(this.#byHubs, hubs),
      node: per(this.#all, places.length),
    };
  }
}

/** A federation, and what can be asked of its hubs. */
class Federated {
  readonly world: World;
  readonly #nodes = new Map<NodeId, Node>();

  constructor(nodes: number, clusters: number) {
    const make = (birth: ConstructorParameters<typeof Node>[0]) => {
      const node = new Node(birth);
      this.#nodes.set(birth.id, node);
      return node;
    };
    this.world = new World(scenarioOf(nodes, clusters), make, new Checker(), { traced: false });
  }

  /** Hubs that live: their regions, clusters, ids and machines. */
  get hubs() {
    return this.world.places.flatMap(({ id, plan, process }) => {
      const machine = process?.alive ? this.#nodes.get(id)?.federation : undefined;
      return machine === undefined ? [] : [{ cluster: plan.cluster ?? '', id, machine, region: plan.region ?? '' }];
    });
  }

  /** Every hub reaches every other one. */
  isWhole(): boolean {
    const { hubs } = this;
    return hubs.every(({ machine, id }) => hubs.every((to) => to.id === id || machine.ways.to(to.id) !== undefined));
  }

  get bridges(): number {
    const { hubs } = this;
    const ends = hubs.flatMap(({ cluster, id, machine }) =>
      hubs.filter((to) => to.cluster !== cluster && to.id !== id && machine.linkTo(to.id) !== undefined),
    );
    return ends.length / 2;
  }

  /** Lets time pass until `done`; how long that took. */
  until(done: () => boolean, limitMs = 300_000): number {
    const { timeline } = this.world;
    const began = timeline.now;
    while (!done()) {
      if (timeline.now - began > limitMs) throw new Error(`not within ${limitMs} ms`);
      timeline.runUntil(timeline.now + 10);
    }
    return timeline.now - began;
  }

  pass(ms: number): void {
    this.world.timeline.runUntil(this.world.timeline.now + ms);
  }
}

function measure(nodes: number, clusters: number) {
  const federated = new Federated(nodes, clusters);
  const { world } = federated;
  federated.pass(nodes * 5);
  const formedMs = federated.until(() => federated.isWhole());
  federated.pass(60_000);
  const resting = new Scales(world);
  federated.pass(REST_MS);
  const rest = resting.read();
  const { bridges } = federated;

  const owner = world.place(nodes - 1);
  owner.functions = [...owner.functions, functionRecord('fresh')];
  owner.process?.describe(owner.functions);
  const home = owner.plan.cluster ?? '';
  const functionMs = federated.until(() =>
    federated.hubs.every(
      ({ cluster, machine }) => cluster === home || machine.far.functionsOf(home).some(({ name }) => name === 'fresh'),
    ),
  );

  const changing = new Scales(world);
  churn(federated);
  const change = changing.read();
  federated.pass(30_000);

  const killedMs = lose(federated, 0, false);
  const silentMs = lose(federated, 1, true);
  const { cutMs, healedMs } = cutOff(federated, REGIONS[1] ?? '');
  return { bridges, change, clusters, cutMs, formedMs, functionMs, healedMs, killedMs, nodes, rest, silentMs };
}

/** Nodes crash and come back, one after the other; hubs among them as often as they are among the nodes. */
function churn({ world }: Federated): void {
  const prng = new Prng(7);
  const { timeline } = world;
  const until = timeline.now + CHURN_MS;
  for (let at = timeline.now; at < until; at += CRASH_EVERY_MS / world.places.length) {
    timeline.at(at, () => {
      const place = prng.pick(world.places);
      if (place === undefined) return;
      world.kill(place, false);
      timeline.after(AWAY_MS, () => world.start(place));
    });
  }
  timeline.runUntil(until);
}

/** A hub in the middle dies: until no other sends anything through it, and all reach all. Then it comes back. */
function lose(federated: Federated, index: number, silent: boolean): number {
  const { world } = federated;
  const place = world.place(index);
  world.kill(place, silent);
  const { hubs } = federated;
  const avoids = (machine: (typeof hubs)[number]['machine'], to: NodeId) =>
    machine.ways.to(to)?.hubs.includes(place.id) === false;
  const ms = federated.until(() =>
    hubs.every(({ id, machine }) => hubs.every((to) => to.id === id || avoids(machine, to.id))),
  );
  world.start(place);
  federated.pass(30_000);
  return ms;
}

/** A region is cut off: until nobody outside takes it for reachable; then it is healed: until all reach all. */
function cutOff(federated: Federated, region: string): { readonly cutMs: number; readonly healedMs: number } {
  const { world } = federated;
  const isIn = (place: number) => world.place(place).plan.region === region;
  const block = (from: number, to: number) => isIn(from) !== isIn(to);
  world.network.block(block);
  const { hubs } = federated;
  const outside = hubs.filter((hub) => hub.region !== region);
  const inside = hubs.filter((hub) => hub.region === region);
  const cutMs = federated.until(() =>
    outside.every(({ machine }) => inside.every(({ id }) => machine.ways.to(id) === undefined)),
  );
  federated.pass(CUT_MS);
  world.network.unblock(block);
  return { cutMs, healedMs: federated.until(() => federated.isWhole()) };
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function table(runs: readonly ReturnType<typeof measure>[]): string {
  const [first] = runs;
  const rows = runs.map((run) => {
    const grown = first === undefined ? 1 : run.rest.node / first.rest.node;
    const log = first === undefined ? 1 : Math.log2(run.nodes) / Math.log2(first.nodes);
    const { clusters } = run;
    const crashes = (CHURN_MS * run.nodes) / CRASH_EVERY_MS;
    const perChange = ((run.change.node - run.rest.node) * (CHURN_MS / 1_000)) / crashes;
    return [
      `${run.nodes.toLocaleString('en')} in ${clusters}`,
      `${run.bridges} (${clusters - 1} of ${(clusters * (clusters - 1)) / 2} pairs)`,
      seconds(run.formedMs),
      seconds(run.functionMs),
      `${seconds(run.killedMs)} / ${seconds(run.silentMs)}`,
      `${seconds(run.cutMs)} / ${seconds(run.healedMs)}`,
      run.rest.node.toFixed(0),
      `× ${grown.toFixed(2)} (log n: × ${log.toFixed(2)})`,
      `${run.rest.hub.toFixed(0)} / ${run.rest.bridges.toFixed(0)}`,
      `${run.change.node.toFixed(0)} / ${run.change.hub.toFixed(0)}`,
      `× ${(run.change.node / (first ?? run).change.node).toFixed(2)}`,
      perChange.toFixed(0),
    ];
  });
  const head = [
    'nodes in clusters',
    'bridges (linked clusters)',
    'all reach all after the last start',
    'new function known to all hubs',
    'dead hub gone around: killed / power lost',
    'region cut off: noticed / healed',
    'bytes per node and second at rest',
    'the same as a multiple',
    'a hub alone / over bridges, per node',
    'under churn: node / hub',
    'a node as a multiple',
    'bytes per node for each crash and return',
  ];
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---:')), ...rows.map(line)].join('\n');
}

/** Two ways to grow: clusters that become larger as there are more of them, and more clusters of fifty. */
const TABLES = { federation: '50:5,200:10,1000:20', 'federation of fifties': '200:4,500:10,1000:20' };

const { values } = parseArgs({ options: { into: { type: 'string' }, sizes: { type: 'string' } } });
const known = new Map<string, ReturnType<typeof measure>>();
for (const [name, sizes] of Object.entries(values.sizes === undefined ? TABLES : { federation: values.sizes })) {
  const runs = sizes.split(',').map((size) => {
    const [nodes = 0, clusters = 1] = size.split(':').map(Number);
    const run = known.get(size) ?? measure(nodes, clusters);
    known.set(size, run);
    process.stderr.write(`${JSON.stringify(run)}\n`);
    return run;
  });
  if (values.into === undefined) process.stdout.write(`${table(runs)}\n\n`);
  else {
    const place = new RegExp(`(<!-- ${name} -->\n)[\\s\\S]*?(<!-- end -->)`);
    const page = readFileSync(values.into, 'utf8');
    writeFileSync(
      values.into,
      page.replace(place, (_, begin: string, end: string) => `${begin}${table(runs)}\n${end}`),
    );
  }
}
