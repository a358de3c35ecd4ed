/**
 * The front door of the simulator: many runs, one for each seed, until one fails.
 *
 * Every so often a run is done twice; when the two differ, a machine has looked at something that it must not see.
 */
import { finish, hash32 } from '../core/base/hash.ts';
import type { Outcome } from '../core/base/outcome.ts';
import { done } from '../core/base/outcome.ts';
import type { Problem } from '../core/base/problems.ts';
import { Node } from '../core/node/node.ts';
import { ProblemError } from '../problem-error.ts';
import { drawFederation } from './draw-federation.ts';
import type { MakeNode } from './machine.ts';
import { failureText, problemOf } from './report.ts';
import { type CallReport, type Failure, type RunResult, run } from './run.ts';
import type { Scenario } from './scenario.ts';
import { shrink } from './shrink.ts';
import { DEFAULT_SWARM, draw, type SwarmOptions } from './swarm.ts';
import { type SimulationTopology, scenarioOf } from './topology.ts';

export interface SimulationOptions {
  /** The seeds to run; default: `count` of them from `seed` on. */
  readonly seeds?: readonly number[];
  /** Default 1. */
  readonly seed?: number;
  /** Default 1. */
  readonly count?: number;
  /** Fewest and most nodes of a drawn mesh. Default 3 to 12. */
  readonly nodes?: readonly [number, number];
  /** Federations of several clusters instead of one mesh; `plain`: without queues, groups and rules. Default false. */
  readonly federated?: boolean | 'plain';
  /** Length of the phase in which things fail, in milliseconds of the simulated world. Default 40 000. */
  readonly durationMs?: number;
  /** This mesh and these faults instead of drawn ones; the seed still decides all chance. */
  readonly topology?: SimulationTopology;
  /** This very scenario, as a saved file has it; seeds do not matter then. */
  readonly scenario?: Scenario;
  /** Each so-manieth run is done twice and compared; 0: none. Default 10. */
  readonly twiceEvery?: number;
  /** Whether a failure is made as small as possible. Default true. */
  readonly shrink?: boolean;
  /** Default: the real node. */
  readonly make?: MakeNode;
  readonly onProgress?: (progress: SimulationProgress) => void;
}

export interface SimulationProgress {
  readonly done: number;
  readonly total: number;
  readonly seed: number;
  /** Steps of all nodes of all runs so far. */
  readonly steps: number;
}

export interface SimulationFailure {
  readonly seed: number;
  readonly failure: Failure;
  /** `unsafe-simulation`, `stuck-simulation` or `crashed-simulation`. */
  readonly problem: Problem;
  /** What people read. */
  readonly text: string;
  /** The smallest scenario that still fails: what is worth saving. */
  readonly scenario: Scenario;
}

export interface SimulationReport {
  /** Runs that were done; the last one failed where `failure` is set. */
  readonly runs: number;
  readonly steps: number;
  /** One number for all runs: equal for equal options. */
  readonly hash: string;
  /** The longest time that a mesh took to settle once its faults had stopped. */
  readonly settledMsMax: number;
  /** The calls of the last run. */
  readonly calls: readonly CallReport[];
  readonly failure: SimulationFailure | undefined;
}

/** The real node. */
export const makeNode: MakeNode = (birth) => new Node(birth);

/** Runs until all is done or one run fails. Throws a `ProblemError` where the topology makes no sense. */
export function simulate(options: SimulationOptions = {}): SimulationReport {
  const steps = simulation(options);
  for (;;) {
    const next = steps.next();
    if (next.done) return next.value;
  }
}

/** The same, one run at a time, so that whoever asks can do other things between two runs. */
export function* simulation(options: SimulationOptions = {}): Generator<SimulationProgress, SimulationReport> {
  const { twiceEvery = 10, make = makeNode } = options;
  const scenarios = scenariosOf(options);
  const report = { calls: [] as readonly CallReport[], hash: 0, runs: 0, settledMsMax: 0, steps: 0 };
  const sum = (failure?: SimulationFailure): SimulationReport => ({
    ...report,
    failure,
    hash: finish(report.hash).toString(16).padStart(8, '0'),
  });
  for (const { seed, scenario } of scenarios.list) {
    const result = run(scenario(), make);
    report.runs++;
    report.steps += result.steps;
    report.hash = hash32(result.hash, report.hash);
    report.calls = result.calls;
    report.settledMsMax = Math.max(report.settledMsMax, result.settledMs ?? 0);
    const twice = twiceEvery > 0 && report.runs % twiceEvery === 1 % twiceEvery;
    const failing = result.failure ? { ...result, failure: result.failure } : twice ? compare(result, make) : undefined;
    if (failing !== undefined) return sum(failureOf(failing, options, make));
    const progress = { done: report.runs, seed, steps: report.steps, total: scenarios.total };
    options.onProgress?.(progress);
    yield progress;
  }
  return sum();
}

/** Repeats a run; the failure where it went another way. */
function compare(first: RunResult, make: MakeNode): (RunResult & { readonly failure: Failure }) | undefined {
  const second = run(first.scenario, make);
  if (second.hash === first.hash) return undefined;
  const law = 'the same seed makes the same run';
  const message = `${first.steps} steps with hash ${first.hash}, then ${second.steps} steps with hash ${second.hash}`;
  return { ...second, failure: { atMs: 0, kind: 'safety', law, message, trace: [] } };
}

function failureOf(
  failing: RunResult & { readonly failure: Failure },
  options: SimulationOptions,
  make: MakeNode,
): SimulationFailure {
  const repeatable = failing.failure.trace.length > 0;
  const small = repeatable && options.shrink !== false ? shrink(failing, make).result : failing;
  return {
    failure: small.failure,
    problem: problemOf(failing),
    scenario: small.scenario,
    seed: failing.scenario.seed,
    text: failureText(small),
  };
}

interface Scenarios {
  readonly total: number;
  readonly list: Iterable<{ readonly seed: number; readonly scenario: () => Scenario }>;
}

function scenariosOf(options: SimulationOptions): Scenarios {
  const { scenario, topology, seed = 1, count = 1 } = options;
  if (scenario !== undefined) return { list: [{ scenario: () => scenario, seed: scenario.seed }], total: 1 };
  const seeds = options.seeds ?? Array.from({ length: count }, (_, i) => seed + i);
  const swarm: SwarmOptions = {
    durationMs: options.durationMs ?? DEFAULT_SWARM.durationMs,
    nodes: options.nodes ?? DEFAULT_SWARM.nodes,
  };
  const drawn = (one: number): Scenario => {
    const { federated = false } = options;
    return federated === false ? draw(one, swarm) : drawFederation(one, { plain: federated === 'plain' });
  };
  const make = (one: number): Outcome<Scenario> =>
    topology === undefined ? done(drawn(one)) : scenarioOf(topology, one);
  const list = seeds.map((one) => ({ scenario: () => unwrap(make(one)), seed: one }));
  return { list, total: seeds.length };
}

function unwrap(outcome: Outcome<Scenario>): Scenario {
  if (outcome.ok) return outcome.value;
  throw new ProblemError(outcome.problem);
}
