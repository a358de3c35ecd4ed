/** What plans say that are built, what their types know, and what they come to on a real node. */
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest';
import * as z from 'zod';
import { type Client, createNode, defineFunction, type MpregNode, plan } from '../../src/engine/index.ts';

const functions = {
  clean: defineFunction({
    name: 'clean',
    run: (rows: readonly { readonly id: number }[], how: { readonly strict: boolean }) => ({ kept: rows, ...how }),
  }),
  count: (rows: readonly unknown[]) => rows.length,
  echo: (value: unknown) => value,
  fail: (): string => {
    throw new Error('no');
  },
  ingest: defineFunction({
    name: 'ingest',
    run: async (rows: number) => Array.from({ length: rows }, (_, id) => ({ id })),
  }),
  shout: defineFunction({
    args: z.object({ text: z.string(), times: z.number().default(1) }),
    name: 'shout',
    run: ({ text, times }) => text.toUpperCase().repeat(times),
  }),
};
type Functions = typeof functions;

let node: MpregNode;
let client: Client;

beforeAll(async () => {
  const { clean, ingest, shout } = functions;
  const plain = ['count', 'fail'] as const;
  const inline = plain.map((name) => defineFunction({ name, run: functions[name] as () => unknown }));
  node = await createNode({ discover: false, inline: [clean, ingest, shout, ...inline] as never });
  client = await node.client();
});

afterAll(async () => {
  await client.close();
  await node.kill();
});

const chain = () =>
  plan<Functions>()
    .step('rows', 'ingest', [3])
    .step('clean', 'clean', (p) => [p.ref('rows'), { strict: true }])
    .step('many', 'count', (p) => [p.ref('clean', 'kept')]);

describe('the document', () => {
  test('has references in their explicit form, also deep inside, and takes no text for one', () => {
    const p = plan<Functions>({ onError: 'continue', timeoutMs: 500 }).step('rows', 'ingest', [3], { locs: ['disk'] });
    p.step('deep', 'echo', [{ list: ['rows', p.ref('rows', 0, 'id')] }], { kwargs: { more: p.ref('rows') } });
    expect(JSON.parse(JSON.stringify(p))).toEqual({
      onError: 'continue',
      refs: 'explicit',
      steps: [
        { args: [3], fun: 'ingest', locs: ['disk'], name: 'rows' },
        {
          args: [{ list: ['rows', { $ref: 'rows', path: [0, 'id'] }] }],
          fun: 'echo',
          kwargs: { more: { $ref: 'rows' } },
          name: 'deep',
        },
      ],
      timeoutMs: 500,
    });
  });

  test.each([
    ['an object that looks like a reference', { $ref: 'rows' }, { $lit: { $ref: 'rows' } }],
    ['an object that looks like a literal', [{ $lit: 1 }], [{ $lit: { $lit: 1 } }]],
    ['a text that is the name of a step', 'rows', 'rows'],
    ['a date', new Date(0), new Date(0)],
  ])('keeps %s what it is', (_what, value, written) => {
    const document = plan<Functions>().step('kept', 'echo', [value]).toJSON() as { steps: [{ args: unknown[] }] };
    expect(document.steps[0].args).toEqual([written]);
  });

  test('refuses two steps of one name, and a reference inside of what is taken as it is', () => {
    const p = plan<Functions>().step('rows', 'ingest', [1]);
    expect(() => p.step('rows', 'ingest', [2])).toThrow(expect.objectContaining({ code: 'plan-invalid' }));
    expect(() => p.step('text', 'ingest', 'rows' as never)).toThrow(expect.objectContaining({ code: 'plan-invalid' }));
    expect(
      plan()
        .step('none', 'f', undefined as never)
        .toJSON(),
    ).toMatchObject({ steps: [{ args: [] }] });
    expect(() => p.step('odd', 'echo', [{ $lit: p.ref('rows') }])).toThrow(
      expect.objectContaining({ code: 'plan-invalid' }),
    );
  });
});

