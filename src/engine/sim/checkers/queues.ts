/**
 * The laws of queues.
 *
 * Safety: what is stored is conserved, at every batch; fencing tokens only grow, over all lives of a node; a message is in
 * one consumer's hands at a time, and only the newest lease acknowledges; an acknowledgement that was confirmed is for good;
 * a group's messages come in order.
 * Liveness: every message ends; what was told to be sent was received by somebody, or is among the dead letters, which are
 * all there.
 */
import type { Outcome } from '../../core/base/outcome.ts';
import type { Handled, Lease, QueueCommand, QueueReply } from '../../core/queues/messages.ts';
import type { QueueTables } from '../../core/queues/tables.ts';
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
}

interface Story {
  readonly sent: Set<number>;
  readonly messages: Map<number, Known>;
  /** Of each group, the last message that was received. */
  readonly groups: Map<string, number>;
  token: number;
}

export class QueuesChecker extends Checker {
  readonly #world: () => World;
  readonly #stories = new Map<number, Story>();

  constructor(world: () => World) {
    super();
    this.#world = world;
  }

  override queueStored(_place: number, tables: QueueTables): void {
    for (const { counts, name, number } of tables.all()) {
      const { sent, messages, done, dead, expired, purged } = counts;
      const says = () => `${name}: ${JSON.stringify(counts)}, ${tables.count(number)} are there`;
      law(sent === messages + done + dead + expired + purged, 'what a queue was sent is conserved', says);
      law(tables.count(number) === messages, 'a queue holds what it counts', says);
    }
  }

  override queueWiped(place: number): void {
    this.#stories.delete(place);
  }

  override queueAsked(place: number, command: QueueCommand): void {
    if (command.kind !== 'ack' && command.kind !== 'nack' && command.kind !== 'release' && command.kind !== 'extend')
      return;
    for (const one of command.receipts) {
      const [id, token] = (typeof one === 'string' ? one : one.receipt).split('.').map(Number);
      const known = this.#story(place).messages.get(id ?? -1);
      if (known?.token === token && known !== undefined) known.ended = true;
    }
  }

  override queueAnswered(place: number, life: string, command: QueueCommand, outcome: Outcome<QueueReply>): void {
    if (!outcome.ok) return;
    const story = this.#story(place);
    const reply = outcome.value;
    if (reply.kind === 'sent') {
      for (const result of reply.results) if ('id' in result) story.sent.add(result.id);
    } else if (reply.kind === 'received') {
      for (const lease of reply.leases) this.#received(story, life, lease);
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
    const story: Story = { groups: new Map(), messages: new Map(), sent: new Set(), token: 0 };
    this.#stories.set(place, story);
    return story;
  }

  #received(story: Story, life: string, lease: Lease): void {
    const { id, token, group, leaseUntil } = lease;
    const says = () =>
      `message ${id} with token ${token}, after token ${story.token}; before: ${JSON.stringify(before)}`;
    const before = story.messages.get(id);
    law(token > story.token, 'fencing tokens only grow', says);
    law(!before?.acknowledged, 'a confirmed acknowledgement is for good', says);
    const isHeld = before !== undefined && before.life === life && !before.ended;
    law(!isHeld || leaseUntil - this.#visibilityMs() >= before.until, 'a message has one lease at a time', says);
    if (group !== undefined) {
      const last = story.groups.get(group) ?? 0;
      law(id >= last, "a group's messages come in order", () => `${says()}; of its group, ${last} came before`);
      story.groups.set(group, id);
    }
    story.token = token;
    story.messages.set(id, { acknowledged: false, ended: false, life, token, until: leaseUntil });
  }

  /** All queues of a run have the same. */
  #visibilityMs(): number {
    const [users] = this.#world().queueUsers.values();
    return Number(users?.terms.options['visibilityMs']);
  }

  #acknowledged(story: Story, receipt: string, result: Handled): void {
    if (!('ok' in result)) return;
    const [id, token] = receipt.split('.').map(Number);
    const known = story.messages.get(id ?? -1);
    const says = () => `${receipt} was taken; of that message is known: ${JSON.stringify(known)}`;
    law(known?.token === token, 'only the newest lease acknowledges', says);
    if (known !== undefined) known.acknowledged = true;
  }

  /** The queue says that it is empty. */
  #ended(place: number): void {
    const { tables } = this.#world().place(place).queues;
    const all = tables.all();
    const dead = all.find(({ name }) => name === `${QUEUE}.dead`);
    const letters = dead === undefined ? [] : tables.list(dead.number, 0, Number.MAX_SAFE_INTEGER);
    const counted = all.find(({ name }) => name === QUEUE)?.counts.dead ?? 0;
    law(letters.length === counted, 'dead letters are all there', () => `${letters.length} of ${counted} are there`);
    const buried = new Set(letters.map(({ message }) => message.dead?.id));
    const { sent, messages } = this.#story(place);
    for (const id of sent) {
      const isAccounted = messages.has(id) || buried.has(id);
      law(isAccounted, 'what was told to be sent is received', () => `message ${id} never was, and is not there`);
    }
  }
}
