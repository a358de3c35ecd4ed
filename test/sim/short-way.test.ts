/** What the values of plans cost on the wire, in a quiet world: the node that is asked has no functions unless a test says so. */
import { describe, expect, test } from 'vitest';
import type { PlanReply } from '../../src/engine/core/calls/messages.ts';
import { functionRecord } from '../../src/engine/sim/faults.ts';
import type { PlanEvent, StepTerms } from '../../src/engine/sim/scenario.ts';
import { type Cost, type CountedNode, carriersOf, costOf, type Sent } from './message-count.ts';

const FUNCTIONS = ['bulk', 'count', 'echo', 'flaky', 'sleep'].map((name) => functionRecord(name));
const worker = (name: string): CountedNode => ({ functions: FUNCTIONS, name, resources: [name] });
const WORKERS = ['a', 'b', 'c'].map(worker);
const FRONT: CountedNode = { functions: [], name: 'front' };

/** A step that runs on the node with that resource. */
function on(
  node: string,
  name: string,
  fun: string,
  args: readonly unknown[],
  more: Partial<StepTerms> = {},
): StepTerms {
  return { args, fun, idempotent: false, locs: [node], name, ...more };
}

function run(steps: readonly StepTerms[], front = FRONT, more: Partial<PlanEvent> = {}): Cost {
  return costOf([front, ...WORKERS], { atMs: 0, kind: 'plan', node: 0, steps, timeoutMs: 0, ...more });
}

function replyOf({ answer }: Cost): PlanReply {
  const value = answer?.kind === 'result' ? answer.payload.value() : undefined;
  if (!value?.ok) throw new Error(`no reply: ${JSON.stringify(answer)}`);
  return value.value as PlanReply;
}

/** Steps that each need the one before, on two nodes in turn. */
function chain(length: number, more: Partial<StepTerms> = {}): readonly StepTerms[] {
  const at = (i: number) => (i % 2 === 0 ? 'a' : 'b');
  return Array.from({ length }, (_, i) => on(at(i), `s${i}`, 'echo', [i === 0 ? 'x' : `s${i - 1}`], more));
}

const kindsOf = (messages: readonly Sent[]) => new Set(messages.map(({ kind }) => kind));
const fetchesBy = ({ between }: Cost, name: string) =>
  between.filter(({ bytes, to }) => to === name && bytes >= 64 * 1024).map(({ from }) => from);

describe('a chain', () => {
  test.each([
    ['', {}],
    [' that says which versions it wants', { version: '^1.0.0' }],
    [' whose steps may be tried again', { idempotent: true, retries: 3 }],
  ])('of N steps on different nodes%s takes N + 1 messages between nodes, N + 3 in all', (_, more) => {
    for (const length of [2, 10, 50]) {
      const cost = run(chain(length, more));
      expect(replyOf(cost).results).toEqual({ [`s${length - 1}`]: 'x' });
      expect(replyOf(cost).steps.map(({ node }) => node)).toEqual(chain(length).map(({ locs }) => locs[0]));
      expect(cost.between.length).toBe(length + 1);
      expect(cost.messages.length).toBe(length + 3);
      expect(kindsOf(cost.between)).toEqual(new Set(['call', 'result']));
      expect(cost.held).toBe(0);
    }
  });

  test('that is longer than may travel at once comes back once for each part of it', () => {
    const cost = run(chain(130));
    expect(replyOf(cost).results).toEqual({ s129: 'x' });
    expect(cost.between.length).toBe(130 + 3);
  });

  test('whose steps are tried again where they are takes no further calls', () => {
    const steps = chain(9).map((step) => ({
      ...step,
      args: [0.4, ...step.args],
      fun: 'flaky',
      idempotent: true,
      retries: 50,
    }));
    const cost = run(steps);
    expect(replyOf(cost).results).toEqual({ s8: 'x' });
    expect(cost.between.filter(({ kind }) => kind === 'call' || kind === 'result').length).toBe(10);
    expect(cost.between.length).toBeGreaterThan(10); // it was tried again: whoever has it for long says so
  });

  test('all on one node takes two messages, and one on the node that is asked none', () => {
    const here = chain(10).map((step) => ({ ...step, locs: ['a'] }));
    expect(run(here).between.map(({ from, to }) => `${from} ${to}`)).toEqual(['front a', 'a front']);
    const own = chain(10).map((step) => ({ ...step, locs: ['front'] }));
    expect(run(own, worker('front')).between).toEqual([]);
  });
});

