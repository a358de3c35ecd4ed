/**
 * Makes publishers on other nodes wait for a slow subscriber here that wants nothing dropped, and publishers here for those there.
 *
 *     subscriber's node                                publisher's node
 *       its outbox is full ──── brake, its patterns ────► publishers of what matches are not read, once they publish that
 *       … every second, while something is taken ─ brake ►
 *       half of it is free ──── brake, no patterns ─────► they go on
 *
 * The link between the nodes is never held: only links of clients are, and only of those whose messages reach that subscriber.
 * What was on its way meanwhile has room beyond the subscriber's limits, up to `BEYOND`.
 *
 * Who waits is never a client that is behind itself, so that no two wait for each other. A subscriber that takes nothing for
 * `IDLE` seconds is waited for no more, nor is one whose node falls silent: then what comes is dropped, and told.
 */
import type { NodeId } from '../core/base/ids.ts';
import { getOrMake } from '../core/base/maps.ts';
import type { BrakeMessage } from '../core/topics/messages.ts';
import { type Pattern, parsePattern, parseTopic } from '../core/topics/pattern.ts';
import { Trie } from '../core/topics/trie.ts';
import type { FlowLink } from './flow-link.ts';

export interface BrakesParts {
  readonly later: (ms: number, then: () => void) => void;
  readonly linkTo: (node: NodeId) => FlowLink | undefined;
}

/** A subscription of this node that others wait for. */
export interface Slow {
  readonly number: number;
  readonly patterns: readonly string[];
  /** Messages that it has been sent. */
  readonly sent: () => number;
}

export class Brakes {
  readonly #parts: BrakesParts;
  /** By the subscription's number. */
  readonly #pressed = new Map<number, Pressed>();
  /** By node and its number. */
  readonly #applied = new Map<string, Applied>();
  readonly #patterns = new Trie<Applied>();
  #ticking = false;

  constructor(parts: BrakesParts) {
    this.#parts = parts;
  }

  /** Subscriptions of other nodes that publishers here wait for. */
  get isApplied(): boolean {
    return this.#applied.size > 0;
  }

  /** Has publishers on a message's node wait. False where that was in vain. */
  press(slow: Slow, { peer }: FlowLink): boolean {
    if (peer.role !== 'peer' || peer.id === '') return false;
    const { number } = slow;
    const pressed = getOrMake(this.#pressed, number, () => ({ idle: 0, nodes: new Set(), sent: slow.sent(), slow }));
    if (pressed.idle >= IDLE) return false;
    if (!pressed.nodes.has(peer.id)) {
      pressed.nodes.add(peer.id);
      this.#tell(peer.id, { id: number, kind: 'brake', patterns: slow.patterns });
    }
    this.#tickSoon();
    return true;
  }

  /** It has room again, or is over. */
  release(number: number): void {
    const pressed = this.#pressed.get(number);
    if (pressed === undefined) return;
    this.#pressed.delete(number);
    for (const node of pressed.nodes) this.#tell(node, { id: number, kind: 'brake', patterns: [] });
  }

  /** What another node says of a subscriber of its own. */
  told({ peer }: FlowLink, { id, patterns }: BrakeMessage): void {
    if (peer.role !== 'peer') return;
    const key = `${peer.id}/${id}`;
    const known = this.#applied.get(key);
    if (patterns.length === 0) this.#lift(key);
    else if (known !== undefined) known.age = 0;
    else if (this.#applied.size < APPLIED_MAX) {
      const parsed = patterns.flatMap((text) => {
        const pattern = parsePattern(text);
        return pattern.ok ? [pattern.value] : [];
      });
      const applied: Applied = { age: 0, held: new Set(), node: peer.id, patterns: parsed };
      this.#applied.set(key, applied);
      for (const pattern of parsed) this.#patterns.add(pattern, applied);
      this.#tickSoon();
    }
  }

  /** Something was published here: whoever did waits, if it can, where it reaches a subscriber that is waited for. */
  published(topic: string, from: FlowLink): void {
    const segments = parseTopic(topic);
    if (!segments.ok || !from.canWait) return;
    for (const applied of this.#patterns.match(segments.value)) {
      applied.held.add(from);
      from.hold(applied);
    }
  }

  closed(link: FlowLink): void {
    const { peer } = link;
    for (const [key, applied] of this.#applied) {
      applied.held.delete(link);
      if (peer.role === 'peer' && applied.node === peer.id) this.#lift(key);
    }
    if (peer.role === 'peer') for (const { nodes } of this.#pressed.values()) nodes.delete(peer.id);
  }

  #lift(key: string): void {
    const applied = this.#applied.get(key);
    if (applied === undefined) return;
    this.#applied.delete(key);
    for (const pattern of applied.patterns) this.#patterns.remove(pattern, applied);
    for (const link of applied.held) link.release(applied);
  }

  #tick(): void {
    for (const [number, pressed] of this.#pressed) {
      const sent = pressed.slow.sent();
      if (sent > pressed.sent) pressed.idle = 0;
      else if (++pressed.idle === IDLE) {
        for (const node of pressed.nodes) this.#tell(node, { id: number, kind: 'brake', patterns: [] });
        pressed.nodes.clear();
      }
      pressed.sent = sent;
      for (const node of pressed.nodes) {
        this.#tell(node, { id: number, kind: 'brake', patterns: pressed.slow.patterns });
      }
    }
    for (const [key, applied] of this.#applied) if (++applied.age > SILENT) this.#lift(key);
  }

  #tickSoon(): void {
    if (this.#ticking) return;
    this.#ticking = true;
    this.#parts.later(TICK_MS, () => {
      this.#ticking = false;
      this.#tick();
      if (this.#pressed.size + this.#applied.size > 0) this.#tickSoon();
    });
  }

  #tell(node: NodeId, message: BrakeMessage): void {
    const link = this.#parts.linkTo(node);
    if (link?.wire.send(message) === undefined && link !== undefined) link.busy = true;
  }
}

interface Pressed {
  readonly slow: Slow;
  readonly nodes: Set<NodeId>;
  sent: number;
  /** Ticks in which nothing was sent to it. */
  idle: number;
}

interface Applied {
  readonly node: NodeId;
  readonly patterns: readonly Pattern[];
  /** Publishers that wait. */
  readonly held: Set<FlowLink>;
  /** Ticks since its node has said so. */
  age: number;
}

const TICK_MS = 1_000;
const IDLE = 10;
const SILENT = 3;
/** Limit: slow subscriptions of other nodes at once. */
const APPLIED_MAX = 10_000;
