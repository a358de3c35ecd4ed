import { Effects } from '../base/effects.ts';
import type { Address, LinkId, NodeId } from '../base/ids.ts';
import { earlier, type Instant, NEVER } from '../base/instant.ts';
import type { Machine } from '../base/machine.ts';
import { problem } from '../base/problems.ts';
import type { Explanation } from '../calls/explain.ts';
import { type CallMessage, type CallsMessage, isAboutCalls } from '../calls/messages.ts';
import type { Wish } from '../calls/placement.ts';
import type { SelfChange } from '../directory/directory.ts';
import type { NodeRecord } from '../directory/record.ts';
import { isAboutLinks, type MeshPeer } from '../links/messages.ts';
import type { TopicsAbroad } from '../topics/abroad.ts';
import type { Exchange } from '../topics/exchange.ts';
import { isAboutTopics, isFromClients } from '../topics/message-kinds.ts';
import type { AnyTopicsMessage } from '../topics/messages.ts';
import { isBetweenHubs, isOfNodes } from './between-hubs.ts';
import { Bindings } from './bindings.ts';
import { cargoOf } from './cargo-of.ts';
import type { NodeEffect } from './effects.ts';
import type { FederationDoor } from './federation-door.ts';
import type { Message, NodeInput } from './inputs.ts';
import { type Machines, machinesOf, type NodeConfig } from './machines.ts';
import type { NodeSnapshot } from './snapshot.ts';
import { memberViews } from './views.ts';

export type { NodeConfig };

/**
 * A node of the mesh: the machines of all domains behind one door.
 *
 *     starting ── persisted(epoch) ──► running ── leave ──► leaving ── all told ──► stopped
 *
 * Each life of a node has an *epoch*, stored before the node says its first word. Incarnations and record versions count
 * up from it, so that what a former life said never outlasts what this one says.
 *
 * Invariants:
 * - nothing is sent before the epoch of this life is durable;
 * - after `stopped` there are no effects.
 */
export class Node implements Machine<NodeEffect> {
  readonly #id: NodeId;
  readonly #machines: Machines;
  readonly #bindings: Bindings;
  readonly #out = new Effects<NodeEffect>();
  #phase: NodeSnapshot['phase'] = 'starting';
  #epoch = 0;
  #seeds: readonly Address[] = [];
  /** While leaving: when to stop waiting for running calls. */
  #graceEnds: Instant = NEVER;
  #saidGoodbye = false;
  /** When to look at the load again. */
  #loadAt: Instant = 0;

  constructor(config: NodeConfig) {
    this.#id = config.id;
    this.#machines = machinesOf(config);
    this.#bindings = new Bindings(this.#machines, this.#out);
    if (config.name === '') throw new RangeError('a node needs a name');
  }

  drain(): NodeEffect[] {
    return this.#out.drain();
  }