describe('types', () => {
  const p = plan<Functions>().step('rows', 'ingest', [3]);

  test('know the functions and their arguments, as values or as references to such', () => {
    type Step = typeof p.step;
    expectTypeOf<'ingest'>().toExtend<Parameters<Step>[1]>();
    expectTypeOf<'nothing'>().not.toExtend<Parameters<Step>[1]>();
    const takes = p.step<'x', 'clean', readonly [{ id: number }[], { strict: boolean }]>;
    type Args = Exclude<Parameters<typeof takes>[2], (...args: never[]) => unknown>;
    expectTypeOf<[{ id: number }[], { strict: boolean }]>().toExtend<Args>();
    expectTypeOf<[string, { strict: boolean }]>().not.toExtend<Args>();
    expectTypeOf(p.ref('rows').value).toEqualTypeOf<{ id: number }[]>();
    expectTypeOf(p.ref('rows', 0, 'id').value).toEqualTypeOf<number>();
    expectTypeOf(p.ref('rows', 0, 'nowhere').value).toBeUnknown();
    expectTypeOf(p.ref).parameter(0).toEqualTypeOf<'rows'>();
  });

  test('know the results: by default of the steps that no other refers to', () => {
    type Results<Plan extends { readonly results?: unknown }> = NonNullable<Plan['results']>;
    const chained = chain();
    expectTypeOf<Results<typeof chained>>().toEqualTypeOf<{ readonly many: number }>();
    const chosen = chain().returns('rows', 'many');
    expectTypeOf<Results<typeof chosen>>().toEqualTypeOf<{ readonly rows: { id: number }[]; readonly many: number }>();
    const all = chain().returnsAll();
    expectTypeOf<keyof Results<typeof all>>().toEqualTypeOf<'rows' | 'clean' | 'many'>();
    const deep = p.step('deep', 'echo', [{ list: [p.ref('rows')] }]);
    expectTypeOf<keyof Results<typeof deep>>().toEqualTypeOf<'deep'>();
    const named = chain().step('last', 'echo', [1], { kwargs: { many: p.ref('rows') } });
    expectTypeOf<keyof Results<typeof named>>().toEqualTypeOf<'last' | 'many'>();
  });

  test('follow a schema: what goes in, and what comes out', () => {
    const loud = plan<Functions>().step('loud', 'shout', [{ text: 'hi' }]);
    expectTypeOf(loud.ref('loud').value).toEqualTypeOf<string>();
  });

  test('of functions that nobody knows are open', () => {
    const open = plan().step('a', 'whatever', [1, 'two']);
    expectTypeOf(open.ref('a').value).toBeUnknown();
  });
});

describe('on a node', () => {
  test('a plan comes to results that have their types', async () => {
    const reply = await client.run(chain().returns('clean', 'many'));
    if (reply.problem !== undefined) throw new Error(reply.problem.message);
    expectTypeOf(reply.results.many).toEqualTypeOf<number>();
    expect(reply.results).toEqual({ clean: { kept: [{ id: 0 }, { id: 1 }, { id: 2 }], strict: true }, many: 3 });
  });

  test('text that is the name of a step stays text, and what looks like a reference stays what it is', async () => {
    const p = plan<Functions>().step('rows', 'ingest', [1]).step('kept', 'echo', ['rows']);
    const { results } = await client.run(p.step('odd', 'echo', [{ $ref: 'rows' }]));
    expect(results).toEqual({ kept: 'rows', odd: { $ref: 'rows' }, rows: [{ id: 0 }] });
  });

  test('where a step fails, there is a problem, and only the results that are there', async () => {
    const p = plan<Functions>({ onError: 'continue' })
      .step('well', 'count', [[1, 2]])
      .step('badly', 'fail', []);
    const reply = await client.run(p);
    expect(reply.problem).toMatchObject({ code: 'function-failed', step: 'badly' });
    expectTypeOf(reply.results.badly).toEqualTypeOf<string | undefined>();
    expect(reply.results).toEqual({ well: 2 });
  });

  test('a schema fills in what was left out', async () => {
    const { results } = await client.run(plan<Functions>().step('loud', 'shout', [{ text: 'hi' }]));
    expect(results).toEqual({ loud: 'HI' });
  });
});
