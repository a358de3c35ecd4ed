/**
 * Makes a failing scenario smaller for as long as it still breaks the same law: first whole groups of events go, then
 * single ones, then nodes, then steps of plans, then what is peculiar about the weather. Bounded by a number of runs, so
 * that it ends.
 *
 * The idea is delta debugging (Zeller and Hildebrandt, 2002), in its plainest form.
 */
import type { MakeNode } from './machine.ts';
import { type Failure, type RunResult, run } from './run.ts';
import type { Scenario, ScenarioEvent } from './scenario.ts';
import { shrinkPlans } from './shrink-plans.ts';

export interface Shrunk {
  /** The smallest failing run that was found; at worst the given one. */
  readonly result: RunResult & { readonly failure: Failure };
  readonly runs: number;
}

export function shrink(failing: RunResult & { readonly failure: Failure }, make: MakeNode, runsMax = 250): Shrunk {
  let best = failing;
  let runs = 0;
  const attempt = (scenario: Scenario): boolean => {
    if (runs >= runsMax) return false;
    runs++;
    const result = run(scenario, make);
    const { failure } = result;
    if (failure === undefined || failure.kind !== best.failure.kind || failure.law !== best.failure.law) return false;
    best = { ...result, failure };
    return true;
  };
  dropEvents(() => best.scenario, attempt);
  for (let node = best.scenario.nodes.length - 1; node >= 0; node--) {
    if (best.scenario.nodes.length > 1) attempt(withoutNode(best.scenario, node));
  }
  shrinkPlans(() => best.scenario, attempt);
  for (const plainer of plain(best.scenario)) attempt({ ...best.scenario, ...plainer });
  dropEvents(() => best.scenario, attempt);
  return { result: best, runs };
}

/** Drops ever smaller groups of events, as long as dropping one of a size works. */
function dropEvents(current: () => Scenario, attempt: (scenario: Scenario) => boolean): void {
  for (let size = current().events.length; size >= 1; size = Math.floor(size / 2)) {
    for (let from = 0; from < current().events.length; ) {
      const { events } = current();
      const dropped = attempt({ ...current(), events: [...events.slice(0, from), ...events.slice(from + size)] });
      if (!dropped) from += size;
    }
  }
}

/** The scenario without that node and all that happens to it; later nodes move up by one. */
export function withoutNode(scenario: Scenario, node: number): Scenario {
  const move = (index: number): number => (index > node ? index - 1 : index);
  const seeds = scenario.seeds.filter((seed) => seed !== node).map(move);
  return {
    ...scenario,
    events: scenario.events.flatMap((event) => moved(event, node, move)),
    nodes: scenario.nodes.filter((_, index) => index !== node),
    seeds: seeds.length === 0 && scenario.seeds.length > 0 ? [0] : seeds,
  };
}

function moved(event: ScenarioEvent, node: number, move: (index: number) => number): ScenarioEvent[] {
  if (event.kind === 'partition') return [{ ...event, groups: event.groups.filter((_, index) => index !== node) }];
  if (event.kind === 'storm' || event.kind === 'policy') return [event];
  if (event.kind === 'publish' || event.kind === 'subscribe' || event.kind === 'read') {
    const { node: at, from } = event;
    return at === node || from === node ? [] : [{ ...event, from: move(from), node: move(at) }];
  }
  if (event.kind === 'cut' || event.kind === 'break') {
    return event.from === node || event.to === node ? [] : [{ ...event, from: move(event.from), to: move(event.to) }];
  }
  return event.node === node ? [] : [{ ...event, node: move(event.node) }];
}

/** Simplifications of everything but nodes and events. */
function plain(scenario: Scenario): readonly Partial<Scenario>[] {
  return [
    { nodes: scenario.nodes.map((node) => ({ ...node, driftPpm: 0 })) },
    { nodes: scenario.nodes.map((node) => ({ ...node, startMs: 0 })) },
    { nodes: scenario.nodes.map((node) => ({ ...node, functions: [] })) },
    { diskMs: [0, 2] },
    { weather: { bytesPerMs: 1_000_000, dialMs: 5_000, latencyMs: [1, 1], patienceMs: [20_000, 20_000] } },
  ];
}
