/** Going on with plans that failed, as programs do it. */
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest';
import { type Client, createNode, defineFunction, type MpregNode, plan } from '../../src/engine/index.ts';

/** What ran, and whether `gate` lets through. */
const seen = { gate: false, ran: [] as string[] };
const functions = {
  forever: (): Promise<string> => new Promise(() => undefined),
  gate: (value: number): number => {
    if (!seen.gate) throw new Error('shut');
    return value;
  },
  noted: (value: number): number => {
    seen.ran.push(`noted ${value}`);
    return value;
  },
};

let node: MpregNode;
let client: Client;

beforeAll(async () => {
  const inline = Object.entries(functions).map(([name, run]) => defineFunction({ name, run: run as () => unknown }));
  node = await createNode({ discover: false, inline });
  client = await node.client();
});

afterAll(async () => {
  await client.close();
  await node.kill();
});

const work = () =>
  plan<typeof functions>()
    .step('a', 'noted', [7])
    .step('b', 'gate', (p) => [p.ref('a')]);

describe('a run', () => {
  test('goes on from the reply of an earlier one, with its types', async () => {
    const first = await client.run(work(), { resumable: true });
    expect([first.problem?.message, first.values]).toEqual([expect.stringContaining('shut'), { a: 7 }]);
    const still = await client.run(work(), { resume: first });
    expect([still.problem?.step, still.values]).toEqual(['b', { a: 7 }]);
    seen.gate = true;
    const last = await client.run(work(), { resume: still });
    if (last.problem !== undefined) throw new Error(last.problem.message);
    expectTypeOf(last.results).toEqualTypeOf<{ readonly b: number }>();
    expect(last.results).toEqual({ b: 7 });
    expect(last.steps.map(({ name, reused }) => [name, reused])).toEqual([
      ['a', true],
      ['b', undefined],
    ]);
    expect(seen.ran).toEqual(['noted 7']);
  });

  test('does not go on from a reply that has not failed, holds nothing, or is of another plan', async () => {
    seen.gate = true;
    const well = await client.run(work(), { resumable: true });
    await expect(client.run(work(), { resume: well })).rejects.toThrow('has not failed');
    seen.gate = false;
    const bare = await client.run(work());
    await expect(client.run(work(), { resume: bare })).rejects.toThrow('without "resumable"');
    const other = await client.run(work(), { resumable: true });
    await expect(client.run([{ fun: 'noted', name: 'c' }], { resume: other })).rejects.toThrow('value for "a"');
  });

  test('that is given up may still tell what is done', async () => {
    const endless = plan<typeof functions>().step('a', 'noted', [9]).step('b', 'forever', [], { kwargs: {} });
    const abort = new AbortController();
    const reply = client.run(endless, { graceMs: 5_000, resumable: true, signal: abort.signal });
    while (!seen.ran.includes('noted 9')) await new Promise((resolve) => setTimeout(resolve, 5));
    abort.abort('enough');
    expect(await reply).toMatchObject({ problem: { code: 'cancelled' }, results: { a: 9 } });
    const rejected = client.run(endless, { resumable: true, signal: AbortSignal.timeout(20) });
    await expect(rejected).rejects.toMatchObject({ code: 'cancelled' });
  });
});
