import { describe, expect, test } from 'vitest';
import { problem } from '../../../src/engine/core/base/problems.ts';
import { PlanRun } from '../../../src/engine/core/calls/plan-run.ts';
import { ALONE, here, planOf, runPlan, storyOf } from './plans.ts';
import { cpuMs } from './values.ts';

const step = (name: string, fun: string, ...args: unknown[]) => ({ args, fun, name });
const first = step('|first', 'echo', 'hi there!');
const second = step('|second', 'echo', '|first');

describe('the examples that must hold as they stand', () => {
  test.each<[string, unknown, unknown]>([
    ['one step', [step('first', 'echo', 'hi there!')], { first: 'hi there!' }],
    [
      'a value that is used twice',
      [first, second, step('|third', 'echos', '|first', 'AND ME TOO')],
      { '|second': 'hi there!', '|third': ['hi there!', 'AND ME TOO'] },
    ],
    [
      'values of two steps',
      [first, second, step('|third', 'echos', '|first', '|second', 'AND ME TOO')],
      { '|third': ['hi there!', 'hi there!', 'AND ME TOO'] },
    ],
    [
      'a list that is passed on whole',
      [first, second, step('|third', 'echos', '|first', '|second', 'AND ME TOO'), step('|4th', 'echo', '|third')],
      { '|4th': ['hi there!', 'hi there!', 'AND ME TOO'] },
    ],
  ])('%s', (_, plan, results) => {
    expect(runPlan(plan).reply.results).toEqual(results);
  });
});

describe('a plan that runs', () => {
  test('does not ask in which order its steps are written', () => {
    const { order, reply } = runPlan([step('c', 'echos', 'b', 'a'), step('b', 'echo', 'a'), step('a', 'echo', 7)]);
    expect(order).toEqual(['a', 'b', 'c']);
    expect(reply.results).toEqual({ c: [7, 7] });
  });

  test('starts a step as soon as its own inputs are there, whatever else is under way', () => {
    const run = new PlanRun(planOf([step('slow', 'echo', 1), step('a', 'echo', 2), step('b', 'echo', 'a')]), ALONE, 0);
    const handedOut = () => run.next(0)?.step.name;
    expect([handedOut(), handedOut(), handedOut()]).toEqual(['slow', 'a', undefined]);
    run.done(1, 'n', here(2), 0);
    expect([handedOut(), handedOut()]).toEqual(['b', undefined]);
  });

  test('passes named arguments on, with their references put in', () => {
    const plan = [step('a', 'echo', { x: 5 }), { fun: 'named', kwargs: { five: 'a.x', plain: 'b' }, name: 'n' }];
    expect(runPlan(plan).reply.results).toEqual({ n: { five: 5, plain: 'b' } });
  });

  test('takes all named arguments from one value, which must be an object', () => {
    const with_ = (value: unknown) => [step('a', 'echo', value), { fun: 'named', kwargs: { $ref: 'a' }, name: 'n' }];
    expect(runPlan(with_({ $lit: { x: 1 } })).reply.results).toEqual({ n: { x: 1 } });
    expect(runPlan(with_([1, 2])).reply.problem).toEqual(
      problem('reference-missing', 'steps[1].kwargs must be an object, and the reference there leads to a list of 2', {
        path: 'steps[1].kwargs',
        step: 'n',
      }),
    );
  });

  test('keeps the types of values', () => {
    const value = { bytes: new Uint8Array([1]), date: new Date(7), map: new Map([[1, 2]]), nan: Number.NaN, big: 5n };
    const { results } = runPlan([step('a', 'echo', { $lit: value }), step('b', 'echo', 'a')]).reply;
    expect(results['b']).toBe(value);
  });

  test('tells when each step started and how long it took', () => {
    const run = new PlanRun(planOf([step('a', 'echo', 1), step('b', 'echo', 'a')]), ALONE, 100);
    run.next(130);
    run.done(0, 'one', here(1), 150);
    run.next(150);
    run.done(1, 'two', here(1), 175);
    expect(run.reply(180)).toEqual({
      results: { b: 1 },
      steps: [
        { fun: 'echo', name: 'a', node: 'one', startedMs: 30, state: 'done', tookMs: 20 },
        { fun: 'echo', name: 'b', node: 'two', startedMs: 50, state: 'done', tookMs: 25 },
      ],
      tookMs: 80,
    });
  });

  test('hears each outcome once: what comes later changes nothing', () => {
    const run = new PlanRun(planOf([step('a', 'echo', 1)]), ALONE, 0);
    run.next(0);
    run.done(0, 'n', here('the first'), 0);
    run.done(0, 'n', here('the second'), 0);
    run.failed(0, 'n', problem('function-failed', 'too late'), 0);
    run.stop(problem('cancelled', 'too late'), 0);
    expect(run.reply(0).problem).toBeUndefined();
    expect(run.reply(0).results).toEqual({ a: 'the first' });
    expect(storyOf(run.reply(0))).toBe('a done');
  });
});

