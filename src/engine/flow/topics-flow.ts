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
 * Who gets a message of a group is chosen in `groups-flow.ts`.
 *
 * Limit: what is on its way to a node, or waits for it, when the link breaks is lost, and counted, but for what is owed to groups.
 */
import type { LinkId, NodeId } from '../core/base/ids.ts';
import { done, type Outcome } from '../core/base/outcome.ts';
import type { Payload } from '../core/base/payload.ts';
import { type Problem, problem } from '../core/base/problems.ts';
import type { Peer } from '../core/links/messages.ts';
import type { NodeEffect } from '../core/node/effects.ts';
import type { Exchange, Route } from '../core/topics/exchange.ts';
import { isKept } from '../core/topics/message-kinds.ts';
import type {
  ChosenMember,
  FlowMessage,
  ForwardMessage,
  ForwardRunMessage,
  PublishMessage,
  PublishRunMessage,
  StoreMessage,
  TakenMessage,
} from '../core/topics/messages.ts';
import { systemRefusal } from '../core/topics/pattern.ts';
import type { SubscriptionView, TopicMatch } from '../topics-api.ts';
import { runOf } from '../wire/run.ts';
import { AbroadFlow, FROM_ABROAD } from './abroad-flow.ts';
import { Brakes } from './brakes.ts';
import { Delivery, RunDelivery } from './delivery.ts';
import { FlowLink, type Wire } from './flow-link.ts';
import { GroupsFlow } from './groups-flow.ts';
import { KeptFlow } from './kept-flow.ts';
import { NodeWays } from './node-ways.ts';
import { everywhere, hereOnly, OWN } from './own-messages.ts';
import { RetainedFlow } from './retained-flow.ts';
import { Subscribers } from './subscribers.ts';
import { type FlowCounts, TopicsCounters } from './topics-counters.ts';
import type { TopicsFlowParts } from './topics-flow-parts.ts';
import { Traffic } from './traffic.ts';

export class TopicsFlow {
  readonly counters = new TopicsCounters();
  /** Topics that are kept. */
  readonly kept: KeptFlow;
  readonly #parts: TopicsFlowParts;
  readonly #links = new Map<LinkId, FlowLink>();
  readonly #subscribers: Subscribers;
  readonly #nodes: NodeWays;
  readonly #groups: GroupsFlow;
  readonly retained: RetainedFlow;
  readonly #brakes: Brakes;
  readonly #abroad: AbroadFlow;
  /** Of the mesh's own messages, the last one's count. */
  #said = 0;
  readonly #traffic: Traffic;

