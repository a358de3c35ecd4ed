/** The bench harness, with sides whose figures are known. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { chosen, compare, markdown, quantile, table } from '../../bench/harness.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mpreg-harness-'));
});
afterEach(() => rmSync(folder, { force: true, recursive: true }));

/** A side that writes its name down, and prints how many lines there are times a factor. */
const side = (name: string, factor: number) => [
  'sh',
  '-c',
  `echo ${name} >> ${folder}/order; echo noise; echo "{\\"speed\\": $(($(wc -l < ${folder}/order) * ${factor}))}"`,
];

test('sides take turns, each round another first, and the ratio is by the first side', async () => {
  const result = await compare({ folder, name: 'two', runs: 3, sides: { a: side('a', 1), b: side('b', 10) } });
  expect(readFileSync(join(folder, 'order'), 'utf8').split('\n').join('')).toBe('abbaab');
  expect(result.metrics['speed']).toEqual({
    a: { high: 4.5, low: 2.5, median: 4, ratio: 1, values: [1, 4, 5] },
    b: { high: 45, low: 25, median: 30, ratio: 7.5, values: [20, 30, 60] },
  });
  expect(JSON.parse(readFileSync(join(folder, 'two.json'), 'utf8'))).toEqual(result);
  expect(markdown(result)).toContain('| speed | b | 30 | 25 … 45 | 7.50 |');
  expect(readFileSync(join(folder, 'two.md'), 'utf8')).toBe(markdown(result));
});

test('a side may lack a metric that another has', async () => {
  const sides = { a: ['echo', '{"x": 2}'], b: ['echo', '{"x": 4, "y": 1200000}'] };
  const result = await compare({ folder, name: 'gap', runs: 1, sides });
  expect(markdown(result).split('\n').slice(6, -1)).toEqual([
    '| x | a | 2 | 2 … 2 | 1.00 |',
    '| x | b | 4 | 4 … 4 | 2.00 |',
    '| y | b | 1,200,000 | 1,200,000 … 1,200,000 | 1.00 |',
  ]);
});

test.each([
  ['fails', ['sh', '-c', 'echo "{}"; exit 3'], 'a: sh -c echo "{}"; exit 3 ended with 3'],
  ['is not there', ['/nowhere/at/all'], 'ENOENT'],
  ['reports no number', ['echo', '{"x": "fast"}'], 'a: x is fast'],
  ['reports nothing', ['true'], 'JSON'],
])('a side that %s ends the comparison', async (_, command, message) => {
  await expect(compare({ folder, name: 'bad', runs: 1, sides: { a: command } })).rejects.toThrow(message);
});

test('a quantile lies between the two nearest values, in proportion', () => {
  expect([0, 0.25, 0.5, 1].map((q) => quantile([4, 1, 3, 2], q))).toEqual([1, 1.75, 2.5, 4]);
});

test('a table has a row for each side and a column for each metric', async () => {
  const sides = { a: ['echo', '{"x": 2}'], b: ['echo', '{"x": 5, "y": 7}'] };
  const result = await compare({ folder, name: 'wide', runs: 1, sides });
  expect(table(result).split('\n').slice(4, -1)).toEqual([
    '| side | x | y |',
    '| --- | ---: | ---: |',
    '| a | 2 (1.00) | – |',
    '| b | 5 (2.50) | 7 (1.00) |',
  ]);
  expect(table(result).split('\n').slice(0, 4)).toEqual(markdown(result).split('\n').slice(0, 4));
});

test('sides are chosen by name, in the order of the names; one that is not there is told with those that are', () => {
  const all = { a: ['1'], b: ['2'], c: ['3'] };
  expect(Object.keys(chosen(all, ['c', 'a']))).toEqual(['c', 'a']);
  expect(chosen(all, [])).toBe(all);
  expect(() => chosen(all, ['d'])).toThrow('no side d; there are: a · b · c');
});
