/**
 * Moves messages of topics through this node. The exchange decides who gets them; here their bytes go from link to link.
 *
 *     publish (client) ──► route ─┬─► a way to each local subscription ──► deliver
 *                                 └─► a way to each node that listens ──► forward ──► there: local subscriptions only
 *
 * Like the core it is synchronous and touches nothing of the world, so that the simulator runs it as well; unlike it, it runs for every
 * message. A payload is never decoded. What may wait is bounded (`way.ts`): for a subscriber by its own limits and policy, for
 * another node by `NODE_LIMITS`, beyond which the publishers of this node are not read.
 *
 * Limit: what is on its way to a node, or waits for it, when the link breaks is lost, and counted; so is what was sent to
 * a member of a group that had just left, where its node has no other.
 */
import type { LinkId, NodeId } from '../core/base/ids.ts';
import { done, type Outcome } from '../core/base/outcome.ts';
import type { Payload } from '../core/base/payload.ts';
import { type Problem, problem } from '../core/base/problems.ts';
import type { Peer } from '../core/links/messages.ts';
import type { NodeEffect } from '../core/node/effects.ts';
import type { NodeInput } from '../core/node/inputs.ts';
import type { Exchange, Route, Subscription } from '../core/topics/exchange.ts';
import type { GroupRoute, Member } from '../core/topics/groups.ts';
import { shownPattern } from '../core/topics/inboxes.ts';
import {
  type FlowMessage,
  type ForwardMessage,
  isKept,
  type PublishMessage,
  type StoreMessage,
  type TakenMessage,
} from '../core/topics/messages.ts';
import { systemRefusal } from '../core/topics/pattern.ts';
import type { SubscriptionView, TopicMatch } from '../topics-api.ts';
import { Delivery } from './delivery.ts';
import { FlowLink, type Wire } from './flow-link.ts';
import type { KeeperParts } from './keeper.ts';
import { KeptFlow } from './kept-flow.ts';
import { NodeWays } from './node-ways.ts';
import { hereOnly, OWN } from './own-messages.ts';
import { TopicsCounters } from './topics-counters.ts';
import { Way } from './way.ts';

export interface TopicsFlowParts extends Pick<KeeperParts, 'disk' | 'memory' | 'stored'> {
  readonly exchange: () => Exchange<Delivery> | undefined;
  /** Whether a node is there, beyond doubt. */
  readonly isAlive: (node: NodeId) => boolean;
  readonly linkTo: (node: NodeId) => LinkId | undefined;
  readonly input: (input: NodeInput) => void;
  /** Calls `then` once, so many milliseconds from now. */
  readonly later: (ms: number, then: () => void) => void;
  /** Milliseconds since 1970. */
  readonly wallClock: () => number;
  /** Names this life of this node, for publishers that do not name themselves. */
  readonly life: string;
}

export class TopicsFlow {
  readonly counters = new TopicsCounters();
  /** Topics that are kept. */
  readonly kept: KeptFlow;
  readonly #parts: TopicsFlowParts;
  readonly #links = new Map<LinkId, FlowLink>();
  /** By the exchange's number. */
  readonly #subscribers = new Map<number, Subscriber>();
  /** The same, by link and by the client's number. */
  readonly #ofClients = new Map<LinkId, Map<number, Subscriber>>();
  readonly #nodes: NodeWays;
  /** Of the mesh's own messages, the last one's count. */
  #said = 0;
  /** The node will be told which links are alive. */
  #telling = false;

