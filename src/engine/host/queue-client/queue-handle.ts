import { setTimeout as pause } from 'node:timers/promises';
import { problemError } from '../../problem-error.ts';
import type {
  ConsumeOptions,
  Consumption,
  CreateQueueOptions,
  ExtendReceipt,
  NackReceipt,
  PeekedMessage,
  Queue,
  QueueInfo,
  QueueMessage,
  QueueOptions,
  ReceiptResult,
  ReceiveOptions,
  RedriveJob,
  RedriveOptions,
  SendMessage,
  SendOptions,
  SendResult,
  Sent,
  Work,
  WorkOptions,
} from '../../queues-api.ts';
import { Consuming } from './consuming.ts';
import { HeldMessage } from './held-message.ts';
import { ANSWER_MS, type AskQueue, QueueCalls } from './queue-calls.ts';
import { bindingsOf } from './queue-notes.ts';
import { Receipts } from './receipts.ts';
import { Sending } from './sending.ts';
import { Working } from './working.ts';

const WATCH_MS = 1_000;
const READS = { idempotent: true };

/** A queue by its name. Everything that it does is a call of the node on which the queue lives. */
export class QueueHandle implements Queue {
  readonly name: string;
  readonly #calls: QueueCalls;
  readonly #ask: AskQueue;
  #sending: Sending | undefined;
  /** Of consumers without a name. */
  #receipts: Receipts | undefined;

  /** `over`: resolves with the reason when no call can be made any more. */
  constructor(name: string, ask: AskQueue, over: Promise<string>) {
    this.name = name;
    this.#ask = ask;
    this.#calls = new QueueCalls(name, ask, over);
  }

  send(body: unknown, options?: SendOptions): Promise<Sent> {
    return this.#sends.send(body, options);
  }

  sendBatch(messages: readonly SendMessage[]): Promise<readonly SendResult[]> {
    return this.#sends.sendBatch(messages);
  }

  get sending(): number {
    return this.#sending?.open ?? 0;
  }

  room(): Promise<void> {
    return this.#sends.room();
  }

