/** The benchmarks' workloads: three readings of each, which must come to the same. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { FUNS, functionsOf, type Place, runnerOf } from '../../bench/plans/functions.ts';
import { answerOf, argumentOf, encoded } from '../../bench/plans/payloads.ts';
import { atHome, inTurn, planOf, WORKLOADS } from '../../bench/plans/workloads.ts';
import { type Client, connect, createNode, type MpregNode } from '../../src/engine/index.ts';
import { soon } from '../soon.ts';

const nodes: MpregNode[] = [];
let client: Client;

/** Two places, and a coordinator that has none of the functions. */
beforeAll(async () => {
  for (const name of ['a', 'b', 'coordinator']) {
    const functions = functionsOf(name as Place);
    const inline = name === 'coordinator' ? [] : FUNS.map((fun) => ({ name: fun, run: functions[fun] }));
    const peers = nodes.map(({ url }) => url);
    nodes.push(await createNode({ discover: false, inline, name, peers, resources: [name] }));
  }
  client = await connect({ reconnect: false, urls: [nodes[2]?.url ?? ''] });
  const digests = async () => (await client.functions()).filter(({ name }) => name === 'digest').length;
  await vi.waitUntil(async () => (await digests()) === 2, soon);
});

afterAll(async () => {
  await client?.close();
  await Promise.all(nodes.map((node) => node.kill()));
});

test.each(WORKLOADS)(
  '%s: a plan on two nodes, calls in turn and one process give the same answer',
  async (workload) => {
    const places = { a: runnerOf('a'), b: runnerOf('b') };
    const calls: string[] = [];
    // As a peer does it that carries bytes.
    const turns = inTurn(async (place, fun, argument) => {
      calls.push(`${place} ${fun}`);
      const given = argumentOf(fun, encoded(argument));
      return answerOf(fun, encoded(places[place](fun, given)));
    });
    for (const seed of [0, 5]) {
      calls.length = 0;
      const answer = atHome(workload, seed);
      expect(await turns(workload, seed)).toBe(answer);
      const reply = await client.run(planOf(workload, seed));
      expect(reply.problem).toBeUndefined();
      expect(Object.values(reply.results)).toEqual([answer]);
      expect(reply.steps.map(({ node }) => node)).toEqual(calls.map((call) => call[0]));
    }
    expect(atHome(workload, 0)).not.toBe(atHome(workload, 5));
  },
);

test('the workloads are a chain of ten, forty-nine and a join, and eight with a mebibyte', () => {
  const funs = (workload: (typeof WORKLOADS)[number]) =>
    (planOf(workload, 1) as readonly { readonly fun: string }[]).map(({ fun }) => fun);
  expect(funs('chain')).toEqual(Array(10).fill('step'));
  expect(funs('fan')).toEqual([...Array(49).fill('step'), 'join']);
  expect(funs('megabyte')).toEqual(['make', ...Array(6).fill('change'), 'digest']);
  expect(functionsOf('a').make(1).length).toBe(1_048_576);
});

test('an answer shows where each step ran, and a changed byte never changes what it was made of', () => {
  const [a, b] = [functionsOf('a'), functionsOf('b')];
  expect(a.step(b.step(4))).not.toBe(b.step(a.step(4)));
  const bytes = a.make(9);
  const digest = a.digest(bytes);
  expect(a.digest(a.change(b.change(bytes)))).not.toBe(a.digest(b.change(a.change(bytes))));
  expect(a.digest(bytes)).toBe(digest);
});
