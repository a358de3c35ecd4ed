/**
 * A client with several links, where one would be too narrow: each request goes to the least busy one that is open.
 *
 *     ask, run ──► the open lane with the fewest requests under way ──► its answer
 *     stream   ──► the same; it stays on its lane to its end, and its cancellation goes there
 *
 * Each lane is a client of its own: it connects again by itself, and what was under way on it is settled by its rules.
 *
 * Limit: a call that waits for a lane, because none is open or because it is sent once more, waits for that lane, though
 * another may be open sooner. After an outage several lanes may end up at the same node.
 */
import type { AskOptions, CallOptions, Client, PlanDocument, Reply, RunOptions } from '../api.ts';
import type { Payload } from '../core/base/payload.ts';
import type { PlanReply } from '../core/calls/messages.ts';
import type {
  Published,
  PublishOptions,
  RequestManyOptions,
  RequestOptions,
  SubscribeOptions,
  Subscription,
  TopicMessage,
} from '../topics-api.ts';
import { ClientFace } from './client-face.ts';
import type { PublishRequest } from './topics/link-topics.ts';

/** One link, or one that connects again. */
export interface Lane extends ClientFace {
  /** Whether what is asked now can be sent at once. */
  readonly connected: boolean;
}

export class PooledClient extends ClientFace {
  readonly closed: Promise<string>;
  readonly #first: Lane;
  /** Requests and streams under way, by lane; of lanes that are not over. */
  readonly #busy = new Map<Lane, number>();
  /** Where the search for the least busy lane begins: after the one that was taken last, so that idle ones take turns. */
  #turn = 0;

  constructor(lanes: readonly [Lane, ...Lane[]]) {
    super();
    const { promise, resolve } = Promise.withResolvers<string>();
    this.closed = promise;
    this.#first = lanes[0];
    for (const lane of lanes) {
      this.#busy.set(lane, 0);
      void lane.closed.then((reason) => {
        this.#busy.delete(lane);
        if (this.#busy.size === 0) resolve(reason);
      });
    }
  }

  /** A node that it is connected to, or was. */
  get node(): Client['node'] {
    return ([...this.#busy.keys()].find(({ connected }) => connected) ?? this.#first).node;
  }

  ask(fun: string, args: readonly unknown[], options?: AskOptions): Promise<Reply> {
    return this.#use((lane) => lane.ask(fun, args, options));
  }

  runDocument(plan: PlanDocument, options?: RunOptions): Promise<PlanReply> {
    return this.#use((lane) => lane.runDocument(plan, options));
  }

  protected override askInOrder(fun: string, args: readonly unknown[], options: AskOptions): Promise<Reply> {
    return this.#steady().ask(fun, args, options);
  }

  post(topic: string, by: string, seq: number, value: Uint8Array | Payload): boolean {
    return this.#steady().post(topic, by, seq, value);
  }

  room(): Promise<void> | undefined {
    return this.#steady().room();
  }

  /** Why one lane: what one client publishes stays in its order. Another is taken only while that one is not connected. */
  publishRequest(request: PublishRequest, options: PublishOptions): Promise<Published> {
    return this.#steady().publishRequest(request, options);
  }

  /** On the same lane, for the same reason. */
  requestPayload(topic: string, payload: Payload, options: RequestOptions): Promise<TopicMessage> {
    return this.#steady().requestPayload(topic, payload, options);
  }

  requestsOf(topic: string, payload: Payload, options: RequestManyOptions): AsyncIterable<TopicMessage> {
    return this.#steady().requestsOf(topic, payload, options);
  }

  subscribe(patterns: string | readonly string[], options?: SubscribeOptions): Promise<Subscription> {
    return this.#lane().subscribe(patterns, options);
  }

  stream(fun: string, args: readonly unknown[], options?: CallOptions): AsyncIterable<unknown> {
    const lane = this.#lane();
    const items = lane.stream(fun, args, options);
    const end = this.#begin(lane);
    return {
      [Symbol.asyncIterator]: () => {
        const iterator = items[Symbol.asyncIterator]();
        return {
          next: async () => {
            try {
              const next = await iterator.next();
              if (next.done === true) end();
              return next;
            } catch (error) {
              end();
              throw error;
            }
          },
          return: async () => {
            end();
            await iterator.return?.();
            return { done: true, value: undefined };
          },
        };
      },
    };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#busy.keys()].map((lane) => lane.close()));
  }

  async #use<Answer>(send: (lane: Lane) => Promise<Answer>): Promise<Answer> {
    const lane = this.#lane();
    const end = this.#begin(lane);
    try {
      return await send(lane);
    } finally {
      end();
    }
  }

  /** The least busy of the open lanes; of all, where none is open. Those that are equally busy take turns. */
  #lane(): Lane {
    const lanes = [...this.#busy];
    const open = lanes.filter(([{ connected }]) => connected);
    const from = open.length > 0 ? open : lanes;
    const begin = this.#turn++ % Math.max(1, from.length);
    let best = from[begin];
    for (const one of [...from.slice(begin), ...from.slice(0, begin)]) {
      if (best === undefined || one[1] < best[1]) best = one;
    }
    return best?.[0] ?? this.#first;
  }

  #steady(): Lane {
    return [...this.#busy.keys()].find(({ connected }) => connected) ?? this.#first;
  }

  /** Counts one more on the lane; the answer counts it off, once. */
  #begin(lane: Lane): () => void {
    this.#count(lane, 1);
    let open = true;
    return () => {
      if (open) this.#count(lane, -1);
      open = false;
    };
  }

  #count(lane: Lane, by: number): void {
    const busy = this.#busy.get(lane);
    if (busy !== undefined) this.#busy.set(lane, busy + by);
  }
}
