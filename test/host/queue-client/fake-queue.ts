/** A queue in memory that says of each call what it was, and can be told to fail: for tests of the client alone. */
import { problem } from '../../../src/engine/core/base/problems.ts';
import type { AskQueue } from '../../../src/engine/host/queue-client/queue-calls.ts';
import { QueueHandle } from '../../../src/engine/host/queue-client/queue-handle.ts';
import { type Content, unpackContent } from '../../../src/engine/host/queues/content.ts';
import { readOrders } from '../../../src/engine/host/queues/packed.ts';
import { ProblemError } from '../../../src/engine/problem-error.ts';
import type { Queue } from '../../../src/engine/queues-api.ts';

interface Held {
  readonly id: number;
  readonly body: unknown;
  readonly dedupeId: string | undefined;
  receives: number;
  token: number;
  leaseUntil: number;
}

/** The messages of a send. */
export function sentBy(argument: Readonly<Record<string, unknown>>): readonly Content[] {
  return readOrders(argument['packed'] as Uint8Array, 1_000).map(({ content }) => unpackContent(Buffer.from(content)));
}

export interface Call {
  readonly what: string;
  readonly argument: Readonly<Record<string, unknown>>;
}

type Failing = (call: Call) => 'before' | 'after' | undefined;

/** `before`: nothing was done, and nobody knows that; `after`: it was done, and the answer is lost. */
export class FakeQueue {
  readonly calls: Call[] = [];
  readonly messages = new Map<number, Held>();
  readonly acked: number[] = [];
  readonly nacked: string[] = [];
  /** How each call is to fail. */
  failing: Failing = () => undefined;
  exists = true;
  visibilityMs = 30_000;
  readonly over = Promise.withResolvers<string>();
  #tokens = 0;
  #ids = 0;
  #arrived: (() => void)[] = [];

  get queue(): Queue {
    return new QueueHandle('jobs', this.ask, this.over.promise);
  }

  get leased(): number {
    return [...this.messages.values()].filter(({ leaseUntil }) => leaseUntil > Date.now()).length;
  }

  bodiesOf(what: string): readonly (readonly unknown[])[] {
    return this.calls
      .filter((call) => call.what === what)
      .map(({ argument }) => sentBy(argument).map(({ body }) => body));
  }

  readonly ask: AskQueue = async (fun, given, { signal }) => {
    const argument = given as Readonly<Record<string, unknown>>;
    const call = { argument, what: fun.slice('mpreg.queue.'.length) };
    this.calls.push(call);
    await new Promise((resolve) => setImmediate(resolve));
    const how = this.failing(call);
    if (how === 'before') throw new ProblemError(problem('link-lost', 'the link broke'));
    if (!this.exists)
      throw new ProblemError({ code: 'queue-unknown', message: 'no such queue', outcome: 'did-not-happen' });
    const answer = await this.#answer(call, signal);
    if (how === 'after') throw new ProblemError(problem('link-lost', 'the link broke'));
    return answer;
  };

  #answer({ argument, what }: Call, signal: AbortSignal | undefined): unknown {
    const given = (argument['receipts'] ?? []) as string | readonly (string | { receipt: string })[];
    const receipts = typeof given === 'string' ? given.split(' ') : given;
    const ofReceipts = (then: (held: Held, given: { receipt: string; visibilityMs?: number }) => void) => ({
      results: receipts.map((one) => {
        const given = typeof one === 'string' ? { receipt: one } : one;
        const [id = 0, token] = given.receipt.split('/').map(Number);
        const held = this.messages.get(id);
        if (held === undefined || held.token !== token || held.leaseUntil <= Date.now())
          return { problem: { code: 'lease-lost', message: `${given.receipt} is over` } };
        then(held, given);
        return { leaseUntil: held.leaseUntil, ok: true };
      }),
    });
    if (what === 'info') return { options: { visibilityMs: this.visibilityMs } };
    if (what === 'send') return { results: sentBy(argument).map((message) => this.#store(message)) };
    if (what === 'receive') return this.#receive(argument, signal);
    if (what === 'ack') {
      return ofReceipts(({ id }) => {
        this.messages.delete(id);
        this.acked.push(id);
      });
    }
    if (what === 'extend')
      return ofReceipts((held, { visibilityMs = 0 }) => {
        held.leaseUntil = Date.now() + visibilityMs;
      });
    return ofReceipts((held, given) => {
      held.leaseUntil = 0;
      if (what === 'release') held.receives--;
      else this.nacked.push((given as { reason?: string }).reason ?? '');
      this.#wake();
    });
  }

  #store({ body, dedupeId }: Content): unknown {
    const held = dedupeId === undefined ? [] : [...this.messages.values()];
    const same = held.find((one) => one.dedupeId === dedupeId);
    if (same !== undefined) return { duplicate: true, id: same.id };
    if (body === 'refused') return { problem: problem('limit-exceeded', 'too large') };
    const id = ++this.#ids;
    this.messages.set(id, { body, dedupeId, id, leaseUntil: 0, receives: 0, token: 0 });
    this.#wake();
    return { id };
  }

  async #receive(argument: Readonly<Record<string, unknown>>, signal: AbortSignal | undefined): Promise<unknown> {
    const { max, visibilityMs = 1_000, waitMs } = argument as { max: number; visibilityMs?: number; waitMs: number };
    const free = () => {
      const now = Date.now();
      return [...this.messages.values()].filter(({ leaseUntil }) => leaseUntil <= now).slice(0, max);
    };
    for (const until = Date.now() + waitMs; free().length === 0 && Date.now() < until; ) {
      await new Promise<void>((resolve) => {
        this.#arrived.push(resolve);
        setTimeout(resolve, 20);
      });
      if (signal?.aborted) throw new ProblemError(problem('cancelled', 'cancelled'));
    }
    const messages = free().map((held) => {
      held.receives++;
      held.token = ++this.#tokens;
      held.leaseUntil = Date.now() + visibilityMs;
      const { body, id, leaseUntil, receives, token } = held;
      const about = { firstReceivedAt: 0, guarantee: 'at-least-once', headers: {}, priority: 0, sentAt: 0 };
      return { ...about, body, id, leaseUntil, receipt: `${id}/${token}`, receives, token };
    });
    return { messages };
  }

  #wake(): void {
    for (const resolve of this.#arrived.splice(0)) resolve();
  }
}
