/** A subscription of this node, with its way; and what may be shown of it. */
import { done, type Outcome } from '../core/base/outcome.ts';
import type { Exchange, Subscription } from '../core/topics/exchange.ts';
import { shownPattern } from '../core/topics/inboxes.ts';
import type { SubscriptionView, TopicMatch } from '../topics-api.ts';
import type { Delivery } from './delivery.ts';
import type { MemberWay } from './member-way.ts';
import type { Way } from './way.ts';

export interface Subscriber {
  /** The client's number. */
  readonly id: number;
  readonly subscription: Subscription<Delivery>;
  readonly way: Way<Delivery>;
  /** For messages of its group, where it is a member that acknowledges. */
  readonly member?: MemberWay;
}

export function viewOf({ member, subscription, way }: Subscriber): SubscriptionView {
  const { group, id, outbox, patterns, terms } = subscription;
  return {
    client: way.link.peer.name,
    delivered: way.sent + (member?.sent ?? 0),
    dropped: way.dropped + (member?.dropped ?? 0),
    id,
    patterns: patterns.map(shownPattern),
    policy: outbox.limits.policy,
    waiting: outbox.waiting + (member?.waiting ?? 0),
    ...(group === undefined ? {} : { group }),
    ...(patterns.some((pattern) => shownPattern(pattern) !== pattern) ? { inbox: true } : {}),
    ...(terms?.key === undefined ? {} : { key: terms.key }),
    ...(member === undefined ? {} : { unacknowledged: member.out }),
  };
}

/** Which of them a message of the topic would reach. */
export function matchesOf(
  exchange: Exchange<Delivery>,
  subscribers: ReadonlyMap<number, Subscriber>,
  topic: string,
): Outcome<readonly TopicMatch[]> {
  const reasons = exchange.explain(topic);
  if (!reasons.ok) return reasons;
  const found: TopicMatch[] = [];
  for (const { group, node, pattern, subscription } of reasons.value) {
    const subscriber = subscription === undefined ? undefined : subscribers.get(subscription);
    if (subscriber === undefined || subscription === undefined || !exchange.isSelf(node)) continue;
    const client = subscriber.way.link.peer.name;
    const who = group === undefined ? ({ kind: 'subscription' } as const) : ({ kind: 'member', name: group } as const);
    found.push({ ...who, client, pattern, subscription });
  }
  return done(found);
}
