/**
 * The queues of the mesh as the SQS endpoint needs them, through a client of this node: a queue is used where it lives.
 *
 * A message's id for SQS is a header, so that it stays with it wherever it goes; one that was sent over another face gets
 * an id made of where and when it was first sent. A receipt handle is the queue's name and the receipt.
 */
import { randomUUID } from 'node:crypto';
import type { Client } from '../../../api.ts';
import type { Problem } from '../../../core/base/problems.ts';
import { lenient } from '../../../core/queues/leases.ts';
import { ProblemError } from '../../../problem-error.ts';
import type { Queue, QueueMessage, ReceiptResult, SendMessage, SendResult } from '../../../queues-api.ts';
import { valueToJson } from '../../../wire/json-value.ts';
import { madeId } from './made-id.ts';
import { changedOptions, optionsOf, redriveOf, viewOf } from './queue-options.ts';
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
} from './queues-face.ts';
import { SentIds } from './sent-ids.ts';

const ID = 'AWS.id';
/** What duplicates are told by, where the queue itself knows it together with the group. */
const DEDUPE = 'AWS.dedupe';
/** Limit: queues whose sends are collected; more are collected anew. */
const HANDLES_MAX = 1_000;

export class MeshQueues implements QueuesFace {
  readonly #open: () => Promise<Client>;
  #client: Client | undefined;
  readonly #handles = new Map<string, Queue>();
  readonly #sentIds = new SentIds();

  /** `open`: the one client for all requests. */
  constructor(open: () => Promise<Client>) {
    this.#open = open;
  }

  async describe(name: string): Promise<QueueView | undefined> {
    try {
      return viewOf(await (await this.#queue(name)).info());
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async list(): Promise<readonly QueueView[]> {
    const client = await this.#open();
    const views = (await client.queues()).flatMap(({ found }) => found.map(viewOf));
    return views.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async create(name: string, settings: QueueSettings): Promise<boolean> {
    const queue = await this.#queue(name);
    const place = await this.#placeOf(settings);
    const kind = settings.fifo ? 'fifo' : 'standard';
    try {
      await queue.create({ ...optionsOf(settings), ...place, kind });
      return true;
    } catch (error) {
      if (error instanceof ProblemError && error.code === 'exists-already') return false;
      throw error;
    }
  }

  edit(name: string, settings: QueueSettings): Promise<void> {
    return this.#with(name, async (queue) => {
      const changed = changedOptions(await queue.info(), settings);
      if (Object.keys(changed).length > 0) await queue.edit(changed);
    });
  }

  delete(name: string): Promise<void> {
    return this.#with(name, (queue) => queue.delete());
  }

  purge(name: string): Promise<void> {
    return this.#with(name, async (queue) => void (await queue.purge()));
  }

  send(name: string, messages: readonly NewMessage[]): Promise<readonly Sent[]> {
    return this.#with(name, async (queue) => {
      const ids = messages.map(() => randomUUID());
      const results = await queue.sendBatch(messages.map((message, at) => sendOf(message, ids[at] ?? '')));
      return Promise.all(results.map((result, at) => this.#sentOf(queue, messages[at], result, ids[at] ?? '')));
    });
  }

  receive(name: string, { leaseMs, max, waitMs }: ReceiveWish, signal: AbortSignal): Promise<readonly Received[]> {
    return this.#with(name, async (queue) => {
      const options = { groupMax: max, max, signal, visibilityMs: leaseMs, waitMs };
      return (await queue.receive(options)).map((message) => receivedOf(name, message));
    });
  }

  acknowledge(name: string, receipts: readonly string[]): Promise<readonly ReceiptOutcome[]> {
    return this.#handle(name, receipts, (queue, own) => queue.ack(own.map(({ receipt }) => lenient(receipt))));
  }

  extend(name: string, leases: readonly NewLease[]): Promise<readonly ReceiptOutcome[]> {
    const handles = leases.map(({ receipt }) => receipt);
    return this.#handle(name, handles, (queue, own) =>
      queue.extend(
        own.map(({ at, receipt }) => ({ receipt: lenient(receipt), visibilityMs: leases[at]?.leaseMs ?? 0 })),
      ),
    );
  }

  async release(name: string, receipts: readonly string[]): Promise<void> {
    await this.#handle(name, receipts, (queue, own) => queue.release(own.map(({ receipt }) => receipt)));
  }

