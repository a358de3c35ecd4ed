/**
 * How the mesh grows: 10, 100, 1,000 simulated nodes. How long until a join, a crash and a new function are known to
 * all, what a node sends meanwhile and at rest, and whom slow nodes get suspected (Lifeguard's experiment).
 *
 *   node bench/scale.ts [--sizes 10,100,1000] [--seeds 3] [--into docs/scale.md]
 *
 * The nodes, their messages and their encoding are the real ones; time, network and disks are simulated, so that the
 * figures do not depend on this machine. Medians over the seeds.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Prng } from '../src/engine/core/base/prng.ts';
import type { NodeEffect } from '../src/engine/core/node/effects.ts';
import type { NodeInput } from '../src/engine/core/node/inputs.ts';
import { Node } from '../src/engine/core/node/node.ts';
import { DEFAULT_TUNING, type NodeTuning } from '../src/engine/core/node/tuning.ts';
import { Checker } from '../src/engine/sim/checkers/checker.ts';
import { Faults, functionRecord } from '../src/engine/sim/faults.ts';
import type { SimProcess } from '../src/engine/sim/process.ts';
import type { Scenario, ScenarioEvent } from '../src/engine/sim/scenario.ts';
import { type Place, World } from '../src/engine/sim/world.ts';
import { codecOf } from '../src/engine/wire/codecs.ts';
import { DEFAULT_LIMITS } from '../src/engine/wire/wire.ts';

/** Whose news is counted, and who has heard it. */
class Ears extends Checker {
  /** The ids of those who know that a member is alive: `observer id` → whether it is in the observer's eyes. */
  readonly #alive = new Set<string>();
  /** How many observers have said a thing: `dead 01ABC`, `alive 01ABC`, `added 01ABC fun`. */
  readonly heard = new Map<string, Set<number>>();
  readonly watched = new Set<string>();
  /** Whom others took for suspect or dead, as `state id`, once for each observer and time. */
  readonly accusations: {
    readonly state: string;
    readonly id: string;
    readonly by: number;
    readonly reason: string;
  }[] = [];

  /** Pairs of nodes of which the first sees the second alive. */
  get pairs(): number {
    return this.#alive.size;
  }

  override stepped(process: SimProcess, _input: NodeInput, effects: readonly NodeEffect[]): void {
    for (const effect of effects) {
      if (effect.kind !== 'notify') continue;
      const { event } = effect;
      if (event.kind === 'function') {
        if (this.watched.has(event.id)) this.#hear(`${event.change} ${event.id} ${event.fun}`, process.place);
      } else if (event.kind === 'member') {
        const pair = `${process.place} ${event.id}`;
        if (event.state === 'dead' || event.state === 'left') this.#alive.delete(pair);
        else this.#alive.add(pair);
        if (this.watched.has(event.id)) this.#hear(`${event.state} ${event.id}`, process.place);
        if (event.state === 'suspect' || event.state === 'dead') {
          this.accusations.push({ by: process.place, id: event.id, reason: event.reason, state: event.state });
        }
      }
    }
  }

  #hear(what: string, observer: number): void {
    const all = this.heard.get(what) ?? new Set();
    this.heard.set(what, all.add(observer));
  }
}

/** What nodes send while it counts. */
class Scales {
  readonly #batch = codecOf('mpreg.v1').batch(DEFAULT_LIMITS);
  readonly #world: World;
  #since: number;
  #messages: number[];
  #bytes: number[];

  constructor(world: World) {
    this.#world = world;
    this.#since = world.timeline.now;
    this.#messages = world.places.map(() => 0);
    this.#bytes = world.places.map(() => 0);
    world.network.onSend = (from, message) => {
      this.#messages[from] = (this.#messages[from] ?? 0) + 1;
      this.#batch.add(message);
      this.#bytes[from] = (this.#bytes[from] ?? 0) + this.#batch.size;
      this.#batch.take();
    };
  }

