/**
 * The account of every subscription, kept beside its node: what was for it, what it got, what it was told that it missed.
 *
 * Safety: a node delivers only to subscriptions that it has; a subscription gets what its node took for it, in the order in
 * which it came, and what lies between two deliveries is exactly what the later one says was missed. With `block` the
 * telling may come early, so there only order and sum are judged.
 * Liveness: once nothing moves any more, taken = delivered + told as missed.
 */
import type { LinkId } from '../../core/base/ids.ts';
import type { Peer } from '../../core/links/messages.ts';
import type { NodeEffect } from '../../core/node/effects.ts';
import type { Message, NodeInput } from '../../core/node/inputs.ts';
import type { DeliverMessage, FlowMessage, SubscribeMessage } from '../../core/topics/messages.ts';
import type { SimProcess } from '../process.ts';
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
  readonly #oracle: TopicOracle;
  /** By process, then by the exchange's number. */
  readonly #accounts = new Map<SimProcess, Map<number, Account>>();

  constructor(oracle: TopicOracle) {
    super();
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
  }

  override ended(process: SimProcess): void {
    this.#accounts.delete(process);
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

  override took(process: SimProcess, _link: LinkId, _peer: Peer, message: FlowMessage): void {
    if (message.kind !== 'publish' && !(message.kind === 'forward' && message.plain)) return;
    const token = tokenOf(message.payload);
    for (const { due } of this.plain(process, message.topic)) due.push(token);
  }

  override put(process: SimProcess, link: LinkId, message: Message): void {
    if (message.kind !== 'deliver' && message.kind !== 'gap') return;
    const says = () => `${who(process)} says ${JSON.stringify(message)} on link ${link}`;
    const account = this.of(process).find((one) => one.link === link && one.request.id === message.id);
    law(account !== undefined, 'a node delivers only to subscriptions that it has', says);
    const { missed = 0 } = message;
    account.missed += missed;
    if (message.kind === 'deliver') account.delivered++;
    if (account.request.group !== undefined) return;
    const tells = () => `${says()}, but due was ${account.due.slice(account.settled).join(' ') || 'nothing'}`;
    const due = account.delivered + account.missed <= account.due.length;
    law(due, 'no more is told than there was', tells);
    if (account.request.policy === 'block') blocking(account, message, tells);
    else exactly(account, message, missed, tells);
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
