/**
 * What receivers say about their messages: acknowledged, not done, a longer lease, given back. What is said in one turn
 * goes in one call for each of the four.
 *
 * Saying it twice does no harm, so that it is said again where the connection broke; then `lease-lost` may also mean that
 * the first time counted.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { ReceiptResult } from '../../queues-api.ts';
import { Coalesced, type Outcome } from './coalesced.ts';
import { isPassing, type QueueCalls } from './queue-calls.ts';

const CALL_ITEMS_MAX = 1_000;
const CALLS_MAX = 4;
const REPEATABLE = { idempotent: true };
/** How long the queue's node may be away. Longer, and most leases would be over. */
const PATIENCE_MS = 30_000;
const PAUSE_MS = 100;
const PAUSE_MS_MAX = 2_000;
/** Limit: receipts without an answer, far above what one consumer can hold. */
const OPEN_MAX = 1_000_000;

export interface Nack {
  readonly receipt: string;
  readonly delayMs?: number;
  readonly reason?: string;
}

export interface Extension {
  readonly receipt: string;
  readonly visibilityMs: number;
}

export class Receipts {
  readonly #acks: Coalesced<string, undefined>;
  readonly #nacks: Coalesced<Nack, undefined>;
  readonly #extensions: Coalesced<Extension, number>;
  readonly #releases: Coalesced<string, undefined>;

  /** `consumer`: by whose name. */
  constructor(calls: QueueCalls, consumer?: string) {
    const who = consumer === undefined ? {} : { consumer };
    const coalesced = <Item, Result>(what: string, read: (result: { readonly leaseUntil?: number }) => Result) =>
      new Coalesced<Item, Result>({
        ...LIMITS,
        call: async (receipts) => {
          const results = await patiently(() => calls.results<ReceiptResult>(what, { receipts, ...who }, REPEATABLE));
          return results.map((result) => ('problem' in result ? result : { value: read(result) }));
        },
      });
    const nothing = () => undefined;
    this.#acks = new Coalesced<string, undefined>({
      ...LIMITS,
      call: (receipts) => patiently(() => acknowledge(calls, receipts, who)),
    });
    this.#nacks = coalesced('nack', nothing);
    this.#extensions = coalesced('extend', ({ leaseUntil = 0 }) => leaseUntil);
    this.#releases = coalesced('release', nothing);
  }

  ack(receipt: string): Promise<void> {
    return this.#acks.add(receipt);
  }

  /** The same for who wants to hear of trouble only. */
  tellAck(receipt: string, failed: (error: unknown) => void): void {
    this.#acks.tell(receipt, failed);
  }

  nack(nack: Nack): Promise<void> {
    return this.#nacks.add(nack);
  }

  extend(extension: Extension): Promise<number> {
    return this.#extensions.add(extension);
  }

  release(receipt: string): Promise<void> {
    return this.#releases.add(receipt);
  }

  /** Whether all that was said has its answer. */
  get isIdle(): boolean {
    return this.#acks.open + this.#nacks.open + this.#extensions.open + this.#releases.open === 0;
  }

  /** Resolves when all that was said has its answer. */
  async idle(): Promise<void> {
    await Promise.all([this.#acks.idle(), this.#nacks.idle(), this.#extensions.idle(), this.#releases.idle()]);
  }
}

/** In one text: receipts have no spaces. */
async function acknowledge(
  calls: QueueCalls,
  receipts: readonly string[],
  who: object,
): Promise<readonly Outcome<undefined>[]> {
  const answer = await calls.call<Acknowledged>('ack', { receipts: receipts.join(' '), ...who }, REPEATABLE);
  if ('done' in answer) return receipts.map(() => DONE);
  return answer.results.map((result) => ('problem' in result ? result : DONE));
}

/** All are; or what became of each. */
type Acknowledged = { readonly done: number } | { readonly results: readonly ReceiptResult[] };
const DONE = { value: undefined };

const LIMITS = {
  bytesMax: Number.POSITIVE_INFINITY,
  callsMax: CALLS_MAX,
  itemsMax: CALL_ITEMS_MAX,
  openBytesMax: Number.POSITIVE_INFINITY,
  openMax: OPEN_MAX,
};

/** Asks until there is an answer, while what is wrong may pass. */
async function patiently<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  const until = performance.now() + PATIENCE_MS;
  for (let pauseMs = PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MS_MAX)) {
    try {
      return await ask();
    } catch (error) {
      if (!isPassing(error) || performance.now() + pauseMs > until) throw error;
    }
    await pause(pauseMs);
  }
}
