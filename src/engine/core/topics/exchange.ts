import { Effects } from '../base/effects.ts';
import type { NodeId } from '../base/ids.ts';
import { earlier, type Instant, NEVER } from '../base/instant.ts';
import type { Machine } from '../base/machine.ts';
import { done, failed, type Outcome } from '../base/outcome.ts';
import { WideMap } from '../base/wide-map.ts';
import type { TopicsEffect } from './effects.ts';
import { Epochs } from './epochs.ts';
import { type GroupRoute, Groups, groupRoutes, type Member, memberOf, whyUnfit } from './groups.ts';
import { Inboxes, isInbox } from './inboxes.ts';
import { Interests } from './interests.ts';
import { Keeps } from './keeps.ts';
import { EVERYTHING, Listeners, type MemberBinding, type ReadFilter } from './listeners.ts';
import type { Interest, TopicFilter, TopicsMessage } from './messages.ts';
import type { TopicsOptions } from './options.ts';
import { Outbox } from './outbox.ts';
import { isSystem, keyOf, type Pattern, parsePattern, parseTopic, thatHear } from './pattern.ts';
import type { ExchangeCounts, Reason, Route, Subscription, SubscriptionRequest } from './route.ts';
import { RouteCache } from './route-cache.ts';
import { whyRefused } from './subscription-limits.ts';
import { summarise } from './summary.ts';
import { Trie } from './trie.ts';

export type { Reason, Route, Subscription } from './route.ts';

/**
 * The exchange of one node: who gets a message of a topic. It decides; the host moves bytes and asks once per topic.
 *
 *     publish order.eu ──► route ─┬─► local     subscriptions of this node, each once
 *                                 ├─► nodes     other nodes that listen, each once ──► there: local, and no further
 *                                 ├─► groups    one member of each, here or there (`choose`)
 *                                 └─► keepers   nodes that store it, perhaps this one
 *
 * The publisher's node sends straight to every node that listens, and a message that came from a node goes to local
 * subscriptions only; so it crosses each link at most once and travels in no circle.
 *
 * Invariants:
 * - a route lists no subscription and no node twice, however many of their patterns match;
 * - a route is never changed; it is true as long as `isCurrent` says so, and what is cached is given out only then;
 * - whatever a subscription of this node matches is announced, or will be at `deadline()`;
 * - a subscription that is gone leaves nothing behind.
 *
 * It refuses to see payloads: an outbox holds whatever the host puts there, by its size.
 */
export class Exchange<Item> implements Machine<TopicsEffect> {
  readonly #self: NodeId;
  readonly #options: TopicsOptions;
  readonly #effects = new Effects<TopicsEffect>();
  readonly #epochs = new Epochs();
  readonly #groups = new Groups();
  readonly #subscriptions = new WideMap<number, Entry<Item>>((id) => id);
  /** Those that are in no group. */
  readonly #plain = new Trie<Binding<Item>>();
  readonly #inboxes: Inboxes<Subscription<Item>>;
  readonly #listeners: Listeners;
  /** Who stores what, here and elsewhere. */
  readonly keeps: Keeps;
  readonly #interests: Interests;
  readonly #routes: RouteCache<Outcome<Route<Item>>>;
  /** Members of groups on this node. */
  readonly #joined = new Set<MemberBinding>();
  #nextId = 1;
  #announceAt: Instant = NEVER;
  #turnAt: Instant = 0;

  readonly #readFilter: ReadFilter;
  /** What this node listens to for other clusters. */
  #abroad: { readonly filter: TopicFilter; readonly hears: (topic: string) => boolean } | undefined;

  /** `version`: higher than any interest that a former life of this node has announced; at least 1. */
  constructor(self: NodeId, version: number, options: TopicsOptions, readFilter: ReadFilter = () => undefined) {
    this.#readFilter = readFilter;
    this.#self = self;
    this.#options = options;
    this.#inboxes = new Inboxes(self);
    const changed = (pattern: Pattern) => this.#epochs.changed(pattern);
    this.#listeners = new Listeners(this.#groups, options.peerPatternsMax, changed, readFilter);
    this.keeps = new Keeps(changed);
    this.#interests = new Interests(version, this.#listeners, this.#effects, options.retryMs);
    this.#routes = new RouteCache(options.routesMax);
  }

  /** Grows with every change of interest, here or elsewhere. */
  get generation(): number {
    return this.#epochs.generation;
  }

  get counts(): ExchangeCounts {
    return {
      ...this.#interests.counts,
      ...this.#listeners.counts,
      generation: this.generation,
      groups: this.#groups.size,
      patterns: this.#plain.counts.values,
      routes: this.#routes.size,
      subscriptions: this.#subscriptions.size,
    };
  }

