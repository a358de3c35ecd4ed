/** How functions, arguments, values and problems look to a program that speaks the Model Context Protocol. */
import { describe, expect, test } from 'vitest';
import { CHARS_MAX, CollectedItems, ITEMS_MAX } from '../../src/cli/mcp-items.ts';
import { ANYTHING, toolInput } from '../../src/cli/mcp-schemas.ts';
import { argumentsOf, errorOf, resultOf, toolNames, toolsOf } from '../../src/cli/mcp-tools.ts';
import { type FunctionView, problem } from '../../src/engine/index.ts';

const view = (name: string, more: Partial<FunctionView> = {}): FunctionView => ({
  allResources: [],
  id: 'ID',
  name,
  node: 'alpha',
  resources: [],
  version: '1.0.0',
  ...more,
});

describe('a tool has a name that every program takes', () => {
  test.each([
    ['that of its function, where it is one', ['add', 'to-upper_2'], ['add', 'to-upper_2']],
    ['with an underscore for what is not allowed', ['image.resize', 'größe'], ['image_resize', 'gr__e']],
    ['with a number where two would be the same', ['a.b', 'a/b', 'a_b'], ['a_b_2', 'a_b_3', 'a_b']],
    ['not longer than 64 characters', ['x'.repeat(70), 'x'.repeat(80)], ['x'.repeat(64), `${'x'.repeat(62)}_2`]],
  ])('%s', (_what, functions, expected) => {
    const names = toolNames(functions);
    expect(functions.map((fun) => names.get(fun))).toEqual(expected);
    expect(new Set(names.values()).size).toBe(functions.length);
    const backwards = toolNames([...functions].reverse());
    expect(functions.map((fun) => backwards.get(fun))).toEqual(expected);
  });
});

test('a function on several nodes is one tool, said with its signature and resources; operators have none', () => {
  const tools = toolsOf([
    view('predict', { allResources: ['gpu'], idempotent: true, node: 'a' }),
    view('predict', {
      allResources: ['eu', 'gpu'],
      description: 'Predicts.',
      idempotent: true,
      node: 'b',
      signature: '(string) → number',
    }),
    view('mpreg.drain'),
    view('add'),
  ]);
  expect([...tools.keys()]).toEqual(['add', 'predict']);
  expect(tools.get('predict')).toMatchObject({
    fun: 'predict',
    idempotent: true,
    tool: {
      annotations: { idempotentHint: true, title: 'predict' },
      description: 'Predicts.\nTakes and returns: (string) → number.\nHas: eu, gpu.',
      inputSchema: { properties: { args: { type: 'array' }, kwargs: { type: 'object' } }, type: 'object' },
    },
  });
  expect(tools.get('add')).toMatchObject({ idempotent: false, tool: { description: 'The function add of the mesh.' } });
});

describe('a tool takes', () => {
  test('the named arguments of a function whose schema is of an object', () => {
    const args = { $defs: { n: { type: 'number' } }, properties: { a: { $ref: '#/$defs/n' } }, type: 'object' };
    expect(toolInput(args)).toEqual({ named: true, schema: args });
    expect(argumentsOf({ a: 1, args: [2] }, true)).toEqual({ args: [], kwargs: { a: 1, args: [2] } });
  });

  test('the list of a function whose schema is of one; references in it lead where they led before', () => {
    const args = {
      $defs: { tree: { items: { $ref: '#/$defs/tree' }, type: 'array' } },
      prefixItems: [{ $ref: '#/$defs/tree' }, { $ref: '#' }, { $ref: '#/prefixItems/0' }],
      type: 'array',
    };
    expect(toolInput(args)).toMatchObject({
      named: false,
      schema: {
        $defs: args.$defs,
        properties: {
          args: {
            prefixItems: [
              { $ref: '#/$defs/tree' },
              { $ref: '#/properties/args' },
              { $ref: '#/properties/args/prefixItems/0' },
            ],
            type: 'array',
          },
          kwargs: { type: 'object' },
        },
        required: ['args'],
        type: 'object',
      },
    });
    expect(toolInput({ items: {}, type: 'array' }).schema).not.toHaveProperty('required');
  });

  test.each([[null], [{}], [{ anyOf: [{ type: 'object' }] }]])('anything where the schema is %j', (args) => {
    expect(toolInput(args)).toBe(ANYTHING);
  });
});

