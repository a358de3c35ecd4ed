/**
 * How long calls between clusters pause when a hub dies, in simulated time: `node test/sim/hub-deaths.ts [--seeds 5]` prints
 * a table.
 *
 *     us (asks) ── eu (between) ── ap (has the functions)        one or two hubs and a worker each
 *
 * Calls are made all the time; one hub after the other dies, each at a moment of its own, and is started again.
 */
import { parseArgs } from 'node:util';
import { Prng } from '../../src/engine/core/base/prng.ts';
import { didNotHappen, type Problem } from '../../src/engine/core/base/problems.ts';
import type { FunctionRecord } from '../../src/engine/core/directory/record.ts';
import { Checker } from '../../src/engine/sim/checkers/checker.ts';
import type { Ask } from '../../src/engine/sim/client.ts';
import type { Scenario, ScenarioNode } from '../../src/engine/sim/scenario.ts';
import { makeNode } from '../../src/engine/sim/simulate.ts';
import { type Place, World } from '../../src/engine/sim/world.ts';

export interface Death {
  /** How many hubs each cluster has. */
  readonly hubs: 1 | 2;
  /** Of which cluster one dies. */
  readonly victim: 'us' | 'eu' | 'ap';
  /** Its machine lost power: nobody is told. Else its process was killed, and its connections end at once. */
  readonly silent: boolean;
  /** How long it stays away. */
  readonly awayMs: number;
}

export interface Pause {
  /** The longest time that a call took that was answered. */
  readonly slowestMs: number;
  readonly answered: number;
  /** Calls of each kind that failed, as `CODE did-not-happen` or `CODE unknown`. */
  readonly failures: ReadonlyMap<Kind, readonly string[]>;
  /** Runs beyond the first of calls that must not be repeated. */
  readonly twice: number;
}

/** Who says that a call may be repeated: nobody, the one who asks, or the function. */
export const KINDS = ['nobody', 'asker', 'function'] as const;
export type Kind = (typeof KINDS)[number];

const EVERY_MS = 25;
const SETTLED_MS = 15_000;
const AFTER_MS = 20_000;
const REGIONS = { ap: 'ap-southeast', eu: 'eu-central', us: 'us-east' } as const;
const NEXT = { ap: ['eu'], eu: ['us', 'ap'], us: ['eu'] } as const;
/** One way: a round trip from us to ap over eu takes 200 ms. */
const DISTANCES_MS = {
  'ap-southeast': { 'eu-central': 60 },
  'eu-central': { 'ap-southeast': 60, 'us-east': 40 },
  'us-east': { 'eu-central': 40 },
};
const ONCE: FunctionRecord = { name: 'once', resources: [], version: '1.0.0' };
const AGAIN: FunctionRecord = { ...ONCE, idempotent: true, name: 'again' };

/** What the calls of one world, in which one hub dies, have come to. */
export function die(death: Death, seed: number): Pause {
  const runs = new Runs();
  const world = new World(scenarioOf(death.hubs, seed), makeNode, runs, { traced: false });
  const { timeline } = world;
  const prng = new Prng(seed);
  timeline.runUntil(SETTLED_MS);
  const asks: Ask[] = [];
  const asker = world.places.find(({ plan }) => plan.name === 'us-w')?.index ?? 0;
  const diesAt = timeline.now + 2_000 + prng.below(1_000);
  const until = diesAt + death.awayMs + AFTER_MS;
  for (let at = timeline.now; at < until - 5_000; at += EVERY_MS) {
    const kind = KINDS[asks.length % KINDS.length] ?? 'nobody';
    asks.length++;
    timeline.at(at, () => asks.push(ask(world, asker, kind)));
  }
  asks.length = 0;
  timeline.at(diesAt, () => {
    const victim = busiest(world, death.victim, runs.relayed);
    world.kill(victim, death.silent);
    timeline.after(death.awayMs, () => world.start(victim));
  });
  timeline.runUntil(until);
  return summed(asks, runs);
}

function ask(world: World, node: number, kind: Kind): Ask {
  const fun = kind === 'function' ? AGAIN.name : ONCE.name;
  const idempotent = kind === 'asker';
  return world.ask({ args: [1], atMs: 0, fun, idempotent, kind: 'call', locs: [], node, timeoutMs: 0 });
}

function summed(asks: readonly Ask[], { begun }: Runs): Pause {
  const failures = new Map<Kind, string[]>();
  let slowestMs = 0;
  let answered = 0;
  let twice = 0;
  for (const { answeredAt = 0, answers, event, sentAt = 0, tokens } of asks) {
    const kind = event.kind === 'call' && event.idempotent ? 'asker' : 'function';
    const of = event.kind === 'call' && event.fun === ONCE.name && !event.idempotent ? 'nobody' : kind;
    if (of === 'nobody') twice += Math.max(0, (begun.get(tokens[0] ?? '') ?? 0) - 1);
    const [answer] = answers;
    if (answer?.kind === 'result') {
      answered++;
      slowestMs = Math.max(slowestMs, answeredAt - sentAt);
      continue;
    }
    const why = answer === undefined ? 'no answer' : `${answer.problem.code} ${how(answer.problem)}`;
    failures.set(of, [...(failures.get(of) ?? []), why]);
  }
  return { answered, failures, slowestMs, twice };
}

