import { describe, expect, test } from 'vitest';
import { done } from '../../../src/engine/core/base/outcome.ts';
import type { Payload } from '../../../src/engine/core/base/payload.ts';
import { Prng } from '../../../src/engine/core/base/prng.ts';
import { Calls } from '../../../src/engine/core/calls/calls.ts';
import type { Arguments, PlanReply } from '../../../src/engine/core/calls/messages.ts';
import { type CallsOptions, DEFAULT_CALLS } from '../../../src/engine/core/calls/options.ts';
import { PlanRun } from '../../../src/engine/core/calls/plan-run.ts';
import { TestPlaces } from './places.ts';
import { ALONE, FUNCTIONS, here, planOf, runPlan, storyOf } from './plans.ts';
import { plain } from './values.ts';

const step = (name: string, fun: string, ...args: unknown[]) => ({ args, fun, name });
const STEPS = [
  step('a', 'echo', { x: 5 }),
  step('b', 'echo', 'a.x'),
  step('c', 'flaky', 'b'),
  step('d', 'echos', 'c', 'a'),
];
const flaky = { ...FUNCTIONS, flaky: ([value]: readonly unknown[]) => (value as number) * 10 };
const FAILING = { ...FUNCTIONS, flaky: FUNCTIONS['fail'] ?? (() => 0) };

/** A payload of a text that takes as many bytes as it has characters. */
const sized = (value: unknown): Payload => ({ ...plain(value), size: String(value).length });

/** Runs a plan on one node, where `here` returns its first argument at once. */
function runHere(document: object, options: Partial<CallsOptions>): PlanReply | undefined {
  const places = new TestPlaces();
  places.offer('self', 'here');
  const all = { ...DEFAULT_CALLS, ...options };
  const name = () => 'self';
  const calls = new Calls({
    address: () => '',
    name,
    options: all,
    payload: sized,
    places,
    prng: new Prng(1),
    self: 'self',
  });
  calls.request({ link: 1 }, { id: 1, kind: 'plan', payload: plain(document), timeoutMs: 0 }, 0);
  for (let effects = calls.drain(); effects.length > 0; effects = calls.drain()) {
    for (const effect of effects) {
      const args = effect.kind === 'run' ? effect.payload.value() : undefined;
      if (effect.kind === 'run' && args?.ok) calls.ran(effect.task, done(sized((args.value as Arguments).args[0])), 0);
      const answer =
        effect.kind === 'answer' && effect.message.kind === 'result' ? effect.message.payload.value() : undefined;
      if (answer?.ok) return answer.value as PlanReply;
    }
  }
  return undefined;
}

describe('values that are given beforehand', () => {
  test('stand for their steps, which are not run, and may be results', () => {
    const { order, reply } = runPlan({ done: { a: { x: 5 }, b: 5 }, return: ['b', 'd'], steps: STEPS }, flaky);
    expect(order).toEqual(['c', 'd']);
    expect(reply.results).toEqual({ b: 5, d: [50, { x: 5 }] });
    expect(reply.steps.map(({ name, reused, node }) => [name, reused, node])).toEqual([
      ['a', true, undefined],
      ['b', true, undefined],
      ['c', undefined, 'here'],
      ['d', undefined, 'here'],
    ]);
  });

  test('may be all: then nothing runs', () => {
    const { order, reply } = runPlan({ done: { a: undefined }, steps: [step('a', 'echo', 1)] });
    expect([order, reply.results]).toEqual([[], { a: undefined }]);
    expect(storyOf(reply)).toBe('a done');
  });

  test('are values: what looks like a reference in them is none', () => {
    const { reply } = runPlan({
      done: { a: ['b', { $ref: 'b' }] },
      steps: [step('b', 'echo', 'a'), step('a', 'echo')],
    });
    expect(reply.results).toEqual({ b: ['b', { $ref: 'b' }] });
  });

  test('do not keep a step from running that only they needed', () => {
    expect(runPlan({ done: { b: 5 }, steps: STEPS }, flaky).order).toEqual(['a', 'c', 'd']);
  });
});

describe('a resumable plan that failed', () => {
  const failing = { onError: 'fail', resumable: true, return: ['b', 'd'], steps: STEPS };

  test('gives the values of all its steps that are done: the results, and beside them the others', () => {
    const { reply } = runPlan(failing, FAILING);
    expect(reply.results).toEqual({ b: 5 });
    expect(reply.values).toEqual({ a: { x: 5 } });
  });

  test('goes on from them, whichever step failed, and gives what it gives when nothing fails', () => {
    for (const bad of STEPS) {
      const broken = { ...failing, steps: STEPS.map((one) => (one === bad ? { ...one, fun: 'fail' } : one)) };
      const first = runPlan(broken, flaky);
      const again = runPlan({ ...failing, done: { ...first.reply.values, ...first.reply.results } }, flaky);
      expect(again.reply.results).toEqual(runPlan(failing, flaky).reply.results);
      expect([...first.order.filter((name) => name !== bad.name), ...again.order].toSorted()).toEqual([
        'a',
        'b',
        'c',
        'd',
      ]);
      expect(again.reply.values).toBeUndefined();
    }
  });

  test('gives values that were given beforehand once more', () => {
    const { reply } = runPlan({ ...failing, done: { a: { x: 7 } } }, FAILING);
    expect(storyOf(reply)).toBe('a done, b done, c failed, d skipped (c)');
    expect(reply.values).toEqual({ a: { x: 7 } });
  });

  test('gives them also when it is stopped', () => {
    const run = new PlanRun(planOf(failing), ALONE, 0);
    run.next(0);
    run.done(0, 'n', here({ x: 5 }), 0);
    run.next(0);
    run.stop({ code: 'timed-out', message: 'too late' }, 0);
    expect(run.reply(0).values).toEqual({ a: { x: 5 } });
  });

  test('leaves out those that do not fit, where the results come first', () => {
    const run = new PlanRun(planOf(failing), ALONE, 0);
    for (const [index, value] of [{ x: 5 }, 'long', 3].entries()) {
      run.next(0);
      if (index < 2) run.done(index, 'n', here(value), 0);
    }
    run.stop({ code: 'timed-out', message: 'too late' }, 0);
    const asked: unknown[] = [];
    const reply: PlanReply = run.reply(0, (value) => asked.push(value) < 2);
    expect(asked).toEqual(['long', { x: 5 }]);
    expect([reply.results, reply.values]).toEqual([{ b: 'long' }, {}]);
  });

  test('is not one unless it says so', () => {
    const { reply } = runPlan({ ...failing, resumable: false }, FAILING);
    expect([reply.problem?.step, reply.values]).toEqual(['c', undefined]);
  });

  test('holds no more bytes of values than the limit, the results counted', () => {
    const texts = { a: 'x'.repeat(30), b: 'y'.repeat(60), c: 'z'.repeat(20) };
    const steps = Object.entries(texts).map(([name, text]) => step(name, 'here', text));
    const plan = { onError: 'continue', resumable: true, return: ['c'], steps: [...steps, step('d', 'nobody has it')] };
    const names = (values: object | undefined) => Object.keys(values ?? {});
    const of = (resumeBytesMax: number) => names(runHere(plan, { resumeBytesMax })?.values);
    expect([of(110), of(109), of(50), of(49), of(0)]).toEqual([['a', 'b'], ['a'], ['a'], [], []]);
    expect(names(runHere(plan, { resumeBytesMax: 0 })?.results)).toEqual(['c']);
  });
});
