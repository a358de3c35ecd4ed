import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isSystem, keyOf, parsePattern, parseTopic, systemRefusal } from '../../../src/engine/core/topics/pattern.ts';
import { everyTopic, matches, pattern, patterns } from './naive.ts';

const flaw = (outcome: ReturnType<typeof parsePattern> | ReturnType<typeof parseTopic>) =>
  outcome.ok ? 'fine' : `${outcome.problem.code}: ${outcome.problem.message}`;

describe('a pattern', () => {
  test.each([
    ['order.eu.created', 'order.eu.created'],
    ['order.*.created', 'order.*.created'],
    ['#', '#'],
    ['#.#', '#'],
    ['a.#.#.#.b', 'a.#.b'],
    ['a.#.*', 'a.*.#'],
    ['#.*.*', '*.*.#'],
    ['#.*', '#'],
    ['a.#.*.#.*.b', 'a.*.*.#.b'],
    ['*.*', '*.*'],
    ['*.#.a.#', '*.#.a.#'],
  ])('%s is kept as %s', (text, form) => {
    expect(keyOf(pattern(text))).toBe(form);
    expect(pattern(text).text).toBe(text);
  });

  test.each([
    ['', 'the pattern "" is refused at character 1: it is empty'],
    ['a..b', 'the pattern "a..b" is refused at character 3: a segment is empty'],
    ['.a', 'the pattern ".a" is refused at character 1: a segment is empty'],
    ['a.b.', 'the pattern "a.b." is refused at character 5: a segment is empty'],
    ['a.pre*', 'the pattern "a.pre*" is refused at character 6: * is a wildcard only as a whole segment'],
    ['#.a.#b', 'the pattern "#.a.#b" is refused at character 5: # is a wildcard only as a whole segment'],
    ['**', 'the pattern "**" is refused at character 1: * is a wildcard only as a whole segment'],
    ['a.\n', 'the pattern "a.\\n" is refused at character 3: it holds a control character'],
    ['é.\ud800.a', 'the pattern "é.\\ud800.a" is refused at character 3: it holds half a character'],
  ])('%j is refused, with place and reason', (text, message) => {
    expect(flaw(parsePattern(text))).toBe(`topic-invalid: ${message}`);
  });

  test('matches what it matched as it was written, in its one form', () => {
    const all = everyTopic(['a', 'b', 'c'], 5);
    fc.assert(
      fc.property(patterns, (text) => {
        const form = keyOf(pattern(text));
        expect(keyOf(pattern(form))).toBe(form);
        expect(all.filter((topic) => matches(form, topic))).toEqual(all.filter((topic) => matches(text, topic)));
      }),
      { numRuns: 40 },
    );
  });

  test('has the one form of every other that matches the same', () => {
    const all = everyTopic(['a', 'b'], 6);
    const shown = (text: string) => all.filter((topic) => matches(text, topic)).join(' ');
    fc.assert(
      fc.property(wild, wild, (one, other) => {
        expect(keyOf(pattern(one)) === keyOf(pattern(other))).toBe(shown(one) === shown(other));
      }),
      { numRuns: 200 },
    );
  });
});

const wild = fc.array(fc.constantFrom('a', '*', '#'), { maxLength: 3, minLength: 1 }).map((all) => all.join('.'));

describe('a topic', () => {
  test.each(['a', 'order.eu.created', 'ключ.ß.🦊', 'with space.a/b', 'mpreg.node.up'])('%s is one', (text) => {
    expect(parseTopic(text)).toEqual({ ok: true, value: text.split('.') });
  });

  test.each([
    ['', 'character 1: it is empty'],
    ['a..b', 'character 3: a segment is empty'],
    ['a.*', 'character 3: * belongs in patterns only'],
    ['a.b#', 'character 4: # belongs in patterns only'],
  ])('%j is refused, with place and reason', (text, why) => {
    expect(flaw(parseTopic(text))).toBe(`topic-invalid: the topic ${JSON.stringify(text)} is refused at ${why}`);
  });

  test('has at most 255 segments', () => {
    expect(flaw(parseTopic(Array(255).fill('a').join('.')))).toBe('fine');
    expect(flaw(parseTopic(Array(256).fill('a').join('.')))).toMatch(
      /at character 511: it has more than 255 segments$/,
    );
  });

  test('has at most 1,024 bytes as UTF-8, whatever its characters', () => {
    for (const [character, bytes] of [
      ['a', 1],
      ['é', 2],
      ['€', 3],
      ['🦊', 4],
    ] as const) {
      expect(Buffer.byteLength(character)).toBe(bytes);
      const most = character.repeat(1_024 / bytes).padEnd(1_024 - (bytes - 1) * Math.floor(1_024 / bytes), 'x');
      expect(Buffer.byteLength(most)).toBe(1_024);
      expect(flaw(parseTopic(most))).toBe('fine');
      expect(flaw(parseTopic(`${most}a`))).toMatch(/it is longer than 1024 bytes$/);
    }
  });

  test('is shown in part only, where it is long', () => {
    const message = flaw(parseTopic('x'.repeat(5_000)));
    expect(message.length).toBeLessThan(200);
  });

  test('of the mesh is not for users to publish', () => {
    expect([isSystem('mpreg.node.up'), isSystem('mpreg'), isSystem('mpregs.a')]).toEqual([true, true, false]);
    expect(systemRefusal('mpreg.a')).toMatchObject({ code: 'not-allowed' });
  });
});
