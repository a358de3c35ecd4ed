import { problem } from '../../core/base/problems.ts';
import { ProblemError } from '../../problem-error.ts';
import type { Published, PublishOptions, TopicMessage } from '../../topics-api.ts';

/** On a message: the topic on which its publisher hears answers. On an answer: which message, and whether it failed. */
export const REPLY_TO = 'mpreg-reply';
export const REPLY_OF = 'mpreg-of';
export const REPLY_PROBLEM = 'mpreg-problem';

export type Publish = (topic: string, payload: unknown, options: PublishOptions) => Promise<Published>;

/** What is said of a message, and of those before it. */
export interface About {
  readonly headers: Readonly<Record<string, string>>;
  readonly interrupted: boolean;
  readonly missed: number;
  readonly publish: Publish;
  readonly attempt?: number | undefined;
  readonly retained?: boolean | undefined;
  readonly sequence?: number | undefined;
  readonly position?: string | undefined;
  /** Hears once whether it is done or refused. */
  readonly settle?: ((done: boolean) => void) | undefined;
}

/** A message as its subscriber has it: data, and what can be done about it. */
export class ReceivedMessage implements TopicMessage {
  readonly headers: Readonly<Record<string, string>>;
  readonly id: string;
  readonly interrupted: boolean;
  readonly missed: number;
  readonly payload: unknown;
  readonly publisher: string;
  readonly time: number;
  readonly topic: string;
  readonly attempt: number;
  readonly redelivered: boolean;
  readonly retained: boolean;
  // Why only declared: who copies a message copies no field that it has not.
  declare readonly sequence?: number;
  declare readonly position?: string;
  readonly #publish: Publish;
  #settle: ((done: boolean) => void) | undefined;
  #replied = false;

  constructor(
    { at, by, topic }: { readonly by: string; readonly at: number; readonly topic: string },
    seq: number,
    payload: unknown,
    { attempt = 1, headers, interrupted, missed, position, publish, retained = false, sequence, settle }: About,
  ) {
    this.attempt = attempt;
    this.redelivered = attempt > 1;
    this.retained = retained;
    this.headers = headers;
    this.id = `${by}/${seq}`;
    this.interrupted = interrupted;
    this.missed = missed;
    this.payload = payload;
    this.publisher = by;
    this.time = at;
    this.topic = topic;
    this.#settle = settle;
    this.#publish = publish;
    if (sequence !== undefined) this.sequence = sequence;
    if (position !== undefined) this.position = position;
  }

  ack(): void {
    this.#settleOnce(true);
  }

  nack(): void {
    this.#settleOnce(false);
  }

  get wantsReply(): boolean {
    return !this.#replied && this.headers[REPLY_TO] !== undefined;
  }

  reply(value: unknown): Promise<void> {
    return this.#answer(value, {});
  }

  refuse(why: ProblemError): Promise<void> {
    return this.#answer(why.problem, { [REPLY_PROBLEM]: why.code });
  }

  #settleOnce(done: boolean): void {
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.(done);
  }

  async #answer(value: unknown, headers: Readonly<Record<string, string>>): Promise<void> {
    const to = this.headers[REPLY_TO];
    if (to === undefined) throw new ProblemError(problem('usage-invalid', `nobody waits for a reply to ${this.id}`));
    this.#replied = true;
    try {
      await this.#publish(to, value, { confirm: false, headers: { ...headers, [REPLY_OF]: this.id } });
    } catch (error) {
      this.#replied = false;
      throw error;
    }
  }
}
