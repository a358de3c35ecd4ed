/**
 * Brings the mesh to the screen: asks the connected node for its members every second and at once when it tells of
 * something, and goes on with another node when this one is gone.
 *
 * Which others there are it learns from the answers. A node that keeps the connection open and says nothing counts as
 * gone too. It never gives up: the mesh may come back.
 */

import { type AnotherOptions, another, tried } from '../cli/another.ts';
import { after, untilGone } from '../cli/waiting.ts';
import type { Client } from '../engine/index.ts';
import type { Input } from './model.ts';

export interface FeedOptions extends AnotherOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly emit: (input: Input) => void;
  /** The node that is looked at closely: it is asked about itself as well. */
  readonly wanted: () => string | undefined;
}

const ASK_MS = 1000;
/** Events come in swarms; one question answers for all of them. */
const GATHER_MS = 150;
const SILENT_MS = 3000;

export class Feed {
  readonly #options: FeedOptions;
  /** Where others were when they were last seen alive. */
  #others: readonly string[] = [];
  #wake: () => void = () => {};
  #inspecting = false;

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  /** Ends when the signal says so. The connection that it has then is closed. */
  async run(first: Client): Promise<void> {
    const { emit, now, signal } = this.#options;
    let client: Client | undefined = first;
    while (client !== undefined) {
      emit({ kind: 'connected', name: client.node.name, url: client.node.url });
      const reason = await this.#follow(client);
      void client.close();
      if (signal.aborted) return;
      emit({ at: now(), kind: 'lost', reason });
      client = await another(this.#options, tried(this.#others, client.node.url));
    }
  }

  /** Something on the screen wants fresh data. */
  wake(): void {
    this.#wake();
  }

  /** Resolves with the reason when nothing more is to be had from this connection. */
  async #follow(client: Client): Promise<string> {
    const { emit, now, signal } = this.#options;
    const done = new AbortController();
    const either = untilGone(client, AbortSignal.any([signal, done.signal]));
    void this.#hear(client, AbortSignal.any([signal, done.signal]));
    try {
      for (;;) {
        const silent = after(SILENT_MS, 'it does not answer', done.signal);
        const answer = await either(Promise.race([client.members(), silent]));
        if (typeof answer === 'string') return answer;
        emit({ kind: 'seen', sight: { at: now(), members: answer } });
        const living = answer.filter(({ self, state }) => !self && (state === 'alive' || state === 'draining'));
        this.#others = living.map(({ address }) => address);
        this.#inspect(client);
        const woken = new Promise<undefined>((resolve) => {
          this.#wake = () => resolve(undefined);
        });
        const gone = await either(Promise.race([woken, after(ASK_MS, undefined, done.signal)]));
        if (gone !== undefined) return gone;
      }
    } catch (error) {
      return (error as Error).message;
    } finally {
      done.abort();
    }
  }

  /** Why not awaited: the node may be one that does not answer, and the list must go on. */
  #inspect(client: Client): void {
    const id = this.#options.wanted();
    if (id === undefined || this.#inspecting) return;
    this.#inspecting = true;
    void Promise.race([client.info(id), after(SILENT_MS, undefined)])
      .catch(() => undefined)
      .then((snapshot) => {
        this.#inspecting = false;
        this.#options.emit({ id, kind: 'inspected', snapshot });
      });
  }

  async #hear(client: Client, signal: AbortSignal): Promise<void> {
    try {
      for await (const event of client.events({ signal })) {
        this.#options.emit({ event, kind: 'event' });
        setTimeout(() => this.#wake(), GATHER_MS).unref();
      }
    } catch {
      // The connection is gone, which the questions notice too.
    }
  }
}
