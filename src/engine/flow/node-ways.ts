/**
 * The ways of messages to other nodes: one to each, through an outbox while its link is full.
 *
 * A message goes to a node once, whatever for: for those who listen there, for members of groups, to be stored.
 */
import type { LinkId, NodeId } from '../core/base/ids.ts';
import { type Problem, problem } from '../core/base/problems.ts';
import type { NodeInput } from '../core/node/inputs.ts';
import type { FlowMessage, ForwardMessage, StoreMessage } from '../core/topics/messages.ts';
import { Outbox, type OutboxLimits } from '../core/topics/outbox.ts';
import type { Delivery } from './delivery.ts';
import type { FlowLink } from './flow-link.ts';
import type { TopicsCounters } from './topics-counters.ts';
import { Way } from './way.ts';

export interface NodeWaysParts {
  readonly counters: TopicsCounters;
  readonly link: (id: LinkId) => FlowLink | undefined;
  readonly linkTo: (node: NodeId) => LinkId | undefined;
  readonly input: (input: NodeInput) => void;
  /** A message that was to be stored did not leave this node. */
  readonly unstored: (node: NodeId, n: number, why: Problem) => void;
}

interface Forwarding {
  readonly delivery: Delivery;
  readonly plain: boolean;
  readonly members: ForwardMessage['members'];
  readonly cost: number;
  /** Where it is to be stored: the number that the answer has. */
  readonly n: number | undefined;
}

export class NodeWays {
  readonly #parts: NodeWaysParts;
  readonly #ways = new Map<NodeId, Way<Forwarding>>();

  constructor(parts: NodeWaysParts) {
    this.#parts = parts;
  }

  /** `n`: it is to be stored there, under that number. */
  forward(
    node: NodeId,
    delivery: Delivery,
    plain: boolean,
    members: ForwardMessage['members'],
    from: FlowLink,
    n?: number,
  ): void {
    this.#parts.counters.forwardedOut++;
    const way = this.#wayTo(node);
    const item = { cost: delivery.cost, delivery, members, n, plain };
    if (way === undefined) {
      delivery.keep();
      this.#parts.input({ kind: 'forward', message: forwardOf(item), to: node });
      return;
    }
    const keep = () => {
      delivery.keep();
      return item;
    };
    const verdict = way.offer(item, keep, from);
    if (verdict === 'dropped' && n !== undefined) this.#parts.unstored(node, n, problem('overloaded', NO_ROOM));
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

  closed(link: FlowLink): void {
    for (const [node, way] of this.#ways) {
      if (way.link !== link) continue;
      this.#ways.delete(node);
      this.#parts.counters.lost += way.end();
    }
  }

  /** Undefined where no link is up. */
  #wayTo(node: NodeId): Way<Forwarding> | undefined {
    const id = this.#parts.linkTo(node);
    const known = this.#ways.get(node);
    // Why also the old one while something waits for it: what comes now must not overtake that.
    if (known !== undefined && (known.link.id === id || known.link.behind.has(known))) return known;
    const link = id === undefined ? undefined : this.#parts.link(id);
    if (link === undefined) return undefined;
    const way = new Way<Forwarding>(link, new Outbox<Forwarding>(NODE_LIMITS), {
      gap: (missed) => {
        this.#parts.counters.lost += missed;
      },
      paced: false,
      send: (item) => {
        const refused = link.wire.send(forwardOf(item));
        if (refused !== undefined && item.n !== undefined) this.#parts.unstored(node, item.n, refused);
        return refused;
      },
    });
    this.#ways.set(node, way);
    return way;
  }
}

function forwardOf({ delivery, members, n, plain }: Forwarding): ForwardMessage | StoreMessage {
  return n === undefined ? delivery.forward(plain, members) : delivery.store(n, plain, members);
}

/** What may wait for one other node before publishers are held. Trade-off: more memory, or sooner a pause. */
const NODE_LIMITS: OutboxLimits = { bytesMax: 16 * 1024 * 1024, messagesMax: 65_536, policy: 'block' };

const NO_ROOM = 'too much waits for the node that keeps the topic';
