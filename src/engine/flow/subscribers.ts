/** The subscriptions of this node, and the ways of messages to them. */
import type { LinkId } from '../core/base/ids.ts';
import { done, type Outcome } from '../core/base/outcome.ts';
import { type Problem, problem } from '../core/base/problems.ts';
import type { NodeEffect } from '../core/node/effects.ts';
import type { NodeInput } from '../core/node/inputs.ts';
import type { Exchange, Subscription } from '../core/topics/exchange.ts';
import type { SubscriptionView, TopicMatch } from '../topics-api.ts';
import type { Brakes, Slow } from './brakes.ts';
import type { Delivery } from './delivery.ts';
import type { FlowLink } from './flow-link.ts';
import type { GroupsFlow } from './groups-flow.ts';
import { AGES, MemberWay } from './member-way.ts';
import { matchesOf, type Subscriber, viewOf } from './subscriber.ts';
import type { TopicsCounters } from './topics-counters.ts';
import { Way } from './way.ts';

export interface SubscribersParts {
  readonly brakes: Brakes;
  readonly counters: TopicsCounters;
  readonly exchange: () => Exchange<Delivery> | undefined;
  readonly groups: () => GroupsFlow;
  /** A subscription that is in no group has its way now. */
  readonly begun: (way: Way<Delivery>, patterns: readonly string[]) => void;
  readonly input: (input: NodeInput) => void;
  readonly link: (id: LinkId) => FlowLink | undefined;
}

export class Subscribers {
  readonly #parts: SubscribersParts;
  /** By the exchange's number. */
  readonly #byNumber = new Map<number, Subscriber>();
  /** The same, by link and by the client's number. */
  readonly #ofClients = new Map<LinkId, Map<number, Subscriber>>();

  constructor(parts: SubscribersParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#byNumber.size;
  }

  /** Messages that wait for them. */
  get waiting(): number {
    let waiting = 0;
    for (const { way } of this.#byNumber.values()) waiting += way.outbox.waiting;
    return waiting;
  }

  /** By a client's own number. */
  of(link: LinkId, id: number): Subscriber | undefined {
    return this.#ofClients.get(link)?.get(id);
  }

  member(subscription: number): MemberWay | undefined {
    return this.#byNumber.get(subscription)?.member;
  }

  members(): readonly MemberWay[] {
    return [...this.#byNumber.values()].flatMap(({ member }) => member ?? []);
  }

  /** A link is gone; the exchange hears of it from the node. */
  closed(id: LinkId): void {
    for (const { way } of this.#ofClients.get(id)?.values() ?? []) way.end();
  }

  subscribed({ link: linkId, id, paced, subscription: number }: Extract<NodeEffect, { kind: 'subscribed' }>): void {
    const link = this.#parts.link(linkId);
    const subscription = this.#parts.exchange()?.subscription(number);
    if (link === undefined || subscription === undefined) return;
    const { patterns } = subscription;
    const slow: Slow = { number, patterns, sent: () => way.sent };
    const { brakes } = this.#parts;
    const way: Way<Delivery> = new Way<Delivery>(link, subscription.outbox, {
      brake: (from) => brakes.press(slow, from),
      gap: (missed) => void link.wire.send({ id, kind: 'gap', missed }),
      paced,
      relieved: () => brakes.release(number),
      send: (delivery, missed) => {
        const refused = link.wire.send(delivery.deliver(id, missed));
        if (refused === undefined) this.#parts.counters.delivered += delivery.messages;
        return refused;
      },
    });
    const member = this.#memberWay(link, id, subscription);
    const subscriber = { id, subscription, way, ...(member === undefined ? {} : { member }) };
    this.#byNumber.set(number, subscriber);
    const held = this.#ofClients.get(linkId);
    if (held === undefined) this.#ofClients.set(linkId, new Map([[id, subscriber]]));
    else held.set(id, subscriber);
    if (subscription.group === undefined) this.#parts.begun(way, patterns);
  }

  unsubscribed(number: number): void {
    const subscriber = this.#byNumber.get(number);
    if (subscriber === undefined) return;
    const { id, member, subscription, way } = subscriber;
    this.#byNumber.delete(number);
    way.end();
    member?.end();
    if (subscription.group !== undefined) this.#parts.groups().abandoned(way.rest(), subscription.group);
    const held = this.#ofClients.get(way.link.id);
    held?.delete(id);
    if (held?.size === 0) this.#ofClients.delete(way.link.id);
  }

  /** The subscriptions of this node, as they are now. */
  views(): readonly SubscriptionView[] {
    return [...this.#byNumber.values()].map(viewOf);
  }

  /** Which subscriptions of this node a message of the topic would reach. */
  matches(topic: string): Outcome<readonly TopicMatch[]> {
    const exchange = this.#parts.exchange();
    return exchange === undefined ? done([]) : matchesOf(exchange, this.#byNumber, topic);
  }

  /** To subscriptions of this node. Gives how many. */
  deliver(delivery: Delivery, subscriptions: readonly Subscription<Delivery>[], from: FlowLink): number {
    for (const { id } of subscriptions) {
      const subscriber = this.#byNumber.get(id);
      if (subscriber === undefined) continue;
      if (delivery.messages === 1 || subscriber.way.link.wire.runs) this.#offer(subscriber, delivery, from);
      else for (const one of delivery.each()) this.#offer(subscriber, one, from);
    }
    return subscriptions.length;
  }

  #offer(subscriber: Subscriber, delivery: Delivery, from: FlowLink): void {
    const { way } = subscriber;
    const before = way.dropped;
    const verdict = way.offer(delivery, from);
    this.#parts.counters.dropped += way.dropped - before;
    if (verdict === 'disconnect') this.#disconnect(subscriber);
  }

  /** The subscriber has said that it would rather end than miss something. */
  #disconnect({ id, way }: Subscriber): void {
    const { link, outbox } = way;
    if (way.isOver) return;
    this.#parts.counters.dropped += way.end();
    const { bytesMax, messagesMax } = outbox.limits;
    const text = `the subscriber was more than ${messagesMax} messages or ${bytesMax} bytes behind`;
    const why: Problem = problem('limit-exceeded', text, { hint: SLOW_HINT, outcome: 'unknown' });
    link.wire.send({ id, kind: 'error', problem: why });
    this.#parts.input({ kind: 'message', link: link.id, message: { id, kind: 'unsubscribe' } });
  }

  /** Undefined for one that does not acknowledge. */
  #memberWay(link: FlowLink, id: number, subscription: Subscription<Delivery>): MemberWay | undefined {
    const { outbox, terms } = subscription;
    if (terms?.window === undefined) return undefined;
    const { settleMs } = terms;
    const way = new MemberWay(link, id, { limits: outbox.limits, terms }, (entrusted, how) => {
      this.#parts.groups().settled(entrusted, how);
    });
    if (settleMs !== undefined) this.#parts.groups().growing(way, Math.ceil(settleMs / AGES));
    return way;
  }
}

const SLOW_HINT = 'Take messages faster, allow more to wait, or choose a policy that drops.\nmpreg subscribe --help';
