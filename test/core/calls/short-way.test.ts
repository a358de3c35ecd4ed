/** What plans let their values do without them: travel with a chain, or stay where they were made. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { problem } from '../../../src/engine/core/base/problems.ts';
import { HeldValues } from '../../../src/engine/core/calls/held-values.ts';
import { DEFAULT_CALLS } from '../../../src/engine/core/calls/options.ts';
import { PlanRun } from '../../../src/engine/core/calls/plan-run.ts';
import { bind, substitute } from '../../../src/engine/core/calls/references.ts';
import { here, planOf, storyOf } from './plans.ts';
import { sized } from './values.ts';

const step = (name: string, fun: string, ...args: unknown[]) => ({ args, fun, name });
const any = () => true;
const LIMITS = { chainBytesMax: 100, chainStepsMax: 4 };

function started(steps: readonly unknown[], more: object = {}): PlanRun {
  return new PlanRun(planOf({ steps, ...more }), LIMITS, 0);
}

/** What is handed out now: each step with those that travel with it. */
function handedOut(run: PlanRun): readonly string[] {
  const all: string[] = [];
  for (let next = run.next(0); next !== undefined; next = run.next(0)) {
    all.push([next.step.name, ...next.followers.map((follower) => follower.step.name)].join(' '));
  }
  return all;
}

describe('a chain', () => {
  const [a, b, c, d, e] = [
    step('a', 'f'),
    step('b', 'f', 'a'),
    step('c', 'f', 'b'),
    step('d', 'f', 'c'),
    step('e', 'f', 'd'),
  ];
  test.each<[string, readonly unknown[], object, readonly string[]]>([
    ['takes along steps that only feed each other', [a, b, c], {}, ['a b c']],
    ['ends where a value is a result', [a, b], { return: 'all' }, ['a']],
    ['ends where two steps need a value', [a, b, step('c', 'f', 'a')], {}, ['a']],
    ['ends before a step that needs more than is there', [a, step('b', 'f'), step('c', 'f', 'a', 'b')], {}, ['a', 'b']],
    ['is no longer than its limit', [a, b, c, d, e], {}, ['a b c d']],
    [
      'ends before a reference into a value that is there and lacks it',
      [step('g', 'f'), a, step('b', 'f', 'a', 'g.no')],
      { done: { g: { yes: 1 } } },
      ['a'],
    ],
  ])('%s', (_, steps, more, chains) => expect(handedOut(started(steps, more))).toEqual(chains));

  test.each([
    [100, ['a b']],
    [101, ['a']],
  ])('takes values along that are there and small: %i bytes', (bytes, chains) => {
    const run = started([step('g', 'f'), step('a', 'f', 'g.x'), step('b', 'f', 'a', 'g.y')]);
    expect(handedOut(run)).toEqual(['g']);
    run.done(0, 'n', { bytes, value: { x: 5, y: '$lit' } }, 0);
    expect(handedOut(run)).toEqual(chains);
  });

  test('is accounted for step by step, with the times that its nodes measured', () => {
    const run = new PlanRun(planOf([a, b, c]), LIMITS, 100);
    run.next(110);
    const trail = [
      { ms: 5, node: 'one' },
      { ms: 20, node: 'two' },
    ];
    run.passed([0, 1, 2], trail, 150);
    run.done(2, 'three', here('see'), 150);
    expect(run.reply(150)).toEqual({
      results: { c: 'see' },
      steps: [
        { fun: 'f', name: 'a', node: 'one', startedMs: 10, state: 'done', tookMs: 5 },
        { fun: 'f', name: 'b', node: 'two', startedMs: 15, state: 'done', tookMs: 20 },
        { fun: 'f', name: 'c', node: 'three', startedMs: 35, state: 'done', tookMs: 15 },
      ],
      tookMs: 50,
    });
  });

  test('that is lost leaves none of its steps as not having run', () => {
    const run = started([a, b], { onError: 'continue' });
    run.next(0);
    run.lost([0, 1], problem('link-lost', 'gone'), 0);
    expect(storyOf(run.reply(0))).toBe('a failed, b failed');
    expect(run.ended).toBe(true);
  });

  test('skips what does not depend on it because of the step that ends the plan, not of its first', () => {
    const run = started([{ ...a, onError: 'continue' }, b, step('slow', 'f'), step('last', 'f', 'slow')], {});
    run.next(0);
    run.next(0);
    run.lost([0, 1], problem('link-lost', 'gone'), 0);
    expect(storyOf(run.reply(0))).toBe('a failed, b failed, slow cancelled (b), last cancelled (b)');
    expect(run.reply(0).steps.map(({ problem }) => problem?.step)).toEqual(['a', 'b', undefined, undefined]);
  });
});

