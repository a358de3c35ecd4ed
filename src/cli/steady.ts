/**
 * A connection for monitors that go on for days: where its node is gone, another one of the cluster is taken, and that is said.
 * It never gives up by itself: the mesh may come back.
 */

import { type Client, ProblemError, problemError } from '../engine/index.ts';
import { type AnotherOptions, another, tried } from './another.ts';
import { within } from './deadline.ts';
import { after } from './waiting.ts';

export interface SteadyOptions extends AnotherOptions {
  readonly client: Client;
  readonly timeoutMs: number;
  /** Hears when it goes over to another node. */
  readonly note: (text: string) => void;
}

/** A question fails a moment before its connection says that it is closed. */
const CLOSED_MS = 100;

export class Steady {
  readonly #options: SteadyOptions;
  readonly #first: Client;
  #client: Client;
  /** Where other nodes were when they were last seen alive. */
  #others: readonly string[] = [];

  constructor(options: SteadyOptions) {
    this.#options = options;
    this.#first = options.client;
    this.#client = options.client;
  }

  get client(): Client {
    return this.#client;
  }

  /** What a node answers. Rejects with what it says where it is there and cannot answer. */
  async ask<Value>(what: string, question: (client: Client) => Promise<Value>): Promise<Value> {
    for (;;) {
      const client = this.#client;
      try {
        const answer = await within(this.#options.timeoutMs, `${what} of ${client.node.name}`, question(client));
        const members = await client.members();
        this.#others = members.filter(({ self, state }) => !self && state === 'alive').map(({ address }) => address);
        return answer;
      } catch (error) {
        if (!(await this.moved(error as Error))) throw error;
      }
    }
  }

  /** After a failure: false where the node is still there, else once another one is. */
  async moved(error: Error): Promise<boolean> {
    const { note, signal } = this.#options;
    const lost = this.#client;
    if (signal.aborted) return false;
    const closed = await Promise.race([lost.closed.then(() => true), after(CLOSED_MS, false)]);
    const isSilent = error instanceof ProblemError && error.problem.code === 'timed-out';
    if (!closed && !isSilent) return false;
    note(`${lost.node.name} is gone (${error.message}); looking for another node`);
    if (lost !== this.#first) void lost.close();
    const next = await another(this.#options, tried(this.#others, lost.node.url));
    if (next === undefined) throw problemError('interrupted', 'interrupted while looking for another node');
    this.#client = next;
    note(`going on with ${next.node.name}`);
    return true;
  }

  /** The first connection is left to whoever made it. */
  async close(): Promise<void> {
    if (this.#client !== this.#first) await this.#client.close();
  }
}