  redrive(name: string, { perSecond, to }: RedriveWish): Promise<RedriveView> {
    return this.#with(name, async (queue) =>
      redriveOf(name, await queue.redrive({ to: to ?? 'origin', ...(perSecond !== undefined && { rate: perSecond }) })),
    );
  }

  cancelRedrive(name: string): Promise<RedriveView | undefined> {
    return this.#with(name, async (queue) => redriveOf(name, await queue.cancelRedrive()));
  }

  async #queue(name: string): Promise<Queue> {
    const client = await this.#open();
    if (client !== this.#client) this.#handles.clear();
    this.#client = client;
    let queue = this.#handles.get(name);
    if (queue === undefined) {
      if (this.#handles.size >= HANDLES_MAX) this.#handles.clear();
      queue = client.queue(name);
      this.#handles.set(name, queue);
    }
    return queue;
  }

  async #with<Value>(name: string, use: (queue: Queue) => Promise<Value>): Promise<Value> {
    try {
      return await use(await this.#queue(name));
    } catch (error) {
      if (isMissing(error)) throw new QueueMissing(name);
      throw error;
    }
  }

  /** A queue and that of its dead letters are on one node. */
  async #placeOf({ deadLetter }: QueueSettings): Promise<{ readonly place?: string }> {
    if (deadLetter === undefined) return {};
    const { node } = await (await this.#queue(deadLetter.queue)).info();
    return { place: node };
  }

  async #sentOf(queue: Queue, message: NewMessage | undefined, result: SendResult, id: string): Promise<Sent> {
    if ('problem' in result) {
      const { code, message: why } = result.problem;
      if (MISSING.has(code)) throw new ProblemError(result.problem);
      return { fault: FAULTS.get(code) ?? 'queue', kind: 'refused', why };
    }
    const { duplicate = false, id: number } = result;
    const sequence = message?.dedupe === undefined ? undefined : number;
    if (duplicate) return { id: await this.#firstId(queue, number), kind: 'sent', sequence };
    if (sequence !== undefined) this.#sentIds.put(queue.name, number, id);
    return { id, kind: 'sent', sequence };
  }

  /** The id of the message whose duplicate was sent. */
  async #firstId(queue: Queue, number: number): Promise<string> {
    const known = this.#sentIds.get(queue.name, number);
    if (known !== undefined) return known;
    const [first] = await queue.peek({ after: number - 1, max: 1 });
    if (first?.id === number) return idOf(queue.name, first);
    return madeId(`${queue.name} ${number}`); // it was received elsewhere, and is gone
  }

  /** Handles one by one; what is no handle of this queue goes no further. */
  async #handle(
    name: string,
    handles: readonly string[],
    ask: (queue: Queue, own: readonly Own[]) => Promise<readonly ReceiptResult[]>,
  ): Promise<readonly ReceiptOutcome[]> {
    const own = handles.flatMap((handle, at) => {
      const receipt = receiptIn(name, handle);
      return receipt === undefined ? [] : [{ at, receipt }];
    });
    const outcomes = handles.map((): ReceiptOutcome => 'invalid');
    if (own.length === 0) return outcomes;
    const results = await this.#with(name, (queue) => ask(queue, own));
    for (const [place, { at }] of own.entries()) outcomes[at] = outcomeOf(results[place]);
    return outcomes;
  }
}

interface Own {
  /** Among all handles that were given. */
  readonly at: number;
  readonly receipt: string;
}

const FAULTS: ReadonlyMap<Problem['code'], 'room' | 'message'> = new Map([
  ['input-invalid', 'message'],
  ['limit-exceeded', 'message'],
  ['queue-full', 'room'],
]);
const MISSING: ReadonlySet<Problem['code']> = new Set(['queue-unknown', 'resource-unknown']);

function isMissing(error: unknown): boolean {
  return error instanceof ProblemError && MISSING.has(error.code);
}

function sendOf({ body, dedupe, delayMs, group, headers }: NewMessage, id: string): SendMessage {
  return {
    body,
    headers: { ...Object.fromEntries(headers), [ID]: id, ...(dedupe !== undefined && { [DEDUPE]: dedupe.id }) },
    ...(dedupe !== undefined && { dedupeId: dedupe.key }),
    ...(delayMs !== undefined && { delayMs }),
    ...(group !== undefined && { group }),
  };
}

function receivedOf(queue: string, message: QueueMessage): Received {
  const { dead, firstReceivedAt, group, headers, id, receipt, receives, sentAt } = message;
  // Why: the service replaces it, so that two that shared it can both be kept among dead letters.
  const dedupeId = dead === undefined ? (headers[DEDUPE] ?? message.dedupeId) : group && idOf(queue, message);
  const texts = Object.entries(headers).filter(([name]) => name !== ID && name !== DEDUPE);
  return {
    body: textOf(message.body),
    dedupeId: typeof dedupeId === 'string' ? dedupeId : undefined,
    firstReceivedAt: firstReceivedAt ?? Date.now(),
    group,
    headers: new Map(texts.map(([name, value]) => [name, textOf(value)])),
    id: idOf(queue, message),
    origin: dead?.queue,
    receipt: handleOf(queue, receipt),
    receives: receives + (dead?.receives ?? 0),
    sentAt: dead?.sentAt ?? sentAt,
    sequence: group === undefined ? undefined : id,
  };
}

function idOf(queue: string, { dead, headers, id, sentAt }: Identified): string {
  const noted = headers[ID];
  if (typeof noted === 'string') return noted;
  return madeId(dead === undefined ? `${queue} ${id} ${sentAt}` : `${dead.queue} ${dead.id} ${dead.sentAt}`);
}

type Identified = Pick<QueueMessage, 'dead' | 'headers' | 'id' | 'sentAt'>;

/** Text as it is, bytes in base64, everything else as JSON. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  return JSON.stringify(valueToJson(value)) ?? '';
}

function handleOf(queue: string, receipt: string): string {
  return Buffer.from(`${queue} ${receipt}`).toString('base64url');
}

function receiptIn(queue: string, handle: string): string | undefined {
  const [name, receipt] = Buffer.from(handle, 'base64url').toString().split(' ');
  return name === queue && receipt !== undefined && handleOf(queue, receipt) === handle ? receipt : undefined;
}

function outcomeOf(result: ReceiptResult | undefined): ReceiptOutcome {
  if (result === undefined) throw new TypeError('an outcome for each receipt');
  if (!('problem' in result)) return 'done';
  const { cause, code } = result.problem;
  if (code === 'input-invalid') return 'invalid';
  if (code !== 'lease-lost') throw new ProblemError(result.problem);
  return cause?.name === 'gone' || cause?.name === 'expired' ? cause.name : 'lost';
}
