import { assert } from '../base/assert.ts';
import { ANY, keyOf, type Pattern, parsePattern } from './pattern.ts';
import { Trie, type TrieBranch } from './trie.ts';

/**
 * All that a node listens to, in a bounded number of patterns: what it announces to the others.
 *
 * Read from the trie of its subscriptions, with a budget: a branch with no more patterns than it may have is told as it
 * is; one with more divides its budget among its children: the small ones are told as they are, as long as each of the
 * others is left one pattern, and what they leave is shared by the larger ones; one that has more children than budget
 * becomes `branch.#`. So ten thousand inboxes cost one pattern, and the
 * services beside them stay exact:
 *
 *     reply.1 … reply.10000                   reply.#
 *     order.eu.paid   order.#   cart.*        order.#   cart.*
 *
 * Then what lies within another pattern is left out: `order.eu.paid` within `order.#`.
 *
 * Invariant: whatever matches some subscription matches some pattern of the summary; nothing else is promised. A summary
 * that is wider than the subscriptions costs messages that nobody on the node wants, never one that somebody does.
 *
 * The same subscriptions give the same summary, in whatever order they came. It costs no more than O(max · log max) steps
 * and `max` matches, however many subscriptions there are.
 */
export function summarise(root: TrieBranch, max: number): readonly Pattern[] {
  const texts: string[] = [];
  allot(root, [], Math.max(1, max), texts);
  return withoutCovered(texts);
}

/** Adds at most `budget` patterns for a branch to `into`, and says how many. */
function allot(branch: TrieBranch, path: readonly string[], budget: number, into: string[]): number {
  if (branch.below === 0) return 0;
  if (branch.any?.values !== undefined) return tell([...path, ANY], into);
  if (branch.below <= budget) return tellAll(branch, path, into);
  const own = branch.values === undefined ? 0 : 1;
  if (own + childCount(branch) > budget) return tell([...path, ANY], into);
  if (own === 1) tell(path, into);
  let left = budget - own;
  const children = [...childrenOf(branch)].sort((a, b) => a.below - b.below || (a.segment < b.segment ? -1 : 1));
  for (const [i, child] of children.entries()) {
    const others = children.length - i - 1;
    const share = child.below <= left - others ? child.below : Math.floor(left / (others + 1));
    left -= allot(child, [...path, child.segment], share, into);
  }
  return budget - left;
}

/** Not deeper than a pattern has segments. */
function tellAll(branch: TrieBranch, path: readonly string[], into: string[]): number {
  let told = branch.values === undefined ? 0 : tell(path, into);
  for (const child of childrenOf(branch)) told += tellAll(child, [...path, child.segment], into);
  return told;
}

function tell(path: readonly string[], into: string[]): number {
  into.push(path.join('.'));
  return 1;
}

function* childrenOf({ word, words, one, any }: TrieBranch): Generator<TrieBranch> {
  if (words !== undefined) yield* words.values();
  for (const child of [word, one, any]) if (child !== undefined) yield child;
}

function childCount({ word, words, one, any }: TrieBranch): number {
  return (words?.size ?? 0) + [word, one, any].filter((child) => child !== undefined).length;
}

/** Patterns that lie within another, read as topics, match it. */
function withoutCovered(texts: readonly string[]): readonly Pattern[] {
  const patterns = new Map<string, Pattern>();
  const trie = new Trie<Pattern>();
  for (const text of texts) {
    const parsed = parsePattern(text);
    assert(parsed.ok, 'what is made of parts of patterns is a pattern');
    patterns.set(keyOf(parsed.value), parsed.value);
  }
  for (const pattern of patterns.values()) trie.add(pattern, pattern);
  return [...patterns.values()].filter(({ segments }) => trie.match(segments).length === 1);
}
