/** JSON documents out of a stream: whole, at once, and with the place where one is wrong. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type JsonDocument, jsonDocuments, soundDocuments } from '../../src/cli/json-documents.ts';

async function* chunks(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  for (let i = 1; i < places.length; i++) yield bytes.subarray(places[i - 1], places[i]);
}

async function read(text: string | Uint8Array, cuts: readonly number[] = []): Promise<JsonDocument[]> {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
  return collect(jsonDocuments(chunks(bytes, cuts), 'the plan'));
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const document = fc.oneof(fc.array(fc.jsonValue()), fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue()));

describe('a stream of JSON', () => {
  test('gives the same documents however it is cut into chunks and lines', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(document, { maxLength: 5 }),
        fc.constantFrom('', '\n', ' ', '\r\n\r\n'),
        fc.constantFrom(0, 2),
        fc.array(fc.nat(), { maxLength: 20 }),
        async (values, between, indent, cuts) => {
          const text = values.map((value) => JSON.stringify(value, undefined, indent)).join(between);
          const found = await read(text, cuts);
          expect(found.map(({ value }) => value)).toEqual(JSON.parse(JSON.stringify(values)));
        },
      ),
    );
  });

  test('gives a document as soon as its last bracket is there, though the writer goes on', async () => {
    async function* slow(): AsyncGenerator<Uint8Array> {
      yield new TextEncoder().encode('[1]');
      await new Promise(() => {});
    }
    const first = await jsonDocuments(slow(), 'the plan').next();
    expect(first.value).toEqual({ line: 1, value: [1] });
  });

  test('knows on which line each document begins', async () => {
    expect(await read('[1]\n\n{"a":\n2}\n  [3]')).toEqual([
      { line: 1, value: [1] },
      { line: 3, value: { a: 2 } },
      { line: 5, value: [3] },
    ]);
  });

  test('takes a byte order mark, and nothing at all', async () => {
    expect(await read('\ufeff[1]')).toEqual([{ line: 1, value: [1] }]);
    expect(await read(' \n ')).toEqual([]);
  });

  test.each([
    ['hello', 'line 1, column 1: the plan is no JSON: it begins with { or [, not with "hello"'],
    ['[1]\n 42', 'line 2, column 2: the plan is no JSON: it begins with { or [, not with "42"'],
    ['{"a":\n  tru}', 'line 2, column 3: the plan is no JSON: "tru}" cannot stand there'],
    ['  {"a" 1}', 'line 1, column 8: the plan is no JSON: "1}" cannot stand there'],
    ['[1,]', 'line 1, column 4: the plan is no JSON: "]" cannot stand there'],
    ['[1,\n{"a":1,}]', 'line 2, column 8: the plan is no JSON: "}]" cannot stand there'],
    ['{"a":1]', 'line 1, column 7: the plan is no JSON: "]" cannot stand there'],
    ['["a\tb"]', 'line 1, column 2: the plan is no JSON: "\\"a\\tb\\"]" cannot stand there'],
    ['[01]', 'line 1, column 3: the plan is no JSON: "1]" cannot stand there'],
    ['[1', 'line 1, column 3: the input ends inside the plan that begins at line 1, column 1'],
    ['[1]\n {"a": "x', 'line 2, column 10: the input ends inside the plan that begins at line 2, column 2'],
    ['["x\ny"]', 'line 1, column 2: the plan is no JSON: "\\"x" cannot stand there'],
    ['[1\n[2]', 'line 2, column 1: the plan is no JSON: "[" cannot stand there'],
  ])('%j is wrong in that place', async (text, message) => {
    const [found] = (await read(text)).filter(({ wrong }) => wrong !== undefined);
    expect(found).toMatchObject({ value: undefined, wrong: { code: 'input-invalid', message } });
    await expect(collect(soundDocuments(jsonDocuments(chunks(Buffer.from(text), []), 'the plan')))).rejects.toThrow(
      message,
    );
  });

  /** Lines that are documents as their values; of those that are wrong, where they begin. */
  const told = async (text: string, cuts: readonly number[] = []) =>
    (await read(text, cuts)).map(({ line, value, wrong }) => (wrong === undefined ? value : `wrong ${line}`));

  test.each([
    ['words between documents', '[1]\nhello\nworld [3]\n[2]', [[1], 'wrong 2', 'wrong 3', [2]]],
    ['words first', 'hello\n[2]', ['wrong 1', [2]]],
    ['words behind a document', '[1] hello [3]\n[2]', [[1], 'wrong 1', [2]]],
    ['a comma too many', '[1,]\n[2]', ['wrong 1', [2]]],
    ['a wrong document, and more on its line', '[1,] [3]\n[2]', ['wrong 1', [2]]],
    ['a line that was cut in a text', '["one\n[2]\n{"a":3}', ['wrong 1', [2], { a: 3 }]],
    ['a line that was cut behind a value', '[{"a":1\n[2]\n[3]', ['wrong 1', [2], [3]]],
    ['a line that was cut before a name', '{"a":1,\n[2]\n{"b":1,\n{"c":3}', ['wrong 1', [2], 'wrong 3', { c: 3 }]],
    ['a line that was cut at its beginning', '{\n[2]', ['wrong 1', [2]]],
    ['many lines, broken off in the second', '[\n  "a,\n  2\n],\n[3]', ['wrong 1', [3]]],
    ['many lines, one of them wrong', '[\n  1,,\n  2\n]\n[3]', ['wrong 1', [3]]],
    ['many lines that begin with brackets', '[\n[1],\n[2],\n{"a":\n[3]}\n]\n[4]', [[[1], [2], { a: [3] }], [4]]],
    ['carriage returns', '[1]\r\nhello\r\n[2]\r\n', [[1], 'wrong 2', [2]]],
    ['an end inside', '[1]\n[2', [[1], 'wrong 2']],
  ])('goes on behind what is wrong: %s', async (_, text, expected) => {
    expect(await told(text)).toEqual(expected);
    for (let cut = 1; cut < text.length; cut++) expect(await told(text, [cut])).toEqual(expected);
  });

  test('that is not text is refused', async () => {
    await expect(read(new Uint8Array([0x7b, 0xff, 0xfe]))).rejects.toThrow('not UTF-8');
    await expect(read(new Uint8Array([0x7b, 0xe2, 0x82]))).rejects.toThrow('not UTF-8');
  });
});
