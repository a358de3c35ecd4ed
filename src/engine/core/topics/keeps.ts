import type { NodeId } from '../base/ids.ts';
import { done, failed, type Outcome } from '../base/outcome.ts';
import { problem } from '../base/problems.ts';
import { keyOf, type Pattern, parsePattern } from './pattern.ts';
import { Trie } from './trie.ts';

/**
 * Which node keeps messages of which topics, as all nodes say in their records.
 *
 *     keep order.#    on beta       a message of order.eu goes to beta as well, which stores it
 *     keep order.eu   on gamma      and to gamma
 *
 * A keeper that is out of reach stays a keeper: what is published meanwhile is refused rather than not kept without a
 * word. But where another node that is in reach keeps the very same pattern, that one alone counts: so a keeper that is
 * lost for good can be replaced.
 *
 * Invariant: `changed` has been called for each pattern whose keepers have changed.
 */
export class Keeps {
  readonly #trie = new Trie<Keep>();
  readonly #said = new Map<NodeId, { readonly text: string; readonly keeps: readonly Keep[] }>();
  readonly #changed: (pattern: Pattern) => void;

  constructor(changed: (pattern: Pattern) => void) {
    this.#changed = changed;
  }

  /** What a node keeps, in place of what it kept before. */
  say(node: NodeId, patterns: readonly string[], inReach: boolean): void {
    const text = JSON.stringify([inReach, ...patterns]);
    const before = this.#said.get(node);
    if (before?.text === text || (before === undefined && patterns.length === 0)) return;
    for (const keep of before?.keeps ?? []) {
      this.#trie.remove(keep.pattern, keep);
      this.#changed(keep.pattern);
    }
    this.#said.delete(node);
    const keeps: Keep[] = [];
    for (const one of patterns.slice(0, KEEPS_MAX)) {
      const parsed = parsePattern(one);
      if (!parsed.ok) continue;
      const keep = { inReach, node, pattern: parsed.value };
      this.#trie.add(parsed.value, keep);
      this.#changed(parsed.value);
      keeps.push(keep);
    }
    if (keeps.length > 0) this.#said.set(node, { keeps, text });
  }

  /** The nodes that store messages of a topic, each once. */
  keepers(segments: readonly string[]): readonly NodeId[] {
    const nodes = new Set(inForce(this.#trie.match(segments)).map(({ node }) => node));
    return nodes.size === 0 ? NOBODY : Object.freeze([...nodes].sort());
  }

  /** All that is kept somewhere. */
  *patterns(): Generator<string> {
    for (const { keeps } of this.#said.values()) for (const { pattern } of keeps) yield pattern.text;
  }

  /** The node that keeps exactly that pattern, where there is one; rather one that is in reach. */
  of(pattern: Pattern): Keep | undefined {
    const key = keyOf(pattern);
    return inForce(this.#trie.match(pattern.segments)).find((keep) => keyOf(keep.pattern) === key);
  }

  /** The keep that holds everything that matches any of the patterns: of several, the narrowest that is in reach. */
  covering(patterns: readonly string[]): Outcome<Keep> {
    let found: readonly Keep[] | undefined;
    for (const text of patterns) {
      const parsed = parsePattern(text);
      if (!parsed.ok) return parsed;
      const these = inForce(this.#trie.match(parsed.value.segments));
      found = found === undefined ? these : found.filter((keep) => these.includes(keep));
    }
    const [best] = [...(found ?? [])].sort((a, b) => this.#rank(a, b));
    if (best !== undefined) return done(best);
    return failed(this.#notKept(patterns));
  }

  /** In reach before out of reach; then whoever lies within the other; then in an order that is the same on all nodes. */
  #rank(a: Keep, b: Keep): number {
    if (a.inReach !== b.inReach) return a.inReach ? -1 : 1;
    const [keyA, keyB] = [keyOf(a.pattern), keyOf(b.pattern)];
    if (keyA === keyB) return a.node < b.node ? -1 : 1;
    if (this.#trie.match(a.pattern.segments).includes(b)) return -1;
    if (this.#trie.match(b.pattern.segments).includes(a)) return 1;
    return keyA < keyB ? -1 : 1;
  }

  #notKept(patterns: readonly string[]) {
    const all = new Set([...this.#said.values()].flatMap(({ keeps }) => keeps.map(({ pattern }) => pattern.text)));
    const some = [...all].sort().slice(0, TOLD_MAX).join(', ');
    const known = all.size === 0 ? 'nothing is' : `kept are ${some}${all.size > TOLD_MAX ? ' and others' : ''}`;
    const text = `no keep holds all of ${patterns.join(', ')}: ${known}`;
    const [first = 'order.#'] = patterns;
    return problem('keep-unknown', text, { hint: `Keep it first.\nmpreg topic keep '${first}' --age 1h` });
  }
}

/** One pattern that a node keeps. */
export interface Keep {
  readonly node: NodeId;
  readonly pattern: Pattern;
  readonly inReach: boolean;
}

/** Without those out of reach whose pattern another node in reach keeps, too. */
function inForce(keeps: readonly Keep[]): readonly Keep[] {
  if (keeps.every(({ inReach }) => inReach)) return keeps;
  const there = new Set(keeps.filter(({ inReach }) => inReach).map(({ pattern }) => keyOf(pattern)));
  return keeps.filter(({ inReach, pattern }) => inReach || !there.has(keyOf(pattern)));
}

/** Limit: patterns that one node keeps; all nodes know of them. */
export const KEEPS_MAX = 256;
const TOLD_MAX = 5;
const NOBODY: readonly NodeId[] = Object.freeze([]);
