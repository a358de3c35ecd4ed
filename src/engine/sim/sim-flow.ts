/**
 * Messages of topics beside a simulated node: the very `TopicsFlow` of the real one, with links of the simulated network
 * for wires. It only connects; who looks on sees each message twice, as it is taken and as it is put onto a link.
 */
import type { LinkId } from '../core/base/ids.ts';
import type { Problem } from '../core/base/problems.ts';
import type { Peer } from '../core/links/messages.ts';
import type { NodeEffect } from '../core/node/effects.ts';
import type { Message } from '../core/node/inputs.ts';
import type { Exchange } from '../core/topics/exchange.ts';
import { isFlow } from '../core/topics/message-kinds.ts';
import type { FlowMessage } from '../core/topics/messages.ts';
import type { Delivery } from '../flow/delivery.ts';
import type { Wire } from '../flow/flow-link.ts';
import { TopicsFlow } from '../flow/topics-flow.ts';
import type { TopicsFlowParts } from '../flow/topics-flow-parts.ts';
import type { NodeMachine } from './machine.ts';
import type { Network } from './network.ts';

export interface SimFlowParts
  extends Pick<
    TopicsFlowParts,
    'disk' | 'input' | 'later' | 'life' | 'memory' | 'nodeLimits' | 'stored' | 'wallClock'
  > {
  readonly machine: NodeMachine;
  readonly network: Network;
  /** Before it is carried out. */
  readonly took: (link: LinkId, peer: Peer, message: FlowMessage) => void;
  readonly put: (link: LinkId, message: Message) => void;
}

export class SimFlow {
  readonly flow: TopicsFlow;
  readonly #parts: SimFlowParts;
  readonly #wires = new Map<LinkId, SimWire>();

  constructor(parts: SimFlowParts) {
    const { machine, network: _, put: __, took: ___, ...rest } = parts;
    const flowParts: TopicsFlowParts = {
      ...rest,
      exchange: () => machine.exchange as Exchange<Delivery> | undefined,
      federation: () => parts.machine.abroad,
      isAlive: (node) => machine.isAlive(node),
      linkTo: (node) => machine.linkTo(node),
    };
    this.#parts = parts;
    this.flow = machine.flow?.(flowParts) ?? new TopicsFlow(flowParts);
  }

  /** Links that are not read, because what comes from there goes to somebody who is slower. */
  get held(): readonly LinkId[] {
    const held: LinkId[] = [];
    for (const wire of this.#wires.values()) if (wire.held) held.push(wire.link);
    return held;
  }

  opened(link: LinkId, peer: Peer): void {
    const wire = new SimWire(link, peer, this.#parts);
    this.#wires.set(link, wire);
    this.flow.opened(link, peer, wire);
  }

  closed(link: LinkId): void {
    this.#wires.delete(link);
    this.flow.closed(link);
  }

  drained(link: LinkId): void {
    this.flow.drained(link);
  }

  /** False: it is the node's. */
  take(link: LinkId, message: Message): boolean {
    const wire = this.#wires.get(link);
    if (wire === undefined || !isFlow(message)) return false;
    if (this.#parts.machine.exchange !== undefined && isNews(wire.peer, message)) {
      this.#parts.took(link, wire.peer, message);
    }
    return this.flow.take(link, message);
  }

  effect(effect: Extract<NodeEffect, { readonly kind: 'subscribed' | 'unsubscribed' | 'unforwarded' }>): void {
    if (effect.kind === 'subscribed') this.flow.subscribed(effect);
    else if (effect.kind === 'unsubscribed') this.flow.unsubscribed(effect);
    else this.flow.unforwarded(effect);
  }
}

/** What users publish, as it comes to a node. */
function isNews({ role }: Peer, { kind }: FlowMessage): boolean {
  return role === 'client' ? kind === 'publish' : kind === 'forward' || kind === 'store';
}

class SimWire implements Wire {
  readonly link: LinkId;
  readonly peer: Peer;
  held = false;
  readonly #parts: SimFlowParts;

  constructor(link: LinkId, peer: Peer, parts: SimFlowParts) {
    this.link = link;
    this.peer = peer;
    this.#parts = parts;
  }

  get isFull(): boolean {
    return this.#parts.network.isFull(this.link);
  }

  send(message: Message): Problem | undefined {
    this.#parts.put(this.link, message);
    this.#parts.network.send(this.link, message);
    return undefined;
  }

  hold(): void {
    this.held = true;
    this.#parts.network.hold(this.link);
  }

  release(): void {
    this.held = false;
    this.#parts.network.release(this.link);
  }
}
