/**
 * What all actions share: the queues, the options, and what is known of queues for a moment, so that a send does not ask
 * for a queue's settings each time.
 */
import { noSuchQueue, SqsError } from './errors.ts';
import { nameIn, type Place } from './names.ts';
import type { QueueSettings, QueuesFace, QueueView } from './queues-face.ts';
import { ReceiveAttempts } from './receive-attempts.ts';

/**
 * Longer: fewer questions. Shorter: a change of a queue's attributes that came over another node counts here sooner; the
 * service itself takes up to a minute.
 */
const KNOWN_MS = 1_000;
const KNOWN_MAX = 1_000;
/** The service wants so long between two purges, and between a queue's end and another of its name. */
const PAUSE_MS = 60_000;

export interface DeskOptions {
  readonly queues: QueuesFace;
  readonly account: string;
  /**
   * Whether to keep clients waiting as the service does: a minute between two purges of a queue, and after a queue was
   * deleted until there can be another of its name. Nothing here needs it.
   */
  readonly strict: boolean;
  readonly now: () => number;
}

/** A request, as far as actions care. */
export interface Asked {
  readonly protocol: 'json' | 'query';
  /** How whoever asks reaches this node: `http://127.0.0.1:7400`. */
  readonly origin: string;
  readonly region: string;
  /** The path of the request, where it names a queue. */
  readonly path: string | undefined;
  readonly trace: string | undefined;
  /** Aborted when whoever asks has hung up. */
  readonly signal: AbortSignal;
}

export class Desk {
  readonly queues: QueuesFace;
  readonly account: string;
  readonly attempts: ReceiveAttempts;
  readonly #strict: boolean;
  readonly #now: () => number;
  readonly #known = new Map<string, { readonly view: Promise<QueueView | undefined>; readonly until: number }>();
  readonly #purged = new Map<string, number>();
  readonly #deleted = new Map<string, number>();

  constructor({ account, now, queues, strict }: DeskOptions) {
    this.queues = queues;
    this.account = account;
    this.attempts = new ReceiveAttempts(now);
    this.#strict = strict;
    this.#now = now;
  }

  place({ region }: Asked): Place {
    return { account: this.account, region };
  }

  /** The queue of a URL, as it was at most a second ago; its counts are of then. Throws `QueueDoesNotExist`. */
  async queue(url: string | undefined, asked: Asked): Promise<QueueView> {
    const name = nameIn(url ?? asked.path, this.account);
    const known = this.#known.get(name);
    const view = known !== undefined && known.until > this.#now() ? known.view : this.#ask(name);
    const found = await view;
    if (found === undefined) throw noSuchQueue();
    return found;
  }

  /** As it is now. */
  async fresh(url: string | undefined, asked: Asked): Promise<QueueView> {
    this.forget(nameIn(url ?? asked.path, this.account));
    return this.queue(url, asked);
  }

  /** As `fresh`, by its name; undefined where there is none. */
  look(name: string): Promise<QueueView | undefined> {
    this.forget(name);
    return this.#ask(name);
  }

  async edit(name: string, settings: QueueSettings): Promise<void> {
    await this.queues.edit(name, settings);
    this.forget(name);
  }

  forget(name: string): void {
    this.#known.delete(name);
  }

  /** Throws `QueueDeletedRecently`. */
  mayCreate(name: string): void {
    if (!this.#within(this.#deleted, name)) return;
    const message = 'You must wait 60 seconds after deleting a queue before you can create another with the same name.';
    throw new SqsError('QueueDeletedRecently', message);
  }

  deleted(name: string): void {
    this.forget(name);
    this.#note(this.#deleted, name);
    this.#purged.delete(name);
  }

  /** Throws `PurgeQueueInProgress`. */
  mayPurge(name: string): void {
    if (this.#within(this.#purged, name)) {
      const message = `Only one PurgeQueue operation on ${name} is allowed every 60 seconds.`;
      throw new SqsError('PurgeQueueInProgress', message);
    }
    this.#note(this.#purged, name);
  }

  #ask(name: string): Promise<QueueView | undefined> {
    const view = this.queues.describe(name);
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    this.#known.set(name, { until: this.#now() + KNOWN_MS, view });
    const forget = () => {
      if (this.#known.get(name)?.view === view) this.forget(name);
    };
    view.then((found) => found === undefined && forget(), forget);
    return view;
  }

  #within(times: Map<string, number>, name: string): boolean {
    return (times.get(name) ?? Number.NEGATIVE_INFINITY) + PAUSE_MS > this.#now();
  }

  #note(times: Map<string, number>, name: string): void {
    if (!this.#strict) return;
    for (const [other, at] of times) {
      if (at + PAUSE_MS > this.#now()) break;
      times.delete(other);
    }
    times.delete(name);
    times.set(name, this.#now());
  }
}
