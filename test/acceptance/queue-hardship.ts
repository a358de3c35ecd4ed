/**
 * Producers and consumers at full load against a node that is killed again and again, and what they remember of it: what
 * was acknowledged to a producer, what a consumer got, whose acknowledgement was confirmed.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { type Client, type Consumption, ProblemError, type Queue, type QueueMessage } from '../../src/engine/index.ts';

/** Every so manieth message is one that nobody can work on. */
const BAD_EVERY = 50;
/** Sends of one producer that are under way. */
const UNDER_WAY = 200;

export class Hardship {
  /** Bodies of messages that were acknowledged to their producer. */
  readonly acknowledged = new Set<string>();
  /** Whose send was rejected, and nobody knows whether they are stored. */
  readonly doubtful = new Set<string>();
  readonly received = new Set<string>();
  /** Ids of messages whose acknowledgement was confirmed. */
  readonly confirmed = new Set<number>();
  /** Ids of messages that came after that. */
  readonly cameBack: number[] = [];
  receives = 0;
  /** Rejected sends, and acknowledgements that came too late, by code. */
  readonly troubles = new Map<string, number>();
  #going = true;
  readonly #producers: Promise<void>[] = [];
  readonly #consumptions: Consumption[] = [];
  readonly #consumers: Promise<void>[] = [];

  /** Half of its messages have ids of their own, by which they may be sent again. */
  produce(client: Client, name: string): void {
    const queue = client.queue('jobs');
    let next = 0;
    const lane = async () => {
      while (this.#going) {
        const number = next++;
        const body = `${name}-${number}${number % BAD_EVERY === 0 ? '-bad' : ''}`;
        const sending = queue.send(body, number % 2 === 0 ? { dedupeId: body } : {});
        await sending.then(
          () => void this.acknowledged.add(body),
          (error: unknown) => {
            this.#trouble(error);
            this.doubtful.add(body);
            return pause(20);
          },
        );
      }
    };
    this.#producers.push(...Array.from({ length: UNDER_WAY }, lane));
  }

  consume(client: Client): void {
    const consumption = client.queue('jobs').consume({ ack: 'manual', prefetch: 500, visibilityMs: 2_000 });
    this.#consumptions.push(consumption);
    const go = async () => {
      for await (const message of consumption) void this.#take(message);
    };
    this.#consumers.push(go());
  }

  async stopProducers(): Promise<void> {
    this.#going = false;
    await Promise.all(this.#producers);
  }

  async stopConsumers(): Promise<void> {
    await Promise.all(this.#consumptions.map((consumption) => consumption.stop()));
    await Promise.all(this.#consumers);
  }

  /** All bodies that a queue still gives. */
  async drain(queue: Queue): Promise<Set<string>> {
    const bodies = new Set<string>();
    for await (const { body } of queue.consume({ idleMs: 0, prefetch: 1_000 })) bodies.add(body as string);
    return bodies;
  }

  async #take(message: QueueMessage): Promise<void> {
    const { body, id } = message as QueueMessage & { readonly body: string };
    this.receives++;
    if (this.confirmed.has(id)) this.cameBack.push(id);
    this.received.add(body);
    try {
      if (body.endsWith('-bad')) return await message.nack({ delayMs: 0, reason: 'a bad one' });
      await message.ack();
      this.confirmed.add(id);
    } catch (error) {
      this.#trouble(error);
    }
  }

  #trouble(error: unknown): void {
    if (!(error instanceof ProblemError)) throw error;
    this.troubles.set(error.code, (this.troubles.get(error.code) ?? 0) + 1);
  }
}
