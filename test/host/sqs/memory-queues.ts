/**
 * Queues as the SQS endpoint needs them, in memory and naive: a list of messages for each queue, walked from its start.
 * The tests' own, so that protocols can be judged without a mesh and with a clock of the test's.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import {
  type NewLease,
  type NewMessage,
  QueueMissing,
  type QueueSettings,
  type QueuesFace,
  type QueueView,
  type ReceiptOutcome,
  type Received,
  type ReceiveWish,
  type RedriveView,
  type RedriveWish,
  type Sent,
} from '../../../src/engine/host/gateway/sqs/queues-face.ts';

const DEDUPE_MS = 300_000;

interface Kept extends NewMessage {
  readonly id: string;
  readonly sequence: number;
  readonly sentAt: number;
  readonly origin: string | undefined;
  readyAt: number;
  /** Grows with each lease: 0 before the first. */
  token: number;
  leased: boolean;
  receives: number;
  firstReceivedAt: number;
}

interface Queue {
  settings: QueueSettings;
  readonly createdAt: number;
  modifiedAt: number;
  messages: Kept[];
  redrive: RedriveView | undefined;
  readonly deduped: Map<string, { readonly at: number; readonly sent: Sent }>;
  /** When each group was last received from, in receives. */
  readonly turns: Map<string | undefined, number>;
}

export class MemoryQueues implements QueuesFace {
  readonly #now: () => number;
  readonly #queues = new Map<string, Queue>();
  #sequence = 0;
  #turn = 0;
  /** More messages than this are not taken. */
  room = Number.POSITIVE_INFINITY;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  async describe(name: string): Promise<QueueView | undefined> {
    const queue = this.#queues.get(name);
    return queue && this.#view(name, queue);
  }

