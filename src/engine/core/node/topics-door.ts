import { Effects } from '../base/effects.ts';
import type { LinkId, NodeId } from '../base/ids.ts';
import { earlier, type Instant, NEVER } from '../base/instant.ts';
import type { Machine } from '../base/machine.ts';
import { getOrMake } from '../base/maps.ts';
import { type Problem, problem } from '../base/problems.ts';
import type { NodeRecord } from '../directory/record.ts';
import type { TopicsEffect } from '../topics/effects.ts';
import { Exchange } from '../topics/exchange.ts';
import type { MemberTerms } from '../topics/groups.ts';
import type { ReadFilter } from '../topics/listeners.ts';
import type { SubscribeMessage, TopicsMessage } from '../topics/messages.ts';
import type { TopicsOptions } from '../topics/options.ts';
import type { OutboxLimits } from '../topics/outbox.ts';
import type { NodeEffect } from './effects.ts';
import type { Message } from './inputs.ts';

/**
 * Topics at the node's door: which client holds which subscription of the exchange, and when it is told so.
 *
 *     client ── subscribe 7 ──► exchange, number 31 ──► the world hears of it, then the client: subscribed 7
 *                                                        (with `everywhere`: when all nodes know of it)
 *            ── unsubscribe 7, or it leaves ──► gone
 *
 * Invariants: each subscription of the exchange has one client; a client's number has at most one subscription.
 *
 * It refuses to see messages of users: the host asks the exchange for routes and moves them itself.
 */
export class TopicsDoor implements Machine<DoorEffect> {
  readonly #self: NodeId;
  readonly #options: TopicsOptions;
  readonly #readFilter: ReadFilter;
  readonly #effects = new Effects<DoorEffect>();
  /** By link, then by the client's number. */
  readonly #clients = new Map<LinkId, Map<number, Held>>();
  /** Who waits for `everywhere`. */
  readonly #waiting = new Map<number, { readonly link: LinkId; readonly id: number }>();
  /** Of this life; there is none before it has begun. */
  #exchange: Exchange<unknown> | undefined;
  #nextToken = 1;
  /** The version that the record should say, where it does not, and when it may be changed. */
  #untold: number | undefined;
  #tellAt: Instant = 0;

  constructor(self: NodeId, options: TopicsOptions, readFilter: ReadFilter) {
    this.#readFilter = readFilter;
    this.#self = self;
    this.#options = options;
  }

  /** Begins a life: versions of interest count up from its epoch, so that they are higher than those of the last. */
  start(epoch: number, self: NodeRecord): void {
    this.#exchange = new Exchange<unknown>(this.#self, epoch * 2 ** 20 + 1, this.#options, this.#readFilter);
    this.keeps(self, true);
  }

  get exchange(): Exchange<unknown> | undefined {
    return this.#exchange;
  }

