/**
 * What publishers of this node have published to kept topics and is not known to be durable yet.
 *
 *     publish ──► deposit ──┬─ store 7 ──► keeper beta ──┐
 *                           └─ store 3 ──► keeper gamma ─┴─► all have stored it: published, kept as 42
 *
 * A keeper answers once the queues that are bound to the topic have stored the message as well (`bound-queues.ts`).
 *
 * Bounded: while more is open than may be, the publishers of this node are not read. A keeper whose link breaks leaves its
 * deposits without an answer: whoever waits is told that nobody knows, others are counted.
 */
import type { NodeId } from '../core/base/ids.ts';
import { type Problem, problem } from '../core/base/problems.ts';
import type { StoredMessage } from '../core/topics/messages.ts';
import type { FlowLink } from './flow-link.ts';
import type { KeptCounters } from './kept-topics.ts';

/** One message, until all its keepers have answered. */
export interface Deposit {
  readonly link: FlowLink;
  /** The publisher's number; 0: it does not wait. */
  readonly id: number;
  readonly cost: number;
  /** Answers that have not come, and one more until it has been routed. */
  waits: number;
  sequence: number;
  problem: Problem | undefined;
  /** Queues bound to its topic that have not stored it. */
  behind: number;
  local: number;
  nodes: number;
  /** Groups that have no room for it yet. */
  waiting: number;
}

export class Deposits {
  readonly #counters: KeptCounters;
  readonly #lanes = new Map<NodeId, { next: number; readonly open: Map<number, Deposit> }>();
  #open = 0;
  #openBytes = 0;
  /** Publishers that are not read. */
  readonly #held = new Set<FlowLink>();

  constructor(counters: KeptCounters) {
    this.#counters = counters;
  }

  /** One that waits for so many keepers. Its publisher is held where too much is open. */
  begin(link: FlowLink, id: number, cost: number, keepers: number): Deposit {
    this.#open++;
    this.#openBytes += cost;
    if (this.#open > OPEN_MAX || this.#openBytes > OPEN_BYTES_MAX) {
      this.#held.add(link);
      link.hold(this);
    }
    return {
      behind: 0,
      cost,
      id,
      link,
      local: 0,
      nodes: 0,
      problem: undefined,
      sequence: 0,
      waiting: 0,
      waits: keepers + 1,
    };
  }

  /** It has been passed to all who listen. */
  routed(deposit: Deposit, local: number, nodes: number, waiting: number): void {
    deposit.local = local;
    deposit.nodes = nodes;
    deposit.waiting = waiting;
    this.#settle(deposit);
  }

  /** The number of a message that goes to another node to be stored there. */
  ticket(node: NodeId, deposit: Deposit): number {
    let lane = this.#lanes.get(node);
    if (lane === undefined) {
      lane = { next: 1, open: new Map() };
      this.#lanes.set(node, lane);
    }
    lane.open.set(lane.next, deposit);
    return lane.next++;
  }

  /** What another node says became of messages. */
  stored(node: NodeId, { behind, count, n, problem, sequence }: StoredMessage): void {
    const open = this.#lanes.get(node)?.open;
    if (open === undefined) return;
    const end = n + Math.min(count, open.size);
    for (let i = n; i < end; i++) {
      const deposit = open.get(i);
      if (deposit === undefined || !open.delete(i)) continue;
      this.answered(deposit, sequence + i - n, problem, behind);
    }
  }

  /** One keeper has answered. */
  answered(deposit: Deposit, sequence: number, why: Problem | undefined, behind = 0): void {
    deposit.behind += behind;
    if (why === undefined) deposit.sequence ||= sequence;
    else deposit.problem ??= why;
    this.#settle(deposit);
  }

  /** It did not get there. */
  failed(node: NodeId, n: number, why: Problem): void {
    this.#counters.unstored++;
    this.stored(node, { count: 1, kind: 'stored', n, problem: why, sequence: 0 });
  }

  /** A link to a keeper broke: what is open there may have been stored, or not. */
  broken(node: NodeId, name: string): void {
    const lane = this.#lanes.get(node);
    if (lane === undefined) return;
    const open = [...lane.open.values()];
    // Why its count goes on: what the keeper answers on another link must not be taken for an answer to what comes now.
    lane.open.clear();
    const text = `the link to ${name}, which keeps the topic, broke: the message may be kept or not`;
    const why = problem('keeper-away', text, { outcome: 'unknown' });
    this.#counters.unstored += open.length;
    for (const deposit of open) this.answered(deposit, 0, why);
  }

  closed(link: FlowLink): void {
    this.#held.delete(link);
  }

  #settle(deposit: Deposit): void {
    if (--deposit.waits > 0) return;
    this.#open--;
    this.#openBytes -= deposit.cost;
    if (this.#held.size > 0 && this.#open <= OPEN_MAX / 2 && this.#openBytes <= OPEN_BYTES_MAX / 2) {
      const held = [...this.#held];
      this.#held.clear();
      for (const link of held) link.release(this);
    }
    const { behind, id, link, local, nodes, problem: why, sequence, waiting } = deposit;
    if (id === 0) return;
    if (why !== undefined) {
      link.wire.send({ id, kind: 'error', problem: { ...why, ...(local + nodes > 0 ? HEARD : {}) } });
      return;
    }
    const untaken = { ...(waiting === 0 ? {} : { waiting }), ...(behind === 0 ? {} : { behind }) };
    link.wire.send({ id, kept: sequence, kind: 'published', local, nodes, ...untaken });
  }
}

/** Subscribers have had it, so that to publish it again is not nothing. */
const HEARD = { outcome: 'unknown' } as const;

/** Limit: what may be open before publishers are held. More hides longer pauses of the disk; less holds less memory. */
const OPEN_MAX = 65_536;
const OPEN_BYTES_MAX = 32 * 1024 * 1024;
