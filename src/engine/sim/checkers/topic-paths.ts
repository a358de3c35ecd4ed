/**
 * The laws of messages between nodes.
 *
 * Safety: only the node that took a message from its publisher passes it on, and to each node once for all that listen there; `everywhere` is said
 * only when all nodes that have been linked for a while know.
 * Liveness: what a node owed to another, because it had said that it knows of a subscription there, was sent, or counted
 * as lost, or the link or one of both nodes is gone.
 */

import type { LinkId, NodeId } from '../../core/base/ids.ts';
import type { Instant } from '../../core/base/instant.ts';
import { didNotHappen } from '../../core/base/problems.ts';
import type { Peer } from '../../core/links/messages.ts';
import type { NodeEffect } from '../../core/node/effects.ts';
import type { Message, NodeInput } from '../../core/node/inputs.ts';
import type { FlowMessage, ForwardMessage, StoreMessage } from '../../core/topics/messages.ts';
import { connectionOf } from '../network.ts';
import type { SimProcess } from '../process.ts';
import type { World } from '../world.ts';
import { Checker, law } from './checker.ts';
import { who } from './membership.ts';
import type { Account, TopicAccounts } from './topic-accounts.ts';
import { tokenOf } from './topics.ts';

/** What one process knows, as far as it has said so. */
interface Known {
  readonly links: Map<LinkId, { readonly peer: NodeId; readonly since: Instant }>;
  /** The version of each other node's interest that it holds. */
  readonly holds: Map<NodeId, number>;
}

/** A message that one process owes to another; `connection`: what it was put onto. */
interface Owed {
  readonly token: string;
  connection: number | undefined;
}

export class TopicPathsChecker extends Checker {
  readonly #world: () => World;
  readonly #accounts: TopicAccounts;
  readonly #known = new Map<SimProcess, Known>();
  /** From → to → in order. */
  readonly #owed = new Map<SimProcess, Map<SimProcess, Owed[]>>();
  /** Which process took a message from its publisher. */
  readonly #origins = new Map<string, SimProcess>();
  /** By the link that it came on, and its number there. */
  readonly #publishing = new Map<string, string>();
  readonly #arrived = new Map<SimProcess, Set<string>>();
  /** At which version of its node's interest a subscription is announced. */
  readonly #versions = new Map<Account, number>();
  /** Of those that are not yet: the version at which they were found. */
  readonly #unannounced = new Map<Account, number>();

  constructor(world: () => World, accounts: TopicAccounts) {
    super();
    this.#world = world;
    this.#accounts = accounts;
  }

  override started(process: SimProcess): void {
    this.#known.set(process, { holds: new Map(), links: new Map() });
    this.#arrived.set(process, new Set());
    this.#owed.set(process, new Map());
  }

  override ended(process: SimProcess): void {
    this.#known.delete(process);
    this.#arrived.delete(process);
    this.#owed.delete(process);
    for (const owed of this.#owed.values()) owed.delete(process);
  }

  override stepped(process: SimProcess, input: NodeInput, effects: readonly NodeEffect[]): void {
    const known = this.#known.get(process);
    if (known === undefined) return;
    const { now } = this.#world().timeline;
    if (input.kind === 'link-up' && input.peer.role === 'peer') {
      known.links.set(input.link, { peer: input.peer.id, since: now });
    }
    if (input.kind === 'link-down') this.#broken(known, input.link);
    this.#findVersions(process);
    for (const effect of effects) this.#effect(process, known, effect);
  }

  override took(process: SimProcess, link: LinkId, _peer: Peer, message: FlowMessage): void {
    if (message.kind === 'publish') {
      this.#origins.set(tokenOf(message.payload), process);
      this.#publishing.set(`${link} ${message.id}`, tokenOf(message.payload));
      this.#owe(process, message.topic, tokenOf(message.payload));
    } else if ((message.kind === 'forward' || message.kind === 'store') && message.plain) {
      this.#arrives(process, message);
    }
  }

  override put(process: SimProcess, link: LinkId, message: Message): void {
    if (message.kind === 'error' && didNotHappen(message.problem)) this.#refused(process, `${link} ${message.id}`);
    if (message.kind !== 'forward' && message.kind !== 'store') return;
    const token = tokenOf(message.payload);
    law(this.#origins.get(token) === process, 'only the node that took a message passes it on', () => {
      return `${who(process)} passes ${token} on`;
    });
    const peer = this.#known.get(process)?.links.get(link)?.peer;
    for (const [to, owed] of this.#owed.get(process) ?? []) {
      if (to.birth.id !== peer) continue;
      const entry = owed.find((one) => one.token === token);
      if (entry !== undefined && message.plain) entry.connection = connectionOf(link);
    }
  }

  override unsettled(): string | undefined {
    for (const [from, all] of this.#owed) {
      let unsent = 0;
      for (const [to, owed] of all) {
        const sent = owed.find(({ connection }) => connection !== undefined);
        if (sent !== undefined) return `${sent.token} is on its way from ${who(from)} to ${who(to)}`;
        unsent += owed.length;
      }
      const { lost } = from.topics.flow.counters;
      if (unsent > lost) return `${who(from)} has not passed on ${unsent} messages, and counted ${lost} as lost`;
    }
    return undefined;
  }

