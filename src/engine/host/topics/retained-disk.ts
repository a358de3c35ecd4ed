/**
 * What is retained of topics, in the node's own store: it is there again when all nodes have stopped and one comes back.
 *
 *     put ──► changed since ── a second later, a part at a time ──► the store; all that is left when the node ends
 *
 * A topic that changes a thousand times a second is written once a second, with what is newest then.
 *
 * Limit: what changed in the last second is lost where the node is killed, and no other node has it.
 */
import type { RetainedVersion } from '../../core/topics/messages.ts';
import { Delivery } from '../../flow/delivery.ts';
import type { RetainedStore } from '../../flow/retained-flow.ts';
import { payloadFrom } from '../../wire/payload.ts';
import type { Log } from '../node-host.ts';
import type { Store } from '../ports.ts';

export class RetainedDisk implements RetainedStore {
  readonly stored: readonly Delivery[];
  readonly #store: Store;
  readonly #log: Log;
  /** Not written yet; undefined: to be forgotten. */
  #changed = new Map<string, Delivery | undefined>();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(store: Store, log: Log) {
    this.#store = store;
    this.#log = log;
    const stored = store.list(KEYS).flatMap(([key, value]) => {
      const found = deliveryOf(key.slice(KEYS.length), value);
      if (found === undefined) log('error', `what is retained cannot be read, and stays in the store: ${key}`);
      return found ?? [];
    });
    this.stored = stored.sort((a, b) => (a.version?.time ?? 0) - (b.version?.time ?? 0)); // as new subscribers get it
  }

  put(topic: string, newest: Delivery | undefined): void {
    this.#changed.set(topic, newest);
    this.#soon(WRITE_MS);
  }

  /** Resolves when all is written; what cannot be is logged. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#closed = true;
    await this.#write(Number.POSITIVE_INFINITY);
  }

  #soon(ms: number): void {
    if (this.#closed) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#write(PART_BYTES);
    }, ms).unref();
  }

  /** Why not all at once: a commit holds up the loop. */
  async #write(bytesMax: number): Promise<void> {
    const part = new Map<string, Delivery | undefined>();
    let bytes = 0;
    for (const [topic, newest] of this.#changed) {
      if (bytes >= bytesMax) break;
      bytes += newest?.cost ?? 0;
      part.set(topic, newest);
      this.#changed.delete(topic);
    }
    if (part.size === 0) return;
    try {
      await this.#store.commit([...part].map(([topic, newest]) => ({ key: `${KEYS}${topic}`, value: textOf(newest) })));
      if (this.#changed.size > 0) this.#soon(NEXT_MS);
    } catch (error) {
      this.#log('error', `${part.size} retained messages could not be stored: ${(error as Error).message}`);
      this.#changed = new Map([...part, ...this.#changed]);
      this.#soon(AGAIN_MS);
    }
  }
}

interface Stored {
  readonly at: number;
  readonly by: string;
  readonly seq: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly version: RetainedVersion;
  /** It came from another cluster, and goes to none. */
  readonly abroad?: true;
  /** In base64. */
  readonly payload: string;
}

function textOf(newest: Delivery | undefined): string | null {
  if (newest?.version === undefined) return null;
  const { abroad, at, by, headers, payload, seq, version } = newest;
  const bytes = Buffer.from(payload.bytes()).toString('base64');
  const more = { ...(headers === undefined ? {} : { headers }), ...(abroad ? { abroad } : {}) };
  const stored: Stored = { at, by, payload: bytes, seq, version, ...more };
  return JSON.stringify(stored);
}

function deliveryOf(topic: string, text: string): Delivery | undefined {
  try {
    const { abroad, at, by, headers, payload, seq, version } = JSON.parse(text) as Stored;
    const bytes = payloadFrom(Buffer.from(payload, 'base64'));
    return new Delivery(topic, by, seq, at, headers, bytes, { abroad, version });
  } catch {
    return undefined;
  }
}

const KEYS = 'retained/';
/** Trade-off: more often, and less is lost with a node that is killed; more rarely, and the disk has less to do. */
const WRITE_MS = 1_000;
/** Of one commit, in bytes; and the pause before the next. */
const PART_BYTES = 1024 * 1024;
const NEXT_MS = 50;
const AGAIN_MS = 5_000;
