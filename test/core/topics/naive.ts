/** The naive matcher that judges the trie, and patterns and topics that are hard on both. */
import fc from 'fast-check';
import { type Pattern, parsePattern } from '../../../src/engine/core/topics/pattern.ts';

/** By the definition: `*` is one segment, `#` any number. Takes for ever where the trie does not. */
export function matchesNaively(pattern: readonly string[], topic: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return topic.length === 0;
  if (first === '#') return topic.some((_, i) => matchesNaively(rest, topic.slice(i))) || matchesNaively(rest, []);
  return topic.length > 0 && (first === '*' || first === topic[0]) && matchesNaively(rest, topic.slice(1));
}

export function matches(pattern: string, topic: string): boolean {
  return matchesNaively(pattern.split('.'), topic.split('.'));
}

export function pattern(text: string): Pattern {
  const parsed = parsePattern(text);
  if (!parsed.ok) throw new Error(parsed.problem.message);
  return parsed.value;
}

/** Few words and many wildcards, so that much matches and much nearly does. */
export const patterns: fc.Arbitrary<string> = fc
  .array(fc.constantFrom('a', 'b', 'c', '*', '#', '#'), { maxLength: 6, minLength: 1 })
  .map((segments) => segments.join('.'));

export const topics: fc.Arbitrary<string> = fc
  .array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 6, minLength: 1 })
  .map((segments) => segments.join('.'));

/** Every topic of up to `length` segments over an alphabet. */
export function everyTopic(alphabet: readonly string[], length: number): string[] {
  let longest: string[][] = [[]];
  const all: string[] = [];
  for (let i = 0; i < length; i++) {
    longest = longest.flatMap((topic) => alphabet.map((segment) => [...topic, segment]));
    all.push(...longest.map((topic) => topic.join('.')));
  }
  return all;
}
