/** Plans as JSON: what the tags of values and the plan's own words mean where they meet. */
import { describe, expect, test } from 'vitest';
import { DEFAULT_CALLS } from '../../src/engine/core/calls/options.ts';
import { readPlan } from '../../src/engine/core/calls/plan.ts';
import { PlanRun } from '../../src/engine/core/calls/plan-run.ts';
import { planFromJson, planToJson } from '../../src/engine/wire/plan-json.ts';

const step = (name: string, ...args: unknown[]) => ({ args, fun: 'echo', name });

test('the document is what its JSON says, and `done` holds values', () => {
  const date = { $date: '2026-01-01T00:00:00.000Z' };
  const { document, misfits } = planFromJson({
    done: { a: { $lit: date }, b: [{ $bytes: 'AQI=' }] },
    steps: [step('a', date, { $lit: date }, { $ref: 'b' }, { $mine: { $lit: 'x' } }), step('b', { $number: 'NaN' })],
  });
  expect(misfits).toEqual([]);
  expect(document).toEqual({
    done: { a: date, b: [new Uint8Array([1, 2])] },
    steps: [
      step('a', new Date(date.$date), { $lit: date }, { $ref: 'b' }, { $mine: { $lit: 'x' } }),
      step('b', Number.NaN),
    ],
  });
});

test('everything that means nothing is found, with its place', () => {
  const bad = { $date: 'soon' };
  const { document, misfits } = planFromJson({
    done: { 'a b': [1, bad] },
    steps: [step('a', [bad, { $bigint: 'x' }])],
  });
  expect(misfits.map((misfit) => misfit.pathFrom(''))).toEqual([
    '.done["a b"][1]',
    '.steps[0].args[0][0]',
    '.steps[0].args[0][1]',
  ]);
  expect(document).toEqual({ done: { 'a b': null }, steps: [step('a', [null, null])] });
});

describe('a plan that is written as JSON', () => {
  test('refuses what JSON has no form for, with its place', () => {
    const written = (arg: unknown) => () => planToJson([step('a', 1, arg)]);
    expect(written({ $lit: new Uint8Array(1) })).toThrow('nothing but "$lit"');
    expect(written({ $bytes: 'AQI=' })).toThrow('nothing but "$bytes"');
    try {
      written([{ x: { $set: [] } }])();
    } catch (error) {
      expect((error as { pathFrom(root: string): string }).pathFrom('steps')).toBe('steps[0].args[1][0].x');
    }
  });

  test('gives every step the arguments that it would have had', () => {
    const document = { done: { a: { $ref: 'a' } }, steps: [step('a'), step('b', 'a', new Date(7), { $lit: 'a' }, 7n)] };
    const argsOf = (plan: unknown) => {
      const read = readPlan(plan, DEFAULT_CALLS);
      return read.ok ? new PlanRun(read.value, DEFAULT_CALLS, 0).next(0)?.args : read.problem;
    };
    const again: unknown = JSON.parse(JSON.stringify(planToJson(document)));
    expect(argsOf(planFromJson(again).document)).toEqual({ args: [{ $ref: 'a' }, new Date(7), 'a', 7n] });
    expect(argsOf(document)).toEqual({ args: [{ $ref: 'a' }, new Date(7), 'a', 7n] });
  });
});