function how(why: Problem): string {
  return didNotHappen(why) ? 'did-not-happen' : 'unknown';
}

/** How often each call began to run, and which hubs have had something to do lately. */
class Runs extends Checker {
  readonly begun = new Map<string, number>();
  readonly relayed = new Map<number, number>();

  override began(...[, run]: Parameters<Checker['began']>): void {
    const given = run.payload.value();
    const [token] = given.ok ? (given.value as { readonly args: readonly [string] }).args : [];
    if (token !== undefined) this.begun.set(token, (this.begun.get(token) ?? 0) + 1);
  }

  override stepped(
    { place }: Parameters<Checker['stepped']>[0],
    ...[input]: [Parameters<Checker['stepped']>[1]]
  ): void {
    if (input.kind !== 'message' || input.message.kind !== 'call') return;
    this.relayed.set(place, (this.relayed.get(place) ?? 0) + 1);
  }
}

/** The hub of a cluster that most calls have passed. */
function busiest(world: World, cluster: string, calls: ReadonlyMap<number, number>): Place {
  const hubs = world.places.filter(({ plan }) => plan.cluster === cluster && plan.hub !== undefined);
  const [first] = hubs.toSorted((a, b) => (calls.get(b.index) ?? 0) - (calls.get(a.index) ?? 0));
  if (first === undefined) throw new RangeError(`there is no cluster ${cluster}`);
  return first;
}

function scenarioOf(hubs: number, seed: number): Scenario {
  const prng = new Prng(seed);
  const nodes = (['us', 'eu', 'ap'] as const).flatMap((cluster): readonly ScenarioNode[] => {
    const about = { cluster, driftPpm: 0, region: REGIONS[cluster], resources: [] };
    const some = Array.from({ length: hubs }, (_, i) => ({
      ...about,
      functions: [],
      hub: { links: NEXT[cluster] },
      name: `${cluster}-${i + 1}`,
      startMs: prng.below(2_000),
    }));
    const functions = cluster === 'ap' ? [ONCE, AGAIN] : [];
    return [...some, { ...about, functions, name: `${cluster}-w`, startMs: prng.below(2_000) }];
  });
  return {
    calmMs: 0,
    diskMs: [0, 5],
    distancesMs: DISTANCES_MS,
    events: [],
    faultsMs: 0,
    nodes,
    seed,
    seeds: [],
    settleMs: 0,
    weather: { bytesPerMs: 100_000, dialMs: 3_000, latencyMs: [0, 1], patienceMs: [20_000, 60_000] },
  };
}

/** All that a table is made of, or a test looks at. */
export const DEATHS: readonly Death[] = [
  ...(['us', 'eu', 'ap'] as const).map((victim) => ({ awayMs: 15_000, hubs: 2, silent: false, victim }) as const),
  ...(['us', 'eu', 'ap'] as const).map((victim) => ({ awayMs: 1_000, hubs: 1, silent: false, victim }) as const),
  ...(['us', 'eu', 'ap'] as const).map((victim) => ({ awayMs: 15_000, hubs: 2, silent: true, victim }) as const),
];

export function textOf({ awayMs, hubs, silent, victim }: Death): string {
  const how = silent ? 'loses power' : 'is killed';
  const what = hubs === 1 ? `the only hub of ${victim}` : `one hub of two of ${victim}`;
  return `${what} ${how} for ${awayMs / 1_000} s`;
}

if (process.argv[1]?.endsWith('hub-deaths.ts')) {
  const { values } = parseArgs({ options: { only: { type: 'string' }, seeds: { default: '5', type: 'string' } } });
  for (const death of DEATHS.filter((one) => textOf(one).includes(values.only ?? ''))) {
    const all = Array.from({ length: Number(values.seeds) }, (_, i) => die(death, i + 1));
    const counts = new Map<string, number>();
    for (const { failures } of all) {
      for (const [kind, whys] of failures) {
        for (const why of whys) counts.set(`${kind}: ${why}`, (counts.get(`${kind}: ${why}`) ?? 0) + 1);
      }
    }
    const failed = [...counts].map(([why, count]) => `${count} × ${why}`).join(', ') || 'none failed';
    const slowest = all.map(({ slowestMs }) => slowestMs);
    const answered = all.reduce((sum, one) => sum + one.answered, 0);
    const twice = all.reduce((sum, one) => sum + one.twice, 0);
    process.stdout.write(
      `${textOf(death)}: slowest ${slowest.join(', ')} ms; ${answered} answered, ${failed}; ${twice} run twice\n`,
    );
  }
}
