import { afterAll, describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import type { FunctionDefinition } from '../../../src/engine/api.ts';
import { defineFunction } from '../../../src/engine/define-function.ts';
import { InlineRunner } from '../../../src/engine/host/functions/inline-runner.ts';
import { offerOf } from '../../../src/engine/host/functions/offer.ts';
import type { StandardSchema } from '../../../src/engine/standard-schema.ts';
import { Caller, clock, Modules } from './harness.ts';

const modules = new Modules();
afterAll(async () => {
  await modules.closeAll();
  modules.remove();
});

const order = defineFunction({
  args: z.tuple([z.string(), z.object({ count: z.number().default(1), price: z.number().positive() })]),
  name: 'order',
  result: z.object({ total: z.number().max(100) }),
  run: (what, { count, price }) => {
    expectTypeOf(what).toEqualTypeOf<string>();
    expectTypeOf(count).toEqualTypeOf<number>();
    return { total: count * price, what };
  },
});
const named = defineFunction({
  args: z.object({ city: z.string(), days: z.coerce.number().int() }),
  name: 'named',
  run: ({ city, days }) => `${city} ${days}`,
});
const stream = defineFunction({
  name: 'stream',
  result: z.number(),
  run: function* () {
    yield 1;
    yield 'two';
  },
});

/** What a validator without Standard JSON Schema looks like: here, of a list of one text. */
const bare: StandardSchema<unknown, [string]> = {
  '~standard': {
    validate: async (value) =>
      Array.isArray(value) && typeof value[0] === 'string'
        ? { value: value as [string] }
        : { issues: [{ message: 'a text first', path: [{ key: 0 }] }] },
    vendor: 'test',
    version: 1,
  },
};

const definitions: readonly FunctionDefinition[] = [
  order,
  named,
  stream,
  defineFunction({ args: bare, name: 'bare', run: (text: string) => text }),
  {
    args: {
      '~standard': {
        validate: () => {
          throw new Error('broken validator');
        },
        vendor: 'test',
        version: 1,
      },
    },
    name: 'throws',
    run: () => 1,
  },
];
const caller = new Caller(new InlineRunner({ clock, definitions, log: () => undefined }));

describe('arguments that a schema describes', () => {
  test('reach the function as the schema makes them', async () => {
    expect(await caller.call('order', ['tea', { price: 3 }])).toEqual({ total: 3 });
    expect(await caller.call('order', ['tea'], { kwargs: { count: 2, price: 4 } })).toEqual({ total: 8 });
    expect(await caller.call('named', [{ city: 'Kiel', days: '7' }])).toBe('Kiel 7');
    expect(await caller.call('named', [], { kwargs: { city: 'Kiel', days: 7 } })).toBe('Kiel 7');
    expect(await caller.call('bare', ['so'])).toBe('so');
  });

  const refused: readonly (readonly [string, readonly unknown[], object | undefined, string, RegExp])[] = [
    [
      'order',
      ['tea', { price: -1 }],
      undefined,
      'args[1].price',
      /order does not take this: args\[1\]\.price: Too small/,
    ],
    ['order', [7, { price: 'x' }], undefined, 'args[0]', /args\[0\]: Invalid input.*; also args\[1\]\.price$/],
    ['order', ['tea'], { price: 0 }, 'kwargs.price', /kwargs\.price: Too small/],
    ['order', [], undefined, 'args', /args: Too small/],
    ['named', [{ city: 1, days: 1 }], undefined, 'args[0].city', /args\[0\]\.city/],
    ['named', [], { city: 'Kiel' }, 'kwargs.days', /kwargs\.days/],
    ['named', [], undefined, 'kwargs.city', /kwargs\.city/],
    ['named', ['Kiel', 7], undefined, 'args[1]', /takes one object of named arguments/],
    ['bare', [1], undefined, 'args[0]', /args\[0\]: a text first/],
  ];
  test.each(refused)('%s(%j, %j) is refused, and nothing has run', async (fun, args, kwargs, path, message) => {
    const problem = await caller.call(fun, args, kwargs === undefined ? {} : { kwargs });
    expect(problem).toMatchObject({ code: 'input-invalid', fun, message: expect.stringMatching(message), path });
  });

  test('a validator that throws is an error of the function', async () => {
    expect(await caller.problem('throws')).toMatchObject({
      cause: { message: 'broken validator' },
      code: 'function-failed',
    });
  });
});

describe('a result that a schema describes', () => {
  test('is held back where it does not fit', async () => {
    expect(await caller.problem('order', ['gold', { price: 101 }])).toMatchObject({
      code: 'result-invalid',
      message: expect.stringMatching(/order returned what it must not: result\.total: Too big/),
      path: 'result.total',
    });
  });

  test('of a stream is each of its items', async () => {
    expect(await caller.problem('stream')).toMatchObject({ code: 'result-invalid', path: 'item' });
    expect(caller.items.get(caller.last)).toEqual([1]);
  });
});

describe('what others are told of schemas', () => {
  const table: readonly (readonly [FunctionDefinition, string | undefined])[] = [
    [order, '(string, {count?: number, price: number}) → {total: number}'],
    [named, '({city: string, days: integer})'],
    [stream, '(…) → number'],
    [{ args: z.tuple([z.string()]).rest(z.number()), name: 'f', run: () => 1 }, '(string, …number[])'],
    [{ args: z.array(z.union([z.string(), z.null()])), name: 'f', run: () => 1 }, '(…(string | null)[])'],
    [{ args: z.tuple([z.enum(['a', 'b']), z.literal(3).optional()]), name: 'f', run: () => 1 }, '("a" | "b", 3?)'],
    [{ args: z.tuple([z.date()]), name: 'f', run: () => 1 }, undefined],
    [{ args: bare, name: 'f', run: () => 1 }, undefined],
    [{ name: 'f', run: () => 1 }, undefined],
  ];
  test.each(table)('%# is a short signature', (definition, signature) => {
    expect(offerOf(definition).record.signature).toBe(signature);
  });

  test('is bounded', () => {
    const wide = z.object(Object.fromEntries(Array.from({ length: 99 }, (_, i) => [`field${i}`, z.string()])));
    expect(offerOf({ args: wide, name: 'f', run: () => 1 }).record.signature).toHaveLength(160);
  });

  test('the schemas themselves stay with the node, also those from a worker', async () => {
    const file = modules.write(
      'schemas.ts',
      `import { defineFunction } from 'mpreg';
       import { z } from '${import.meta.resolve('zod')}';
       export const priced = defineFunction({ name: 'priced', concurrency: 3, queue: 5,
         args: z.tuple([z.object({ price: z.number() })]), run: ({ price }) => price * 2 });`,
    );
    const { runner } = await modules.start([file]);
    expect(runner.offers).toEqual([
      {
        argsSchema: expect.objectContaining({ prefixItems: [expect.objectContaining({ required: ['price'] })] }),
        concurrency: 3,
        queue: 5,
        record: { name: 'priced', resources: [], signature: '({price: number})', version: '1.0.0' },
      },
    ]);
    const own = new Caller(runner);
    expect(await own.call('priced', [{ price: 2 }])).toBe(4);
    expect(await own.problem('priced', [{ price: 'x' }])).toMatchObject({
      code: 'input-invalid',
      path: 'args[0].price',
    });
  });
});

test('what is no schema is refused', () => {
  expect(() => defineFunction({ args: {} as StandardSchema, name: 'f', run: () => 1 })).toThrow(
    /args must be a Standard/,
  );
  expect(() => defineFunction({ concurrency: 0, name: 'f', run: () => 1 })).toThrow(/concurrency must be a whole/);
  expect(() => defineFunction({ name: 'f', queue: -1, run: () => 1 })).toThrow(/queue must be a whole/);
});
