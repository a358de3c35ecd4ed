/**
 * What the mesh itself says over topics that begin with `mpreg.`: what happened, once for whoever wants to know.
 *
 *     an event of this node ──► its topic ──► somebody listens? ──► a message, with `by`: the node that says so
 *                                               │ no
 *                                               └──► nothing is made of it
 *
 * What a node has *seen of others* goes to listeners on that same node alone: all nodes see a member die, and nobody wants to
 * hear it from each of them. What happened *on* a node goes to listeners everywhere.
 *
 * Limit: of each kind at most so many a second; the next message says how many were left out.
 */
import type { Problem } from '../../core/base/problems.ts';
import type { AlertEntry } from '../../core/federation/alert-records.ts';
import type { FederationEvent } from '../../core/federation/effects.ts';
import type { NodeEvent } from '../../core/node/effects.ts';
import type { KeepView, SubscriptionView } from '../../topics-api.ts';

export interface SystemTopic {
  /** Words in capitals stand for the name of something, which may have several words. */
  readonly topic: string;
  /** Who hears it: listeners on the node that says it, or on all. */
  readonly heard: 'here' | 'everywhere';
  readonly when: string;
  /** Fields of its payload, beside `by`. */
  readonly fields: readonly string[];
}

const MEMBER = ['id', 'name', 'address', 'state', 'before?', 'reason'];
const FUNCTION = ['fun', 'version', 'node', 'id', 'change'];

const KEEP = ['pattern', 'durability', 'ageMaxMs?', 'countMax', 'bytesMax'];

function member(state: string, when: string): SystemTopic {
  return { fields: MEMBER, heard: 'here', topic: `mpreg.member.${state}.NODE`, when };
}

/** All of them: `docs/topics.md` lists the same, which a test compares. */
export const SYSTEM_TOPICS: readonly SystemTopic[] = [
  member('alive', 'a node has joined, come back, or takes work again'),
  member('suspect', 'a node does not answer'),
  member('dead', 'a node is given up'),
  member('left', 'a node has said goodbye'),
  member('draining', 'a node takes no new work'),
  { fields: FUNCTION, heard: 'here', topic: 'mpreg.function.added.FUNCTION', when: 'a node offers a function' },
  { fields: FUNCTION, heard: 'here', topic: 'mpreg.function.removed.FUNCTION', when: 'a node no longer offers it' },
  {
    fields: ['peer', 'change', 'reason'],
    heard: 'here',
    topic: 'mpreg.link.up.NODE',
    when: 'a link to the node is up',
  },
  { fields: ['peer', 'change', 'reason'], heard: 'here', topic: 'mpreg.link.down.NODE', when: 'a link to it is gone' },
  { fields: ['ms'], heard: 'everywhere', topic: 'mpreg.node.paused.NODE', when: 'the node stood still' },
  {
    fields: ['incarnation', 'thoughtBy'],
    heard: 'everywhere',
    topic: 'mpreg.node.refuted.NODE',
    when: 'the node was thought gone, and said otherwise',
  },
  {
    fields: ['fun', 'code', 'message', 'node?', 'step?'],
    heard: 'everywhere',
    topic: 'mpreg.call.failed.FUNCTION',
    when: 'a client of the node got a problem for its call',
  },
  {
    fields: ['subscriptions', 'lost'],
    heard: 'everywhere',
    topic: 'mpreg.topic.dropped.NODE',
    when: 'messages were dropped for slow subscribers there, or lost on their way; once a second',
  },
  {
    fields: KEEP,
    heard: 'everywhere',
    topic: 'mpreg.topic.kept.NODE',
    when: 'the node keeps a pattern, or changes the limits',
  },
  { fields: KEEP, heard: 'everywhere', topic: 'mpreg.topic.unkept.NODE', when: 'it keeps it no more' },
  {
    fields: ['cluster', 'state', 'reason'],
    heard: 'here',
    topic: 'mpreg.federation.cluster.STATE.CLUSTER',
    when: 'a hub can reach a cluster again (`reachable`), no longer (`lost`), or hears that it has `left`',
  },
  {
    fields: ['cluster', 'peer', 'change', 'reason'],
    heard: 'everywhere',
    topic: 'mpreg.federation.bridge.CHANGE.CLUSTER',
    when: 'a link of a hub is `up` or `down`, or its breaker `open`, `half-open` or `closed`',
  },
  {
    fields: ['alert', 'change', 'rule', 'severity', 'cluster?', 'value', 'says', 'at', 'acknowledgedBy?', 'note?'],
    heard: 'everywhere',
    topic: 'mpreg.federation.alert.CHANGE.RULE',
    when: 'an alert is `firing`, `acknowledged`, `resolved`, or `withdrawn` with its rule or cluster',
  },
];

export interface SystemTopicsParts {
  /** The node's name. */
  readonly by: string;
  /** Answers whether anybody listens; `make` is called only then. */
  readonly say: (topic: string, forAll: boolean, make: () => object) => boolean;
  readonly subscriptions: () => readonly SubscriptionView[];
  readonly counts: () => { readonly dropped: number; readonly lost: number };
  /** Milliseconds; only differences count. */
  readonly now: () => number;
}

