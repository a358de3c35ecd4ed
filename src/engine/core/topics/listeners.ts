import type { NodeId } from '../base/ids.ts';
import { getOrMake } from '../base/maps.ts';
import { type Groups, type Member, memberOf } from './groups.ts';
import { type Interest, interestKey, type TopicFilter } from './messages.ts';
import { type Pattern, parsePattern } from './pattern.ts';
import { Trie } from './trie.ts';

/**
 * What other nodes have said that they listen to, ready to be matched: patterns of nodes, and patterns of members of
 * consumer groups (those of this node too, so that all members of a group are found at once).
 *
 * Bounded for each node, honestly: one that says more than is kept, or something that this version cannot read, is taken
 * to listen to everything until it says anew what it listens to. Then it gets too much, never too little. Members beyond
 * the bound are left out: other members get their share.
 *
 * Invariant: `changed` has been called for each pattern whose matches have changed.
 */
export class Listeners {
  readonly #nodes = new Trie<Listener>();
  readonly #members = new Trie<MemberBinding>();
  readonly #said = new Map<NodeId, Map<string, Said>>();
  /** Nodes that listen for other clusters. */
  readonly #filters = new Set<Filtered>();
  readonly #readFilter: ReadFilter;
  readonly #groups: Groups;
  readonly #max: number;
  readonly #changed: (pattern: Pattern) => void;

  /** `max`: patterns kept of each node. */
  constructor(groups: Groups, max: number, changed: (pattern: Pattern) => void, readFilter: ReadFilter) {
    this.#readFilter = readFilter;
    this.#groups = groups;
    this.#max = max;
    this.#changed = changed;
  }

  get counts(): { readonly nodePatterns: number; readonly memberPatterns: number } {
    return { memberPatterns: this.#members.counts.values, nodePatterns: this.#nodes.counts.values };
  }

  /** The nodes that listen to a topic, with a pattern each, perhaps several. */
  nodes(segments: readonly string[]): readonly Listener[] {
    return this.#nodes.match(segments);
  }

  /** The nodes that listen to a topic for other clusters. */
  bridges(topic: string): readonly NodeId[] {
    const nodes: NodeId[] = [];
    for (const { hears, node } of this.#filters) if (hears(topic)) nodes.push(node);
    return nodes;
  }

  /** All patterns that other nodes and members of groups listen to. */
  *patterns(): Generator<string> {
    for (const said of this.#said.values())
      for (const one of said.values()) if ('pattern' in one) yield one.pattern.text;
  }

  members(segments: readonly string[]): readonly MemberBinding[] {
    return this.#members.match(segments);
  }

  /** Puts a member among those of its group. The binding returned takes it out again. */
  join(member: Member, pattern: Pattern): MemberBinding {
    const binding = { member, pattern };
    this.#members.add(pattern, binding);
    this.#groups.joined(member);
    this.#changed(pattern);
    return binding;
  }

  leave(binding: MemberBinding): void {
    if (!this.#members.remove(binding.pattern, binding)) return;
    this.#groups.left(binding.member);
    this.#changed(binding.pattern);
  }

  /** A node listens to one thing more. */
  add(node: NodeId, interest: Interest): void {
    const said = getOrMake(this.#said, node, () => new Map<string, Said>());
    const key = interestKey(interest);
    if (said.has(key)) return;
    const { filter, member } = interest;
    const hears = filter === undefined ? undefined : this.#readFilter(filter);
    if (hears !== undefined) {
      said.set(key, this.#filter({ hears, node }));
      return;
    }
    const parsed = parsePattern(interest.pattern);
    if (!parsed.ok || said.size >= this.#max) {
      if (member === undefined) this.#widen(node, said);
    } else if (member === undefined) {
      said.set(key, this.#listen(node, parsed.value));
    } else {
      said.set(key, this.join(memberOf(member.group, node, member.id, member), parsed.value));
    }
  }

  /** A node listens to one thing less. */
  remove(node: NodeId, interest: Interest): void {
    const said = this.#said.get(node);
    const key = interestKey(interest);
    this.#take(said?.get(key));
    said?.delete(key);
  }

  /** A node listens to nothing any more. */
  clear(node: NodeId): void {
    for (const one of this.#said.get(node)?.values() ?? []) this.#take(one);
    this.#said.delete(node);
  }

  #widen(node: NodeId, said: Map<string, Said>): void {
    if (!said.has(WIDE)) said.set(WIDE, this.#listen(node, EVERYTHING));
  }

  #listen(node: NodeId, pattern: Pattern): Listener {
    const listener = { node, pattern };
    this.#nodes.add(pattern, listener);
    this.#changed(pattern);
    return listener;
  }

  #filter(filtered: Filtered): Filtered {
    this.#filters.add(filtered);
    this.#changed(EVERYTHING);
    return filtered;
  }

  #take(said: Said | undefined): void {
    if (said === undefined) return;
    if ('hears' in said) {
      this.#filters.delete(said);
      this.#changed(EVERYTHING);
      return;
    }
    if ('member' in said) return this.leave(said);
    if (this.#nodes.remove(said.pattern, said)) this.#changed(said.pattern);
  }
}

/** A node that listens, and by which pattern. */
export interface Listener {
  readonly node: NodeId;
  readonly pattern: Pattern;
}

export interface MemberBinding {
  readonly member: Member;
  readonly pattern: Pattern;
}

type Said = Listener | MemberBinding | Filtered;

/** What a filter affirms; undefined where it cannot be read: then its pattern counts alone. */
export type ReadFilter = (filter: TopicFilter) => ((topic: string) => boolean) | undefined;

interface Filtered {
  readonly node: NodeId;
  readonly hears: (topic: string) => boolean;
}

export const EVERYTHING: Pattern = { segments: ['#'], text: '#' };
/** No interest has this key, for no pattern is empty. */
const WIDE = '';
