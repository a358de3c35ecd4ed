/**
 * The ways of messages to other nodes: one to each, through an outbox while its link is full.
 *
 * A message goes to a node once, whatever for: for those who listen there, for members of groups, to be stored.
 */
import type { LinkId, NodeId } from '../core/base/ids.ts';
import { type Problem, problem } from '../core/base/problems.ts';
import type { NodeInput } from '../core/node/inputs.ts';
import type { ChosenMember, FlowMessage } from '../core/topics/messages.ts';
import { Outbox, type OutboxLimits } from '../core/topics/outbox.ts';
import type { Delivery } from './delivery.ts';
import type { FlowLink } from './flow-link.ts';
import { Forwarding } from './forwarding.ts';
import { OWN } from './own-messages.ts';
import type { TopicsCounters } from './topics-counters.ts';
import { Way } from './way.ts';

export interface NodeWaysParts {
  readonly counters: TopicsCounters;
  readonly link: (id: LinkId) => FlowLink | undefined;
  readonly linkTo: (node: NodeId) => LinkId | undefined;
  readonly input: (input: NodeInput) => void;
  /** What may wait for one of them. Default: `NODE_LIMITS`. */
  readonly nodeLimits?: OutboxLimits;
  /** A message that was to be stored did not leave this node. */
  readonly unstored: (node: NodeId, n: number, why: Problem) => void;
  /** No link takes it: members of groups do not get it. */
  readonly undeliverable: (members: readonly ChosenMember[]) => void;
  /** There is no room, so members of groups have not got it. */
  readonly unforwarded: (delivery: Delivery, members: readonly ChosenMember[]) => void;
}

export class NodeWays {
  readonly #parts: NodeWaysParts;
  readonly #ways = new Map<NodeId, Way<Forwarding>>();

  constructor(parts: NodeWaysParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#ways.size;
  }

  /** Messages. */
  get waiting(): number {
    let waiting = 0;
    for (const { outbox } of this.#ways.values()) waiting += outbox.waiting;
    return waiting;
  }

  /** `n`: it is to be stored there, under that number. False where there is no room. */
  forward(
    node: NodeId,
    delivery: Delivery,
    plain: boolean,
    members: readonly ChosenMember[],
    from: FlowLink,
    n?: number,
  ): boolean {
    const way = this.#wayTo(node);
    if (delivery.messages > 1 && !way?.link.wire.runs) {
      for (const one of delivery.each()) this.forward(node, one, plain, members, from);
      return true;
    }
    this.#parts.counters.forwardedOut += delivery.messages;
    const item = new Forwarding(delivery, plain, members, n);
    if (way === undefined) {
      this.#parts.input({ kind: 'forward', message: item.keep().message(), to: node });
      return true;
    }
    const isShut = way.outbox.blocked && !from.canWait;
    if (isShut && !plain && n === undefined) return this.#unforwarded(delivery, members, from);
    const verdict = way.offer(item, from);
    if (verdict === 'dropped' && n !== undefined) this.#parts.unstored(node, n, problem('overloaded', NO_ROOM));
    return isShut ? this.#unforwarded(delivery, members, from) : true;
  }

  /** Straight onto the link, past what waits: for messages that have windows of their own. */
  send(node: NodeId, message: FlowMessage): void {
    const id = this.#parts.linkTo(node);
    const link = id === undefined ? undefined : this.#parts.link(id);
    if (link === undefined) this.#parts.input({ kind: 'forward', message, to: node });
    else {
      link.busy = true;
      link.wire.send(message);
    }
  }

  /** What had not left on it. */
  closed(link: FlowLink): readonly Forwarding[] {
    const unsent: Forwarding[] = [];
    for (const [node, way] of this.#ways) {
      if (way.link !== link) continue;
      this.#ways.delete(node);
      way.end();
      this.#parts.counters.lost += way.untold;
      for (const one of way.rest()) unsent.push(one);
    }
    this.#parts.counters.lost += unsent.reduce((sum, { messages, plain }) => sum + (plain ? messages : 0), 0);
    return unsent;
  }

  /** Why not for what nobody publishes now: whoever gives it asks what became of it. */
  #unforwarded(delivery: Delivery, members: readonly ChosenMember[], from: FlowLink): false {
    if (from !== OWN) this.#parts.unforwarded(delivery, members);
    return false;
  }

  /** Undefined where no link is up. */
  #wayTo(node: NodeId): Way<Forwarding> | undefined {
    const id = this.#parts.linkTo(node);
    const known = this.#ways.get(node);
    // Why also the old one while something waits for it: what comes now must not overtake that.
    if (known !== undefined && (known.link.id === id || known.link.behind.has(known))) return known;
    const link = id === undefined ? undefined : this.#parts.link(id);
    if (link === undefined) return undefined;
    const way = new Way<Forwarding>(link, new Outbox<Forwarding>(this.#parts.nodeLimits ?? NODE_LIMITS), {
      gap: (missed) => {
        this.#parts.counters.lost += missed;
      },
      paced: false,
      send: (item, missed) => {
        const refused = link.wire.send(item.message());
        if (refused === undefined) this.#parts.counters.lost += missed;
        if (refused !== undefined && item.n !== undefined) this.#parts.unstored(node, item.n, refused);
        if (refused !== undefined) this.#parts.undeliverable(item.members);
        return refused;
      },
    });
    this.#ways.set(node, way);
    return way;
  }
}

/** What may wait for one other node before publishers are held. Trade-off: more memory, or sooner a pause. */
const NODE_LIMITS: OutboxLimits = { bytesMax: 16 * 1024 * 1024, messagesMax: 65_536, policy: 'block' };

const NO_ROOM = 'too much waits for the node that keeps the topic';
