/** A second, naive resolver judges the clever one on random plans. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DEFAULT_CALLS } from '../../../src/engine/core/calls/options.ts';
import { readPlan } from '../../../src/engine/core/calls/plan.ts';
import { FUNCTIONS, runPlan } from './plans.ts';

interface AnyStep {
  readonly name: string;
  readonly fun: string;
  readonly args: readonly unknown[];
  readonly kwargs?: Readonly<Record<string, unknown>>;
}

/** Names that are heads of each other, or look like paths, or like nothing. */
const NAMES = ['a', 'a.b', 'a.b.0', 'b', 'b.0', '|c', 'c d', '0', 'x.', 'é'];

const text = fc.oneof(
  fc.constantFrom(...NAMES, 'none', 'a.', '.a', 'a.b.0.b', 'b.0.0', '|c.x.0', 'c d.x', 'b.x.a', '0.0', 'x..x'),
  fc.tuple(fc.constantFrom(...NAMES), fc.constantFrom('0', '1', 'x', 'a', 'length')).map((parts) => parts.join('.')),
);

const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', maxDepth: 3 },
    text,
    fc.integer({ max: 9, min: 0 }),
    fc.constant(null),
    fc.record({
      $ref: fc.constantFrom(...NAMES),
      path: fc.array(fc.constantFrom<string | number>(0, 1, 'x'), { maxLength: 2 }),
    }),
    fc.record({ $lit: text }),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('x', 'a', '0'), tie('value'), { maxKeys: 2 }),
  ),
}));

const steps: fc.Arbitrary<AnyStep[]> = fc
  .uniqueArray(
    fc.record(
      {
        args: fc.array(value, { maxLength: 3 }),
        fun: fc.constantFrom('echo', 'echos', 'echos', 'named', 'fail'),
        kwargs: fc.dictionary(fc.constantFrom('k', 'a'), value, { maxKeys: 2 }),
        name: fc.constantFrom(...NAMES),
      },
      { requiredKeys: ['args', 'fun', 'name'] },
    ),
    { maxLength: 7, minLength: 1, selector: ({ name }) => name },
  )
  .map((all) => all.map(({ kwargs, ...step }) => (kwargs === undefined ? step : { ...step, kwargs })));

/** What a value refers to, by trying every name; undefined where it is no reference. */
function target(one: unknown, names: readonly string[]): { name: string; path: (string | number)[] } | undefined {
  if (typeof one === 'string') {
    const fitting = names.filter((name) => one === name || one.startsWith(`${name}.`));
    const name = fitting.sort((a, b) => b.length - a.length)[0];
    return name === undefined ? undefined : { name, path: one === name ? [] : one.slice(name.length + 1).split('.') };
  }
  if (typeof one !== 'object' || one === null || !('$ref' in one)) return undefined;
  const { $ref, path = [] } = one as unknown as { $ref: string; path?: (string | number)[] };
  return { name: $ref, path };
}

function targets(one: unknown, names: readonly string[]): string[] {
  const found = target(one, names);
  if (found !== undefined) return [found.name];
  if (typeof one !== 'object' || one === null || '$lit' in one) return [];
  return Object.values(one).flatMap((inner) => targets(inner, names));
}

class Nowhere extends Error {}

function resolve(one: unknown, names: readonly string[], valueFor: (name: string) => unknown): unknown {
  const found = target(one, names);
  if (found !== undefined) {
    let at = valueFor(found.name);
    for (const part of found.path) {
      if (typeof at !== 'object' || at === null || part === 'length' || !Object.hasOwn(at, part)) throw new Nowhere();
      at = (at as Record<string | number, unknown>)[part];
    }
    return at;
  }
  if (typeof one !== 'object' || one === null) return one;
  if ('$lit' in one) return one.$lit;
  if (Array.isArray(one)) return one.map((inner) => resolve(inner, names, valueFor));
  return Object.fromEntries(Object.entries(one).map(([key, inner]) => [key, resolve(inner, names, valueFor)]));
}

type Fate = { state: 'done'; value: unknown } | { state: 'failed' } | { state: 'skipped'; roots: Set<string> };

/** What becomes of every step when everything goes on as far as it can; undefined where the plan makes no sense. */
function judge(all: readonly AnyStep[]): Map<string, Fate> | undefined {
  const names = all.map(({ name }) => name);
  const needs = new Map(all.map(({ name, args, kwargs }) => [name, targets([args, kwargs ?? {}], names)]));
  if ([...needs.values()].flat().some((name) => !names.includes(name))) return undefined;
  const fates = new Map<string, Fate>();
  for (let left = [...all]; left.length > 0; ) {
    const ready = left.filter(({ name }) => needs.get(name)?.every((need) => fates.has(need)));
    if (ready.length === 0) return undefined;
    for (const step of ready) fates.set(step.name, fateOf(step, names, needs.get(step.name) ?? [], fates));
    left = left.filter((step) => !ready.includes(step));
  }
  return fates;
}

