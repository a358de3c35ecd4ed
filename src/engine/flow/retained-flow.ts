/**
 * Retained messages on their way: from whoever puts one to all nodes, from node to node what one of them lacks, and to those who
 * subscribe later.
 *
 *     publish, retain ──► this node's store ──► every node with a link, with the message itself where somebody listens
 *     link up, or something new ──► digest ──► buckets ──► entries ──► what the other lacks, a part at a time
 *     subscribe ──► replay, a part at a time, marked as retained
 *
 * Every node holds all of them, in memory: so a node that joins or comes back has them from the others. Where a node has a store
 * for them they outlast it, so also the stop of all. What reaches a node by itself goes to subscriptions there as any message does; what it has only
 * learned of goes to them as retained; neither comes again as the other.
 *
 * What other clusters retain is not copied: who subscribes asks them for it (`far`), where they say that they may have something.
 */
import type { NodeId } from '../core/base/ids.ts';
import { type Problem, problem } from '../core/base/problems.ts';
import type { Route } from '../core/topics/exchange.ts';
import { isInbox } from '../core/topics/inboxes.ts';
import type { ForwardMessage, PublishMessage, RetainedMessage, StoreMessage } from '../core/topics/messages.ts';
import { isSystem, type Pattern, parsePattern } from '../core/topics/pattern.ts';
import { type Replay, Retained, type RetainedLimits } from '../core/topics/retained.ts';
import type { Delivery } from './delivery.ts';
import { FarReplay } from './far-replay.ts';
import type { FlowLink } from './flow-link.ts';
import { OWN } from './own-messages.ts';
import type { Way } from './way.ts';

/** Where what is retained outlasts its node. */
export interface RetainedStore {
  /** What is there when the node begins, with versions. */
  readonly stored: readonly Delivery[];
  /** That is the newest of its topic, or clears it; undefined: nothing has to be known of the topic any more. Answers nothing. */
  put(topic: string, newest: Delivery | undefined): void;
}

export interface RetainedFlowParts {
  /** Absent: what is retained is gone with the node. */
  readonly retained?: RetainedStore;
  readonly later: (ms: number, then: () => void) => void;
  readonly wallClock: () => number;
  /** Names this life of this node. */
  readonly life: string;
  readonly counters: { refused: number };
  /** Links to nodes. */
  readonly neighbours: () => readonly FlowLink[];
  /** A message to a node, for nobody there but its store; false where there is no room. */
  readonly forward: (node: NodeId, delivery: Delivery, from: FlowLink) => boolean;
  /** The first words of what is retained are others now, or `#` for too many. */
  readonly tellWords: (words: readonly string[]) => void;
  /** To the subscriptions of this node that it is for. */
  readonly deliver: (delivery: Delivery) => void;
}

export class RetainedFlow {
  readonly #parts: RetainedFlowParts;
  readonly #retained: Retained<Delivery>;
  /** What subscriptions of this node have had, as it was learned of, by topic and version: it may still come by itself. */
  readonly #learned = new Set<string>();
  #telling = false;
  #wordsTold = 0;
  /** Asks other clusters for what they retain, and then ends it; absent: there are none. */
  far: ((replay: FarReplay) => void) | undefined;

