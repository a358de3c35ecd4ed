import { didYouMean, type Flaws } from './flaws.ts';
import type { StepTerms } from './plan-step.ts';
import { eachReference, type Reference, type RefsMode } from './references.ts';

/** A step and its place among the others. */
export interface LinkedStep extends StepTerms {
  /** Steps whose values it needs, by index. */
  readonly needs: readonly number[];
  /** Steps that need its value, by index. */
  readonly neededBy: readonly number[];
}

/** Finds who needs whom; references that lead to no step, and steps without an order, are added to `flaws`. */
export function link(
  steps: readonly StepTerms[],
  index: ReadonlyMap<string, number>,
  refs: RefsMode,
  flaws: Flaws,
): readonly LinkedStep[] {
  const names = new Set(index.keys());
  const needs = steps.map(() => new Set<number>());
  const neededBy = steps.map(() => new Set<number>());
  for (const [i, { args, kwargs, name }] of steps.entries()) {
    const visit = ({ step, flaw }: Reference, where: string) => {
      const needed = index.get(step);
      if (flaw !== undefined) {
        flaws.add(where, `${where}: ${flaw}`, name);
      } else if (needed === undefined) {
        const meant = flaws.isFull ? '' : didYouMean(step, [...names]);
        flaws.add(where, `${where} refers to "${step}", and no step has that name${meant}`, name);
      } else {
        needs[i]?.add(needed);
        neededBy[needed]?.add(i);
      }
    };
    eachReference(args, `steps[${i}].args`, names, refs, visit);
    if (kwargs !== undefined) eachReference(kwargs, `steps[${i}].kwargs`, names, refs, visit);
  }
  const linked = steps.map((step, i) => ({
    ...step,
    needs: [...(needs[i] ?? [])],
    neededBy: [...(neededBy[i] ?? [])],
  }));
  const broken = new Set<number>();
  for (let cycle = findCycle(linked, broken); cycle !== undefined; cycle = findCycle(linked, broken)) {
    const [at = 0] = cycle;
    const says = `the steps wait for each other in a circle: ${pathOf(cycle, linked)}`;
    flaws.add(`steps[${at}]`, says, linked[at]?.name);
    if (flaws.isFull) break;
    for (const i of cycle) broken.add(i);
  }
  return linked;
}

/** Of a long cycle, so many steps are printed at both ends. */
const CYCLE_ENDS_MAX = 8;

/** `a → b → a`; of a long path its beginning and its end. */
function pathOf(cycle: readonly number[], steps: readonly LinkedStep[]): string {
  const names = (indexes: readonly number[]) => indexes.map((i) => steps[i]?.name ?? '');
  const left = cycle.length - 2 * CYCLE_ENDS_MAX;
  const shown =
    left <= 1
      ? names(cycle)
      : [...names(cycle.slice(0, CYCLE_ENDS_MAX)), `… ${left} more …`, ...names(cycle.slice(-CYCLE_ENDS_MAX))];
  return shown.join(' → ');
}

/**
 * A path of steps that leads back to its first, or undefined; steps that are `broken` keep nobody waiting.
 * Kahn (1962): what cannot be taken off is in or behind one.
 */
function findCycle(steps: readonly LinkedStep[], broken: ReadonlySet<number>): readonly number[] | undefined {
  const waits = steps.map(({ needs }, i) => (broken.has(i) ? 0 : needs.length));
  const free = [...steps.keys()].filter((i) => waits[i] === 0);
  for (let taken = free.pop(); taken !== undefined; taken = free.pop()) {
    for (const i of steps[taken]?.neededBy ?? []) {
      if (broken.has(i)) continue;
      const left = (waits[i] ?? 0) - 1;
      waits[i] = left;
      if (left === 0) free.push(i);
    }
  }
  const stuck = (i: number) => (waits[i] ?? 0) > 0;
  const start = [...steps.keys()].find(stuck);
  if (start === undefined) return undefined;
  const seen = new Set<number>();
  let at = start;
  while (!seen.has(at)) {
    seen.add(at);
    at = steps[at]?.needs.find(stuck) ?? at;
  }
  const walked = [...seen];
  return [...walked.slice(walked.indexOf(at)), at].reverse();
}