  async receive({ signal, ...options }: ReceiveOptions = {}): Promise<readonly QueueMessage[]> {
    const { consumer, waitMs = 0 } = options;
    const receipts = consumer === undefined ? this.#anonymous : new Receipts(this.#calls, consumer);
    const timeoutMs = waitMs + ANSWER_MS;
    const messages = await this.#calls.received(
      { max: 1, ...options },
      { timeoutMs, ...(signal === undefined ? {} : { signal }) },
    );
    return messages.map((message) => new HeldMessage(this.name, message, receipts));
  }

  consume(options: ConsumeOptions = {}): Consumption {
    return new Consuming(this.#calls, options);
  }

  work(handler: (message: QueueMessage) => unknown, options: WorkOptions = {}): Work {
    const one = (messages: readonly QueueMessage[]) => handler(messages[0] as QueueMessage);
    return new Working(this.#calls, one, { ...options, batch: 1 });
  }

  workBatches(
    handler: (messages: readonly QueueMessage[]) => unknown,
    options: WorkOptions & { readonly batch: number },
  ): Work {
    return new Working(this.#calls, handler, options);
  }

  ack(receipts: readonly string[], consumer?: string): Promise<readonly ReceiptResult[]> {
    return this.#calls.results('ack', { receipts, ...named(consumer) }, READS);
  }

  nack(receipts: readonly NackReceipt[], consumer?: string): Promise<readonly ReceiptResult[]> {
    return this.#calls.results('nack', { receipts, ...named(consumer) }, READS);
  }

  extend(receipts: readonly ExtendReceipt[]): Promise<readonly ReceiptResult[]> {
    return this.#calls.results('extend', { receipts }, READS);
  }

  release(receipts: readonly string[]): Promise<readonly ReceiptResult[]> {
    return this.#calls.results('release', { receipts }, READS);
  }

  async peek(
    options: { readonly max?: number; readonly after?: number; readonly state?: PeekedMessage['state'] } = {},
  ): Promise<readonly PeekedMessage[]> {
    // Why not asked again while it moves: nothing of it changes then, and who looks wants to know at once how things are.
    const { messages } = await this.#calls.once<{ readonly messages: readonly PeekedMessage[] }>(
      'peek',
      options,
      READS,
    );
    return messages;
  }

  async create(options: CreateQueueOptions = {}): Promise<QueueInfo> {
    const { place } = options;
    if (place !== undefined && !/^[^=]+(=.+)?$/s.test(place))
      throw problemError('input-invalid', 'place must be any, the name or id of a node, or label=value');
    const again = { idempotent: true, timeoutMs: ANSWER_MS };
    return this.#ask('mpreg.queue.create', { name: this.name, ...options }, again).then((info) =>
      shown(info as QueueInfo),
    );
  }

  info(): Promise<QueueInfo> {
    return this.#calls.call<QueueInfo>('info', {}, READS).then(shown);
  }

  edit(options: Omit<QueueOptions, 'kind'>): Promise<QueueInfo> {
    return this.#calls.call<QueueInfo>('edit', { options }, READS).then(shown);
  }

  async delete(): Promise<void> {
    await this.#calls.call('delete');
  }

  async purge(): Promise<number> {
    return (await this.#calls.call<{ readonly purged: number }>('purge')).purged;
  }

  redrive(options: RedriveOptions = {}): Promise<RedriveJob> {
    return this.#calls.call('redrive', options);
  }

  cancelRedrive(): Promise<RedriveJob> {
    return this.#calls.call('redrive.cancel', {}, READS);
  }

  async subscribe(consumer: string): Promise<readonly string[]> {
    return (await this.#calls.call<Subscribed>('subscribe', { consumer }, READS)).consumers;
  }

  async unsubscribe(consumer: string): Promise<readonly string[]> {
    return (await this.#calls.call<Subscribed>('unsubscribe', { consumer }, READS)).consumers;
  }

  move(node: string): Promise<QueueInfo> {
    return this.#calls.call<QueueInfo>('move', { to: node }, { ...READS, timeoutMs: 0 }).then(shown);
  }

  abandonMove(): Promise<QueueInfo> {
    return this.#calls.once<QueueInfo>('move', { to: null }).then(shown);
  }

  resumeMove(node: string): Promise<QueueInfo> {
    return this.#calls.once<QueueInfo>('resume', {}, { locs: [], node }).then(shown);
  }

  bind(patterns: string | readonly string[]): Promise<QueueInfo> {
    return this.#calls.call<QueueInfo>('bind', { patterns: [patterns].flat() }, READS).then(shown);
  }

  unbind(patterns: string | readonly string[]): Promise<QueueInfo> {
    return this.#calls.call<QueueInfo>('unbind', { patterns: [patterns].flat() }, READS).then(shown);
  }

  async *watch({
    everyMs = WATCH_MS,
    signal,
  }: {
    readonly everyMs?: number;
    readonly signal?: AbortSignal;
  } = {}): AsyncGenerator<QueueInfo> {
    while (signal?.aborted !== true) {
      yield await this.info();
      await pause(everyMs, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
    }
  }

  /** Made when it is first needed: most of these are asked for their counts. */
  get #sends(): Sending {
    this.#sending ??= new Sending(this.#calls);
    return this.#sending;
  }

  get #anonymous(): Receipts {
    this.#receipts ??= new Receipts(this.#calls);
    return this.#receipts;
  }
}

/** With its bindings, which its node keeps among its notes. */
export function shown(info: QueueInfo): QueueInfo {
  const bindings = bindingsOf(info);
  return bindings.length === 0 ? info : { ...info, bindings };
}

interface Subscribed {
  readonly consumers: readonly string[];
}

function named(consumer: string | undefined): { readonly consumer?: string } {
  return consumer === undefined ? {} : { consumer };
}
