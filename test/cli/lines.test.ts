import fc from 'fast-check';
import { expect, test } from 'vitest';
import { linesOf } from '../../src/cli/publishing.ts';

async function lines(...chunks: readonly Uint8Array[]): Promise<unknown[]> {
  const found: unknown[] = [];
  async function* pieces() {
    yield* chunks;
  }
  for await (const line of linesOf(pieces())) found.push(line);
  return found;
}
const bytes = (...parts: readonly (string | number)[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from([part]))));

test('lines have no ends, and an end at the very end begins none', async () => {
  expect(await lines(bytes('a\nb\r\n\nc'))).toEqual(['a', 'b', '', 'c']);
  expect(await lines(bytes('a\n'), bytes('b\n'))).toEqual(['a', 'b']);
  expect(await lines()).toEqual([]);
  expect(await lines(bytes('\n'))).toEqual(['']);
});

test('a line that is no text comes as its bytes, and those beside it as text', async () => {
  expect(await lines(bytes('one\na', 0xff, 'b\r\ntwo\n'))).toEqual(['one', Uint8Array.of(0x61, 0xff, 0x62), 'two']);
  expect(await lines(bytes('x', 0xc3))).toEqual([Uint8Array.of(0x78, 0xc3)]);
});

test('a byte order mark at the very beginning is no part of the first line, and elsewhere is', async () => {
  expect(await lines(bytes('\ufeffa\n\ufeffb'))).toEqual(['a', '\ufeffb']);
});

test('it does not matter in which pieces they come', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string({ unit: 'grapheme' })), fc.array(fc.nat(200)), async (texts, cuts) => {
      const plain = texts.map((text) => text.replaceAll(/[\n\r\ufeff]/g, ' '));
      const whole = Buffer.from(plain.map((text) => `${text}\n`).join(''));
      const at = [0, ...cuts.map((cut) => cut % (whole.length + 1)).sort((a, b) => a - b), whole.length];
      const pieces = at.slice(1).map((to, i) => whole.subarray(at[i], to));
      expect(await lines(...pieces)).toEqual(plain);
    }),
    { numRuns: 200 },
  );
});
