import { hash32 } from '../base/hash.ts';
import { type Pattern, parseTopic } from './pattern.ts';
import { Trie } from './trie.ts';

/**
 * The newest retained message of each topic, for those who subscribe later: the same on every node.
 *
 *     price.tea   12 a           put: to the end, with the next number
 *     price.milk  15 b   —       cleared: remembered for a while, so that nobody brings the old one back
 *     price.salt  16 a
 *
 * Each has a *version*: the time at which its node took it, at least one more than the newest time that this node had seen
 * (Kulkarni et al. 2014, hybrid logical clocks, with one number), and that node. The higher one wins, wherever it was put and in
 * whatever order it arrives (a last-writer-wins register for each topic, Shapiro et al. 2011).
 *
 * Two nodes compare one number, then those of 64 buckets of topics, then the versions in those that differ; so what one of
 * them lacks is found without sending what both have.
 *
 * A new subscriber is first live and then asks for a *replay*: what was put up to then, and not again since. What is put
 * from then on reaches it as any message does; so it gets the newest message of each topic once. A replay looks at every topic,
 * some at a time. Trade-off: an index of topics for patterns would be a second matcher; a subscription is rarer than a message.
 *
 * Invariants: at most topicsMax topics and bytesMax bytes, cleared ones included; what finds no room is refused, and what
 * was there stays. Why: nodes that made room each by itself would bring each other's oldest back for ever.
 */
export class Retained<Message> {
  readonly #limits: RetainedLimits;
  /** In the order of their numbers. */
  readonly #kept = new Map<string, Kept<Message>>();
  /** Of each bucket, its topics; and all of them with their versions as one number. */
  readonly #topics = Array.from({ length: BUCKETS }, () => new Set<string>());
  readonly #buckets = new Uint32Array(BUCKETS);
  /** The first words of topics that are retained and not cleared, and of how many. */
  readonly #words = new Map<string, number>();
  /** Grows with every word that comes or goes. */
  wordsGeneration = 0;
  #bytes = 0;
  #last = 0;
  /** The newest time seen. */
  #time = 0;
  #refused = 0;

  constructor(limits: RetainedLimits) {
    this.#limits = limits;
  }