export class SystemTopics {
  readonly #parts: SystemTopicsParts;
  readonly #budgets = new Map<string, { said: number; leftOut: number; since: number }>();
  #before: { readonly dropped: number; readonly lost: number };
  /** Dropped so far, by subscription. */
  #drops = new Map<number, number>();

  constructor(parts: SystemTopicsParts) {
    this.#parts = parts;
    this.#before = { ...parts.counts() };
  }

  event(event: NodeEvent): void {
    const { by } = this.#parts;
    switch (event.kind) {
      case 'member': {
        const { kind: _, ...about } = event;
        this.#say('member', `${event.state}.${wordsOf(event.name)}`, false, about);
        break;
      }
      case 'function': {
        const { kind: _, ...about } = event;
        this.#say('function', `${event.change}.${wordsOf(event.fun)}`, false, about);
        break;
      }
      case 'link': {
        const { kind: _, ...about } = event;
        this.#say('link', `${event.change}.${wordsOf(event.peer)}`, false, about);
        break;
      }
      case 'bridge':
      case 'cluster':
        this.federation(event);
        break;
      case 'paused':
        this.#say('node', `paused.${wordsOf(by)}`, true, { ms: event.ms });
        break;
      case 'refuted': {
        const { by: thoughtBy, incarnation } = event;
        this.#say('node', `refuted.${wordsOf(by)}`, true, { incarnation, thoughtBy });
        break;
      }
    }
  }

  /** A client of this node got a problem. What is no call of a function is no news. */
  callFailed({ code, fun, message, node, step }: Problem): void {
    if (fun === undefined) return;
    const where = { ...(node === undefined ? {} : { node }), ...(step === undefined ? {} : { step }) };
    this.#say('call', `failed.${wordsOf(fun)}`, true, { code, fun, message: message.slice(0, MESSAGE_MAX), ...where });
  }

  /** Of the hub that this node is. */
  federation(event: FederationEvent): void {
    const { kind, ...about } = event;
    const what = event.kind === 'cluster' ? event.state : event.change;
    this.#say('federation', `${kind}.${what}.${wordsOf(event.cluster)}`, event.kind === 'bridge', about);
  }

  alert({ by: acknowledgedBy, ...entry }: AlertEntry): void {
    const who = acknowledgedBy === undefined ? {} : { acknowledgedBy };
    this.#say('federation', `alert.${entry.change}.${wordsOf(entry.rule ?? '')}`, true, { ...entry, ...who });
  }

  keepChanged(change: 'kept' | 'unkept', { ageMaxMs, bytesMax, countMax, durability, pattern }: KeepView): void {
    const limits = { ...(ageMaxMs === undefined ? {} : { ageMaxMs }), bytesMax, countMax };
    this.#say('topic', `${change}.${wordsOf(this.#parts.by)}`, true, { durability, ...limits, pattern });
  }

  /** To be called once a second. */
  look(): void {
    const { by, counts, subscriptions } = this.#parts;
    const { dropped, lost } = counts();
    const lately = { dropped: dropped - this.#before.dropped, lost: lost - this.#before.lost };
    if (lately.dropped + lately.lost === 0) return;
    this.#before = { dropped, lost };
    const before = this.#drops;
    const views = subscriptions().filter((view) => view.dropped > 0);
    this.#drops = new Map(views.map((view) => [view.id, view.dropped]));
    const told = views.flatMap(({ client, dropped: all, group, id, patterns }) => {
      const fresh = all - (before.get(id) ?? 0);
      return fresh > 0 ? [{ client, dropped: fresh, ...(group === undefined ? {} : { group }), id, patterns }] : [];
    });
    this.#say('topic', `dropped.${wordsOf(by)}`, true, { lost: lately.lost, subscriptions: told.slice(0, TOLD_MAX) });
  }

  #say(kind: string, rest: string, forAll: boolean, about: object): void {
    const { by, now, say } = this.#parts;
    const budget = this.#budgets.get(kind) ?? { leftOut: 0, said: 0, since: now() };
    this.#budgets.set(kind, budget);
    if (now() - budget.since >= 1_000) Object.assign(budget, { said: 0, since: now() });
    if (budget.said >= SECOND_MAX) {
      budget.leftOut++;
      return;
    }
    const { leftOut } = budget;
    const more = leftOut === 0 ? {} : { leftOut };
    if (!say(`mpreg.${kind}.${rest}`, forAll, () => ({ by, ...about, ...more }))) return;
    budget.said++;
    budget.leftOut = 0;
  }
}

/** A name as words of a topic: wildcards and what would be an empty word become `_`. */
function wordsOf(name: string): string {
  const words = name
    .slice(0, NAME_MAX)
    .replaceAll(/[*#\p{Cc}\p{Cs}]/gu, '_')
    .split('.');
  return words.map((word) => word || '_').join('.');
}

const SECOND_MAX = 100;
const MESSAGE_MAX = 1_000;
const NAME_MAX = 200;
/** Subscriptions in one message. */
const TOLD_MAX = 100;
