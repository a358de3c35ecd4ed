import { assert } from '../base/assert.ts';
import { hash32 } from '../base/hash.ts';
import { WideMap } from '../base/wide-map.ts';
import { ANY, ONE, type Pattern } from './pattern.ts';

/**
 * All patterns in one tree, so that a topic is compared with each common beginning once.
 *
 *     order.eu.*   order.#   order.#.paid   #.paid
 *
 *     root ──order──► o ──eu───► o ──*──► ● order.eu.*
 *       │             └──#───► (#)● order.# ──paid──► ● order.#.paid
 *       └──#──► (#) ──paid──► ● #.paid
 *
 * A topic is read once, from left to right, by all patterns at the same time: a set of nodes, the *front*, holds every
 * place that could be reached by the segments read (Thompson, "Regular expression search algorithm", 1968). A node (#)
 * joins the front together with its parent, since `#` may be nothing, and then never leaves it, since `#` may be anything.
 *
 *     topic order.eu.paid     front                            (#) that have joined
 *       start                 root                             #
 *       order                 order                            #, order.#
 *       eu                    order.eu                         #, order.#
 *       paid                  order.eu.*, order.#.paid, #.paid #, order.#
 *
 * Nothing is tried and taken back. Every other node has one way in, from its parent; so no node is visited twice for one
 * segment, and a match visits at most (segments + 1) · nodes of the trie, and for m patterns of one (`#.a.#.a.#.a`) that
 * is (segments + 1) · m, where trying would take 2^m. Far from the worst it visits the nodes that fit, and no others.
 *
 * Invariants:
 * - every node but the root holds a value or has one below it: what is removed leaves nothing behind;
 * - `below` is the number of patterns at or below a node;
 * - a (#) has no `*` and no (#) under it (patterns come in one form), and is live only within `match`.
 *
 * A value should be under one pattern only: under two, a match may hold it twice. What `match` returns is never changed.
 */
export class Trie<Value> {
  readonly #root: TrieNode<Value> = nodeOf('');
  #nodes = 1;
  #values = 0;
  #visited = 0;
  /** The front, the next one, and the (#) of the match under way, each as far as its count; kept, to allocate nothing. */
  #front: TrieNode<Value>[] = [];
  #next: TrieNode<Value>[] = [];
  #live: TrieNode<Value>[] = [];
  #nextCount = 0;
  #liveCount = 0;

