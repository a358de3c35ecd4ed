/**
 * Requests over topics, of one link: a message that says where its publisher hears answers, and those who take part.
 *
 *     request ──► publish, with the inbox in its headers ──► published: to nobody? `no-responders`, at once
 *                                                             └► a reply in the inbox, with the message's id ──► its asker
 *
 * One inbox serves all requests of the link: it is opened with the first and lives as long as the link.
 *
 * Invariant: a request is open until it has its replies, its time is up, its asker has gone or the link has; then nothing
 * of it is left, and what still comes for it is dropped.
 */

import type { Payload } from '../../core/base/payload.ts';
import { type Problem, problem } from '../../core/base/problems.ts';
import { INBOX } from '../../core/topics/inboxes.ts';
import { ProblemError } from '../../problem-error.ts';
import type {
  Published,
  PublishOptions,
  RequestManyOptions,
  SubscribeOptions,
  Subscription,
  TopicMessage,
} from '../../topics-api.ts';
import { reasonOf } from '../call-request.ts';
import { systemEntropy } from '../entropy.ts';
import type { PublishRequest } from './link-topics.ts';
import { REPLY_OF, REPLY_PROBLEM, REPLY_TO } from './received-message.ts';

export interface RequestsLink {
  readonly nodeId: string;
  subscribe(pattern: string, options: SubscribeOptions): Promise<Subscription>;
  publishRequest(request: PublishRequest, options: PublishOptions): Promise<Published>;
  /** A request is done. */
  settled(): void;
}

/** Hears what comes of one request. */
export interface Asker {
  reply(message: TopicMessage): void;
  /** The last; without a problem where all replies came that were wanted, or, with many, the time is up. */
  end(why: Problem | undefined): void;
}

interface Open {
  readonly asker: Asker;
  left: number;
  readonly end: (why: Problem | undefined) => void;
}

export class Requests {
  readonly #link: RequestsLink;
  /** By the message's id. */
  readonly #open = new Map<string, Open>();
  readonly #publisher = token();
  #sent = 0;
  #inbox: Promise<string> | undefined;

  constructor(link: RequestsLink) {
    this.#link = link;
  }

  get isBusy(): boolean {
    return this.#open.size > 0;
  }

  /** Answers what ends it early. */
  ask(topic: string, payload: Payload, options: RequestManyOptions, asker: Asker): () => void {
    const seq = ++this.#sent;
    const id = `${this.#publisher}/${seq}`;
    const { headers, key, replies = Number.POSITIVE_INFINITY, signal, timeoutMs = REQUEST_MS } = options;
    const many = replies !== 1;
    const aborted = () => open.end(problem('cancelled', `cancelled: ${reasonOf(signal)}`));
    const late = () => open.end(many && seen > 0 ? undefined : tooLate(topic, timeoutMs));
    const timer = timeoutMs > 0 ? setTimeout(late, timeoutMs) : undefined;
    let seen = 0;
    const open: Open = {
      asker: {
        end: asker.end,
        reply: (message) => {
          seen++;
          asker.reply(message);
        },
      },
      end: (why) => {
        if (!this.#open.delete(id)) return;
        clearTimeout(timer);
        signal?.removeEventListener('abort', aborted);
        asker.end(why);
        this.#link.settled();
      },
      left: replies,
    };
    this.#open.set(id, open);
    signal?.addEventListener('abort', aborted, { once: true });
    const message = { by: this.#publisher, kind: 'publish', payload, seq, topic, ...(key && { key }) } as const;
    void this.#send(message, { ...headers }, open);
    return () => open.end(undefined);
  }

  /** The link is gone. */
  end(why: Problem): void {
    for (const open of [...this.#open.values()]) open.end(why);
  }

  async #send(message: Omit<PublishRequest, 'headers'>, headers: Record<string, string>, open: Open): Promise<void> {
    try {
      headers[REPLY_TO] = await this.#opened();
      if (this.#open.get(`${message.by}/${message.seq}`) !== open) return;
      const { local = 0, nodes = 0, waiting = 0 } = await this.#link.publishRequest({ ...message, headers }, {});
      if (local + nodes + waiting === 0) open.end(problem('no-responders', `nobody listens to ${message.topic}`));
    } catch (error) {
      open.end(error instanceof ProblemError ? error.problem : problem('internal', String(error)));
    }
  }

  #opened(): Promise<string> {
    this.#inbox ??= this.#subscribe().catch((error: unknown) => {
      this.#inbox = undefined;
      throw error;
    });
    return this.#inbox;
  }

  async #subscribe(): Promise<string> {
    const topic = `${INBOX}.${this.#link.nodeId}.${token()}`;
    const onMessage = (message: TopicMessage) => this.#replied(message);
    const inbox = await this.#link.subscribe(topic, { ...INBOX_LIMITS, onMessage });
    inbox.closed.catch(() => undefined); // the link has ended, which is told by `end`
    return topic;
  }

  #replied(message: TopicMessage): void {
    const open = this.#open.get(message.headers[REPLY_OF] ?? '');
    if (open === undefined) return;
    if (message.headers[REPLY_PROBLEM] !== undefined) {
      open.end(problemIn(message));
      return;
    }
    open.asker.reply(message);
    if (--open.left <= 0) open.end(undefined);
  }
}

function problemIn({ headers, payload }: TopicMessage): Problem {
  const told = payload as Partial<Problem> | null;
  if (typeof told?.code === 'string' && typeof told.message === 'string') return told as Problem;
  return problem('function-failed', `refused: ${headers[REPLY_PROBLEM]}`);
}

function tooLate(topic: string, ms: number): Problem {
  const hint = 'Somebody listens, and may have taken it. Allow more time with --timeout.\nmpreg topic match TOPIC';
  return problem('timed-out', `nobody replied to the message for ${topic} within ${ms} ms`, { hint });
}

function token(): string {
  return Buffer.from(systemEntropy.bytes(16)).toString('base64url');
}

export const REQUEST_MS = 10_000;
/** Replies to thousands of requests that come at once. */
const INBOX_LIMITS = { bytesMax: 64 * 1024 * 1024, messagesMax: 1_000_000 } as const;
