/**
 * The account of every subscription, kept beside its node: what was for it, what it got, what it was told that it missed.
 *
 * Safety: a node delivers only to subscriptions that it has; a subscription gets what its node took for it, in the order in
 * which it came, and what lies between two deliveries is exactly what the later one says was missed. With `block` the
 * telling may come early, so there only order and sum are judged; with `disconnect` nothing is missed. What waits keeps
 * within its limit, and no publisher is held where nothing waits. A publisher is told how many subscriptions there its message is for.
 * Liveness: once nothing moves any more, taken = delivered + told as missed.
 */
import type { LinkId } from '../../core/base/ids.ts';
import type { Instant } from '../../core/base/instant.ts';
import { didNotHappen } from '../../core/base/problems.ts';
import type { Peer } from '../../core/links/messages.ts';
import type { NodeEffect } from '../../core/node/effects.ts';
import type { Message, NodeInput } from '../../core/node/inputs.ts';
import type { DeliverMessage, FlowMessage, SubscribeMessage } from '../../core/topics/messages.ts';
import type { SimProcess } from '../process.ts';
import type { World } from '../world.ts';
import { Checker, law } from './checker.ts';
import { who } from './membership.ts';
import type { TopicOracle } from './topic-oracle.ts';
import { tokenOf } from './topics.ts';

/** One subscription of one node. */
export interface Account {
  readonly process: SimProcess;
  readonly link: LinkId;
  readonly request: SubscribeMessage;
  /** What its node took for it: all that matches, where it is in no group. */
  readonly due: string[];
  /** How many of these are settled: delivered or missed. */
  settled: number;
  delivered: number;
  missed: number;
}

export class TopicAccounts extends Checker {
  readonly #world: () => World;
  readonly #oracle: TopicOracle;
  /** By process, then by the exchange's number. */
  readonly #accounts = new Map<SimProcess, Map<number, Account>>();
  /** What was taken from clients and not answered, by link and number. */
  readonly #open = new Map<SimProcess, Map<string, Open>>();

  /** Since when something is not read though nothing waits here. */
  readonly #heldSince = new Map<SimProcess, Instant>();
  /** When something waited last, on any node. */
  #waitedAt: Instant = 0;

  constructor(world: () => World, oracle: TopicOracle) {
    super();
    this.#world = world;
    this.#oracle = oracle;
  }

  of(process: SimProcess): readonly Account[] {
    return [...(this.#accounts.get(process)?.values() ?? [])];
  }

  /** Those of a process that get all messages of a topic. */
  plain(process: SimProcess, topic: string): readonly Account[] {
    return this.of(process).filter(
      ({ request: { group, patterns } }) => group === undefined && this.#oracle.anyMatches(patterns, topic),
    );
  }

  override started(process: SimProcess): void {
    this.#accounts.set(process, new Map());
    this.#open.set(process, new Map());
  }

  override ended(process: SimProcess): void {
    this.#accounts.delete(process);
    this.#open.delete(process);
  }

  override stepped(process: SimProcess, input: NodeInput, effects: readonly NodeEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'unsubscribed') this.#accounts.get(process)?.delete(effect.subscription);
      if (effect.kind !== 'subscribed' || input.kind !== 'message' || input.message.kind !== 'subscribe') continue;
      const { link, message: request } = { ...input, message: input.message };
      const account: Account = { delivered: 0, due: [], link, missed: 0, process, request, settled: 0 };
      this.#accounts.get(process)?.set(effect.subscription, account);
    }
  }

  override took(process: SimProcess, link: LinkId, _peer: Peer, message: FlowMessage): void {
    const isForward = message.kind === 'forward' || message.kind === 'store';
    if (message.kind !== 'publish' && !(isForward && message.plain)) return;
    const token = tokenOf(message.payload);
    const plain = this.plain(process, message.topic);
    for (const { due } of plain) due.push(token);
    if (message.kind !== 'publish' || message.id === 0) return;
    const most = plain.length + this.#groups(process, message.topic);
    this.#open.get(process)?.set(`${link} ${message.id}`, { least: plain.length, most, plain, token });
  }

  override put(process: SimProcess, link: LinkId, message: Message): void {
    if (message.kind === 'published' || message.kind === 'error') this.#answered(process, link, message);
    if (message.kind !== 'deliver' && message.kind !== 'gap') return;
    const says = () => `${who(process)} says ${JSON.stringify(message)} on link ${link}`;
    const account = this.of(process).find((one) => one.link === link && one.request.id === message.id);
    if (account === undefined && message.kind === 'gap') return; // of a reader of what is kept
    law(account !== undefined, 'a node delivers only to subscriptions that it has', says);
    const { missed = 0 } = message;
    account.missed += missed;
    if (message.kind === 'deliver') account.delivered++;
    const { group, policy } = account.request;
    law(policy !== 'disconnect' || missed === 0, 'who would rather end than miss something misses nothing', says);
    if (group !== undefined) return;
    const tells = () => `${says()}, but due was ${account.due.slice(account.settled).join(' ') || 'nothing'}`;
    const due = account.delivered + account.missed <= account.due.length;
    law(due, 'no more is told than there was', tells);
    if (policy === 'block') blocking(account, message, tells);
    else exactly(account, message, missed, tells);
  }

