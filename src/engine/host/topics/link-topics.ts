/**
 * Topics over one link, from the client's side: what it publishes and what it listens to.
 *
 * It refuses to repeat anything: when the link ends, what has no answer is `link-lost`, and so is every subscription.
 * `topic-subscription.ts` outlives that.
 */

import { type Problem, problem } from '../../core/base/problems.ts';
import type { Message } from '../../core/node/inputs.ts';
import {
  type DeliverMessage,
  type DeliverRunMessage,
  type KeptMessage,
  type PublishMessage,
  type ReadingMessage,
  type ReadMessage,
  type SettleMessage,
  type SubscribeMessage,
  WINDOW_BYTES,
} from '../../core/topics/messages.ts';
import { ProblemError } from '../../problem-error.ts';
import type { Published, PublishOptions } from '../../topics-api.ts';
import { reasonOf } from '../call-request.ts';
import type { ReadRequest } from './kept-position.ts';

/** A message that is to be published, but for its number. */
export type PublishRequest = Omit<PublishMessage, 'id' | 'by' | 'seq'> & Required<Pick<PublishMessage, 'by' | 'seq'>>;
export type SubscribeRequest = Omit<SubscribeMessage, 'id' | 'kind'>;

/** Takes what comes for a subscription. */
export interface Sink {
  /** It is effective. */
  ready(): void;
  message(message: DeliverMessage | DeliverRunMessage): void;
  missed(count: number): void;
  /** It reads what is kept. */
  reading?(message: ReadingMessage): void;
  kept?(message: KeptMessage): void;
  /** Nothing more comes. */
  ended(why: Problem): void;
}

/** A subscription on one link. */
export interface Listening {
  /** Messages that cost so much were taken. */
  taken(bytes: number): void;
  /** Of what is kept, everything up to and with that was dealt with. */
  acknowledge(sequence: number): void;
  /** A message that was given to a member of a group is done, or refused. */
  settle(tag: number, done: boolean): void;
  stop(): void;
}

export interface LinkTopicsOwner {
  readonly isFull: boolean;
  nextId(): number;
  send(message: Message): Problem | undefined;
  /** Something that was under way is done. */
  settled(): void;
}

interface Settling extends SettleMessage {
  readonly done: number[];
  readonly refused: number[];
}

interface Publishing {
  readonly end: (outcome: Published | Problem) => void;
  readonly about: string;
}

export class LinkTopics {
  readonly #owner: LinkTopicsOwner;
  readonly #publishing = new Map<number, Publishing>();
  readonly #sinks = new Map<number, Sink>();
  /** Who waits until the link has room. */
  #waiting: (() => void)[] = [];

  constructor(owner: LinkTopicsOwner) {
    this.#owner = owner;
  }

  /** Whether something has no answer yet. */
  get isBusy(): boolean {
    return this.#publishing.size > 0;
  }

