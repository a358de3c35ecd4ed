import { expect, test } from 'vitest';
import { functionRecord } from '../../src/engine/sim/faults.ts';
import type { StepTerms } from '../../src/engine/sim/scenario.ts';
import { type CountedNode, carriersOf, costOf } from './message-count.ts';

const NODES: readonly CountedNode[] = [
  { functions: [], name: 'front' },
  { functions: [functionRecord('alpha')], name: 'a' },
  { functions: [functionRecord('beta'), functionRecord('bulk')], name: 'b' },
];
const ASKED = { atMs: 0, node: 0, timeoutMs: 0 };
const TERMS = { idempotent: false, locs: [] };

test('a call of a function on another node takes one message there and one back', () => {
  const cost = costOf(NODES, { ...ASKED, ...TERMS, args: ['x'], fun: 'alpha', kind: 'call' });
  expect(cost.answer).toMatchObject({ by: 'a', kind: 'result' });
  expect(cost.between.map(({ from, to, kind }) => `${from} ${kind} ${to}`)).toEqual(['front call a', 'a result front']);
  expect(cost.messages.map(({ from, to }) => `${from} ${to}`)).toEqual([
    'client front',
    'front a',
    'a front',
    'front client',
  ]);
  expect(cost.answeredMs).toBeGreaterThan(0);
});

test('a call of a function on the node that is asked takes none between nodes', () => {
  const cost = costOf(NODES, { ...ASKED, ...TERMS, args: ['x'], fun: 'alpha', kind: 'call', node: 1 });
  expect(cost.answer).toMatchObject({ by: 'a', kind: 'result' });
  expect(cost.between).toEqual([]);
});

test('a plan is counted step by step, and who carried large values is known', () => {
  const steps: StepTerms[] = [
    { ...TERMS, args: ['x'], fun: 'alpha', name: 'first' },
    { ...TERMS, args: [100_000, 'first'], fun: 'bulk', name: 'second' },
  ];
  const cost = costOf(NODES, { ...ASKED, kind: 'plan', steps });
  const value = cost.answer?.kind === 'result' ? cost.answer.payload.value() : undefined;
  expect(value).toMatchObject({ value: { results: { second: { bulkBytes: 100_000, x: 'x' } } } });
  expect(cost.between.length).toBeGreaterThanOrEqual(3);
  expect([...carriersOf(cost)].sort()).toEqual(['b', 'front']);
  expect([...carriersOf(cost, 1_000_000)]).toEqual([]);
});