  get counts(): TrieCounts {
    return { nodes: this.#nodes, patterns: this.#root.below, values: this.#values };
  }

  /** Nodes visited since construction: what matching has cost. */
  get visited(): number {
    return this.#visited;
  }

  /** For those who read the whole tree, such as the summary. */
  get root(): TrieBranch {
    return this.#root;
  }

  /** False where the value is there already. */
  add({ segments }: Pattern, value: Value): boolean {
    const path = [this.#root];
    let node = this.#root;
    for (const segment of segments) {
      node = childOf(node, segment) ?? this.#grow(node, segment);
      path.push(node);
    }
    const { values } = node;
    if (values === undefined) {
      node.values = [value];
      for (const passed of path) passed.below++;
    } else if (values instanceof Set) {
      if (values.has(value)) return false;
      values.add(value);
    } else {
      if (values.includes(value)) return false;
      if (values.length < LIST_MAX) values.push(value);
      else node.values = new Set(values).add(value);
    }
    this.#values++;
    return true;
  }

  /** False where the value is not there. */
  remove({ segments }: Pattern, value: Value): boolean {
    const path = [this.#root];
    let node: TrieNode<Value> | undefined = this.#root;
    for (const segment of segments) {
      node = childOf(node, segment);
      if (node === undefined) return false;
      path.push(node);
    }
    if (!take(node, value)) return false;
    this.#values--;
    if (node.values === undefined) this.#prune(path);
    return true;
  }

  /**
   * The values of all patterns that match a topic's segments, in no particular order but always the same.
   *
   * Of a pattern's segments: the values of patterns that match whatever it matches. A `*` is then a segment that no word
   * equals, and a `#` one that only `#` takes. Limit: `#.x` is not found to lie within `*.#`.
   */
  match(segments: readonly string[]): readonly Value[] {
    const found: Value[] = [];
    if (this.#values === 0) return found;
    let count = this.#begin(found);
    for (let read = 0; read < segments.length && count + this.#liveCount > 0; read++) {
      const segment = segments[read] as string;
      const joined = this.#liveCount;
      const front = this.#front;
      this.#visited += count + joined;
      for (let i = 0; i < count; i++) this.#step(front[i] as TrieNode<Value>, segment, found);
      for (let i = 0; i < joined; i++) this.#step(this.#live[i] as TrieNode<Value>, segment, found);
      this.#front = this.#next;
      this.#next = front;
      count = this.#nextCount;
      this.#nextCount = 0;
    }
    this.#visited += count;
    for (let i = 0; i < count; i++) collect(this.#front[i] as TrieNode<Value>, found);
    for (let i = 0; i < this.#liveCount; i++) (this.#live[i] as TrieNode<Value>).live = false;
    this.#liveCount = 0;
    return found;
  }

  /** The front before anything is read: how many nodes are in it. */
  #begin(found: Value[]): number {
    this.#front[0] = this.#root;
    if (this.#root.any !== undefined) this.#join(this.#root.any, found);
    return 1;
  }

  /** Where one node of the front leads. */
  #step({ word, words, one }: TrieNode<Value>, segment: string, found: Value[]): void {
    if (words !== undefined) {
      const child = words.get(segment);
      if (child !== undefined) this.#reach(child, found);
    } else if (word !== undefined && word.segment === segment) {
      this.#reach(word, found);
    }
    if (one !== undefined && segment !== ANY) this.#reach(one, found);
  }

  #reach(node: TrieNode<Value>, found: Value[]): void {
    this.#next[this.#nextCount++] = node;
    if (node.any !== undefined && !node.any.live) this.#join(node.any, found);
  }

  /** A (#) takes whatever is left, so its own values have matched as soon as it joins. */
  #join(node: TrieNode<Value>, found: Value[]): void {
    node.live = true;
    this.#live[this.#liveCount++] = node;
    collect(node, found);
  }

  #grow(parent: TrieNode<Value>, segment: string): TrieNode<Value> {
    const node = nodeOf<Value>(segment);
    this.#nodes++;
    if (segment === ANY) parent.any = node;
    else if (segment === ONE) parent.one = node;
    else if (parent.words === undefined && parent.word === undefined) parent.word = node;
    else widen(parent).set(segment, node);
    return node;
  }

  /** The last value of a pattern is gone: so are all nodes that only it needed. */
  #prune(path: readonly TrieNode<Value>[]): void {
    for (const node of path) node.below--;
    // Why: the last match has left nodes in them, which would hold on to what is removed.
    this.#front = [];
    this.#next = [];
    this.#live = [];
    for (let i = path.length - 1; i > 0; i--) {
      const node = path[i] as TrieNode<Value>;
      if (node.below > 0) return;
      cut(path[i - 1] as TrieNode<Value>, node);
      this.#nodes--;
    }
  }
}

export interface TrieCounts {
  /** With the root, which is always there. */
  readonly nodes: number;
  /** Different ones. */
  readonly patterns: number;
  readonly values: number;
}

/** A node as others see it. */
export interface TrieBranch {
  readonly segment: string;
  /** Patterns at or below. */
  readonly below: number;
  readonly values: object | undefined;
  readonly word: TrieBranch | undefined;
  readonly words: { readonly size: number; values(): Iterable<TrieBranch> } | undefined;
  readonly one: TrieBranch | undefined;
  readonly any: TrieBranch | undefined;
}

interface TrieNode<Value> {
  /** The last of its path. */
  readonly segment: string;
  below: number;
  /** A list while they are few. Why: most patterns have one value, and a set takes 200 bytes. */
  values: Value[] | Set<Value> | undefined;
  /** The child that is a word, while there is but one; else `words` has them. */
  word: TrieNode<Value> | undefined;
  words: Words<Value> | undefined;
  /** The child `*`. */
  one: TrieNode<Value> | undefined;
  /** The child `#`. */
  any: TrieNode<Value> | undefined;
  /** Of a (#): whether it has joined the match under way. */
  live: boolean;
}

type Words<Value> = Map<string, TrieNode<Value>> | WideMap<string, TrieNode<Value>>;

const LIST_MAX = 8;
const MAP_MAX = 16_384;

/** Room for one word more than there are. */
function widen<Value>(parent: TrieNode<Value>): Words<Value> {
  const { word, words } = parent;
  if (words instanceof Map && words.size >= MAP_MAX) parent.words = new WideMap(hashOfEnd, words);
  parent.words ??= new Map();
  if (word !== undefined) parent.words.set(word.segment, word);
  parent.word = undefined;
  return parent.words;
}

/** Why the end: of many names beside each other, numbers and ids, it is the end that differs. */
function hashOfEnd(segment: string): number {
  return hash32(segment.slice(-8));
}

function nodeOf<Value>(segment: string): TrieNode<Value> {
  return {
    any: undefined,
    below: 0,
    live: false,
    one: undefined,
    segment,
    values: undefined,
    word: undefined,
    words: undefined,
  };
}

function childOf<Value>(node: TrieNode<Value>, segment: string): TrieNode<Value> | undefined {
  if (segment === ANY) return node.any;
  if (segment === ONE) return node.one;
  if (node.words !== undefined) return node.words.get(segment);
  return node.word?.segment === segment ? node.word : undefined;
}

function collect<Value>({ values }: TrieNode<Value>, found: Value[]): void {
  if (values === undefined) return;
  if (values instanceof Set) for (const value of values) found.push(value);
  else for (let i = 0; i < values.length; i++) found.push(values[i] as Value);
}

function take<Value>(node: TrieNode<Value>, value: Value): boolean {
  const { values } = node;
  if (values === undefined) return false;
  if (values instanceof Set) {
    if (!values.delete(value)) return false;
    if (values.size <= LIST_MAX / 2) node.values = [...values];
    return true;
  }
  const at = values.indexOf(value);
  if (at < 0) return false;
  values.splice(at, 1);
  if (values.length === 0) node.values = undefined;
  return true;
}

function cut<Value>(parent: TrieNode<Value>, { segment }: TrieNode<Value>): void {
  if (segment === ANY) parent.any = undefined;
  else if (segment === ONE) parent.one = undefined;
  else if (parent.words !== undefined) {
    parent.words.delete(segment);
    if (parent.words.size === 0) parent.words = undefined;
  } else {
    assert(parent.word?.segment === segment, 'a node is a child of its parent');
    parent.word = undefined;
  }
}