test('steps that are begun again are never said not to have run', () => {
  const plan = planOf({ onError: 'continue', steps: [step('a', 'f'), step('b', 'f', 'a'), step('c', 'f', 'b')] });
  const run = new PlanRun(plan, LIMITS, 0);
  run.next(0);
  run.again([0, 1, 2]);
  expect(handedOut(run)).toEqual(['a b c']);
  run.unchain([1, 2]);
  run.failed(0, undefined, problem('nobody-there', 'all are gone', { step: 'a' }), 0);
  expect(storyOf(run.reply(0))).toBe('a failed, b cancelled (a), c cancelled (a)');
  expect(run.reply(0).problem).toMatchObject({ code: 'nobody-there', outcome: 'unknown' });
});

describe('a value that is held elsewhere', () => {
  const steps = [step('a', 'f'), step('b', 'f', 'a.x'), step('c', 'f', 'a', { y: 'g' }), step('g', 'f')];
  function held(): PlanRun {
    const run = started(steps, { done: { g: 7 } });
    run.next(0);
    run.done(0, 'one', { heldBy: 'ONE' }, 0);
    return run;
  }

  test('is named to those who need it, with all else put in', () => {
    const run = held();
    const all = [run.next(0), run.next(0)].map((next) => [next?.step.name, next?.args, next?.inputs]);
    expect(new Set(all)).toEqual(
      new Set([
        ['b', { args: [{ $ref: 'a', path: ['x'] }] }, [{ node: 'ONE', step: 'a' }]],
        ['c', { args: [{ $ref: 'a' }, { y: { $lit: 7 } }] }, [{ node: 'ONE', step: 'a' }]],
      ]),
    );
  });

  test('and is lost is made again, once for all who need it', () => {
    const run = held();
    expect(handedOut(run).toSorted()).toEqual(['b', 'c']);
    expect(run.redo(1, 0, any)).toBe(true);
    expect(handedOut(run)).toEqual(['a']);
    expect(run.redo(2, 0, any)).toBe(true);
    expect(handedOut(run)).toEqual([]);
    run.done(0, 'two', here({ x: 1 }), 0);
    expect(handedOut(run).toSorted()).toEqual(['b', 'c']);
  });

  test('fails the step that needs it where it may not be made again', () => {
    const run = held();
    handedOut(run);
    run.failed(1, 'n', problem('value-lost', 'the value of a is gone', { step: 'b' }), 0);
    expect(run.redo(2, 0, any)).toBe(false);
    expect(storyOf(run.reply(0))).toBe('a done, b failed, c cancelled (b), g done');
  });
});

