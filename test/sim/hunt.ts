/**
 * Looks for a drawn world in which a certain law finds a planted bug. In these worlds clients publish, listen and read, and
 * ask for nothing else: no law of calls, plans or queues speaks first, and each world takes little time.
 *
 * Each world stands for itself: in some of them another law sees the same bug first, which is as it should be.
 * What it refuses to do: take such a finding for the one that is looked for, or take one that has another cause.
 */
import type { MakeNode } from '../../src/engine/sim/machine.ts';
import { type Failure, run } from '../../src/engine/sim/run.ts';
import type { Scenario, ScenarioEvent } from '../../src/engine/sim/scenario.ts';
import { makeNode } from '../../src/engine/sim/simulate.ts';
import { draw } from '../../src/engine/sim/swarm.ts';

export interface Prey {
  readonly law: string | RegExp;
  /** What the law must say. Default: anything. */
  readonly message?: string | RegExp;
  /** Fewest and most nodes of a world. Default 3 to 5. */
  readonly nodes?: readonly [number, number];
}

const SEEDS = 200;
const OTHERS: ReadonlySet<ScenarioEvent['kind']> = new Set(['call', 'plan', 'queue']);

/** Throws where no world shows it, and where real nodes fail in the world that does. */
export function hunt(make: MakeNode, prey: Prey): Failure {
  const others: string[] = [];
  for (let seed = 1; seed <= SEEDS; seed++) {
    const scenario = drawTopicsOnly(seed, prey.nodes ?? [3, 5]);
    const failure = scenario === undefined ? undefined : run(scenario, make).failure;
    if (scenario === undefined || failure === undefined) continue;
    if (!fits(failure.law, prey.law) || !fits(failure.message, prey.message ?? '')) {
      others.push(`${seed}: ${failure.law}: ${failure.message}`);
      continue;
    }
    const own = run(scenario, makeNode).failure;
    if (own === undefined) return failure;
    throw new Error(`real nodes fail with seed ${seed}, too: ${own.law}: ${own.message}`);
  }
  throw new Error(`"${prey.law}" finds nothing with the seeds 1 to ${SEEDS}; others do:\n${others.join('\n')}`);
}

/** Undefined where nobody publishes. */
function drawTopicsOnly(seed: number, nodes: readonly [number, number]): Scenario | undefined {
  const scenario = draw(seed, { durationMs: 40_000, nodes });
  const events = scenario.events.filter(({ kind }) => !OTHERS.has(kind));
  return events.some(({ kind }) => kind === 'publish') ? { ...scenario, events } : undefined;
}

function fits(text: string, wanted: string | RegExp): boolean {
  return typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text);
}