  constructor(parts: RetainedFlowParts, limits: RetainedLimits = LIMITS) {
    this.#parts = parts;
    this.#retained = new Retained(limits);
    for (const delivery of parts.retained?.stored ?? []) {
      if (delivery.version === undefined) continue;
      this.#retained.put(delivery.topic, delivery.version, delivery.keep(), delivery.cost);
    }
    this.#expire();
    if (this.#retained.wordsGeneration > 0) parts.later(1, () => this.#tellWords());
  }

  /** What matches some patterns, a part at a time. Those that are none match nothing. */
  find(patterns: readonly string[]): Replay<Delivery> {
    return this.#retained.replay(parsedOf(patterns));
  }

  get counts(): Retained<Delivery>['counts'] {
    return this.#retained.counts;
  }

  /**
   * Puts what is published as the newest of its topic, here and on nodes where nobody listens. Gives what is to be published;
   * undefined where that was all, or too much: then its publisher has been answered.
   */
  publish(
    link: FlowLink,
    { id, retain, topic }: PublishMessage,
    { keepers, nodes }: Route<Delivery>,
    made: Delivery,
  ): Delivery | undefined {
    const { counters, forward, life, wallClock } = this.#parts;
    const isCleared = retain === 'clear';
    const next = this.#retained.next(life, wallClock());
    const put = made.asVersion(isCleared ? { ...next, cleared: true } : next);
    if (this.#take(put) !== 'news') {
      counters.refused++;
      if (id > 0) link.wire.send({ id, kind: 'error', problem: retainsTooMuch(topic) });
      return undefined;
    }
    this.#tellSoon();
    const neighbours = this.#neighbours;
    for (const node of neighbours.keys()) {
      if (isCleared || !(nodes.includes(node) || keepers.includes(node))) forward(node, put, link);
    }
    if (!isCleared) return put;
    if (id > 0) link.wire.send({ id, kind: 'published', local: 0, nodes: neighbours.size });
    return undefined;
  }

  /** What came from another node. True where subscriptions here are to have it, as any message. */
  received(delivery: Delivery, { plain, retained }: ForwardMessage | StoreMessage): boolean {
    if (retained === undefined) return plain;
    const isNews = this.#take(delivery) === 'news';
    if (isNews) this.#tellSoon();
    const name = `${delivery.topic}\n${retained.time}\n${retained.node}`;
    if (plain) return !this.#learned.delete(name);
    if (!isNews || retained.cleared) return false;
    this.#learned.add(name);
    const [oldest = ''] = this.#learned;
    if (this.#learned.size > LEARNED_MAX) this.#learned.delete(oldest);
    this.#parts.deliver(delivery.asRetained());
    return false;
  }

  /** A link to another node is up. */
  opened(link: FlowLink): void {
    if (this.#retained.counts.topics > 0) link.wire.send({ digest: this.#retained.digest, kind: 'retained' });
  }

  /** What another node says of what it retains. */
  told(link: FlowLink, { answer, bucket, buckets, digest, entries }: RetainedMessage): void {
    const { wire } = link;
    if (digest !== undefined && digest !== this.#retained.digest) {
      wire.send({ buckets: this.#retained.buckets, kind: 'retained' });
    }
    if (buckets !== undefined) {
      this.#retained.buckets.forEach((mine, at) => {
        if (mine !== buckets[at]) wire.send({ bucket: at, entries: this.#retained.entries(at), kind: 'retained' });
      });
    }
    if (bucket === undefined || entries === undefined) return;
    if (!answer) wire.send({ answer: true, bucket, entries: this.#retained.entries(bucket), kind: 'retained' });
    this.#teach(link, bucket, entries);
  }

  /** What a new subscription should have. */
  replay(way: Way<Delivery>, patterns: readonly string[]): void {
    const parsed = parsedOf(patterns);
    if (parsed.length === 0) return;
    if (this.#retained.counts.topics > 0) this.#step(way, this.#retained.replay(parsed));
    const users = parsed.map(({ text }) => text).filter((text) => !isSystem(text));
    if (users.length > 0) this.far?.(new FarReplay(way, users, (topic) => this.#retained.knows(topic)));
  }

  /** Why no more at once: it must neither hold up others, nor be dropped for lack of room. */
  #step(way: Way<Delivery>, replay: Replay<Delivery>): void {
    if (way.isOver) return;
    const { limits, waiting } = way.outbox;
    const room = Math.floor(limits.messagesMax / 2) - waiting;
    if (room > 0) {
      const { done, found } = replay.step(Math.min(room, STEP));
      for (const delivery of found) {
        const one = delivery.asRetained();
        way.offer(one, OWN);
      }
      if (done) return;
    }
    this.#parts.later(room > 0 ? 1 : WAIT_MS, () => this.#step(way, replay));
  }

  /** Links to other nodes, one to each. */
  get #neighbours(): ReadonlyMap<NodeId, FlowLink> {
    const nodes = new Map<NodeId, FlowLink>();
    for (const link of this.#parts.neighbours()) if (link.peer.role === 'peer') nodes.set(link.peer.id, link);
    return nodes;
  }

  #teach(link: FlowLink, bucket: number, entries: NonNullable<RetainedMessage['entries']>): void {
    if (link.peer.role !== 'peer') return;
    let left = STEP;
    for (const { message } of this.#retained.lacking(bucket, entries)) {
      // What does not go now goes when the two have compared again.
      if (left-- === 0 || !this.#parts.forward(link.peer.id, message, OWN)) return this.#tellSoon();
    }
  }

  #take(delivery: Delivery): 'news' | 'known' | 'full' {
    const { version } = delivery;
    if (version === undefined) return 'known';
    if (version.cleared && version.time < this.#parts.wallClock() - CLEARED_MS) return 'known';
    const verdict = this.#retained.put(delivery.topic, version, delivery.keep(), delivery.cost);
    if (verdict === 'news') this.#parts.retained?.put(delivery.topic, delivery);
    return verdict;
  }

  #expire(): void {
    const gone = this.#retained.expire(this.#parts.wallClock() - CLEARED_MS);
    for (const topic of gone) this.#parts.retained?.put(topic, undefined);
  }

  #tellWords(): void {
    const { words, wordsGeneration } = this.#retained;
    if (wordsGeneration === this.#wordsTold) return;
    this.#wordsTold = wordsGeneration;
    this.#parts.tellWords(words.length > WORDS_MAX ? ['#'] : words);
  }

  /** Has the others compare, a moment later: those that what is new here has not reached. */
  #tellSoon(): void {
    if (this.#telling) return;
    this.#telling = true;
    this.#parts.later(TELL_MS, () => {
      this.#telling = false;
      this.#expire();
      this.#tellWords();
      for (const link of this.#neighbours.values()) this.opened(link);
    });
  }
}

function parsedOf(patterns: readonly string[]): readonly Pattern[] {
  return patterns.flatMap((text) => {
    const pattern = parsePattern(text);
    return pattern.ok && !isInbox(pattern.value.segments) ? [pattern.value] : [];
  });
}

function retainsTooMuch(topic: string): Problem {
  const text = `no more can be retained: this node holds as much as it may, and nothing of ${topic} makes room`;
  return problem('limit-exceeded', text, { hint: 'Clear what nobody needs.\nmpreg publish TOPIC --retain --clear' });
}

/** Limit: what a node retains, cleared topics included. */
const LIMITS: RetainedLimits = { bytesMax: 64 * 1024 * 1024, topicsMax: 100_000 };

/** First words of topics that other clusters are told of. Trade-off: more, and records between hubs are larger; fewer, and more is asked in vain. */
const WORDS_MAX = 4_096;
/** Limit: what is remembered of what came before it came by itself. */
const LEARNED_MAX = 10_000;
/** Topics that are looked at, or messages sent, in one piece. */
const STEP = 1_000;
/** Until a slow subscriber has taken something. */
const WAIT_MS = 20;
/** Trade-off: sooner, and nodes that a message has not reached have it sooner; later, and they compare more rarely. */
const TELL_MS = 1_000;
/** For so long it is remembered that a topic was cleared. */
const CLEARED_MS = 24 * 60 * 60 * 1000;