  /** Effective at once on this node, and on others when they have heard of it (`everywhere`). */
  subscribe(request: SubscriptionRequest, now: Instant): Outcome<Subscription<Item>> {
    const { patterns, group, limits, terms = {} } = request;
    const parsed = this.#parse(patterns, group);
    if (!parsed.ok) return parsed;
    const unfit = whyUnfit(this.#groups, request);
    if (unfit !== undefined) return failed(unfit);
    const id = this.#nextId++;
    const outbox = new Outbox<Item>(limits);
    const texts = parsed.value.map(({ text }) => text);
    const about = group === undefined ? {} : { group, terms };
    const subscription = Object.freeze({ id, outbox, patterns: texts, ...about });
    const plain: Binding<Item>[] = [];
    const members: MemberBinding[] = [];
    const member = group === undefined ? undefined : memberOf(group, this.#self, id, terms);
    for (const pattern of parsed.value) {
      if (isInbox(pattern.segments)) return done(this.#open(pattern, subscription));
      if (member === undefined) plain.push(this.#bind(pattern, subscription));
      else members.push(this.#listeners.join(member, pattern));
    }
    for (const binding of members) this.#joined.add(binding);
    this.#subscriptions.set(id, { members, plain, subscription });
    this.#change(now);
    return done(subscription);
  }

  /** False where there is none. */
  unsubscribe(id: number, now: Instant): boolean {
    const entry = this.#subscriptions.get(id);
    if (entry === undefined) return false;
    this.#subscriptions.delete(id);
    if (entry.inbox !== undefined) return this.#shut(entry.inbox);
    for (const binding of entry.plain) {
      this.#plain.remove(binding.pattern, binding);
      this.#epochs.changed(binding.pattern);
    }
    for (const binding of entry.members) {
      this.#joined.delete(binding);
      this.#listeners.leave(binding);
    }
    this.#change(now);
    return true;
  }

  /** Has this node get what other clusters listen to; undefined: no longer. */
  bridge(filter: TopicFilter | undefined, now: Instant): void {
    const before = this.#abroad?.filter;
    if (before?.bits === filter?.bits && before?.hashes === filter?.hashes) return;
    const hears = filter && this.#readFilter(filter);
    this.#abroad = filter && hears && { filter, hears };
    this.#epochs.changed(EVERYTHING);
    this.#change(now);
  }

  /** What this cluster listens to, as far as this node knows: for other clusters. */
  *interests(): Generator<string> {
    for (const { text } of summarise(this.#plain.root, this.#options.interestMax)) yield text;
    for (const { pattern } of this.#joined) yield pattern.text;
    yield* this.#listeners.patterns();
    yield* this.keeps.patterns();
  }

  subscription(id: number): Subscription<Item> | undefined {
    return this.#subscriptions.get(id)?.subscription;
  }

  /** Who gets messages of a topic. The same object again as long as nothing has changed that concerns it. */
  route(topic: string): Outcome<Route<Item>> {
    const known = this.#routes.get(topic);
    if (known?.ok && this.#epochs.isCurrent(known.value.mark)) return known;
    const segments = parseTopic(topic);
    if (!segments.ok) return segments;
    const route = done(this.#routeOf(topic, segments.value));
    this.#routes.set(topic, route);
    return route;
  }

  /** Whether a route that was found before is still true: for a host that keeps it beside a topic's number. */
  isCurrent(route: Route<Item>): boolean {
    return this.#epochs.isCurrent(route.mark);
  }

  /** Whether a member's node is this one. */
  isSelf(node: NodeId): boolean {
    return node === this.#self;
  }

  /** The member of a group that gets one message; with a key, the same one as for the last message of that key. */
  choose(group: GroupRoute, key: string | undefined): Member {
    return this.#groups.choose(group, key);
  }

  /**
   * The subscription of a member that was chosen for this node; of another member of its group here where that one is
   * gone meanwhile. Undefined where there is none: then nobody gets the message, and the host counts it.
   */
  stand(route: Route<Item>, group: string, id: number): Subscription<Item> | undefined {
    const members = route.groups.find((one) => one.group === group)?.members ?? [];
    const here = members.filter(({ node }) => node === this.#self);
    const chosen = here.find((member) => member.id === id) ?? here[0];
    return chosen === undefined ? undefined : this.subscription(chosen.id);
  }

  /** Who would get a message of a topic, and by which patterns. Sends nothing, and counts as no message. */
  explain(topic: string): Outcome<readonly Reason[]> {
    const segments = parseTopic(topic);
    if (!segments.ok) return segments;
    const reasons: Reason[] = [];
    for (const { pattern, subscription } of thatHear(this.#plain.match(segments.value), segments.value)) {
      reasons.push({ node: this.#self, pattern: pattern.text, subscription: subscription.id });
    }
    for (const { pattern, node } of this.#listeners.nodes(segments.value))
      reasons.push({ node, pattern: pattern.text });
    for (const { pattern, member } of thatHear(this.#listeners.members(segments.value), segments.value)) {
      reasons.push({ group: member.group, node: member.node, pattern: pattern.text, subscription: member.id });
    }
    return done(reasons);
  }

  /** Has the effect `everywhere` told once every node that is known now knows what this one listens to now. */
  everywhere(token: number, now: Instant): void {
    this.#announce(now);
    this.#interests.await(token);
  }

  /** Nobody waits for `everywhere` with that token any more. */
  forget(token: number, _now: Instant): void {
    this.#interests.forget(token);
  }

  /** A link to another node is up. */
  linked(node: NodeId, now: Instant): void {
    this.#interests.linked(node, now);
  }

  unlinked(node: NodeId, _now: Instant): void {
    this.#interests.unlinked(node);
  }

  /** A node is in reach, and says that its interest is at `version`. */
  heard(node: NodeId, version: number, now: Instant): void {
    this.#interests.heard(node, version, now);
  }

  /** A node is out of reach for good: it listens to nothing any more. */
  gone(node: NodeId, _now: Instant): void {
    this.#interests.gone(node);
  }

  receive(from: NodeId, message: TopicsMessage, now: Instant): void {
    this.#interests.receive(from, message, now);
  }

  drain(): TopicsEffect[] {
    return this.#effects.drain();
  }

  deadline(): Instant {
    const turnAt = this.#routes.size === 0 ? NEVER : this.#turnAt;
    return earlier(earlier(this.#announceAt, turnAt), this.#interests.deadline());
  }

  advance(now: Instant): void {
    if (now >= this.#announceAt) this.#announce(now);
    if (now >= this.#turnAt && this.#routes.size > 0) {
      this.#routes.turn();
      this.#turnAt = now + this.#options.routesTurnMs;
    }
    this.#interests.advance(now);
  }

  #parse(texts: readonly string[], group: string | undefined): Outcome<readonly Pattern[]> {
    const patterns = new Map<string, Pattern>();
    for (const text of texts) {
      const parsed = parsePattern(text);
      if (!parsed.ok) return parsed;
      patterns.set(keyOf(parsed.value), parsed.value);
    }
    const all = [...patterns.values()];
    const held = { memberPatterns: this.#joined.size, subscriptions: this.#subscriptions.size };
    const refused = this.#inboxes.whyNot(all, group) ?? whyRefused({ group, patterns: all }, held, this.#options);
    return refused === undefined ? done(all) : failed(refused);
  }

  /** Nobody is told: its address says where it is. */
  #open(inbox: Pattern, subscription: Subscription<Item>): Subscription<Item> {
    this.#subscriptions.set(subscription.id, { inbox, members: [], plain: [], subscription });
    this.#inboxes.set(inbox.text, subscription);
    this.#epochs.changed(inbox);
    return subscription;
  }

  #shut(inbox: Pattern): true {
    this.#inboxes.delete(inbox.text);
    this.#epochs.changed(inbox);
    return true;
  }

  #bind(pattern: Pattern, subscription: Subscription<Item>): Binding<Item> {
    const binding = { pattern, subscription };
    this.#plain.add(pattern, binding);
    this.#epochs.changed(pattern);
    return binding;
  }

  #routeOf(topic: string, segments: readonly string[]): Route<Item> {
    if (isInbox(segments)) {
      return Object.freeze({ ...this.#inboxes.route(topic, segments), mark: this.#epochs.mark(segments) });
    }
    const local = new Set(thatHear(this.#plain.match(segments), segments).map(({ subscription }) => subscription));
    const inland = new Set(this.#listeners.nodes(segments).map(({ node }) => node));
    const system = isSystem(topic);
    const nodes = system ? inland : new Set([...inland, ...this.#listeners.bridges(topic)]);
    const members = thatHear(this.#listeners.members(segments), segments).map(({ member }) => member);
    return Object.freeze({
      abroad: !system && this.#abroad?.hears(topic) === true,
      groups: groupRoutes(members),
      inland: Object.freeze([...inland]),
      keepers: this.keeps.keepers(segments),
      local: Object.freeze([...local]),
      mark: this.#epochs.mark(segments),
      nodes: Object.freeze([...nodes]),
      system,
      topic,
    });
  }

  #change(now: Instant): void {
    this.#announceAt = earlier(this.#announceAt, now + this.#options.announceMs);
  }

  #announce(now: Instant): void {
    if (this.#announceAt === NEVER) return;
    this.#announceAt = NEVER;
    const interests: Interest[] = [];
    for (const pattern of summarise(this.#plain.root, this.#options.interestMax)) {
      interests.push({ pattern: keyOf(pattern) });
    }
    for (const { member, pattern } of this.#joined) {
      const { node: _, salt: __, ...said } = member;
      interests.push({ member: said, pattern: keyOf(pattern) });
    }
    if (this.#abroad !== undefined) interests.push({ filter: this.#abroad.filter, pattern: EVERYTHING.text });
    this.#interests.announce(interests, now);
  }
}

interface Binding<Item> {
  readonly pattern: Pattern;
  readonly subscription: Subscription<Item>;
}

interface Entry<Item> {
  readonly inbox?: Pattern;
  readonly subscription: Subscription<Item>;
  readonly plain: readonly Binding<Item>[];
  readonly members: readonly MemberBinding[];
}
