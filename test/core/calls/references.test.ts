import { describe, expect, test } from 'vitest';
import { eachReference, NAME_MAX, type RefsMode, substitute } from '../../../src/engine/core/calls/references.ts';
import { cpuMs } from './values.ts';

/** What the steps of these tests have returned. */
const VALUES = new Map<string, unknown>([
  ['a', 'the value of a'],
  ['a.b', { c: 'by the longer name', d: 'a' }],
  ['list', [10, [20, 21], { deep: ['x', 'y'] }]],
  ['user', { name: 'Ada', tags: ['one', 'two'], none: null, 0: 'zero', lost: undefined }],
  ['null', null],
  [
    'map',
    new Map<unknown, unknown>([
      ['key', 'of a map'],
      [7, 'seven'],
    ]),
  ],
  ['|first', 'hi there!'],
  ['bytes', new Uint8Array([1, 2])],
  ['__proto__', 'no prototype'],
]);
const STEPS: ReadonlySet<string> = new Set(VALUES.keys());

function put(value: unknown, mode: RefsMode = 'strings'): unknown {
  const outcome = substitute(value, 'args[0]', VALUES, STEPS, mode);
  return outcome.ok ? outcome.value : `${outcome.problem.code}: ${outcome.problem.message}`;
}

describe('a value of a step goes in for', () => {
  test.each<[string, unknown, unknown]>([
    ['a text that equals its name', 'a', 'the value of a'],
    ['a name full of signs', '|first', 'hi there!'],
    ['a name that means something to JavaScript', '__proto__', 'no prototype'],
    ['a whole list, which is not spliced', ['list', 1], [[10, [20, 21], { deep: ['x', 'y'] }], 1]],
    ['a field', 'user.name', 'Ada'],
    ['an item', 'list.0', 10],
    ['an item of an item', 'list.1.1', 21],
    ['a field of an item', 'list.2.deep.1', 'y'],
    ['a field whose name is a number', 'user.0', 'zero'],
    ['a field that holds null', 'user.none', null],
    ['a field that holds undefined', 'user.lost', undefined],
    ['a key of a map', 'map.key', 'of a map'],
    ['the longest name that fits', 'a.b', { c: 'by the longer name', d: 'a' }],
    ['a field behind the longest name that fits', 'a.b.c', 'by the longer name'],
    ['texts in lists in objects in lists', [{ x: ['a', { y: 'list.0' }] }], [{ x: ['the value of a', { y: 10 }] }]],
    ['the explicit form', { $ref: 'user' }, VALUES.get('user')],
    ['the explicit form with a path', { $ref: 'list', path: [2, 'deep', 0] }, 'x'],
    ['the explicit form with a number that a map has as its key', { $ref: 'map', path: [7] }, 'seven'],
    ['the explicit form whose path has a dot in a field', { $ref: 'user', path: ['tags', '1'] }, 'two'],
  ])('%s', (_, value, expected) => {
    expect(put(value)).toEqual(expected);
  });
});

describe('what is left as it is:', () => {
  test.each<[string, unknown]>([
    ['a name within a text', 'say a'],
    ['a name at the head of a text without a dot', 'a b'],
    ['a name in other letters', 'A'],
    ['a name behind a dot', '.a'],
    ['a dot', '.'],
    ['the empty text', ''],
    ['numbers, null and bytes', [1, null, true, new Uint8Array([3])]],
    ['a key that equals a name', { a: 1 }],
    ['a class instance with a name in it', new Date(5)],
    ['a map, which is a value of its own', new Map([['x', 'a']])],
    ['a literal with more fields', { $lit: 1, more: 2 }],
  ])('%s', (_, value) => {
    expect(put(value)).toEqual(value);
  });

  test('a value that was put in: it is not looked into again', () => {
    expect(put('a.b.d')).toBe('a');
  });

  test('a literal, whatever is in it', () => {
    expect(put({ $lit: 'a' })).toBe('a');
    expect(put([{ $lit: { $ref: 'a', x: ['user'] } }])).toEqual([{ $ref: 'a', x: ['user'] }]);
  });

  test('every text where references are explicit', () => {
    expect(put(['a', 'user.name', { $ref: 'a' }, { $lit: 'a' }], 'explicit')).toEqual([
      'a',
      'user.name',
      'the value of a',
      'a',
    ]);
  });

  test('the arguments themselves: what comes out is a copy', () => {
    const args = [{ x: 'a' }];
    put(args);
    expect(args).toEqual([{ x: 'a' }]);
  });
});