describe('the items of a stream', () => {
  const collected = () => {
    const told: string[] = [];
    const items: CollectedItems = new CollectedItems(
      () => told.push('full'),
      (count, json) => told.push(`${count}: ${json}`),
    );
    return { items, told };
  };

  test('are a list, with the types that JSON lacks; none is no stream', () => {
    const { items, told } = collected();
    expect(items.any).toBe(false);
    for (const item of [1n, undefined, 'x']) items.push(item);
    expect(items.result()).toEqual({
      content: [{ text: '[{"$bigint":"1"},null,"x"]', type: 'text' }],
      structuredContent: { items: [{ $bigint: '1' }, null, 'x'] },
    });
    expect([items.any, told]).toEqual([true, ['1: {"$bigint":"1"}', '2: null', '3: "x"']]);
  });

  test.each([
    ['many', () => 7, ITEMS_MAX],
    ['long', () => 'x'.repeat(CHARS_MAX / 4), 3],
    ['one that is too long', () => 'x'.repeat(CHARS_MAX), 0],
  ])('end where there are too %s, once, and that is said', (_, item, fit) => {
    const { items, told } = collected();
    for (let i = 0; i < ITEMS_MAX + 5; i++) items.push(item());
    const { content, structuredContent } = items.result();
    expect(content).toHaveLength(2);
    expect(content[1]).toMatchObject({ text: expect.stringContaining(`after ${fit} items`) });
    expect(structuredContent).toMatchObject({ truncated: true });
    expect((structuredContent as { items: unknown[] }).items).toHaveLength(fit);
    expect(told.filter((text) => text === 'full')).toHaveLength(1);
  });
});

describe('arguments', () => {
  test('are a list and an object, both may be left out, and types that JSON lacks are kept', () => {
    expect(argumentsOf(undefined)).toEqual({ args: [] });
    expect(argumentsOf({ args: [1, { $bigint: '7' }], kwargs: { k: [2] } })).toEqual({
      args: [1, 7n],
      kwargs: { k: [2] },
    });
  });

  test.each([
    [{ args: 'x' }, 'args must be a list'],
    [{ kwargs: [1] }, 'kwargs must be an object'],
    [{ argv: [] }, 'there is no argument "argv"'],
    [{ args: [{ $bigint: 'seven' }] }, 'the arguments: '],
  ])('such as %j are refused', (given, says) => {
    expect(() => argumentsOf(given)).toThrow(
      expect.objectContaining({ code: 'input-invalid', message: expect.stringContaining(says) }),
    );
  });
});

test.each([
  ['a text', 'hi', '"hi"', undefined],
  ['nothing', undefined, 'null', undefined],
  ['a list', [1n], '[{"$bigint":"1"}]', undefined],
  ['an object', { a: 1 }, '{"a":1}', { a: 1 }],
])('%s is JSON text, and structure where it is an object', (_what, value, text, structuredContent) => {
  expect(resultOf(value)).toEqual({
    content: [{ text, type: 'text' }],
    ...(structuredContent && { structuredContent }),
  });
});

test('a problem says its code, what to do, and whether it may have been done', () => {
  const known = errorOf(problem('function-unknown', 'nobody has f'));
  expect(known).toMatchObject({ isError: true, structuredContent: { error: { outcome: 'did-not-happen' } } });
  expect(known.content[0]).toMatchObject({
    text: expect.stringMatching(/^function-unknown: nobody has f\nCheck its name/),
  });
  const unknown = errorOf(problem('link-lost', 'gone', { hint: 'Look.', node: 'alpha' }));
  expect(unknown).toEqual({
    content: [{ text: 'link-lost: gone\nIt may or may not have been done.\nLook.', type: 'text' }],
    isError: true,
    structuredContent: {
      error: { code: 'link-lost', hint: 'Look.', message: 'gone', node: 'alpha', outcome: 'unknown' },
    },
  });
});