describe('a large value that is no result never passes through the node that is asked', () => {
  const big = (node: string, name: string) => on(node, name, 'bulk', [100_000, 'x']);
  test.each<[string, readonly StepTerms[], Readonly<Record<string, unknown>>]>([
    [
      'in a chain',
      [big('a', 's0'), on('b', 's1', 'echo', ['s0']), on('c', 's2', 'echo', ['s1']), on('a', 's3', 'count', ['s2', 1])],
      { s3: 2 },
    ],
    [
      'in a diamond',
      [big('a', 's'), on('b', 'l', 'echo', ['s']), on('c', 'r', 'echo', ['s']), on('a', 'join', 'count', ['l', 'r'])],
      { join: 2 },
    ],
    [
      'in a fan that is joined on a node that made none of it',
      [big('a', 'p'), big('b', 'q'), big('a', 'r'), big('b', 's'), on('c', 'join', 'count', ['p', 'q', 'r', 's'])],
      { join: 4 },
    ],
    [
      'in a fan that is joined on a node that made half of it',
      [big('a', 'p'), big('b', 'q'), big('a', 'r'), big('b', 's'), on('b', 'join', 'count', ['p', 'q', 'r', 's'])],
      { join: 4 },
    ],
    [
      'where a chain begins with values that are held, and goes on',
      [
        big('a', 'p'),
        big('b', 'q'),
        on('c', 'l', 'count', ['p', 'q']),
        on('a', 'm', 'echo', ['l']),
        on('b', 'n', 'count', ['m']),
      ],
      { n: 1 },
    ],
    [
      'where a chain ends in a value that others need',
      [
        on('a', 's', 'echo', ['x']),
        on('b', 't', 'bulk', [100_000, 's']),
        on('a', 'u', 'count', ['t']),
        on('c', 'v', 'count', ['t', 't']),
      ],
      { u: 1, v: 2 },
    ],
  ])('%s', (_, steps, results) => {
    const cost = run(steps);
    expect(replyOf(cost)).toMatchObject({ results });
    expect(replyOf(cost).problem).toBeUndefined();
    expect(carriersOf(cost).size).toBeGreaterThan(1);
    expect(carriersOf(cost)).not.toContain('front');
    expect(cost.held).toBe(0);
  });

  test('but for a step that the node itself runs, or a result', () => {
    const steps = [big('a', 's'), on('b', 'l', 'count', ['s']), on('front', 'own', 'count', ['s'])];
    const cost = run(steps, worker('front'));
    expect(replyOf(cost).results).toEqual({ l: 1, own: 1 });
    expect(fetchesBy(cost, 'front')).toEqual(['a']);
    const result = run([big('a', 's'), on('b', 'l', 'echo', ['s'])]);
    expect(fetchesBy(result, 'b')).toEqual(['a']);
    expect(fetchesBy(result, 'front')).toEqual(['b']);
    expect([cost.held, result.held]).toEqual([0, 0]);
  });

  test('and a small one is not held: it comes with the answer', () => {
    const cost = run([on('a', 's', 'bulk', [60_000, 'x']), on('b', 'l', 'count', ['s']), on('c', 'r', 'count', ['s'])]);
    expect(replyOf(cost).results).toEqual({ l: 1, r: 1 });
    expect(kindsOf(cost.between)).toEqual(new Set(['call', 'result']));
    expect(cost.between.length).toBe(6);
  });
});

describe('a node fetches a value once', () => {
  const made = on('a', 's', 'bulk', [100_000, 'x']);

  test('for all steps that need it at the same time', () => {
    const users = Array.from({ length: 9 }, (_, i) => on('b', `u${i}`, 'count', ['s', i]));
    const cost = run([made, ...users, on('c', 'v', 'count', ['s'])]);
    expect(Object.keys(replyOf(cost).results).length).toBe(10);
    expect([fetchesBy(cost, 'b'), fetchesBy(cost, 'c')]).toEqual([['a'], ['a']]);
    expect(cost.held).toBe(0);
  });

  test('for those that come later, too', () => {
    const steps = [
      made,
      on('b', 'early', 'count', ['s']),
      on('c', 'slow', 'sleep', [700, 'slept']),
      on('b', 'late', 'count', ['s', 'slow']),
    ];
    const cost = run(steps);
    expect(replyOf(cost).results).toEqual({ early: 1, late: 2 });
    expect(fetchesBy(cost, 'b')).toEqual(['a']);
  });

  test('also where the first that needed it has been handed on', () => {
    const steps = [
      made,
      on('b', 'early', 'count', ['s']),
      on('c', 'onward', 'echo', ['early']),
      on('c', 'slow', 'sleep', [700, 'slept']),
      on('b', 'late', 'count', ['s', 'slow']),
    ];
    const cost = run(steps);
    expect(replyOf(cost).results).toEqual({ late: 2, onward: 1 });
    expect(fetchesBy(cost, 'b')).toEqual(['a']);
    expect(cost.held).toBe(0);
  });
});

test('a long chain whose steps are all too short to be told of is not taken for lost', () => {
  const steps = chain(64).map((step) => ({ ...step, args: [95, ...step.args], fun: 'sleep' }));
  const cost = run(steps);
  expect(replyOf(cost).problem).toBeUndefined();
  expect(replyOf(cost).results).toEqual({ s63: 'x' });
  expect(cost.answeredMs).toBeGreaterThan(6_000);
});