describe('a reference leads nowhere', () => {
  test.each<[string, unknown, string]>([
    [
      'an object without the field',
      'user.age',
      'but user is an object with 0, name, tags, none, lost and has no "age"',
    ],
    ['an index behind the end', 'list.3', 'but list is a list of 3 and has no "3"'],
    ['an index that is none', 'list.01', 'has no "01"'],
    ['a negative index', 'list.-1', 'has no "-1"'],
    ['a field of a list', 'list.length', 'has no "length"'],
    ['a field of a text', 'a.length', 'but a is a string and has no "length"'],
    ['a field of null', 'null.x', 'but null is null and has no "x"'],
    ['a field of bytes', 'bytes.0', 'has no "0"'],
    ['something that every object inherits', 'user.constructor', 'has no "constructor"'],
    ['a step further down', 'user.tags.5.x', 'but user.tags is a list of 2 and has no "5"'],
    ['an empty field', 'user.', 'has no ""'],
    [
      'the explicit form, too',
      { $ref: 'user', path: ['name', 'first'] },
      'but user.name is a string and has no "first"',
    ],
  ])('%s', (_, value, says) => {
    const told = put(value);
    expect(told).toContain('reference-missing: args[0] refers to ');
    expect(told).toContain(says);
  });

  test('and says where it stands', () => {
    const outcome = substitute([1, { x: ['user.age'] }], 'steps[3].args', VALUES, STEPS, 'strings');
    expect(outcome).toMatchObject({ ok: false, problem: { path: 'steps[3].args[1].x[0]' } });
  });
});

describe('references are found', () => {
  const found = (value: unknown, mode: RefsMode = 'strings') => {
    const all: string[] = [];
    eachReference(value, 'kwargs', STEPS, mode, ({ step, path, flaw }, where) =>
      all.push(`${where} → ${[step, ...path].join('/')}${flaw === undefined ? '' : `: ${flaw}`}`),
    );
    return all;
  };

  test('wherever they are put in, and only there', () => {
    expect(found({ x: ['a', 'no', { y: 'user.tags.0' }], a: { $lit: 'a' }, z: { $ref: 'list', path: [0] } })).toEqual([
      'kwargs.x[0] → a',
      'kwargs.x[2].y → user/tags/0',
      'kwargs.z → list/0',
    ]);
    expect(found(['a', { $ref: 'gone' }], 'explicit')).toEqual(['kwargs[1] → gone']);
  });

  test.each<[unknown, string]>([
    [{ $ref: 5 }, '"$ref" must be the name of a step'],
    [{ $ref: 'a', path: 'x.y' }, '"path" must be a list of field names and indexes'],
    [{ $ref: 'a', path: [-1] }, '"path" must be a list of field names and indexes'],
    [{ $ref: 'a', path: [{}] }, '"path" must be a list of field names and indexes'],
    [{ $ref: 'a', field: 'x' }, 'a reference has "$ref" and "path", but no "field"'],
  ])('and %j is known to be none', (value, flaw) => {
    expect(found(value)).toEqual([expect.stringContaining(`: ${flaw}`)]);
  });

  test('in a text full of dots without trying every head of it', () => {
    const text = `${'.'.repeat(2_000_000)}`;
    const started = cpuMs();
    expect(put(text)).toBe(text);
    expect(cpuMs() - started).toBeLessThan(1_000);
    expect(put(`${'x'.repeat(NAME_MAX + 1)}.y`)).toContain('.y');
  });
});
