import { describe, expect, test } from 'vitest';
import { KEEPS_MAX, Keeps } from '../../../src/engine/core/topics/keeps.ts';
import { keyOf, parsePattern } from '../../../src/engine/core/topics/pattern.ts';

function keepsOf(...said: readonly (readonly [node: string, patterns: readonly string[], inReach?: boolean])[]) {
  const changed: string[] = [];
  const keeps = new Keeps((pattern) => changed.push(keyOf(pattern)));
  for (const [node, patterns, inReach = true] of said) keeps.say(node, patterns, inReach);
  return { changed, keeps };
}

const keepersOf = (keeps: Keeps, topic: string) => keeps.keepers(topic.split('.'));

function covering(keeps: Keeps, ...patterns: string[]): string {
  const found = keeps.covering(patterns);
  return found.ok
    ? `${found.value.node} ${found.value.pattern.text}`
    : `${found.problem.code}: ${found.problem.message}`;
}

describe('keepers of a topic', () => {
  test('are all nodes with a keep that matches, each once, in an order that is the same everywhere', () => {
    const { keeps } = keepsOf(['b', ['order.#', 'order.*', 'cart']], ['a', ['*.eu']], ['c', ['price']]);
    expect(keepersOf(keeps, 'order.eu')).toEqual(['a', 'b']);
    expect(keepersOf(keeps, 'cart')).toEqual(['b']);
    expect(keepersOf(keeps, 'other')).toEqual([]);
  });

  test('stay keepers while they are out of reach, unless another in reach keeps the same pattern', () => {
    const { keeps } = keepsOf(['a', ['order.#', 'cart']], ['b', ['order.#']]);
    keeps.say('a', ['order.#', 'cart'], false);
    expect([keepersOf(keeps, 'order.eu'), keepersOf(keeps, 'cart')]).toEqual([['b'], ['a']]);
    keeps.say('b', ['order.#'], false);
    expect(keepersOf(keeps, 'order.eu')).toEqual(['a', 'b']);
    keeps.say('a', ['order.#', 'cart'], true);
    expect(keepersOf(keeps, 'order.eu')).toEqual(['a']);
  });

  test('change with what they say, and each change is told by its pattern', () => {
    const { changed, keeps } = keepsOf(['a', ['order.#', 'cart']]);
    keeps.say('a', ['order.#', 'cart'], true);
    expect(changed.splice(0)).toEqual(['order.#', 'cart']);
    keeps.say('a', ['cart'], true);
    expect(changed.splice(0).sort()).toEqual(['cart', 'cart', 'order.#']);
    keeps.say('a', ['cart'], false);
    expect(changed.splice(0)).toEqual(['cart', 'cart']);
    keeps.say('a', [], true);
    expect([changed.splice(0), keepersOf(keeps, 'cart')]).toEqual([['cart'], []]);
  });

  test('are bounded, and what is no pattern is passed over', () => {
    const many = Array.from({ length: KEEPS_MAX + 5 }, (_, i) => `t${i}`);
    const { keeps } = keepsOf(['a', ['pre*', ...many]]);
    expect([keepersOf(keeps, 't0'), keepersOf(keeps, `t${KEEPS_MAX}`)]).toEqual([['a'], []]);
  });
});

describe('the keep that a reader reads', () => {
  const { keeps } = keepsOf(['a', ['#', 'order.#']], ['b', ['order.*', 'order.eu']], ['c', ['cart.#'], false]);

  test.each([
    ['the narrowest that holds it', ['order.eu'], 'b order.eu'],
    ['one that holds all of its patterns', ['order.eu', 'order.us'], 'b order.*'],
    ['one that holds all that its pattern matches', ['order.*.paid'], 'a order.#'],
    ['the only one', ['price', 'order.eu'], 'a #'],
    ['one in reach before one that is narrower', ['cart.eu'], 'a #'],
  ])('is %s', (_, patterns, found) => expect(covering(keeps, ...patterns)).toBe(found));

  test('is none where none holds all of it, and what is kept is told', () => {
    const some = keepsOf(['a', ['order.*']], ['b', ['cart']]).keeps;
    expect(covering(some, 'order.#')).toBe('keep-unknown: no keep holds all of order.#: kept are cart, order.*');
    expect(covering(some, 'order.eu', 'cart')).toMatch(/^keep-unknown: no keep holds all of order.eu, cart/);
    expect(covering(keepsOf().keeps, 'a')).toBe('keep-unknown: no keep holds all of a: nothing is');
    expect(covering(some, 'pre*')).toMatch(/^topic-invalid/);
  });

  test('of exactly one pattern is found, however it is written', () => {
    const pattern = parsePattern('#.#');
    expect(pattern.ok && keeps.of(pattern.value)?.node).toBe('a');
    const other = parsePattern('order.us');
    expect(other.ok && keeps.of(other.value)).toBeUndefined();
  });
});