  constructor(parts: TopicsFlowParts) {
    this.#parts = parts;
    this.#brakes = new Brakes({ ...parts, linkTo: (node) => this.#linkTo(node) });
    this.#traffic = new Traffic({ ...parts, links: () => this.#links.values() });
    this.kept = new KeptFlow({
      ...parts,
      changed: (keeps) => parts.input({ kind: 'describe', self: { keeps } }),
      send: (node, message) => this.#nodes.send(node, message),
    });
    this.#subscribers = new Subscribers({
      ...parts,
      counters: this.counters,
      groups: () => this.#groups,
      brakes: this.#brakes,
      begun: (way, patterns) => this.retained.replay(way, patterns),
      link: (id) => this.#links.get(id),
    });
    this.#nodes = new NodeWays({
      ...parts,
      counters: this.counters,
      link: (id) => this.#links.get(id),
      undeliverable: (members) => this.#groups.undeliverable(members),
      unforwarded: (delivery, members) => this.#groups.unforwarded(delivery, members),
      unstored: (node, n, why) => this.kept.deposits.failed(node, n, why),
    });
    this.#groups = new GroupsFlow({
      ...parts,
      counters: this.counters,
      deliver: (delivery, subscription) => void this.#subscribers.deliver(delivery, [subscription], OWN),
      forward: (node, delivery, members) => this.#nodes.forward(node, delivery, false, members, OWN),
      linkTo: (node) => this.#linkTo(node),
      memberWay: (subscription) => this.#subscribers.member(subscription),
      memberWays: () => this.#subscribers.members(),
    });
    this.#abroad = new AbroadFlow({
      arrived: (delivery) => this.#arrived(delivery),
      counters: this.counters,
      federation: parts.federation ?? (() => undefined),
      link: (id) => this.#links.get(id),
    });
    this.retained = new RetainedFlow({
      ...parts,
      deliver: (delivery) => {
        const route = parts.exchange()?.route(delivery.topic);
        if (route?.ok) this.#subscribers.deliver(delivery, route.value.local, OWN);
      },
      counters: this.counters,
      forward: (node, delivery, from) => this.#nodes.forward(node, delivery, false, NO_MEMBERS, from),
      neighbours: () => [...this.#links.values()].filter(({ peer }) => peer.role === 'peer'),
      tellWords: (words) => parts.federation?.() !== undefined && parts.input({ kind: 'federation', retains: words }),
    });
  }

  opened(id: LinkId, peer: Peer, wire: Wire): void {
    const link = new FlowLink(id, peer, wire);
    this.#links.set(id, link);
    if (peer.role === 'peer') this.retained.opened(link);
  }

  closed(id: LinkId): void {
    const link = this.#links.get(id);
    if (link === undefined) return;
    this.#links.delete(id);
    this.#groups.closed(link, this.#nodes.closed(link));
    this.#abroad.closed(link);
    this.#subscribers.closed(id);
    this.#brakes.closed(link);
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
    if (role === 'hub' && message.kind !== 'abroad') return false;
    if (message.kind === 'publish' && role === 'client') this.#publish(exchange, link, message);
    else if (message.kind === 'publish-run' && role === 'client') this.#publishRun(exchange, link, message);
    else if (message.kind === 'forward' && role === 'peer') this.#forwarded(exchange, link, message);
    else if (message.kind === 'forward-run' && role === 'peer') this.#forwardedRun(exchange, link, message);
    else if (message.kind === 'store' && role === 'peer') this.#store(exchange, link, message);
    else if (message.kind === 'taken' && role === 'client') this.#taken(link, message);
    else if (!this.#takeRarer(link, message) && (!isKept(message) || !this.kept.take(link, message))) return false;
    if (this.#brakes.isApplied && 'topic' in message && role === 'client') this.#brakes.published(message.topic, link);
    link.busy = true;
    this.#traffic.seen();
    return true;
  }

  #takeRarer(link: FlowLink, message: FlowMessage): boolean {
    const { role } = link.peer;
    if (message.kind === 'settle' && role === 'client') {
      this.#subscribers.of(link.id, message.id)?.member?.settle(message);
    } else if (message.kind === 'discharge' && role === 'peer') this.#groups.discharged(message);
    else if (message.kind === 'returned' && role === 'peer') this.#groups.returned(message);
    else if (message.kind === 'brake' && role === 'peer') this.#brakes.told(link, message);
    else if (message.kind === 'retained' && role === 'peer') this.retained.told(link, message);
    else if (message.kind === 'abroad' && role !== 'client') this.#abroad.take(message);
    else return false;
    return true;
  }

  subscribed(effect: Extract<NodeEffect, { kind: 'subscribed' }>): void {
    this.#subscribers.subscribed(effect);
  }

  unsubscribed({ subscription }: Extract<NodeEffect, { kind: 'unsubscribed' }>): void {
    this.#subscribers.unsubscribed(subscription);
  }

  /**
   * Says something of the mesh's own: to subscriptions of this node, and, where it is for all, of others. `make` is called
   * only where somebody listens; answers whether anybody does.
   */
  say(topic: string, forAll: boolean, make: () => Payload): boolean {
    const exchange = this.#parts.exchange();
    const route = exchange?.route(topic);
    if (exchange === undefined || !route?.ok) return false;
    const to = forAll ? everywhere(route.value) : hereOnly(exchange, route.value);
    const { groups, local, nodes } = to;
    if (local.length + nodes.length + groups.length === 0) return false;
    const delivery = new Delivery(topic, this.#parts.life, ++this.#said, this.#parts.wallClock(), undefined, make());
    const { here, there } = this.#groups.choose(delivery, to, OWN);
    this.#subscribers.deliver(delivery, [...local, ...here], OWN);
    for (const node of nodes) if (!there.has(node)) this.#nodes.forward(node, delivery, true, NO_MEMBERS, OWN);
    for (const [node, members] of there) this.#nodes.forward(node, delivery, nodes.includes(node), members, OWN);
    return true;
  }

  /** Whether a link is a client's. */
  isClient(id: LinkId): boolean {
    return this.#links.get(id)?.peer.role === 'client';
  }

  unforwarded({ message, reason, to }: Extract<NodeEffect, { kind: 'unforwarded' }>): void {
    if ('members' in message) this.#unforwarded(message);
    if (message.kind !== 'forward')
      this.kept.unsent(to, message, problem('keeper-away', `the node that keeps the topic: ${reason}`));
  }

  #unforwarded({ at, by, headers, key, members, payload, plain, seq, topic }: ForwardMessage | StoreMessage): void {
    if (plain) this.counters.lost++;
    if (members.length === 0) return;
    this.#groups.unforwarded(new Delivery(topic, by, seq, at, headers, payload, { key }), members);
  }

  /** What it holds now. */
  get counts(): FlowCounts {
    const { size: subscriptions, waiting } = this.#subscribers;
    const nodes = this.#nodes;
    return {
      links: this.#links.size,
      nodes: nodes.size,
      owed: this.#groups.debts.size,
      retained: this.retained.counts.topics,
      subscriptions,
      waiting: nodes.waiting + waiting,
    };
  }

  /** The subscriptions of this node, as they are now. */
  views(): readonly SubscriptionView[] {
    return this.#subscribers.views();
  }

  /** Whom of this node's a message of the topic would reach. */
  matches(topic: string): Outcome<readonly TopicMatch[]> {
    const found = this.#subscribers.matches(topic);
    return found.ok ? done([...found.value, ...this.kept.matches(topic)]) : found;
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
    if (this.#groups.refuses(route.value, link)) {
      this.counters.refused++;
      if (id > 0) link.wire.send({ id, kind: 'error', problem: owesTooMuch(topic) });
      return;
    }
    this.counters.published++;
    const by = message.by ?? `${this.#parts.life}/${link.id}`;
    const seq = message.seq ?? ++link.published;
    const more = key === undefined ? undefined : { key };
    const made = new Delivery(topic, by, seq, this.#parts.wallClock(), headers, payload, more);
    const delivery = message.retain === undefined ? made : this.retained.publish(link, message, route.value, made);
    if (delivery === undefined) return;
    const hubs = route.value.abroad ? this.#abroad.out(delivery) : 0;
    this.#send(exchange, link, id, route.value, delivery, hubs);
  }

  /** To all of a route in this cluster. `hubs`: of other clusters, that have it already. */
  #send(
    exchange: Exchange<Delivery>,
    link: FlowLink,
    id: number,
    route: Route<Delivery>,
    delivery: Delivery,
    hubs: number,
  ): void {
    if (route.keepers.length > 0) return this.#publishKept(exchange, link, id, route, delivery, hubs);
    const local = this.#subscribers.deliver(delivery, route.local, link);
    const { handed, here, there, waiting } = this.#groups.choose(delivery, route, link);
    const members = this.#subscribers.deliver(delivery, here, link) + handed;
    for (const node of route.nodes) if (!there.has(node)) this.#nodes.forward(node, delivery, true, NO_MEMBERS, link);
    for (const [node, chosen] of there) {
      this.#nodes.forward(node, delivery, route.nodes.includes(node), chosen, link);
    }
    if (id === 0) return;
    const nodes = new Set([...route.nodes, ...there.keys()]).size + hubs;
    const untaken = waiting === 0 ? {} : { waiting };
    link.wire.send({ id, kind: 'published', local: local + members, nodes, ...untaken });
  }

  /** As one piece where it goes to the same subscriptions and nodes as a whole; else message by message. */
  #publishRun(exchange: Exchange<Delivery>, link: FlowLink, message: PublishRunMessage): void {
    const { topic, by, seq } = message;
    const run = runOf(message.payload);
    const route = exchange.route(topic);
    if (!route.ok || route.value.system || run === undefined) {
      this.counters.refused += run?.messages ?? 1;
      return;
    }
    const { abroad, groups, keepers, local, nodes } = route.value;
    if (groups.length + keepers.length > 0) {
      let next = seq;
      for (const payload of run.payloads()) {
        this.#publish(exchange, link, { by, id: 0, kind: 'publish', payload, seq: next++, topic });
      }
      return;
    }
    this.counters.published += run.messages;
    const delivery = new RunDelivery(topic, by, seq, this.#parts.wallClock(), run);
    this.#subscribers.deliver(delivery, local, link);
    for (const node of nodes) this.#nodes.forward(node, delivery, true, NO_MEMBERS, link);
    if (abroad) this.#abroad.out(delivery);
  }

  /** As any other message, and to its keepers as well: to each node once, whatever for. */
  #publishKept(
    exchange: Exchange<Delivery>,
    link: FlowLink,
    id: number,
    route: Route<Delivery>,
    delivery: Delivery,
    hubs: number,
  ): void {
    const { keepers, local, nodes } = route;
    const deposit = this.kept.begin(exchange, link, id, delivery, keepers);
    if (deposit === undefined) return;
    const { handed, here, there, waiting } = this.#groups.choose(delivery, route, link);
    const count =
      this.#subscribers.deliver(delivery, local, link) + this.#subscribers.deliver(delivery, here, link) + handed;
    const others = new Set([...nodes, ...there.keys(), ...keepers]);
    for (const node of others) {
      const keeps = keepers.includes(node);
      if (exchange.isSelf(node)) this.kept.store(delivery, deposit);
      else {
        const n = keeps ? this.kept.deposits.ticket(node, deposit) : undefined;
        this.#nodes.forward(node, delivery, nodes.includes(node), there.get(node) ?? NO_MEMBERS, link, n);
      }
    }
    this.kept.deposits.routed(deposit, count, new Set([...nodes, ...there.keys()]).size + hubs, waiting);
  }

  #store(exchange: Exchange<Delivery>, link: FlowLink, message: StoreMessage): void {
    this.kept.storeFor(link, this.#forwarded(exchange, link, message), message);
  }

  /** A publisher that is a slow reader is read again when it has taken something, here or there. */
  #taken(link: FlowLink, message: TakenMessage): void {
    const way = this.#subscribers.of(link.id, message.id)?.way;
    if (way === undefined) this.kept.take(link, message);
    else way.taken(message.bytes);
  }

  #forwarded(exchange: Exchange<Delivery>, link: FlowLink, message: ForwardMessage | StoreMessage): Delivery {
    const { abroad, at, by, headers, key, members, payload, retained: version, seq, topic } = message;
    const route = exchange.route(topic);
    this.counters.forwardedIn++;
    const from = link.peer.role === 'peer' ? link.peer.id : undefined;
    const delivery = new Delivery(topic, by, seq, at, headers, payload, { abroad, from, key, version });
    if (!route.ok) return delivery;
    if (this.retained.received(delivery, message)) this.#subscribers.deliver(delivery, route.value.local, link);
    if (members.length > 0) this.#groups.forwarded(delivery, route.value, members);
    if (route.value.abroad && message.plain && !abroad) this.#abroad.out(delivery);
    return delivery;
  }

  #forwardedRun(exchange: Exchange<Delivery>, link: FlowLink, message: ForwardRunMessage): void {
    const { at, by, payload, seq, topic } = message;
    const route = exchange.route(topic);
    const run = runOf(payload);
    if (!route.ok || run === undefined) return;
    this.counters.forwardedIn += run.messages;
    const delivery = new RunDelivery(topic, by, seq, at, run);
    this.#subscribers.deliver(delivery, route.value.local, link);
    if (route.value.abroad) this.#abroad.out(delivery);
  }

  /** It has come from another cluster. */
  #arrived(delivery: Delivery): void {
    const exchange = this.#parts.exchange();
    const route = exchange?.route(delivery.topic);
    if (exchange === undefined || !route?.ok || route.value.system) return;
    this.#send(exchange, FROM_ABROAD, 0, { ...route.value, nodes: route.value.inland }, delivery, 0);
  }

  #linkTo(node: NodeId): FlowLink | undefined {
    const id = this.#parts.linkTo(node);
    return id === undefined ? undefined : this.#links.get(id);
  }
}

const NO_MEMBERS: readonly ChosenMember[] = [];

function owesTooMuch(topic: string): Problem {
  const text = `too much is owed to groups that listen to ${topic}: their members do not acknowledge it fast enough`;
  return problem('overloaded', text, { hint: 'Let more members take part, or publish more slowly.\nmpreg topic list' });
}
