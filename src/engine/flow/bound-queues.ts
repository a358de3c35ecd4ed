/**
 * The queues that are bound to topics of one keep, and the messages whose publishers wait until these have stored them.
 *
 *     durable ──► held for each bound queue that wants it ──► all have acknowledged it ──► its publisher is answered
 *                                          └── one is away, or takes its time ──► answered all the same, and told of it
 *
 * A queue reads as a durable reader does, under a name that says which queue and what it wants (`queue:jobs:order.#`), and
 * acknowledges what it has stored durably. So the keep knows where each queue is, also while its node is away, and what a
 * queue has not stored stays kept for it.
 *
 * A queue that once took too long is waited for no more until it has caught up: a full queue must not hold up a topic.
 */
import { parsePattern } from '../core/topics/pattern.ts';
import { Trie } from '../core/topics/trie.ts';

/** What a queue that is bound to a pattern calls itself as a reader. */
export function readerOfQueue(queue: string, pattern: string): string {
  return `queue:${queue}:${pattern}`;
}

/** A message that is durable, and whose publisher has not been told. */
interface Held {
  readonly sequence: number;
  readonly round: number;
  /** Queues that may still store it. */
  left: number;
  behind: number;
  readonly then: (behind: number) => void;
}

interface BoundQueue {
  readonly wants: (topic: string) => boolean;
  /** Whoever reads for it; undefined while it is away. */
  reader: number | undefined;
  position: number;
  /** The last message that is for it. */
  last: number;
  isLate: boolean;
  waiting: Held[];
}

export interface BoundQueuesParts {
  readonly later: (ms: number, then: () => void) => void;
  /** Publishers have been answered for whom nobody else says so. */
  readonly told: () => void;
}

export class BoundQueues {
  readonly #queues = new Map<string, BoundQueue>();
  readonly #parts: BoundQueuesParts;
  #round = 0;
  #ticking = false;

  /** With what is remembered of durable names. */
  constructor(names: ReadonlyMap<string, number>, parts: BoundQueuesParts) {
    this.#parts = parts;
    for (const [name, position] of names) this.#add(name, position);
  }

  /** A reader of that name begins, after what it acknowledged last. */
  opened(name: string, reader: number, position: number): void {
    const queue = this.#queues.get(name) ?? this.#add(name, position);
    if (queue === undefined) return;
    queue.reader = reader;
    queue.position = position;
    queue.isLate = queue.last > position;
  }

  /** The reader is gone; true: somebody has been answered. */
  closed(name: string, reader: number): boolean {
    const queue = this.#queues.get(name);
    if (queue === undefined || queue.reader !== reader) return false;
    queue.reader = undefined;
    return this.#giveUp(queue, queue.waiting.length);
  }

  acknowledged(name: string, position: number): boolean {
    const queue = this.#queues.get(name);
    if (queue === undefined) return false;
    queue.position = Math.max(queue.position, position);
    if (queue.position >= queue.last) queue.isLate = false;
    const end = queue.waiting.findIndex(({ sequence }) => sequence > queue.position);
    const stored = queue.waiting.splice(0, end === -1 ? queue.waiting.length : end);
    for (const held of stored) settle(held);
    return stored.length > 0;
  }

  /** It is bound no more. */
  forgotten(name: string): boolean {
    const queue = this.#queues.get(name);
    this.#queues.delete(name);
    if (queue === undefined) return false;
    for (const held of queue.waiting) settle(held);
    return queue.waiting.length > 0;
  }

  /** Nothing is kept any more. */
  end(): void {
    for (const queue of this.#queues.values()) this.#giveUp(queue, queue.waiting.length);
    this.#queues.clear();
  }

  /** Calls back, once and perhaps at once, with how many queues have not stored the message. Numbers only grow. */
  hold(sequence: number, topic: string, then: (behind: number) => void): void {
    const held: Held = { behind: 0, left: 1, round: this.#round, sequence, then };
    for (const queue of this.#queues.values()) {
      if (queue.position >= sequence || !queue.wants(topic)) continue;
      queue.last = sequence;
      if (queue.reader === undefined || queue.isLate) held.behind++;
      else {
        held.left++;
        queue.waiting.push(held);
      }
    }
    if (held.left > 1) this.#tick();
    settle(held);
  }

  #add(name: string, position: number): BoundQueue | undefined {
    const [, pattern] = NAME.exec(name) ?? [];
    const parsed = pattern === undefined ? undefined : parsePattern(pattern);
    if (!parsed?.ok) return undefined;
    const trie = new Trie<true>();
    trie.add(parsed.value, true);
    const wants = (topic: string) => trie.match(topic.split('.')).length > 0;
    const queue = { isLate: false, last: 0, position, reader: undefined, waiting: [], wants };
    this.#queues.set(name, queue);
    return queue;
  }

  #giveUp({ waiting }: BoundQueue, count: number): boolean {
    for (const held of waiting.splice(0, count)) {
      held.behind++;
      settle(held);
    }
    return count > 0;
  }

  #tick(): void {
    if (this.#ticking) return;
    this.#ticking = true;
    this.#parts.later(WAIT_MS, () => {
      this.#ticking = false;
      this.#round++;
      let isWaiting = false;
      for (const queue of this.#queues.values()) {
        const fresh = queue.waiting.findIndex(({ round }) => round >= this.#round - 1);
        if (this.#giveUp(queue, fresh === -1 ? queue.waiting.length : fresh)) queue.isLate = true;
        isWaiting ||= queue.waiting.length > 0;
      }
      this.#parts.told();
      if (isWaiting) this.#tick();
    });
  }
}

function settle(held: Held): void {
  if (--held.left === 0) held.then(held.behind);
}

const NAME = /^queue:[\w.-]+:(.+)$/;
/** A publisher waits for a queue at least so long, and at most twice as long. */
const WAIT_MS = 2_000;