  publish(request: PublishRequest, { confirm = true, signal, timeoutMs = 0 }: PublishOptions): Promise<Published> {
    const about = `${request.by}/${request.seq}`;
    const id = confirm ? this.#owner.nextId() : 0;
    const refused = this.#owner.send({ ...request, id });
    if (refused !== undefined) return Promise.reject(new ProblemError(refused));
    if (!confirm) return (this.room() ?? Promise.resolve()).then(() => ({ id: about }));
    return new Promise((resolve, reject) => {
      const timer = timeoutMs > 0 ? setTimeout(() => give(late(request.topic, timeoutMs)), timeoutMs) : undefined;
      const aborted = () => give(problem('cancelled', `cancelled: ${reasonOf(signal)}`));
      const give = (outcome: Published | Problem) => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', aborted);
        this.#publishing.delete(id);
        if ('code' in outcome) reject(new ProblemError(outcome));
        else resolve(outcome);
        this.#owner.settled();
      };
      signal?.addEventListener('abort', aborted, { once: true });
      this.#publishing.set(id, { about, end: give });
    });
  }

  /** Resolves when the link has room for more; undefined: it has. */
  room(): Promise<void> | undefined {
    if (!this.#owner.isFull) return undefined;
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  listen(request: SubscribeRequest, sink: Sink): Listening {
    const id = this.#owner.nextId();
    return this.#begin({ ...request, id, kind: 'subscribe', paced: true }, { id, kind: 'unsubscribe' }, sink);
  }

  /** Reads what is kept. */
  read(request: ReadRequest, sink: Sink): Listening {
    const id = this.#owner.nextId();
    return this.#begin({ ...request, id, kind: 'read', paced: true }, { id, kind: 'unread' }, sink);
  }

  #begin(first: SubscribeMessage | ReadMessage, last: Message, sink: Sink): Listening {
    const { id } = first;
    let untold = 0;
    let settled: Settling | undefined;
    const tell = () => {
      const message = settled;
      settled = undefined;
      if (message !== undefined && this.#sinks.has(id)) this.#owner.send(message);
    };
    this.#sinks.set(id, sink);
    const refused = this.#owner.send(first);
    if (refused !== undefined) this.#end(id, refused);
    return {
      acknowledge: (sequence) => {
        if (this.#sinks.has(id)) this.#owner.send({ id, kind: 'acknowledge', sequence });
      },
      settle: (tag, done) => {
        if (settled === undefined) queueMicrotask(tell);
        settled ??= { done: [], id, kind: 'settle', refused: [] };
        (done ? settled.done : settled.refused).push(tag);
      },
      stop: () => {
        tell();
        if (this.#sinks.delete(id)) this.#owner.send(last);
      },
      taken: (bytes) => {
        untold += bytes;
        if (untold < TOLD_BYTES || !this.#sinks.has(id)) return;
        this.#owner.send({ bytes: untold, id, kind: 'taken' });
        untold = 0;
      },
    };
  }

  /** False where a message is about something else. */
  receive(message: Message): boolean {
    switch (message.kind) {
      case 'deliver':
      case 'deliver-run':
        this.#sinks.get(message.id)?.message(message);
        return true;
      case 'gap':
        this.#sinks.get(message.id)?.missed(message.missed);
        return true;
      case 'kept':
        this.#sinks.get(message.id)?.kept?.(message);
        return true;
      case 'reading':
        if (message.problem !== undefined) this.#end(message.id, message.problem);
        else this.#sinks.get(message.id)?.reading?.(message);
        return true;
      case 'subscribed':
        this.#sinks.get(message.id)?.ready();
        return true;
      case 'published': {
        const publishing = this.#publishing.get(message.id);
        const { kind: _, ...became } = message;
        publishing?.end({ ...became, id: publishing.about });
        return true;
      }
      case 'error': {
        const publishing = this.#publishing.get(message.id);
        if (publishing === undefined) return this.#end(message.id, message.problem);
        publishing.end(message.problem);
        return true;
      }
      default:
        return false;
    }
  }

  /** The link has room again. */
  drained(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const go of waiting) go();
  }

  /** The link is gone. */
  end(why: Problem): void {
    this.drained();
    for (const { end } of [...this.#publishing.values()]) end(why);
    for (const id of [...this.#sinks.keys()]) this.#end(id, why);
  }

  #end(id: number, why: Problem): boolean {
    const sink = this.#sinks.get(id);
    this.#sinks.delete(id);
    sink?.ended(why);
    return sink !== undefined;
  }
}

/** Why not each by itself: the node would hear of every message. Why so early: it must not run out of room meanwhile. */
const TOLD_BYTES = WINDOW_BYTES / 4;

function late(topic: string, ms: number): Problem {
  const hint = 'It may have been published. Allow more time with --timeout.\nmpreg cluster status';
  return problem('timed-out', `nobody said within ${ms} ms that a message for ${topic} was published`, { hint });
}
