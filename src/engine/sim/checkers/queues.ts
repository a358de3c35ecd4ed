/**
 * The laws of queues.
 *
 * Safety: what is stored is conserved, at every batch; fencing tokens only grow, over all lives of a node; a message is in
 * one consumer's hands at a time, and only the newest lease acknowledges; an acknowledgement that was confirmed is for good;
 * a group's messages come in order; nothing comes after its time, after a purge, after its quorum, or twice where it may not;
 * what one consumer owes is nobody else's; a queue that is full takes no more.
 * Liveness: every message ends; what was told to be sent was received by somebody, or is among the dead letters, which are
 * all there.
 */
import type { Outcome } from '../../core/base/outcome.ts';
import type { StoredQueue } from '../../core/queues/effects.ts';
import type { Handled, Lease, QueueCommand, QueueReply, QueueView, Sent } from '../../core/queues/messages.ts';
import { isForSeveral } from '../../core/queues/sending.ts';
import type { QueueTables } from '../../core/queues/tables.ts';
import type { SimProcess } from '../process.ts';
import { QUEUE } from '../queue-users.ts';
import type { World } from '../world.ts';
import { Checker, law } from './checker.ts';

/** What is known of one message from what its users were told. */
interface Known {
  token: number;
  until: number;
  life: string;
  /** Its holder has done something that may have ended the lease. */
  ended: boolean;
  acknowledged: boolean;
  /** Of a message for several: which one, and whose part of it this is. */
  readonly part: { readonly of: number; readonly consumer: string | undefined } | undefined;
}

/** A message that several must acknowledge. */
interface Several {
  readonly needed: number;
  readonly acknowledged: Set<string>;
}

interface Story {
  readonly sent: Set<number>;
  /** Told to be sent, and never received where that may be: it had an end of its own. */
  readonly mayEnd: Set<number>;
  /** By id: how long each may be received that said so. */
  readonly ttls: Map<number, number>;
  readonly quorums: Map<number, Several>;
  /** Who once was to be subscribed no more. */
  readonly left: Set<string>;
  /** No message up to this one is there any more. */
  purged: number;
  /** Those that may be lost. */
  readonly once: Set<number>;
  /** What was stored last, by the queue's name. */
  readonly stored: Map<string, StoredQueue>;
  /** Sends that were under way when somebody purged. */
  readonly underWay: Set<QueueCommand>;
  readonly messages: Map<number, Known>;
  /** Of each group, the last message that was received, and in which life. */
  readonly groups: Map<string, { readonly id: number; readonly life: string }>;
  token: number;
}

const DEAD = `${QUEUE}.dead`;

export class QueuesChecker extends Checker {
  readonly #world: () => World;
  readonly #stories = new Map<number, Story>();
  readonly #purging = new WeakSet<QueueCommand>();
  /** Of a purge: the last message that is known to be older. */
  readonly #asked = new WeakMap<QueueCommand, number>();

  constructor(world: () => World) {
    super();
    this.#world = world;
  }

  override queueStored(place: number, tables: QueueTables): void {
    const story = this.#story(place);
    const all = tables.all();
    this.#letters(story, tables, all);
    for (const queue of all) {
      const { counts, name, number } = queue;
      const { sent, messages, done, dead, expired, purged } = counts;
      const says = () => `${name}: ${JSON.stringify(counts)}, ${tables.count(number)} are there`;
      law(sent === messages + done + dead + expired + purged, 'what a queue was sent is conserved', says);
      law(tables.count(number) === messages, 'a queue holds what it counts', says);
      const before = story.stored.get(name);
      const max = before?.changedAt === queue.changedAt ? queue.options.messagesMax : null;
      const isFuller = max !== null && messages > max && messages > (before?.counts.messages ?? 0);
      law(!isFuller, 'a queue that is full takes no more', says);
      story.stored.set(name, queue);
    }
  }

  /** Why: of what may be lost its sender hears before it is stored; where it was not, another gets its id. */
  override started({ place }: SimProcess): void {
    const story = this.#stories.get(place);
    const { tables } = this.#world().place(place).queues;
    const number = tables.all().find(({ name }) => name === QUEUE)?.number ?? -1;
    for (const id of story?.once ?? []) {
      if (story === undefined || story.messages.has(id) || tables.message(number, id) !== undefined) continue;
      for (const ids of [story.once, story.sent, story.mayEnd, story.ttls]) ids.delete(id);
    }
  }

  override queueWiped(place: number): void {
    this.#stories.delete(place);
  }