  async list(): Promise<readonly QueueView[]> {
    const names = [...this.#queues.keys()].sort();
    return names.map((name) => this.#view(name, this.#queue(name)));
  }

  async create(name: string, settings: QueueSettings): Promise<boolean> {
    if (this.#queues.has(name)) return false;
    const now = this.#now();
    const deduped = new Map();
    this.#queues.set(name, {
      createdAt: now,
      deduped,
      messages: [],
      modifiedAt: now,
      redrive: undefined,
      settings,
      turns: new Map(),
    });
    return true;
  }

  async edit(name: string, settings: QueueSettings): Promise<void> {
    Object.assign(this.#queue(name), { modifiedAt: this.#now(), settings });
  }

  async delete(name: string): Promise<void> {
    this.#queue(name);
    this.#queues.delete(name);
  }

  async purge(name: string): Promise<void> {
    const queue = this.#queue(name);
    queue.messages = [];
    queue.deduped.clear();
  }

  async send(name: string, messages: readonly NewMessage[]): Promise<readonly Sent[]> {
    const queue = this.#queue(name);
    return messages.map((message) => this.#sendOne(queue, message));
  }

  async receive(name: string, wish: ReceiveWish, signal: AbortSignal): Promise<readonly Received[]> {
    const end = Date.now() + wish.waitMs;
    for (;;) {
      const received = this.#take(name, wish);
      if (received.length > 0 || Date.now() >= end || signal.aborted) return received;
      await pause(5);
    }
  }

  async acknowledge(name: string, receipts: readonly string[]): Promise<readonly ReceiptOutcome[]> {
    const queue = this.#queue(name);
    return receipts.map((receipt) => {
      const { message, outcome } = this.#held(name, queue, receipt);
      const isFree = outcome === 'expired' || (outcome === 'lost' && (message?.readyAt ?? 0) <= this.#now());
      const counts = outcome === 'done' || (isFree && !queue.settings.fifo);
      if (!counts) return outcome;
      queue.messages = queue.messages.filter((one) => one !== message);
      return 'done';
    });
  }

  async extend(name: string, leases: readonly NewLease[]): Promise<readonly ReceiptOutcome[]> {
    const queue = this.#queue(name);
    return leases.map(({ leaseMs, receipt }) => {
      const { message, outcome } = this.#held(name, queue, receipt);
      const counts = outcome === 'done' || (outcome !== 'invalid' && !queue.settings.fifo);
      if (message === undefined || !counts) return outcome;
      const readyAt = this.#now() + leaseMs;
      message.readyAt = outcome === 'lost' ? Math.max(message.readyAt, readyAt) : readyAt;
      return 'done';
    });
  }

  async release(name: string, receipts: readonly string[]): Promise<void> {
    for (const receipt of receipts) {
      const { message, outcome } = this.#held(name, this.#queue(name), receipt);
      if (message === undefined || outcome !== 'done') continue;
      message.readyAt = this.#now();
      message.receives--;
    }
  }

  async redrive(name: string, { perSecond, to }: RedriveWish): Promise<RedriveView> {
    const queue = this.#queue(name);
    const waiting = queue.messages.filter((one) => one.readyAt <= this.#now());
    const about = { id: randomUUID(), perSecond, startedAt: this.#now(), to, total: waiting.length };
    if (perSecond !== undefined) {
      queue.redrive = { ...about, moved: 0, state: 'running' };
      return queue.redrive;
    }
    for (const { body, group, headers, origin } of waiting) {
      const target = this.#queue(to ?? origin ?? name);
      this.#sendOne(target, { body, group, headers });
    }
    queue.messages = queue.messages.filter((one) => !waiting.includes(one));
    queue.redrive = { ...about, moved: waiting.length, state: 'done' };
    return queue.redrive;
  }

  async cancelRedrive(name: string): Promise<RedriveView | undefined> {
    const queue = this.#queue(name);
    if (queue.redrive?.state === 'running') queue.redrive = { ...queue.redrive, state: 'cancelled' };
    return queue.redrive;
  }

  #queue(name: string): Queue {
    const queue = this.#queues.get(name);
    if (queue === undefined) throw new QueueMissing(name);
    return queue;
  }

  #view(name: string, { createdAt, messages, modifiedAt, redrive, settings }: Queue): QueueView {
    const now = this.#now();
    const waiting = messages.filter(({ readyAt }) => readyAt > now);
    const leased = waiting.filter((one) => one.leased).length;
    const ready = messages.length - waiting.length;
    return { createdAt, delayed: waiting.length - leased, leased, modifiedAt, name, ready, redrive, settings };
  }

  #sendOne({ deduped, messages, settings }: Queue, message: NewMessage): Sent {
    const now = this.#now();
    if (messages.length >= this.room)
      return { fault: 'room', kind: 'refused', why: `the queue holds ${this.room} messages, and no more` };
    const key = message.dedupe?.key;
    const before = key === undefined ? undefined : deduped.get(key);
    if (before !== undefined && before.at + DEDUPE_MS > now) return before.sent;
    const id = randomUUID();
    const sequence = ++this.#sequence;
    const readyAt = now + (message.delayMs ?? settings.delayMs);
    const fresh = { firstReceivedAt: 0, leased: false, origin: undefined, receives: 0, token: 0 };
    messages.push({ ...message, ...fresh, id, readyAt, sentAt: now, sequence });
    const sent: Sent = { id, kind: 'sent', sequence: settings.fifo ? sequence : undefined };
    if (key !== undefined) deduped.set(key, { at: now, sent });
    return sent;
  }

  #take(name: string, { leaseMs, max }: ReceiveWish): Received[] {
    const queue = this.#queue(name);
    const now = this.#now();
    queue.messages = queue.messages.filter(({ sentAt }) => sentAt + queue.settings.retentionMs > now);
    const { fifo, deadLetter } = queue.settings;
    const blocked = new Set<string | undefined>();
    const taken: Received[] = [];
    for (const message of inGroups(queue.messages, queue.turns)) {
      if (taken.length === max) break;
      if (blocked.has(message.group)) continue;
      if (message.readyAt > now) {
        if (fifo) blocked.add(message.group);
        continue;
      }
      if (deadLetter !== undefined && message.receives >= deadLetter.maxReceives) {
        queue.messages = queue.messages.filter((one) => one !== message);
        const { messages } = this.#queue(deadLetter.queue);
        const dedupe = message.dedupe && { ...message.dedupe, id: message.id };
        messages.push({ ...message, dedupe, leased: false, origin: name, readyAt: now });
        continue;
      }
      if (fifo) queue.turns.set(message.group, ++this.#turn);
      message.receives++;
      message.token++;
      message.leased = true;
      message.readyAt = now + leaseMs;
      message.firstReceivedAt ||= now;
      taken.push(shown(message, `${name}:${message.id}:${message.token}`, fifo));
    }
    return taken;
  }

  #held(
    name: string,
    queue: Queue,
    receipt: string,
  ): { readonly message: Kept | undefined; readonly outcome: ReceiptOutcome } {
    const [of, id, token] = receipt.split(':');
    if (of !== name || token === undefined) return { message: undefined, outcome: 'invalid' };
    const message = queue.messages.find((one) => one.id === id);
    if (message === undefined) return { message, outcome: 'gone' };
    if (`${message.token}` !== token) return { message, outcome: 'lost' };
    return { message, outcome: message.readyAt > this.#now() ? 'done' : 'expired' };
  }
}

/** Those of one group next to each other, the group first that has waited longest. */
function inGroups(messages: readonly Kept[], turns: ReadonlyMap<string | undefined, number>): readonly Kept[] {
  const groups = [...Map.groupBy(messages, ({ group, id }) => group ?? id).values()];
  const turn = ([first]: readonly Kept[]) => turns.get(first?.group) ?? 0;
  return groups.sort((a, b) => turn(a) - turn(b)).flat();
}

function shown({ dedupe, sequence, ...message }: Kept, receipt: string, fifo: boolean): Received {
  return { ...message, dedupeId: dedupe?.id, receipt, sequence: fifo ? sequence : undefined };
}