  /** It was not published after all. */
  #refused(process: SimProcess, key: string): void {
    const token = this.#publishing.get(key);
    if (token === undefined) return;
    for (const owed of this.#owed.get(process)?.values() ?? []) {
      const at = owed.findIndex((one) => one.token === token && one.connection === undefined);
      if (at >= 0) owed.splice(at, 1);
    }
  }

  #broken(known: Known, link: LinkId): void {
    if (!known.links.delete(link)) return;
    const connection = connectionOf(link);
    for (const all of this.#owed.values()) {
      for (const [to, owed] of all) {
        if (!owed.some((one) => one.connection === connection)) continue;
        all.set(
          to,
          owed.filter((one) => one.connection !== connection),
        );
      }
    }
  }

  /** A subscription is announced when its node's interest has a new version; with `everywhere`, at once. */
  #findVersions(process: SimProcess): void {
    for (const account of this.#accounts.of(process)) {
      if (this.#versions.has(account)) continue;
      const version = process.exchange?.counts.version ?? 0;
      const before = this.#unannounced.get(account);
      if (account.request.everywhere || (before !== undefined && before < version)) {
        this.#versions.set(account, version);
        this.#unannounced.delete(account);
      } else if (before === undefined) this.#unannounced.set(account, version);
    }
  }

  #effect(process: SimProcess, known: Known, effect: NodeEffect): void {
    if (effect.kind === 'notify' && effect.event.kind === 'member') {
      const { id, state } = effect.event;
      if (state === 'dead' || state === 'left') known.holds.delete(id);
    }
    if (effect.kind !== 'send') return;
    const { link, message } = effect;
    if (message.kind === 'forward' || message.kind === 'store') this.put(process, link, message);
    const peer = known.links.get(link)?.peer;
    if (message.kind === 'interest-have' && peer !== undefined) known.holds.set(peer, message.version);
    if (message.kind === 'subscribed') this.#effective(process, link, message.id);
  }

  /** A node says that a subscription is effective, perhaps everywhere. */
  #effective(process: SimProcess, link: LinkId, id: number): void {
    const account = this.#accounts.of(process).find((one) => one.link === link && one.request.id === id);
    if (account?.request.everywhere === undefined || account.request.group !== undefined) return;
    for (const other of this.#world().living) {
      if (!this.#areLinked(process, other)) continue;
      law(this.#knows(other, account), 'what is effective everywhere is known to all', () => {
        return `${who(process)} says so of ${account.request.patterns.join(' ')}, which ${who(other)} does not know`;
      });
    }
  }

  /** Both have been for a while, by the same connection, and neither takes the other for gone. */
  #areLinked(one: SimProcess, other: SimProcess): boolean {
    const { now } = this.#world().timeline;
    const from = this.#known.get(one);
    const to = this.#known.get(other);
    if (!isThere(one, other) || !isThere(other, one)) return false;
    for (const [link, { peer, since }] of from?.links ?? []) {
      if (peer !== other.birth.id || now - since < LINKED_MS) continue;
      const connection = connectionOf(link);
      const same = [...(to?.links.keys() ?? [])].some((far) => connectionOf(far) === connection);
      if (same) return true;
    }
    return false;
  }

  #knows(process: SimProcess, account: Account): boolean {
    const version = this.#versions.get(account);
    const held = this.#known.get(process)?.holds.get(account.process.birth.id) ?? 0;
    return version !== undefined && held >= version;
  }

  #owe(process: SimProcess, topic: string, token: string): void {
    for (const other of this.#world().living) {
      if (other === process) continue;
      if (!this.#accounts.plain(other, topic).some((account) => this.#knows(process, account))) continue;
      const all = this.#owed.get(process);
      const owed = all?.get(other);
      if (owed === undefined) all?.set(other, [{ connection: undefined, token }]);
      else owed.push({ connection: undefined, token });
    }
  }

  #arrives(process: SimProcess, message: ForwardMessage | StoreMessage): void {
    const token = tokenOf(message.payload);
    const origin = this.#origins.get(token);
    const says = () => `${who(process)} gets ${token} from ${origin === undefined ? 'nowhere' : who(origin)}`;
    const arrived = this.#arrived.get(process);
    law(!arrived?.has(token), 'a node gets a message once', says);
    arrived?.add(token);
    const all = origin === undefined ? undefined : this.#owed.get(origin);
    const owed = all?.get(process);
    const at = owed?.findIndex((one) => one.token === token) ?? -1;
    if (owed === undefined || at < 0) return;
    owed.splice(at, 1);
  }
}

/** Within that, two linked nodes have told each other what they listen to. */
const LINKED_MS = 5_000;

/** In the eyes of the observer. */
function isThere(observer: SimProcess, other: SimProcess): boolean {
  const member = observer.snapshot().members.find(({ id }) => id === other.birth.id);
  return member?.state === 'alive' || member?.state === 'draining';
}