function fateOf(
  step: AnyStep,
  names: readonly string[],
  needs: readonly string[],
  fates: ReadonlyMap<string, Fate>,
): Fate {
  const roots = new Set<string>();
  for (const need of needs) {
    const fate = fates.get(need);
    if (fate?.state === 'failed') roots.add(need);
    if (fate?.state === 'skipped') for (const root of fate.roots) roots.add(root);
  }
  if (roots.size > 0) return { roots, state: 'skipped' };
  const valueFor = (name: string) => (fates.get(name) as { value: unknown }).value;
  try {
    const args = resolve(step.args, names, valueFor) as unknown[];
    const kwargs = step.kwargs && (resolve({ ...step.kwargs }, names, valueFor) as object);
    return { state: 'done', value: FUNCTIONS[step.fun]?.(args, kwargs) };
  } catch {
    return { state: 'failed' };
  }
}

const picks = fc.infiniteStream(fc.nat());
const RUNS = { numRuns: 1_000 };

describe('of random plans', () => {
  test('those are refused that have no order or refer to nobody, and no others', () => {
    let refused = 0;
    fc.assert(
      fc.property(steps, (all) => {
        const taken = readPlan(all, DEFAULT_CALLS).ok;
        if (!taken) refused++;
        expect(taken).toBe(judge(all) !== undefined);
      }),
      RUNS,
    );
    expect(refused).toBeGreaterThan(100);
    expect(refused).toBeLessThan(RUNS.numRuns - 100);
  });

  test('with "continue", every step has the outcome that it must have, in whatever order steps end', () => {
    fc.assert(
      fc.property(steps, picks, (all, order) => {
        const fates = judge(all);
        fc.pre(fates !== undefined);
        const document = { onError: 'continue', return: 'all', steps: all };
        const { reply } = runPlan(document, FUNCTIONS, (underWay) => (order.next().value ?? 0) % Math.max(1, underWay));
        for (const { name, state, because } of reply.steps) {
          const fate = fates.get(name);
          expect([name, state]).toEqual([name, fate?.state]);
          if (fate?.state === 'skipped') expect(fate.roots.has(because ?? '')).toBe(true);
          if (fate?.state === 'done') expect(reply.results[name]).toStrictEqual(fate.value);
          else expect(Object.hasOwn(reply.results, name)).toBe(false);
        }
        expect(reply.steps).toHaveLength(all.length);
        expect(reply.problem === undefined).toBe([...fates.values()].every(({ state }) => state === 'done'));
      }),
      RUNS,
    );
  });

  test('with any way to fail: no step before its inputs, none twice, none after the failure that ends the plan', () => {
    const named = fc.tuple(steps, fc.array(fc.constantFrom('fail', 'continue'), { maxLength: 7, minLength: 7 }));
    fc.assert(
      fc.property(named, picks, ([all, ways], order) => {
        const fates = judge(all);
        fc.pre(fates !== undefined);
        const document = { return: 'all', steps: all.map((step, i) => ({ ...step, onError: ways[i] })) };
        const { reply, order: started } = runPlan(
          document,
          FUNCTIONS,
          (n) => (order.next().value ?? 0) % Math.max(1, n),
        );
        expect(new Set(started).size).toBe(started.length);
        const states = new Map(reply.steps.map((outcome) => [outcome.name, outcome]));
        for (const { name, args, kwargs } of all) {
          const outcome = states.get(name);
          const fate = fates.get(name);
          const inputs = targets(
            [args, kwargs ?? {}],
            all.map((step) => step.name),
          );
          if (started.includes(name)) for (const input of inputs) expect(states.get(input)?.state).toBe('done');
          if (outcome?.state === 'done') expect(reply.results[name]).toStrictEqual((fate as { value: unknown }).value);
          if (outcome?.state === 'failed') expect(fate?.state).toBe('failed');
          if (outcome?.state === 'cancelled') expect(started).toContain(name);
          if (outcome?.state === 'skipped') expect(started).not.toContain(name);
        }
        const fatal = reply.steps.some(({ state }, i) => state === 'failed' && ways[i] === 'fail');
        if (!fatal)
          expect(reply.steps.map(({ name, state }) => [name, state])).toEqual(
            all.map(({ name }) => [name, fates.get(name)?.state]),
          );
      }),
      RUNS,
    );
  });
});