  /** Per node and second since the beginning; the busiest node's bytes apart. */
  read(nodes: number): { readonly messages: number; readonly bytes: number; readonly bytesMax: number } {
    this.#world.network.onSend = () => {};
    const seconds = (this.#world.timeline.now - this.#since) / 1_000;
    const sum = (counts: readonly number[]) => counts.reduce((all, one) => all + one, 0);
    const per = nodes * seconds;
    return {
      bytes: sum(this.#bytes) / per,
      bytesMax: Math.max(...this.#bytes) / seconds,
      messages: sum(this.#messages) / per,
    };
  }
}

const FUNCTIONS = ['ingest', 'clean', 'analyse'];
const NEVER_BY_ITSELF = 2 ** 50;

function scenarioOf(nodes: number, extra: number, seed: number): Scenario {
  return {
    calmMs: 0,
    diskMs: [0, 5],
    events: [],
    faultsMs: 0,
    nodes: Array.from({ length: nodes + extra }, (_, i) => ({
      driftPpm: 0,
      functions: FUNCTIONS.map((name) => functionRecord(name)),
      name: `n${i}`,
      resources: [`shard-${i % 16}`],
      startMs: i < nodes ? i * 10 : NEVER_BY_ITSELF,
    })),
    seed,
    seeds: [0, 1, 2],
    settleMs: 0,
    weather: { bytesPerMs: 100_000, dialMs: 5_000, latencyMs: [1, 5], patienceMs: [20_000, 60_000] },
  };
}

interface Mesh {
  readonly world: World;
  readonly ears: Ears;
  readonly formedMs: number;
}

/** A mesh of so many nodes that all know each other; `extra` more places are empty. */
function form(nodes: number, extra: number, seed: number, tuning: NodeTuning = DEFAULT_TUNING): Mesh {
  const ears = new Ears();
  const scenario = scenarioOf(nodes, extra, seed);
  const world = new World(scenario, (birth) => new Node({ ...birth, tuning }), ears, { traced: false });
  const lastMs = (nodes - 1) * 10;
  const pairs = nodes * (nodes - 1);
  const formedMs = until(world, () => ears.pairs === pairs, 600_000) - lastMs;
  return { ears, formedMs, world };
}

/** Lets time pass until `done`; how long that took. */
function until(world: World, done: () => boolean, limitMs: number): number {
  const { timeline } = world;
  const began = timeline.now;
  while (!done()) {
    if (timeline.now - began > limitMs) throw new Error(`not within ${limitMs} ms`);
    timeline.runUntil(timeline.now + 10);
  }
  return timeline.now - began;
}

interface Growth {
  readonly formedMs: number;
  readonly joinMs: number;
  readonly functionMs: number;
  readonly killedMs: number;
  readonly silentMs: number;
  /** On average, at rest. */
  readonly links: number;
  readonly rest: ReturnType<Scales['read']>;
  readonly change: ReturnType<Scales['read']>;
}

const REST_MS = 30_000;
const CHANGE_MS = 10_000;

function measureGrowth(nodes: number, seed: number): Growth {
  const { world, ears, formedMs } = form(nodes, 1, seed);
  const { timeline } = world;
  timeline.runUntil(timeline.now + 60_000);
  const resting = new Scales(world);
  timeline.runUntil(timeline.now + REST_MS);
  const rest = resting.read(nodes);
  const links = world.living.reduce((sum, process) => sum + process.snapshot().links.peers, 0) / nodes;

  const newcomer = world.place(nodes);
  const changing = new Scales(world);
  const changedAt = timeline.now;
  ears.watched.add(newcomer.id);
  world.start(newcomer);
  const joinMs = until(world, () => knowsAll(ears, `added ${newcomer.id} clean`, nodes), 120_000);
  timeline.runUntil(changedAt + CHANGE_MS);
  const change = changing.read(nodes + 1);

  const owner = world.place(Math.floor(nodes / 2));
  ears.watched.add(owner.id);
  owner.process?.describe([...owner.functions, functionRecord('fresh')]);
  const functionMs = until(world, () => knowsAll(ears, `added ${owner.id} fresh`, nodes), 120_000);
  timeline.runUntil(timeline.now + 20_000);
  const killedMs = lose(world, ears, owner, false, nodes);
  timeline.runUntil(timeline.now + 20_000);
  const silentMs = lose(world, ears, world.place(nodes - 2), true, nodes - 1);
  return { change, formedMs, functionMs, joinMs, killedMs, links, rest, silentMs };
}

/** How long until all others take a node for dead that is killed, or whose machine loses power. */
function lose(world: World, ears: Ears, place: Place, silent: boolean, others: number): number {
  ears.watched.add(place.id);
  world.kill(place, silent);
  return until(world, () => knowsAll(ears, `dead ${place.id}`, others), 300_000);
}

function knowsAll(ears: Ears, what: string, observers: number): boolean {
  return (ears.heard.get(what)?.size ?? 0) >= observers;
}

interface Slowness {
  /** Healthy nodes that somebody suspected, counted once for each suspicion and observer. */
  readonly suspicions: number;
  /** Healthy nodes that somebody took for dead, likewise. */
  readonly deaths: number;
  /** The same for the slow ones: not wrong while they are blocked. */
  readonly slowDeaths: number;
}

const SLOW_MS = 300_000;

/** Lifeguard §5: some nodes are blocked for 1 to 10 s, run for 1 to 10 s, and so on, for five minutes. */
function measureSlowness(nodes: number, share: number, seed: number, tuning: NodeTuning): Slowness {
  const prng = new Prng(seed);
  const slow = prng.sample([...Array(nodes).keys()], Math.round(nodes * share));
  const { world, ears } = form(nodes, 0, seed, tuning);
  world.timeline.runUntil(world.timeline.now + 30_000);
  const from = world.timeline.now;
  const events = slow.flatMap((node) => {
    const pauses: ScenarioEvent[] = [];
    for (let at = from + prng.below(5_000); at < from + SLOW_MS; ) {
      const forMs = prng.between(1_000, 10_000);
      pauses.push({ atMs: at, forMs, kind: 'pause', node });
      at += forMs + prng.between(1_000, 10_000);
    }
    return pauses;
  });
  new Faults(world, events);
  ears.accusations.length = 0;
  world.timeline.runUntil(from + SLOW_MS + 30_000);
  const slowIds = new Set(slow.map((index) => world.place(index).id));
  const count = (state: string, isSlow: boolean) =>
    ears.accusations.filter((one) => one.state === state && slowIds.has(one.id) === isSlow).length;
  return { deaths: count('dead', false), slowDeaths: count('dead', true), suspicions: count('suspect', false) };
}

/** SWIM as it was before Lifeguard: no local health, no pause is noticed, a suspicion lasts as long whoever shares it. */
const WITHOUT_LIFEGUARD: NodeTuning = {
  ...DEFAULT_TUNING,
  membership: {
    ...DEFAULT_TUNING.membership,
    healthMax: 0,
    lateMs: NEVER_BY_ITSELF,
    pauseMs: NEVER_BY_ITSELF,
    suspicionMaxFactor: 1,
  },
};

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? 0;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function growthTable(sizes: readonly number[], seeds: number): string {
  const rows = sizes.map((nodes) => {
    const runs = Array.from({ length: seeds }, (_, i) => measureGrowth(nodes, i + 1));
    const of = (pick: (run: Growth) => number) => median(runs.map(pick));
    const worst = (pick: (run: Growth) => number) => Math.max(...runs.map(pick));
    process.stderr.write(`${nodes} nodes done\n`);
    const rounds = (ms: number) => Math.ceil(ms / DEFAULT_TUNING.membership.gossipMs);
    return [
      nodes.toLocaleString('en'),
      seconds(of((run) => run.formedMs)),
      `${seconds(of((run) => run.joinMs))} (${rounds(of((run) => run.joinMs))})`,
      `${seconds(of((run) => run.functionMs))} (${rounds(of((run) => run.functionMs))})`,
      `${seconds(of((run) => run.killedMs))} / ${seconds(worst((run) => run.killedMs))}`,
      `${seconds(of((run) => run.silentMs))} / ${seconds(worst((run) => run.silentMs))}`,
      of((run) => run.links).toFixed(0),
      of((run) => run.rest.messages).toFixed(1),
      `${of((run) => run.rest.bytes).toFixed(0)} / ${of((run) => run.rest.bytesMax).toFixed(0)}`,
      `${of((run) => run.change.messages).toFixed(1)}, ${of((run) => run.change.bytes).toFixed(0)} B`,
    ];
  });
  return table(
    [
      'nodes',
      'mesh complete after the last start',
      'join known to all (rounds)',
      'new function known to all (rounds)',
      'killed: known to all, median / worst',
      'power lost: known to all, median / worst',
      'links per node',
      'messages per node and second at rest',
      'bytes, mean / busiest node',
      'both in the 10 s around a join',
    ],
    rows,
  );
}

function slownessTable(nodes: number, seeds: number): string {
  const rows = [0.05, 0.2].flatMap((share) =>
    [DEFAULT_TUNING, WITHOUT_LIFEGUARD].map((tuning) => {
      const runs = Array.from({ length: seeds }, (_, i) => measureSlowness(nodes, share, i + 1, tuning));
      const sum = (pick: (run: Slowness) => number) => runs.reduce((all, run) => all + pick(run), 0);
      const how = tuning === DEFAULT_TUNING ? 'as it is' : 'without Lifeguard';
      process.stderr.write(`${share * 100} % slow, ${how}: done\n`);
      return [
        `${share * 100} %`,
        how,
        `${sum((run) => run.suspicions)}`,
        `${sum((run) => run.deaths)}`,
        (sum((run) => run.slowDeaths) / runs.length / (nodes - 1) / (nodes * share) / (SLOW_MS / 60_000)).toFixed(1),
      ];
    }),
  );
  return table(
    [
      'slow nodes',
      'protocol',
      'healthy suspected',
      'healthy taken for dead',
      'slow taken for dead, per slow node and minute',
    ],
    rows,
  );
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---:')), ...rows.map(line)].join('\n');
}

const { values } = parseArgs({
  options: {
    into: { type: 'string' },
    seeds: { default: '3', type: 'string' },
    sizes: { default: '10,100,1000', type: 'string' },
  },
});
const sizes = values.sizes.split(',').map(Number);
const seeds = Number(values.seeds);
const measured: [mark: string, text: string][] = [
  ['growth', growthTable(sizes, seeds)],
  ['slowness', slownessTable(100, seeds)],
];
if (values.into === undefined) process.stdout.write(`${measured.map(([, text]) => text).join('\n\n')}\n`);
else {
  let page = readFileSync(values.into, 'utf8');
  for (const [mark, text] of measured) {
    const place = new RegExp(`(<!-- ${mark} -->\n)[^]*?(<!-- end -->)`);
    page = page.replace(place, (_, begin: string, end: string) => `${begin}${text}\n${end}`);
  }
  writeFileSync(values.into, page);
}