  /** `refused`: for lack of room, since construction. */
  get counts(): { readonly topics: number; readonly bytes: number; readonly refused: number } {
    return { bytes: this.#bytes, refused: this.#refused, topics: this.#kept.size };
  }

  /** The first words of all topics that somebody may ask for. */
  get words(): readonly string[] {
    return [...this.#words.keys()];
  }

  /** Whether anything is known of a topic, be it that it was cleared. */
  knows(topic: string): boolean {
    return this.#kept.has(topic);
  }

  get(topic: string): Message | undefined {
    const kept = this.#kept.get(topic);
    return kept?.version.cleared ? undefined : kept?.message;
  }

  /** A version that is higher than all others, for what `node` puts now. */
  next(node: string, now: number): Version {
    return { node, time: Math.max(now, this.#time + 1) };
  }

  /** Takes what is newer than what is there. `topic`: a valid one. */
  put(topic: string, version: Version, message: Message, bytes: number): 'news' | 'known' | 'full' {
    const { topicsMax, bytesMax } = this.#limits;
    const before = this.#kept.get(topic);
    if (before !== undefined && !isNewer(version, before.version)) return 'known';
    const room = bytesMax - this.#bytes + (before?.bytes ?? 0);
    if (bytes > room || (before === undefined && this.#kept.size >= topicsMax)) {
      this.#refused++;
      return 'full';
    }
    this.#time = Math.max(this.#time, version.time);
    this.#drop(topic, before);
    this.#kept.set(topic, { bytes, message, number: ++this.#last, version });
    this.#bytes += bytes;
    if (!version.cleared) this.#countWord(topic, 1);
    this.#topics[bucketOf(topic)]?.add(topic);
    this.#mix(topic, version);
    return 'news';
  }

  /** Forgets what was cleared before `time`; gives these topics. Limit: a node that was away for longer brings it back. */
  expire(time: number): readonly string[] {
    const gone: string[] = [];
    for (const [topic, kept] of this.#kept) {
      if (!kept.version.cleared || kept.version.time >= time) continue;
      this.#drop(topic, kept);
      gone.push(topic);
    }
    return gone;
  }

  /** Of all that is here: equal, but for one chance in four billion, where two nodes hold the same. */
  get digest(): number {
    return hash32([...this.#buckets].join(' '));
  }

  get buckets(): readonly number[] {
    return [...this.#buckets];
  }

  /** The topics in a bucket, and their versions. */
  entries(bucket: number): readonly RetainedEntry[] {
    const found: RetainedEntry[] = [];
    for (const topic of this.#topics[bucket] ?? []) {
      const version = this.#kept.get(topic)?.version;
      if (version !== undefined) found.push({ node: version.node, time: version.time, topic });
    }
    return found;
  }

  /** What somebody lacks who has these of a bucket. */
  lacking(bucket: number, entries: readonly RetainedEntry[]): readonly Lacking<Message>[] {
    const theirs = new Map(entries.map((entry) => [entry.topic, entry]));
    const found: Lacking<Message>[] = [];
    for (const topic of this.#topics[bucket] ?? []) {
      const kept = this.#kept.get(topic);
      const known = theirs.get(topic);
      if (kept === undefined || (known !== undefined && !isNewer(kept.version, known))) continue;
      found.push({ message: kept.message, topic, version: kept.version });
    }
    return found;
  }

  /** What matches any of the patterns, of what is retained now; oldest first. */
  replay(patterns: readonly Pattern[]): Replay<Message> {
    const trie = new Trie<true>();
    for (const pattern of patterns) trie.add(pattern, true);
    const last = this.#last;
    const rest = this.#kept.entries();
    return {
      step(topicsMax) {
        const found: Message[] = [];
        for (let i = 0; i < topicsMax; i++) {
          const next = rest.next();
          if (next.done || next.value[1].number > last) return { done: true, found };
          const [topic, { message, version }] = next.value;
          const segments = parseTopic(topic);
          if (!version.cleared && segments.ok && trie.match(segments.value).length > 0) found.push(message);
        }
        return { done: false, found };
      },
    };
  }

  #drop(topic: string, kept: Kept<Message> | undefined): void {
    if (kept === undefined) return;
    this.#kept.delete(topic);
    this.#topics[bucketOf(topic)]?.delete(topic);
    this.#bytes -= kept.bytes;
    if (!kept.version.cleared) this.#countWord(topic, -1);
    this.#mix(topic, kept.version);
  }

  #countWord(topic: string, more: 1 | -1): void {
    const [word = ''] = topic.split('.', 1);
    const count = (this.#words.get(word) ?? 0) + more;
    if (count === 0) this.#words.delete(word);
    else this.#words.set(word, count);
    if (count === 0 || (count === 1 && more === 1)) this.wordsGeneration++;
  }

  /** Into its bucket, or out again: exclusive or is its own inverse. */
  #mix(topic: string, { node, time }: Version): void {
    const bucket = bucketOf(topic);
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) ^ hash32(`${topic}\n${time}\n${node}`);
  }
}

export interface RetainedLimits {
  readonly topicsMax: number;
  readonly bytesMax: number;
}

export interface Replay<Message> {
  /** Looks at up to `topicsMax` topics more. */
  step(topicsMax: number): { readonly found: readonly Message[]; readonly done: boolean };
}

export interface Lacking<Message> {
  readonly topic: string;
  readonly version: Version;
  readonly message: Message;
}

/** When, and at which node, a message was put. */
export interface Version {
  readonly time: number;
  readonly node: string;
  /** It was put to clear its topic. */
  readonly cleared?: true;
}

export interface RetainedEntry extends Omit<Version, 'cleared'> {
  readonly topic: string;
}

interface Kept<Message> {
  readonly message: Message;
  readonly bytes: number;
  readonly number: number;
  readonly version: Version;
}

export const BUCKETS = 64;

function bucketOf(topic: string): number {
  return hash32(topic) % BUCKETS;
}

function isNewer(a: Omit<Version, 'cleared'>, b: Omit<Version, 'cleared'>): boolean {
  return a.time === b.time ? a.node > b.node : a.time > b.time;
}