describe('when a step fails', () => {
  const failing = (onError: 'fail' | 'continue') => ({
    onError,
    return: 'all',
    steps: [
      step('bad', 'fail', 'no'),
      step('after', 'echo', 'bad'),
      step('behind', 'echo', 'after.x'),
      step('alone', 'echo', 3),
      step('later', 'echo', 'alone'),
    ],
  });

  test('the plan stops by default: what runs is cancelled, what waits is skipped', () => {
    const { reply, order } = runPlan(failing('fail'));
    expect(order).toEqual(['bad', 'alone']);
    expect(storyOf(reply)).toBe(
      'bad failed, after skipped (bad), behind skipped (bad), alone cancelled (bad), later skipped (bad)',
    );
    expect(reply.results).toEqual({});
    expect(reply.problem).toMatchObject({ code: 'function-failed', message: 'no', step: 'bad' });
  });

  test('with "continue" every branch goes on that does not need its value', () => {
    const { reply } = runPlan(failing('continue'));
    expect(storyOf(reply)).toBe('bad failed, after skipped (bad), behind skipped (bad), alone done, later done');
    expect(reply.results).toEqual({ alone: 3, later: 3 });
    expect(reply.problem).toMatchObject({ step: 'bad' });
  });

  test('a step may have its own word on that', () => {
    const steps = [
      { ...step('tolerated', 'fail', 1), onError: 'continue' },
      step('a', 'echo', 1),
      step('fatal', 'fail', 'a'),
    ];
    const { reply } = runPlan([...steps, step('b', 'echo', 'fatal')]);
    expect(storyOf(reply)).toBe('tolerated failed, a done, fatal failed, b skipped (fatal)');
    expect(reply.problem).toMatchObject({ step: 'tolerated' });
  });

  test('a reference that leads nowhere fails its step before it is handed out', () => {
    const { reply, order } = runPlan({
      onError: 'continue',
      steps: [step('a', 'echo', { x: 1 }), step('b', 'echo', 'a.y'), step('c', 'echo', 'b'), step('d', 'echo', 'a.x')],
    });
    expect(order).toEqual(['a', 'd']);
    expect(storyOf(reply)).toBe('a done, b failed, c skipped (b), d done');
    expect(reply.steps[1]?.problem).toMatchObject({ code: 'reference-missing', path: 'steps[1].args[0]', step: 'b' });
  });

  test('a value that nobody could get is not among the results', () => {
    const { reply } = runPlan({
      onError: 'continue',
      return: ['b', 'a'],
      steps: [step('a', 'echo', 1), step('b', 'fail')],
    });
    expect(reply.results).toEqual({ a: 1 });
  });

  test('a plan that is stopped from outside says so, whatever failed in it before', () => {
    const plan = planOf({ onError: 'continue', steps: [step('a', 'fail'), step('b', 'echo', 1)] });
    const run = new PlanRun(plan, ALONE, 0);
    run.next(0);
    run.next(0);
    run.failed(0, 'n', problem('function-failed', 'why not'), 3);
    run.stop(problem('timed-out', 'the plan did not end in time'), 9);
    expect(run.reply(9).problem).toEqual(problem('timed-out', 'the plan did not end in time'));
    expect(storyOf(run.reply(9))).toBe('a failed, b cancelled');
  });

  test('a plan that is stopped from outside names no step as the cause', () => {
    const run = new PlanRun(planOf([step('a', 'echo', 1), step('b', 'echo', 'a')]), ALONE, 0);
    run.next(0);
    run.stop(problem('timed-out', 'the plan did not end in time'), 9);
    expect(run.ended).toBe(true);
    expect(run.next(9)).toBeUndefined();
    expect(storyOf(run.reply(9))).toBe('a cancelled, b skipped');
  });
});

describe('large plans end without a deep stack or quadratic time:', () => {
  const N = 10_000;
  const names = Array.from({ length: N }, (_, i) => `s${i}`);

  test.each<[string, () => unknown, number, unknown]>([
    ['10,000 steps that need nothing', () => names.map((name, i) => step(name, 'echo', i)), N, { s9999: 9999 }],
    [
      'a chain of 10,000',
      () => names.map((name, i) => step(name, 'echo', i === 0 ? 'the start' : `s${i - 1}`)).reverse(),
      1,
      { s9999: 'the start' },
    ],
    [
      'one step that needs 10,000 others',
      () => [...names.map((n, i) => step(n, 'echo', i)), step('all', 'echos', ...names)],
      1,
      {},
    ],
    [
      '10,000 steps that need one',
      () => names.map((name, i) => step(name, 'echo', i === 0 ? 7 : 's0')),
      N - 1,
      { s9999: 7 },
    ],
  ])('%s', (_, document, count, some) => {
    const started = cpuMs();
    const { reply } = runPlan(document());
    expect(cpuMs() - started).toBeLessThan(5_000);
    expect(Object.keys(reply.results)).toHaveLength(count);
    expect(reply.results).toMatchObject(some as object);
  });

  test('99,999 steps that are skipped because of one', () => {
    const steps = Array.from({ length: 99_999 }, (_, i) => step(`s${i}`, 'echo', 'bad'));
    const { reply } = runPlan({ onError: 'continue', steps: [step('bad', 'fail'), ...steps] });
    expect(reply.steps.filter(({ state, because }) => state === 'skipped' && because === 'bad')).toHaveLength(99_999);
  });
});
