/**
 * The three workloads, each written down once, as what is done with what; and read in three ways: as a plan for mpreg, as
 * calls in turn for whoever has no plans, and here and now, for the right answers. What comes out of each is one number.
 *
 *   chain       ten steps, each takes the value of the one before
 *   fan         49 steps that need nothing of each other, and one that takes all their values
 *   megabyte    eight steps: one makes a mebibyte, six change a byte of it and pass it on, the last returns its checksum
 */
import type { PlanDocument } from '../../src/engine/index.ts';
import { type Fun, type Place, runnerOf, type Value } from './functions.ts';

export const WORKLOADS = ['chain', 'fan', 'megabyte'] as const;
export type Workload = (typeof WORKLOADS)[number];

/** Answers the workload's question for a seed. */
export type Run = (workload: Workload, seed: number) => Promise<unknown>;

const CHAIN = 10;
const FAN = 49;
const CHANGES = 6;

const placeOf = (step: number): Place => (step % 2 === 0 ? 'a' : 'b');

/** Steps alternate between the places. `Later`: what stands for the value of a step until it is there. */
export function flow<Later>(
  workload: Workload,
  seed: number,
  call: (place: Place, fun: Fun, argument: number | Later | readonly Later[]) => Later,
): Later {
  if (workload === 'fan') {
    const values = Array.from({ length: FAN }, (_, i) => call(placeOf(i), 'step', seed + i));
    return call('a', 'join', values);
  }
  const funs: readonly Fun[] =
    workload === 'chain' ? Array(CHAIN).fill('step') : ['make', ...Array(CHANGES).fill('change'), 'digest'];
  return funs.slice(1).reduce((value, fun, i) => call(placeOf(i + 1), fun, value), call('a', funs[0] as Fun, seed));
}

/** A call as soon as the values that it takes are there. */
export function inTurn(call: (place: Place, fun: Fun, argument: Value) => Promise<Value>): Run {
  return (workload, seed) =>
    flow<Promise<Value>>(workload, seed, async (place, fun, argument) => {
      const values = Array.isArray(argument) ? await Promise.all(argument) : await argument;
      return call(place, fun, values as Value);
    });
}

/** The right answers. */
export function atHome(workload: Workload, seed: number): Value {
  const places = { a: runnerOf('a'), b: runnerOf('b') };
  return flow<Value>(workload, seed, (place, fun, argument) => places[place](fun, argument as Value));
}

/** The plan, whose only result is the answer. Each place is a resource, which the node of that name has. */
export function planOf(workload: Workload, seed: number): PlanDocument {
  const steps: Readonly<Record<string, unknown>>[] = [];
  flow<string>(workload, seed, (place, fun, argument) => {
    const name = `s${steps.length}`;
    steps.push({ args: [argument], fun, locs: [place], name });
    return name;
  });
  return steps;
}
