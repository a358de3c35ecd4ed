import { type Pattern, parseTopic } from './pattern.ts';
import { Trie } from './trie.ts';

/**
 * The newest retained message of each topic, for those who subscribe later.
 *
 *     price.tea   #12          put: to the end, with the next number
 *     price.milk  #15          over the bound: the first goes, which was put longest ago
 *     price.salt  #16
 *
 * A new subscriber is first live and then asks for a *replay*: what was put up to then, and not again since. What is put
 * from then on reaches it as any message does; so it gets the newest message of each topic at least once, and none that
 * is older than one it has.
 *
 * A replay looks at every topic, some at a time: the host takes a step in each turn, so that a hundred thousand topics
 * stall nobody. Trade-off: an index of topics for patterns would be a second matcher; a subscription is rarer than a message.
 *
 * Invariant: at most topicsMax topics and bytesMax bytes; a message that is larger is refused, and what was there stays.
 */
export class Retained<Message> {
  readonly #limits: RetainedLimits;
  /** In the order of their numbers. */
  readonly #kept = new Map<string, Kept<Message>>();
  #bytes = 0;
  #last = 0;
  #dropped = 0;

  constructor(limits: RetainedLimits) {
    this.#limits = limits;
  }

  /** `dropped`: topics that had to make room, since construction. */
  get counts(): { readonly topics: number; readonly bytes: number; readonly dropped: number } {
    return { bytes: this.#bytes, dropped: this.#dropped, topics: this.#kept.size };
  }

  get(topic: string): Message | undefined {
    return this.#kept.get(topic)?.message;
  }

  /** `topic`: a valid one. The topics that had to make room, or undefined where the message alone is over the bound. */
  put(topic: string, message: Message, bytes: number): readonly string[] | undefined {
    const { topicsMax, bytesMax } = this.#limits;
    if (bytes > bytesMax || topicsMax < 1) return undefined;
    this.clear(topic);
    this.#kept.set(topic, { bytes, message, number: ++this.#last });
    this.#bytes += bytes;
    const dropped: string[] = [];
    for (const first of this.#kept.keys()) {
      if (this.#kept.size <= topicsMax && this.#bytes <= bytesMax) break;
      this.clear(first);
      dropped.push(first);
    }
    this.#dropped += dropped.length;
    return dropped;
  }

  /** False where nothing is retained. */
  clear(topic: string): boolean {
    const kept = this.#kept.get(topic);
    if (kept === undefined) return false;
    this.#kept.delete(topic);
    this.#bytes -= kept.bytes;
    return true;
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
          const segments = parseTopic(next.value[0]);
          if (segments.ok && trie.match(segments.value).length > 0) found.push(next.value[1].message);
        }
        return { done: false, found };
      },
    };
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

interface Kept<Message> {
  readonly message: Message;
  readonly bytes: number;
  readonly number: number;
}