  override queueAsked(place: number, command: QueueCommand): void {
    const story = this.#story(place);
    if (command.kind === 'send') story.underWay.add(command);
    if (command.kind === 'unsubscribe') story.left.add(command.consumer);
    if (command.kind === 'purge' && command.queue === QUEUE) {
      for (const id of story.sent) story.mayEnd.add(id);
      for (const send of story.underWay) this.#purging.add(send);
      this.#asked.set(command, Math.max(0, ...story.sent, ...story.messages.keys()));
    }
    if (command.kind !== 'ack' && command.kind !== 'nack' && command.kind !== 'release' && command.kind !== 'extend')
      return;
    for (const one of command.receipts) {
      const [id, token] = (typeof one === 'string' ? one : one.receipt).split('.').map(Number);
      const known = this.#story(place).messages.get(id ?? -1);
      if (known?.token === token && known !== undefined) known.ended = true;
    }
  }

  override queueAnswered(place: number, life: string, command: QueueCommand, outcome: Outcome<QueueReply>): void {
    const story = this.#story(place);
    if (command.kind === 'send') story.underWay.delete(command);
    if (!outcome.ok) return;
    const reply = outcome.value;
    if (reply.kind === 'sent') {
      this.#sent(story, command, reply.results);
    } else if (reply.kind === 'queue') {
      this.#seen(reply.view);
    } else if (reply.kind === 'purged') {
      story.purged = Math.max(story.purged, this.#asked.get(command) ?? 0);
    } else if (reply.kind === 'received') {
      const consumer = command.kind === 'receive' ? command.consumer : undefined;
      for (const lease of reply.leases) this.#received(story, life, lease, consumer);
    } else if (reply.kind === 'handled' && command.kind === 'ack') {
      for (const [i, result] of reply.results.entries()) this.#acknowledged(story, command.receipts[i] ?? '', result);
    }
  }

  override unsettled(): string | undefined {
    const world = this.#world();
    for (const { left, place } of world.queueUsers.values()) {
      if (!world.place(place).process?.alive) continue;
      const { name } = world.place(place).plan;
      if (left !== 0) return `the queue of ${name} still has ${left ?? 'an unknown number of'} messages`;
      this.#ended(place);
    }
    return undefined;
  }

  #story(place: number): Story {
    const known = this.#stories.get(place);
    if (known !== undefined) return known;
    const story: Story = {
      groups: new Map(),
      left: new Set(),
      mayEnd: new Set(),
      messages: new Map(),
      once: new Set(),
      purged: 0,
      quorums: new Map(),
      sent: new Set(),
      stored: new Map(),
      token: 0,
      ttls: new Map(),
      underWay: new Set(),
    };
    this.#stories.set(place, story);
    return story;
  }

  #received(story: Story, life: string, lease: Lease, consumer: string | undefined): void {
    const { contentId, id, token, group, guarantee, leaseUntil } = lease;
    const says = () =>
      `message ${id} with token ${token}, after token ${story.token}; before: ${JSON.stringify(before)}`;
    const before = story.messages.get(id);
    const isLeased = guarantee !== 'fire-and-forget';
    law(!isLeased || token > story.token, 'fencing tokens only grow', says);
    law(!before?.acknowledged, 'a confirmed acknowledgement is for good', says);
    const isHeld = before !== undefined && before.life === life && !before.ended;
    law(!isHeld || leaseUntil - this.#visibilityMs() >= before.until, 'a message has one lease at a time', says);
    const part = isForSeveral(guarantee) ? { consumer, of: contentId } : undefined;
    law(part === undefined || !before || before.part?.consumer === consumer, "what one owes is nobody else's", says);
    const quorum = story.quorums.get(contentId);
    law(!quorum || quorum.acknowledged.size < quorum.needed, 'nothing comes after its quorum', says);
    law(!story.once.has(id) || before === undefined, 'what may be lost never comes twice', says);
    law(id > story.purged, 'nothing comes after a purge', () => `${says()}; purged up to ${story.purged}`);
    if (isLeased) this.#inTime(story, lease, says);
    if (group !== undefined) {
      const latest = story.groups.get(group) ?? { id: 0, life };
      // Why not what comes again in another life: the lease that it had is forgotten, and so are those of what was given with it.
      const inOrder = id >= latest.id || (before !== undefined && latest.life !== life);
      law(inOrder, "a group's messages come in order", () => `${says()}; of its group, ${latest.id} came before`);
      story.groups.set(group, { id, life });
    }
    story.token = Math.max(story.token, token);
    story.messages.set(id, { acknowledged: false, ended: false, life, part, token, until: leaseUntil });
  }