  deadline(): Instant {
    if (this.#phase === 'stopped' || this.#phase === 'starting') return NEVER;
    const { federation, membership, links, calls, queues, topics } = this.#machines;
    const grace = this.#saidGoodbye ? NEVER : this.#graceEnds;
    const work = earlier(calls.deadline(), earlier(queues.deadline(), topics.deadline()));
    const abroad = earlier(federation.deadline(), this.#machines.listening.deadline());
    const others = earlier(links.deadline(), abroad);
    return earlier(earlier(membership.deadline(), others), earlier(work, grace));
  }

  advance(now: Instant): void {
    this.step({ kind: 'advance' }, now);
  }

  /** Takes one input. All inputs come through here: a list of them with their instants is a trace that can be replayed. */
  step(input: NodeInput, now: Instant): void {
    if (this.#phase === 'stopped') return;
    this.#take(input, now);
    this.#bindings.settle(now);
    if (this.#phase === 'leaving') this.#leaveOn(now);
  }

  snapshot(now: Instant): NodeSnapshot {
    const { membership, directory, links, calls } = this.#machines;
    return {
      calls: calls.counts,
      generation: directory.generation,
      health: membership.health,
      id: this.#id,
      links: links.counts,
      members: memberViews(this.#machines, now),
      phase: this.#phase,
      record: directory.self,
    };
  }

  /** Who could take a call that is asked of this node now; `tried`: names or ids of nodes that have had it. */
  explain(wish: Wish, tried: readonly string[], now: Instant): Explanation {
    const { calls, directory } = this.#machines;
    return calls.explain(
      wish,
      tried.map((nameOrId) => directory.node(nameOrId)?.id ?? nameOrId),
      now,
    );
  }

  /** The federation, where this node is a hub. For the host, which answers operators. */
  get federation(): FederationDoor['machine'] {
    return this.#machines.federation.machine;
  }

  /** Topics of other clusters, where this node is a hub. */
  get abroad(): TopicsAbroad | undefined {
    return this.#machines.abroad;
  }

  /** Who gets messages of which topic; undefined before the node speaks. For the host, which moves them. */
  get exchange(): Exchange<unknown> | undefined {
    return this.#machines.topics.exchange;
  }

  /** The link that what is sent to a node goes out on, where one is up. */
  linkTo(node: NodeId): LinkId | undefined {
    return this.#machines.links.linkTo(node);
  }

  isAlive(node: NodeId): boolean {
    return this.#machines.membership.member(node)?.state === 'alive';
  }

  #take(input: NodeInput, now: Instant): void {
    const { federation, membership, links, calls, queues, topics } = this.#machines;
    switch (input.kind) {
      case 'start':
        this.#epoch = input.epoch + 1;
        this.#out.push({ fence: this.#epoch, kind: 'persist', writes: [{ key: 'epoch', value: `${this.#epoch}` }] });
        break;
      case 'persisted':
        if (this.#phase === 'starting' && input.fence === this.#epoch) this.#begin(now);
        break;
      case 'seeds':
        this.#seeds = input.addresses;
        if (this.#phase === 'running') membership.seeds(input.addresses, now);
        break;
      case 'link-up':
        this.#linkUp(input, now);
        break;
      case 'link-down':
        if (!federation.down(input.link, input.reason, now)) links.down(input.link, input.reason, now);
        break;
      case 'dial-failed':
        if (input.dial < 0) federation.dialFailed(input.dial, input.reason, now);
        else links.dialFailed(input.dial, input.refused, input.reason, now);
        break;
      case 'message':
        this.#receive(input.link, input.message, now);
        break;
      case 'traffic':
        links.heard(input.link, true, now);
        break;
      case 'forward':
        links.send(input.to, membership.member(input.to)?.address ?? '', input.message, now);
        break;
      case 'describe':
        this.#describe(input.self, now);
        break;
      case 'queue':
        queues.take(input.input, now);
        break;
      case 'ran':
        calls.ran(input.task, input.outcome, now);
        break;
      case 'item':
        calls.item(input.task, input.payload, now);
        break;
      case 'federation':
        federation.told(input, now);
        break;
      case 'drain':
        this.#drainWork('draining', now);
        break;
      case 'undrain':
        if (this.#phase !== 'leaving') this.#drainWork('active', now);
        break;
      case 'leave':
        this.#leave(now + input.graceMs, now);
        break;
      case 'advance':
        if (this.#phase === 'starting') break;
        membership.advance(now);
        links.advance(now);
        calls.advance(now);
        topics.advance(now);
        queues.advance(now);
        federation.advance(now);
        this.#machines.listening.advance(now);
        this.#tellLoad(now);
        break;
    }
  }

  #linkUp({ link, peer, dial }: Extract<NodeInput, { readonly kind: 'link-up' }>, now: Instant): void {
    if (this.#phase === 'starting') this.#out.push({ kind: 'close', link, reason: 'the node is starting' });
    else if (peer.role !== 'hub') this.#machines.links.up(link, peer, dial, now);
    else if (!this.#machines.federation.up(link, peer, dial, now)) {
      this.#out.push({ kind: 'close', link, reason: 'this node is no hub' });
    }
  }

  /** The epoch is durable: the node may speak. */
  #begin(now: Instant): void {
    const { membership, directory, calls, federation, topics } = this.#machines;
    this.#phase = 'running';
    calls.start(this.#epoch);
    topics.start(this.#epoch, directory.self);
    directory.outrun(this.#epoch * 2 ** 20);
    membership.start(directory.self.addresses[0] ?? '', this.#epoch * 2 ** 16, now);
    membership.spread(cargoOf(directory.self), now);
    membership.seeds(this.#seeds, now);
    federation.start(this.#epoch, now);
  }

  #receive(link: LinkId, message: Message, now: Instant): void {
    const { federation, links } = this.#machines;
    if (federation.isBridge(link)) {
      this.#receiveOverBridge(link, message, now);
      return;
    }
    const aboutCalls = isAboutCalls(message);
    const peer = links.heard(link, aboutCalls, now);
    if (peer === undefined) return;
    if (aboutCalls && !('over' in message)) this.#receiveCall(link, peer, message, now);
    else if (isAboutLinks(message)) links.receive(link, message, now);
    else if (isAboutTopics(message)) this.#receiveTopics(link, peer, message, now);
    else if (peer.role === 'client') this.#violated(link, `a client sent "${message.kind}", as only nodes may`, now);
    else if (isBetweenHubs(message)) federation.receive({ node: peer.id }, message, now);
    else this.#machines.membership.receive(peer.id, message, now);
  }

  /** Other clusters are no part of this one: nothing that nodes say to each other is heard from there. */
  #receiveOverBridge(link: LinkId, message: Message, now: Instant): void {
    const { federation } = this.#machines;
    if (isBetweenHubs(message)) {
      federation.receive({ link }, message, now);
    } else if (!isAboutLinks(message)) {
      const why = problem('protocol-violated', `"${message.kind}" was sent over a bridge`);
      this.#out.push({ kind: 'send', link, message: { kind: 'goaway', problem: why } });
      this.#out.push({ kind: 'close', link, reason: why.message });
    }
  }

  #receiveCall(link: LinkId, peer: MeshPeer, message: CallsMessage, now: Instant): void {
    if (peer.role === 'peer') this.#receiveFromNode(peer.id, message, now);
    else this.#receiveFromClient(link, message, now);
  }

  /** Messages of users do not come here: the host moves them. */
  #receiveTopics(link: LinkId, peer: MeshPeer, message: AnyTopicsMessage, now: Instant): void {
    const { topics } = this.#machines;
    if (peer.role === 'peer') {
      if (message.kind === 'interest' || message.kind === 'interest-have') topics.receive(peer.id, message, now);
    } else if (message.kind === 'subscribe') topics.subscribe(link, message, now);
    else if (message.kind === 'unsubscribe') topics.unsubscribe(link, message.id, now);
    else if (!isFromClients(message)) {
      this.#violated(link, `a client sent "${message.kind}", which only nodes may send`, now);
    }
  }

  #receiveFromNode(node: NodeId, message: CallsMessage, now: Instant): void {
    const { calls } = this.#machines;
    switch (message.kind) {
      case 'call':
        calls.request({ node }, this.#asRouted(message), now);
        break;
      case 'plan':
        calls.request({ node }, message, now);
        break;
      case 'more':
        calls.more({ node }, message.id, message.items);
        break;
      case 'cancel':
        calls.cancel({ node }, message.id, message.reason, now, message.at);
        break;
      case 'holding':
        calls.holding(node, message, now);
        break;
      case 'drop':
        calls.drop(node, message.plan);
        break;
      case 'placed':
        calls.placed(node, message);
        break;
      default:
        calls.answer(node, message, now);
    }
  }

  /** Who is no hub refuses what it cannot place: whoever sent it asks another one. */
  #asRouted(call: CallMessage): CallMessage {
    if (call.abroad === undefined) return call.routed ? call : { ...call, routed: true };
    const { abroad: _, ...plain } = call;
    return { ...plain, routed: this.#machines.federation.machine === undefined };
  }

  #receiveFromClient(link: LinkId, message: CallsMessage, now: Instant): void {
    const { calls } = this.#machines;
    switch (message.kind) {
      case 'call':
        if (isOfNodes(message)) this.#violated(link, 'a client sent an errand, which only nodes may send', now);
        else calls.request({ link }, message.routed ? { ...message, routed: false } : message, now);
        break;
      case 'plan':
        calls.request({ link }, message, now);
        break;
      case 'more':
        calls.more({ link }, message.id, message.items);
        break;
      case 'cancel':
        calls.cancel({ link }, message.id, message.reason, now);
        break;
      default:
        this.#violated(link, `a client sent "${message.kind}", though nobody asked it anything`, now);
    }
  }

  #violated(link: LinkId, says: string, now: Instant): void {
    this.#machines.links.cut(link, problem('protocol-violated', says), now);
  }

  #describe(change: SelfChange, now: Instant): void {
    const { membership, directory, topics } = this.#machines;
    const record = directory.describe(change);
    if (record === undefined || this.#phase === 'starting') return;
    membership.spread(cargoOf(record), now);
    if (change.keeps !== undefined) topics.keeps(record, true);
    if (change.addresses !== undefined) membership.readdress(record.addresses[0] ?? '', now);
  }

  /** Says how busy this node is: coarsely and seldom, because everybody is told. */
  #tellLoad(now: Instant): void {
    if (now < this.#loadAt) return;
    this.#loadAt = now + LOAD_MS;
    const { running } = this.#machines.calls.counts;
    this.#describe({ load: Math.min(LOAD_MAX, Math.ceil(Math.log2(1 + running))) }, now);
  }

  #drainWork(state: NodeRecord['state'], now: Instant): void {
    this.#machines.calls.accept(state === 'active');
    this.#describe({ state }, now);
  }

  #leave(graceEnds: Instant, now: Instant): void {
    if (this.#phase === 'leaving') {
      this.#graceEnds = earlier(this.#graceEnds, graceEnds);
      return;
    }
    if (this.#phase === 'starting') {
      this.#stop(now);
      return;
    }
    this.#phase = 'leaving';
    this.#graceEnds = graceEnds;
    this.#drainWork('draining', now);
    this.#machines.calls.leave(now);
    this.#bindings.settle(now);
  }

  /** Goes one step further towards `stopped` where it can. */
  #leaveOn(now: Instant): void {
    const { federation, membership, calls, queues } = this.#machines;
    if (!this.#saidGoodbye && (calls.isIdle || now >= this.#graceEnds)) {
      this.#saidGoodbye = true;
      calls.giveUp(now);
      queues.leave();
      membership.leave(now);
      federation.leave(now);
      this.#bindings.settle(now);
    }
    if (this.#bindings.gone) this.#stop(now);
  }

  #stop(now: Instant): void {
    const { links, directory } = this.#machines;
    links.stop({ kind: 'goaway', problem: problem('node-stopping', `${directory.self.name} has left`) });
    this.#bindings.settle(now);
    this.#phase = 'stopped';
    this.#out.push({ kind: 'stopped' });
  }
}

/** Trade-off: more often is fresher, and more gossip for everybody. */
const LOAD_MS = 10_000;
const LOAD_MAX = 10;