describe('a value that came of a chain, is held elsewhere, and is lost', () => {
  const steps = [step('a', 'f'), step('b', 'f', 'a'), step('c', 'f', 'b', 'e'), step('e', 'f')];
  function held(kept?: string): PlanRun {
    const run = started(steps, { onError: 'continue' });
    expect(handedOut(run).toSorted()).toEqual(['a b', 'e']);
    run.passed([0, 1], [{ ms: 1, node: 'one', ...(kept === undefined ? {} : { at: kept }) }], 0);
    run.done(1, 'two', { heldBy: 'TWO' }, 0);
    run.done(3, 'one', here('e'), 0);
    expect(handedOut(run)).toEqual(['c']);
    return run;
  }

  test('is made again from the first step whose value went by', () => {
    const run = held();
    expect(run.redo(2, 1, any)).toBe(true);
    expect(handedOut(run)).toEqual(['a b c']);
    const trail = { ms: 1, node: 'one' };
    run.passed([0, 1, 2], [trail, trail], 0);
    run.done(2, 'one', here('c'), 0);
    expect(storyOf(run.reply(0))).toBe('a done, b done, c done, e done');
    expect(run.ended).toBe(true);
  });

  test('stays lost where one of those steps may not be run again', () => {
    const run = held();
    expect(run.redo(2, 1, ({ name }) => name !== 'a')).toBe(false);
    run.failed(2, 'n', problem('value-lost', 'the value of b is gone', { step: 'c' }), 0);
    expect(storyOf(run.reply(0))).toBe('a done, b done, c failed, e done');
  });

  test('is made from the value before it where that was kept; and that, too, can be made again', () => {
    const run = held('ONE');
    expect(run.redo(2, 1, any)).toBe(true);
    expect(run.next(0)).toMatchObject({ args: { args: [{ $ref: 'a' }] }, inputs: [{ node: 'ONE', step: 'a' }] });
    run.unchain([2]);
    expect(run.redo(1, 0, any)).toBe(true);
    expect(handedOut(run)).toEqual(['a b c']);
  });

  test('is waited for by a chain that is begun again meanwhile', () => {
    const run = held();
    expect(run.redo(2, 1, any)).toBe(true);
    run.again([2]);
    expect(handedOut(run)).toEqual(['a b c']);
  });
});

test('arguments that are put together in two places are those of one', () => {
  const leaf = fc.oneof(fc.constantFrom('a', 'a.x', 'b', 'b.0', 'c', 'other', 7, null), fc.constant({ $lit: 'a' }));
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => {
    const inner = tie('tree');
    const list = fc.array(inner, { maxLength: 3 });
    return { tree: fc.oneof({ maxDepth: 3 }, leaf, list, fc.dictionary(fc.constantFrom('p', 'q'), inner)) };
  });
  const values = new Map<string, unknown>([
    ['a', { $ref: 'b', x: 'a' }],
    ['b', ['b', 1]],
    ['c', { $lit: 'c' }],
  ]);
  const names = new Set(values.keys());
  fc.assert(
    fc.property(tree, fc.subarray([...names]), (value, first) => {
      const early = new Map([...values].filter(([name]) => first.includes(name)));
      const bound = bind(value, 'args', early, names, 'strings');
      const late = bound.ok ? substitute(bound.value, 'args', values, names, 'explicit') : bound;
      expect(late).toEqual(substitute(value, 'args', values, names, 'strings'));
    }),
  );
});

test('held values take no more than their limit, and are gone with their plan, or with its node', () => {
  const held = new HeldValues({
    options: { ...DEFAULT_CALLS, heldBytesMax: 20 },
    name: () => 'ME',
    payload: sized,
    self: 'me',
  });
  const put = (at: string, plan: number, name: string, text: string, fetched = false) =>
    held.put({ at, plan, step: name }, sized(text), fetched)?.code;
  expect(put('d', 1, 'a', 'eight.')).toBeUndefined();
  expect(put('d', 1, 'b', 'eight.', true)).toBeUndefined();
  expect(put('d', 2, 'a', 'eight.')).toBe('limit-exceeded');
  expect(put('d', 1, 'b', 'and twelve', true)).toBeUndefined();
  expect([held.count, held.isFor('d'), held.isFor('e')]).toEqual([2, true, false]);
  held.drop('d', 1, true);
  expect([held.count, held.get({ at: 'd', plan: 1, step: 'b' })]).toEqual([1, undefined]);
  expect(put('e', 1, 'a', 'twelve now')).toBeUndefined();
  held.dropAll('d');
  expect([held.count, held.isFor('d'), held.isFor('e')]).toEqual([1, false, true]);
  held.drop('e', 1);
  expect(put('e', 9, 'all of it', 'twenty is a lot...')).toBeUndefined();
});