  override inspect(process: SimProcess): void {
    if (!process.alive) return;
    this.#judgeHeld(process);
    const accounts = this.#accounts.get(process);
    if (accounts === undefined || accounts.size === 0) return;
    for (const { id, policy, waiting } of process.topics.flow.views()) {
      const { messagesMax = Number.POSITIVE_INFINITY } = accounts.get(id)?.request ?? {};
      law(policy === 'block' || waiting <= messagesMax, 'no more waits for a subscription than it allows', () => {
        return `${waiting} messages wait on ${who(process)} for one that allows ${messagesMax}`;
      });
    }
  }

  override unsettled(): string | undefined {
    for (const accounts of this.#accounts.values()) {
      for (const { delivered, due, missed, process, request } of accounts.values()) {
        if (request.group !== undefined || due.length === delivered + missed) continue;
        const patterns = request.patterns.join(' ');
        return `of ${due.length} messages for ${patterns} on ${who(process)}, ${delivered} were delivered and ${missed} told as missed`;
      }
    }
    return undefined;
  }

  /**
   * What waits may be on another node: then that is heard of no later than it has fallen silent. Why since anything waited
   * last: a subscriber that takes one message in two seconds holds its publishers again and again, and each time rightly.
   */
  #judgeHeld(process: SimProcess): void {
    const { flow, held } = process.topics;
    const { living, timeline } = this.#world();
    const { now } = timeline;
    if (flow.counts.waiting > 0 || process.asleep) this.#waitedAt = now;
    const free = held.length === 0 || flow.counts.waiting > 0 || process.asleep;
    if (free) this.#heldSince.delete(process);
    else if (!this.#heldSince.has(process)) this.#heldSince.set(process, now);
    const since = Math.max(this.#heldSince.get(process) ?? now, this.#waitedAt);
    if (now - since < HELD_MS) return;
    const waits = living.some((one) => one.asleep || one.topics.flow.counts.waiting > 0);
    law(waits, 'nobody is held where nothing waits', () => `${who(process)} does not read from ${held.length} links`);
  }

  #groups(process: SimProcess, topic: string): number {
    const matching = this.of(process).filter(({ request }) => this.#oracle.anyMatches(request.patterns, topic));
    return new Set(matching.flatMap(({ request: { group } }) => group ?? [])).size;
  }

  #answered(process: SimProcess, link: LinkId, message: Answer): void {
    const key = `${link} ${message.id}`;
    const open = this.#open.get(process)?.get(key);
    if (open === undefined) return;
    this.#open.get(process)?.delete(key);
    const { least, most, plain, token } = open;
    if (message.kind === 'error') {
      if (didNotHappen(message.problem)) for (const { due } of plain) takeBack(due, token);
      return;
    }
    const { local } = message;
    law(local >= least && local <= most, 'a publisher is told for how many its message is', () => {
      return `${who(process)} says ${local}, where there are ${least} to ${most}`;
    });
  }
}

/** Longer than a node waits for another that says nothing. */
const HELD_MS = 10_000;

type Answer = Extract<Message, { readonly kind: 'published' | 'error' }>;

/** A message that a publisher waits to hear of. */
interface Open {
  readonly token: string;
  /** For how many subscriptions here it is. */
  readonly least: number;
  readonly most: number;
  readonly plain: readonly Account[];
}

function takeBack(due: string[], token: string): void {
  const at = due.lastIndexOf(token);
  if (at >= 0) due.splice(at, 1);
}

function exactly(account: Account, message: Message, missed: number, says: () => string): void {
  account.settled += missed;
  if (message.kind !== 'deliver') return;
  const next = account.due[account.settled++];
  law(next === tokenOf(message.payload), 'a subscription gets what is due, or is told what it missed', says);
}

/** What is skipped is told at some time: `no more is told than there was`, and in the end no less. */
function blocking(account: Account, message: Message, says: () => string): void {
  if (message.kind !== 'deliver') return;
  const at = account.due.indexOf(tokenOf((message as DeliverMessage).payload), account.settled);
  law(at >= 0, 'a subscription gets what is due, in order', says);
  account.settled = at + 1;
}