  subscribe(link: LinkId, message: SubscribeMessage, now: Instant): void {
    const { id } = message;
    const held = getOrMake(this.#clients, link, () => new Map<number, Held>());
    const refused = this.#whyRefused(held, id);
    if (this.#exchange === undefined || refused !== undefined) {
      this.#reply(link, id, refused ?? problem('node-stopping', 'the node is starting'));
      return;
    }
    const { patterns, group, everywhere, paced = false } = message;
    const about = { limits: limitsOf(message), patterns, terms: termsOf(message) };
    const request = { ...about, ...(group === undefined ? {} : { group }) };
    const subscribed = this.#exchange.subscribe(request, now);
    if (!subscribed.ok) {
      this.#reply(link, id, subscribed.problem);
      return;
    }
    const entry: Held = { subscription: subscribed.value.id, token: everywhere ? this.#nextToken++ : undefined };
    held.set(id, entry);
    this.#effects.push({ id, kind: 'subscribed', link, paced, subscription: entry.subscription });
    if (entry.token === undefined) {
      this.#effects.push({ kind: 'reply', link, message: { id, kind: 'subscribed' } });
      return;
    }
    this.#waiting.set(entry.token, { id, link });
    this.#exchange.everywhere(entry.token, now);
  }

  unsubscribe(link: LinkId, id: number, now: Instant): void {
    const held = this.#clients.get(link);
    const entry = held?.get(id);
    if (entry === undefined) return;
    held?.delete(id);
    this.#end(entry, now);
  }

  clientLeft(link: LinkId, now: Instant): void {
    const held = this.#clients.get(link);
    if (held === undefined) return;
    this.#clients.delete(link);
    for (const entry of held.values()) this.#end(entry, now);
  }

  linked(node: NodeId, now: Instant): void {
    this.#exchange?.linked(node, now);
  }

  unlinked(node: NodeId, now: Instant): void {
    this.#exchange?.unlinked(node, now);
  }

  heard(node: NodeId, version: number, now: Instant): void {
    this.#exchange?.heard(node, version, now);
  }

  /** What a node keeps, by its own word. Why those in memory go with their node: there is nothing left to come back to. */
  keeps({ id, keeps = [] }: Pick<NodeRecord, 'id' | 'keeps'>, inReach: boolean): void {
    const kept = keeps.filter(({ memory }) => inReach || memory !== true);
    const patterns = kept.map(({ pattern }) => pattern);
    this.#exchange?.keeps.say(id, patterns, inReach);
  }

  gone(node: NodeId, now: Instant): void {
    this.#exchange?.gone(node, now);
  }

  receive(from: NodeId, message: TopicsMessage, now: Instant): void {
    this.#exchange?.receive(from, message, now);
  }

  drain(): DoorEffect[] {
    for (const effect of this.#exchange?.drain() ?? NONE) this.#fromExchange(effect);
    return this.#effects.drain();
  }

  deadline(): Instant {
    const telling = this.#untold === undefined ? NEVER : this.#tellAt;
    return earlier(telling, this.#exchange?.deadline() ?? NEVER);
  }

  advance(now: Instant): void {
    this.#exchange?.advance(now);
    if (this.#untold === undefined || now < this.#tellAt) return;
    this.#effects.push({ interest: this.#untold, kind: 'describe' });
    this.#untold = undefined;
    this.#tellAt = now + RECORD_MS;
  }

  #whyRefused(held: ReadonlyMap<number, Held>, id: number): Problem | undefined {
    if (held.has(id)) return problem('protocol-violated', `the number ${id} has a subscription already`);
    if (held.size < CLIENT_MAX) return undefined;
    return problem('overloaded', `a client has at most ${CLIENT_MAX} subscriptions on one connection`);
  }

  #fromExchange(effect: TopicsEffect): void {
    switch (effect.kind) {
      case 'send':
        this.#effects.push(effect);
        break;
      case 'interest-version':
        this.#untold = effect.version;
        break;
      case 'everywhere': {
        const waiting = this.#waiting.get(effect.token);
        if (waiting === undefined) break;
        this.#waiting.delete(effect.token);
        this.#effects.push({ kind: 'reply', link: waiting.link, message: { id: waiting.id, kind: 'subscribed' } });
        break;
      }
    }
  }

  #end({ subscription, token }: Held, now: Instant): void {
    this.#exchange?.unsubscribe(subscription, now);
    if (token !== undefined && this.#waiting.delete(token)) this.#exchange?.forget(token, now);
    this.#effects.push({ kind: 'unsubscribed', subscription });
  }

  #reply(link: LinkId, id: number, why: Problem): void {
    this.#effects.push({ kind: 'reply', link, message: { id, kind: 'error', problem: why } });
  }
}

export type DoorEffect =
  | Extract<NodeEffect, { readonly kind: 'subscribed' | 'unsubscribed' }>
  | Extract<TopicsEffect, { readonly kind: 'send' }>
  | { readonly kind: 'reply'; readonly link: LinkId; readonly message: Message }
  /** What this node's record should say. */
  | { readonly kind: 'describe'; readonly interest: number };

interface Held {
  readonly subscription: number;
  /** Of its `everywhere`. */
  readonly token: number | undefined;
}

/** A client's wish within what a node grants. */
function limitsOf({ policy = 'drop-oldest', messagesMax, bytesMax }: SubscribeMessage): OutboxLimits {
  return {
    bytesMax: Math.min(bytesMax ?? BYTES, BYTES_MAX),
    messagesMax: Math.min(messagesMax ?? MESSAGES, MESSAGES_MAX),
    policy,
  };
}

function termsOf({ key, settleMs, window }: SubscribeMessage): MemberTerms {
  return {
    ...(key === undefined ? {} : { key }),
    ...(settleMs === undefined ? {} : { settleMs }),
    ...(window === undefined ? {} : { window }),
  };
}

/** Limit: subscriptions of one connection. */
const CLIENT_MAX = 10_000;

/** What waits for one subscription where it does not say, and at most. */
const MESSAGES = 10_000;
const MESSAGES_MAX = 1_000_000;
const BYTES = 8 * 1024 * 1024;
const BYTES_MAX = 256 * 1024 * 1024;

/** Trade-off: more often is heard sooner by nodes without a link, and is more gossip for everybody. */
const RECORD_MS = 1_000;

const NONE: readonly TopicsEffect[] = [];