  constructor(parts: TopicsFlowParts) {
    this.#parts = parts;
    this.kept = new KeptFlow({
      ...parts,
      changed: (keeps) => parts.input({ kind: 'describe', self: { keeps } }),
      send: (node, message) => this.#nodes.send(node, message),
    });
    this.#nodes = new NodeWays({
      ...parts,
      counters: this.counters,
      link: (id) => this.#links.get(id),
      unstored: (node, n, why) => this.kept.deposits.failed(node, n, why),
    });
  }

  opened(id: LinkId, peer: Peer, wire: Wire): void {
    this.#links.set(id, new FlowLink(id, peer, wire));
  }

  closed(id: LinkId): void {
    const link = this.#links.get(id);
    if (link === undefined) return;
    this.#links.delete(id);
    this.#nodes.closed(link);
    for (const { way } of this.#ofClients.get(id)?.values() ?? []) way.end();
    this.kept.closed(link);
  }

  drained(id: LinkId): void {
    this.#links.get(id)?.drained();
  }

  /** Takes a message that moves on the hot path; false: it is the node's. */
  take(id: LinkId, message: FlowMessage): boolean {
    const link = this.#links.get(id);
    const exchange = this.#parts.exchange();
    if (link === undefined || exchange === undefined) return false;
    const { role } = link.peer;
    if (message.kind === 'publish' && role === 'client') this.#publish(exchange, link, message);
    else if (message.kind === 'forward' && role === 'peer') this.#forwarded(exchange, link, message);
    else if (message.kind === 'store' && role === 'peer') this.#store(exchange, link, message);
    else if (message.kind === 'taken' && role === 'client') this.#taken(link, message);
    else if (!isKept(message) || !this.kept.take(link, message)) return false;
    link.busy = true;
    if (!this.#telling) this.#tellLater();
    return true;
  }

  subscribed({ link: linkId, id, paced, subscription: number }: Extract<NodeEffect, { kind: 'subscribed' }>): void {
    const link = this.#links.get(linkId);
    const subscription = this.#parts.exchange()?.subscription(number);
    if (link === undefined || subscription === undefined) return;
    const way = new Way<Delivery>(link, subscription.outbox, {
      gap: (missed) => void link.wire.send({ id, kind: 'gap', missed }),
      paced,
      send: (delivery, missed) => {
        const refused = link.wire.send(delivery.deliver(id, missed));
        if (refused === undefined) this.counters.delivered++;
        return refused;
      },
    });
    const subscriber = { id, subscription, way };
    this.#subscribers.set(number, subscriber);
    const held = this.#ofClients.get(linkId);
    if (held === undefined) this.#ofClients.set(linkId, new Map([[id, subscriber]]));
    else held.set(id, subscriber);
  }

  unsubscribed({ subscription: number }: Extract<NodeEffect, { kind: 'unsubscribed' }>): void {
    const subscriber = this.#subscribers.get(number);
    if (subscriber === undefined) return;
    const { id, way } = subscriber;
    this.#subscribers.delete(number);
    way.end();
    const held = this.#ofClients.get(way.link.id);
    held?.delete(id);
    if (held?.size === 0) this.#ofClients.delete(way.link.id);
  }

  /**
   * Says something of the mesh's own: to subscriptions of this node, and, where it is for all, of others. `make` is called
   * only where somebody listens; answers whether anybody does.
   */
  say(topic: string, forAll: boolean, make: () => Payload): boolean {
    const exchange = this.#parts.exchange();
    const route = exchange?.route(topic);
    if (exchange === undefined || !route?.ok) return false;
    const { groups, local, nodes } = forAll ? route.value : hereOnly(exchange, route.value);
    if (local.length + nodes.length + groups.length === 0) return false;
    const delivery = new Delivery(topic, this.#parts.life, ++this.#said, this.#parts.wallClock(), undefined, make());
    const { here, there } = this.#choose(exchange, { ...route.value, groups }, undefined);
    this.#deliver(delivery, [...local, ...here], OWN);
    for (const node of nodes) if (!there.has(node)) this.#nodes.forward(node, delivery, true, NO_MEMBERS, OWN);
    for (const [node, members] of there) this.#nodes.forward(node, delivery, nodes.includes(node), members, OWN);
    return true;
  }

  /** Whether a link is a client's. */
  isClient(id: LinkId): boolean {
    return this.#links.get(id)?.peer.role === 'client';
  }

  unforwarded({ message, reason, to }: Extract<NodeEffect, { kind: 'unforwarded' }>): void {
    if (message.kind === 'forward') this.counters.lost++;
    else this.kept.unsent(to, message, problem('keeper-away', `the node that keeps the topic: ${reason}`));
  }

  /** The subscriptions of this node, as they are now. */
  views(): readonly SubscriptionView[] {
    return [...this.#subscribers.values()].map(({ subscription, way }) => ({
      client: way.link.peer.name,
      delivered: way.sent,
      dropped: way.dropped,
      id: subscription.id,
      patterns: subscription.patterns.map(shownPattern),
      policy: subscription.outbox.limits.policy,
      waiting: subscription.outbox.waiting,
      ...(subscription.group === undefined ? {} : { group: subscription.group }),
    }));
  }

  /** Which subscriptions of this node a message of the topic would reach. */
  matches(topic: string): Outcome<readonly TopicMatch[]> {
    const reasons = this.#parts.exchange()?.explain(topic) ?? done([]);
    if (!reasons.ok) return reasons;
    const found: TopicMatch[] = [];
    for (const { group, node, pattern, subscription } of reasons.value) {
      const subscriber = subscription === undefined ? undefined : this.#subscribers.get(subscription);
      if (subscriber === undefined || subscription === undefined || !this.#parts.exchange()?.isSelf(node)) continue;
      const client = subscriber.way.link.peer.name;
      found.push({ client, pattern, subscription, ...(group === undefined ? {} : { group }) });
    }
    return done(found);
  }

  #publish(exchange: Exchange<Delivery>, link: FlowLink, message: PublishMessage): void {
    const { id, topic, key, headers, payload } = message;
    const route = exchange.route(topic);
    const refused = !route.ok ? route.problem : route.value.system ? systemRefusal(topic) : undefined;
    if (!route.ok || refused !== undefined) {
      this.counters.refused++;
      if (id > 0 && refused !== undefined) link.wire.send({ id, kind: 'error', problem: refused });
      return;
    }
    this.counters.published++;
    const by = message.by ?? `${this.#parts.life}/${link.id}`;
    const seq = message.seq ?? ++link.published;
    const delivery = new Delivery(topic, by, seq, this.#parts.wallClock(), headers, payload);
    if (route.value.keepers.length > 0) return this.#publishKept(exchange, link, message, route.value, delivery);
    const local = this.#deliver(delivery, route.value.local, link);
    const { here, there } = this.#choose(exchange, route.value, key);
    const members = this.#deliver(delivery, here, link);
    for (const node of route.value.nodes)
      if (!there.has(node)) this.#nodes.forward(node, delivery, true, NO_MEMBERS, link);
    for (const [node, chosen] of there) {
      this.#nodes.forward(node, delivery, route.value.nodes.includes(node), chosen, link);
    }
    if (id === 0) return;
    const nodes = new Set([...route.value.nodes, ...there.keys()]).size;
    link.wire.send({ id, kind: 'published', local: local + members, nodes });
  }

  /** As any other message, and to its keepers as well: to each node once, whatever for. */
  #publishKept(
    exchange: Exchange<Delivery>,
    link: FlowLink,
    { id, key }: PublishMessage,
    route: Route<Delivery>,
    delivery: Delivery,
  ): void {
    const { keepers, local, nodes } = route;
    const deposit = this.kept.begin(exchange, link, id, delivery, keepers);
    if (deposit === undefined) return;
    const { here, there } = this.#choose(exchange, route, key);
    const count = this.#deliver(delivery, local, link) + this.#deliver(delivery, here, link);
    const others = new Set([...nodes, ...there.keys(), ...keepers]);
    for (const node of others) {
      const keeps = keepers.includes(node);
      if (exchange.isSelf(node)) this.kept.store(delivery, deposit);
      else {
        const n = keeps ? this.kept.deposits.ticket(node, deposit) : undefined;
        this.#nodes.forward(node, delivery, nodes.includes(node), there.get(node) ?? NO_MEMBERS, link, n);
      }
    }
    this.kept.deposits.routed(deposit, count, new Set([...nodes, ...there.keys()]).size);
  }

  /** One member of each group: here, or on other nodes. */
  #choose(exchange: Exchange<Delivery>, route: Route<Delivery>, key: string | undefined): Chosen {
    if (route.groups.length === 0) return NOBODY;
    const here: Subscription<Delivery>[] = [];
    const there = new Map<NodeId, { readonly group: string; readonly id: number }[]>();
    for (const one of route.groups) {
      const { group, id, node } = this.#inReach(exchange, one, exchange.choose(one, key));
      const subscription = exchange.isSelf(node) ? exchange.subscription(id) : undefined;
      if (subscription !== undefined) here.push(subscription);
      else {
        const chosen = there.get(node);
        if (chosen === undefined) there.set(node, [{ group, id }]);
        else chosen.push({ group, id });
      }
    }
    return { here, there };
  }

  /** The member, or another where its node is in doubt. Why: what is sent there may be lost, and others wait for work. */
  #inReach(exchange: Exchange<Delivery>, { members }: GroupRoute, chosen: Member): Member {
    const isThere = ({ node }: Member) => exchange.isSelf(node) || this.#parts.isAlive(node);
    return isThere(chosen) ? chosen : (members.find(isThere) ?? chosen);
  }

  #store(exchange: Exchange<Delivery>, link: FlowLink, message: StoreMessage): void {
    this.kept.storeFor(link, this.#forwarded(exchange, link, message), message);
  }

  /** A publisher that is a slow reader is read again when it has taken something, here or there. */
  #taken(link: FlowLink, message: TakenMessage): void {
    const way = this.#ofClients.get(link.id)?.get(message.id)?.way;
    if (way === undefined) this.kept.take(link, message);
    else way.taken(message.bytes);
  }

  #forwarded(exchange: Exchange<Delivery>, link: FlowLink, message: ForwardMessage | StoreMessage): Delivery {
    const { at, by, headers, members, payload, plain, seq, topic } = message;
    const route = exchange.route(topic);
    this.counters.forwardedIn++;
    const delivery = new Delivery(topic, by, seq, at, headers, payload);
    if (!route.ok) return delivery;
    if (plain) this.#deliver(delivery, route.value.local, link);
    for (const { group, id } of members) {
      const subscription = exchange.stand(route.value, group, id);
      if (subscription === undefined) this.counters.lost++;
      else this.#deliver(delivery, [subscription], link);
    }
    return delivery;
  }

  /** To subscriptions of this node. Gives how many. */
  #deliver(delivery: Delivery, subscriptions: readonly Subscription<Delivery>[], from: FlowLink): number {
    for (const { id } of subscriptions) {
      const subscriber = this.#subscribers.get(id);
      if (subscriber === undefined) continue;
      const before = subscriber.way.dropped;
      const verdict = subscriber.way.offer(delivery, () => delivery.keep(), from);
      this.counters.dropped += subscriber.way.dropped - before;
      if (verdict === 'disconnect') this.#disconnect(subscriber);
    }
    return subscriptions.length;
  }

  /** The subscriber has said that it would rather end than miss something. */
  #disconnect({ id, way }: Subscriber): void {
    const { link, outbox } = way;
    if (way.isOver) return;
    this.counters.dropped += way.end();
    const { bytesMax, messagesMax } = outbox.limits;
    const text = `the subscriber was more than ${messagesMax} messages or ${bytesMax} bytes behind`;
    const why: Problem = problem('limit-exceeded', text, { hint: SLOW_HINT, outcome: 'unknown' });
    link.wire.send({ id, kind: 'error', problem: why });
    this.#parts.input({ kind: 'message', link: link.id, message: { id, kind: 'unsubscribe' } });
  }

  /** Why: the node closes links that are silent, or of no use; what passes here it does not see. */
  #tellTraffic(): void {
    this.#telling = false;
    let any = false;
    for (const link of this.#links.values()) {
      if (!link.busy && !link.isHeld) continue;
      any = true;
      link.busy = false;
      // Why: whoever is not read asks in vain whether the node is there, and would go elsewhere.
      if (link.isHeld) link.wire.send({ kind: 'beat', reply: true });
      this.#parts.input({ kind: 'traffic', link: link.id });
    }
    if (any) this.#tellLater();
  }

  #tellLater(): void {
    this.#telling = true;
    this.#parts.later(TRAFFIC_MS, () => this.#tellTraffic());
  }
}

interface Subscriber {
  readonly id: number;
  readonly subscription: Subscription<Delivery>;
  readonly way: Way<Delivery>;
}

interface Chosen {
  readonly here: readonly Subscription<Delivery>[];
  readonly there: ReadonlyMap<NodeId, ForwardMessage['members']>;
}

const NO_MEMBERS: ForwardMessage['members'] = [];
const NOBODY: Chosen = { here: [], there: new Map() };

/** Well within the silence after which a link is dead. */
const TRAFFIC_MS = 2_000;

const SLOW_HINT = 'Take messages faster, allow more to wait, or choose a policy that drops.\nmpreg subscribe --help';
