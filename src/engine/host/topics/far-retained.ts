/**
 * Asks a hub of the own cluster what other clusters retain, for each new subscription of this node: some at a time, and no faster than
 * the subscription takes it. It refuses to ask where the cluster has no hub, and for more than `WAITING_MAX` that wait.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from '../../api.ts';
import type { FarReplay } from '../../flow/far-replay.ts';
import type { Log } from '../node-host-parts.ts';
import { textOf } from '../text-of.ts';
import { RETAINED, unpacked } from './retained-item.ts';

export interface FarRetainedParts {
  /** Of the own node. */
  readonly client: () => Promise<Pick<Client, 'stream'>>;
  readonly hasHub: () => boolean;
  readonly log: Log;
}

export class FarRetained {
  readonly #parts: FarRetainedParts;
  readonly #waiting: FarReplay[] = [];
  #running = 0;
  /** Those that were not asked for. */
  #leftOut = 0;
  #closed = false;
  /** Whether there is a hub, as it was a moment ago. */
  #hub = { is: false, until: 0 };

  constructor(parts: FarRetainedParts) {
    this.#parts = parts;
  }

  ask(replay: FarReplay): void {
    if (!this.#closed && this.#hasHub && this.#waiting.length < WAITING_MAX) {
      this.#waiting.push(replay);
      void this.#next();
      return;
    }
    if (this.#waiting.length >= WAITING_MAX) this.#leftOut++;
    replay.end(later);
  }

  close(): void {
    this.#closed = true;
  }

  /** Why not asked each time: it is looked for among all nodes, and many subscriptions may come at once. */
  get #hasHub(): boolean {
    const now = performance.now();
    if (now >= this.#hub.until) this.#hub = { is: this.#parts.hasHub(), until: now + HUB_MS };
    return this.#hub.is;
  }

  async #next(): Promise<void> {
    if (this.#running >= RUNNING_MAX) return;
    this.#running++;
    for (let replay = this.#waiting.shift(); replay !== undefined; replay = this.#waiting.shift()) {
      await this.#run(replay).catch((error: unknown) => {
        if (!this.#closed) this.#parts.log('debug', `what other clusters retain could not be had: ${textOf(error)}`);
      });
      replay.end(later);
    }
    this.#running--;
    if (this.#leftOut === 0) return;
    this.#parts.log('warn', `${this.#leftOut} subscriptions came too fast to have what other clusters retain`);
    this.#leftOut = 0;
  }

  async #run(replay: FarReplay): Promise<void> {
    if (replay.isOver || this.#closed) return;
    const client = await this.#parts.client();
    const about = { idempotent: true, locs: [HUB], timeoutMs: ASK_MS };
    for await (const item of client.stream(RETAINED, [{ patterns: replay.patterns }], about)) {
      for (const delivery of unpacked(item)) {
        while (!replay.hasRoom && !replay.isOver && !this.#closed) await pause(WAIT_MS);
        if (replay.isOver || this.#closed) return;
        replay.take(delivery);
      }
    }
  }
}

function later(ms: number, then: () => void): void {
  setTimeout(then, ms).unref();
}

const HUB = 'role:hub';
/** Trade-off: more at once have it sooner where hubs are far; fewer leave hubs more time for others. */
const RUNNING_MAX = 16;
/** Limit: subscriptions that wait to ask. */
const WAITING_MAX = 10_000;
/** How long all clusters together may take. */
const ASK_MS = 60_000;
/** Trade-off: longer is cheaper; shorter, and a hub that has just come is asked sooner. */
const HUB_MS = 500;
/** Until a slow subscriber has taken something. */
const WAIT_MS = 20;