  /** What is given up, and what is sent back, is in one queue or in the other with every batch. */
  #letters(story: Story, tables: QueueTables, all: readonly StoredQueue[]): void {
    const [jobs, letters] = [QUEUE, DEAD].map((name) => all.find((queue) => queue.name === name));
    const [dead = 0, buried = 0] = [jobs?.counts.dead, letters?.counts.sent];
    law(dead === buried, 'a message that is given up becomes a dead letter', () => `${dead} were, ${buried} did`);
    if (letters === undefined) return;
    const gone = letters.counts.done - (story.stored.get(DEAD)?.counts.done ?? 0);
    const came = (jobs?.counts.sent ?? 0) - (story.stored.get(QUEUE)?.counts.sent ?? 0);
    law(gone <= came, 'what is sent back arrives', () => `${gone} letters were sent back, and ${came} came`);
    if (!this.#isWide) return;
    for (const { message } of tables.list(letters.number, 0, Number.MAX_SAFE_INTEGER)) {
      if (message.dead !== undefined) story.mayEnd.add(message.dead.id);
    }
  }

  #sent(story: Story, command: QueueCommand, results: readonly Sent[]): void {
    if (command.kind !== 'send') return;
    for (const [i, result] of results.entries()) {
      const order = command.orders[i];
      if (!('id' in result) || order === undefined) continue;
      const { id } = result;
      // Why: of one whose first answer was lost nobody knows how it was sent.
      if (result.duplicate && this.#isWide && !story.sent.has(id)) continue;
      story.sent.add(id);
      if (result.duplicate) continue;
      const { guarantee, quorum, ttlMs } = order;
      if (ttlMs !== undefined) story.ttls.set(id, ttlMs);
      if (quorum !== undefined) story.quorums.set(id, { acknowledged: new Set(), needed: quorum });
      if (guarantee === 'fire-and-forget') story.once.add(id);
      const hasEnd = ttlMs !== undefined || Number(this.#options['ttlMs'] ?? 0) > 0 || guarantee === 'fire-and-forget';
      if (hasEnd || isForSeveral(guarantee) || this.#purging.has(command)) story.mayEnd.add(id);
    }
  }

  /** What a queue says of itself. */
  #seen({ counts, name }: QueueView): void {
    const { sent, ready, delayed, leased, dead, done, expired, purged } = counts;
    const sum = ready + delayed + leased + dead + done + expired + purged;
    const isSo = sent === sum && Math.min(ready, delayed, leased) >= 0;
    law(isSo, 'what a queue says of itself adds up', () => `${name}: ${JSON.stringify(counts)}`);
  }

  #inTime({ ttls }: Story, { contentId, leaseUntil, sentAt }: Lease, says: () => string): void {
    const usual = this.#options['ttlMs'] as number | null | undefined;
    const ttlMs = Math.min(usual ?? Number.POSITIVE_INFINITY, ttls.get(contentId) ?? Number.POSITIVE_INFINITY);
    const at = leaseUntil - this.#visibilityMs();
    law(at < sentAt + ttlMs, 'nothing comes after its time', () => `${says()}; ${at - sentAt} ms after it was sent`);
  }

  get #isWide(): boolean {
    const [users] = this.#world().queueUsers.values();
    return users?.terms.wide !== undefined;
  }

  get #options(): Readonly<Record<string, unknown>> {
    const [users] = this.#world().queueUsers.values();
    return users?.terms.options ?? {};
  }

  /** All queues of a run have the same. */
  #visibilityMs(): number {
    return Number(this.#options['visibilityMs']);
  }

  #acknowledged(story: Story, receipt: string, result: Handled): void {
    if (!('ok' in result)) return;
    const [id, token] = receipt.split('.').map(Number);
    const known = story.messages.get(id ?? -1);
    const says = () => `${receipt} was taken; of that message is known: ${JSON.stringify(known)}`;
    law(known?.token === token, 'only the newest lease acknowledges', says);
    if (known === undefined) return;
    known.acknowledged = true;
    const { consumer, of = -1 } = known.part ?? {};
    // Why not of who left: what it owed is forgiven, and that it is done is no lie.
    if (consumer !== undefined && !story.left.has(consumer)) story.quorums.get(of)?.acknowledged.add(consumer);
  }

  /** The queue says that it is empty. */
  #ended(place: number): void {
    const { tables } = this.#world().place(place).queues;
    const all = tables.all();
    const dead = all.find(({ name }) => name === DEAD);
    const letters = dead === undefined ? [] : tables.list(dead.number, 0, Number.MAX_SAFE_INTEGER);
    const counted = all.find(({ name }) => name === QUEUE)?.counts.dead ?? 0;
    const moved = dead === undefined ? 0 : dead.counts.done + dead.counts.purged;
    law(
      letters.length === counted - moved,
      'dead letters are all there',
      () => `${letters.length} of ${counted} - ${moved}`,
    );
    const buried = new Set(letters.map(({ message }) => message.dead?.id));
    const { mayEnd, sent, messages } = this.#story(place);
    for (const id of sent) {
      const isAccounted = messages.has(id) || buried.has(id) || mayEnd.has(id);
      law(isAccounted, 'what was told to be sent is received', () => `message ${id} never was, and is not there`);
    }
  }
}
