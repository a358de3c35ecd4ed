/**
 * Calls one function of this node with the messages of topics, as a member of its group.
 *
 *     message ──► a place is free? ──► the function ──► done: acknowledged
 *                  │ no: it waits where it is            │ it failed
 *                  │                                     ├──► a pause, and again, up to `attempts`
 *                  └── at the publisher's node           └──► the dead-letter topic, with the reason: acknowledged
 *
 * It has no more messages than the function may run at once, pauses before another attempt included. What it has when it
 * closes is finished first; what its node has when that is killed goes to another member.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { didNotHappen, type Problem, problem } from '../../core/base/problems.ts';
import { ProblemError } from '../../problem-error.ts';
import type { Subscription, TopicMessage } from '../../topics-api.ts';
import type { LinkClient } from '../client.ts';
import type { Trigger, TriggerMessage } from '../functions/trigger.ts';
import type { Log } from '../node-host.ts';

export interface TriggerOptions {
  readonly fun: string;
  readonly trigger: Trigger;
  readonly concurrency: number;
  /** Of this node. */
  readonly node: { readonly id: string; readonly name: string };
  readonly open: (name: string) => Promise<LinkClient>;
  readonly log: Log;
}

export class FunctionTrigger {
  readonly #options: TriggerOptions;
  readonly #ending = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #subscription: Subscription | undefined;

  constructor(options: TriggerOptions) {
    this.#options = options;
    void this.#live();
  }

  /** Takes no more messages; what runs is finished, what waits to be tried again is given back. */
  async close(): Promise<void> {
    this.#ending.abort();
    await Promise.all(this.#running);
    await this.#subscription?.close();
  }

  async #live(): Promise<void> {
    const { fun, log } = this.#options;
    const { signal } = this.#ending;
    while (!signal.aborted) {
      try {
        await this.#listen();
      } catch (error) {
        if (!signal.aborted) log('warn', `${fun} is triggered by nothing for a moment: ${textOf(error)}`);
      }
      await pause(AGAIN_MS, undefined, { ref: false, signal }).catch(() => undefined);
    }
  }

  async #listen(): Promise<void> {
    const { fun, open, trigger } = this.#options;
    const { signal } = this.#ending;
    const window = Math.min(this.#options.concurrency, WINDOW_MAX);
    const client = await open(`function ${fun}`);
    try {
      const { group, on } = trigger;
      const subscription = await client.subscribe(on, { ack: 'manual', group, window });
      this.#subscription = subscription;
      if (signal.aborted) await subscription.close();
      for await (const message of subscription) {
        if (signal.aborted) continue; // it goes to another when this is over
        const working = this.#work(client, message).finally(() => this.#running.delete(working));
        this.#running.add(working);
        while (this.#running.size >= window) await Promise.race(this.#running);
      }
      await Promise.all(this.#running);
    } finally {
      await client.close();
    }
  }

  async #work(client: LinkClient, message: TopicMessage): Promise<void> {
    const { fun, log, trigger } = this.#options;
    const { signal } = this.#ending;
    if (message.attempt > GIVEN_BACK_MAX) {
      const why = problem('worker-died', `whoever had it gave it back ${GIVEN_BACK_MAX} times, or died of it`);
      return this.#bury(client, message, why, 0);
    }
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#call(client, message, attempt);
      if (!('code' in outcome)) {
        if (message.wantsReply) await message.reply(outcome.value).catch(() => undefined);
        message.ack();
        return;
      }
      if (outcome.code === 'overloaded' && didNotHappen(outcome)) attempt--;
      else if (attempt >= trigger.retry.attempts || FOR_GOOD.has(outcome.code)) {
        return this.#bury(client, message, outcome, attempt);
      }
      log('warn', `${fun} failed with a message of ${message.topic}, and is called again: ${outcome.message}`);
      await pause(this.#pauseMs(attempt), undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return message.nack();
    }
  }

  /** Here; where the node takes no new work any more, wherever else the function is. */
  async #call(
    client: LinkClient,
    { attempt: times, headers, id, payload, publisher, time, topic }: TopicMessage,
    again: number,
  ): Promise<{ readonly value: unknown } | Problem> {
    const { fun, node } = this.#options;
    const attempt = times - 1 + again;
    const about: TriggerMessage = { attempt, headers, id, publisher, time, topic };
    const args = [payload, about];
    try {
      try {
        return await client.ask(fun, args, { node: node.id });
      } catch (error) {
        if (!(error instanceof ProblemError && ELSEWHERE.has(error.code) && didNotHappen(error.problem))) throw error;
        return await client.ask(fun, args);
      }
    } catch (error) {
      return error instanceof ProblemError ? error.problem : problem('internal', textOf(error));
    }
  }

  async #bury(client: LinkClient, message: TopicMessage, why: Problem, attempts: number): Promise<void> {
    const { fun, log, node, trigger } = this.#options;
    const { deadLetter } = trigger;
    if (message.wantsReply) await message.refuse(new ProblemError(why)).catch(() => undefined);
    const about = { fun, id: message.id, topic: message.topic };
    const text = `${fun} failed with a message of ${message.topic} ${attempts} times: ${why.message}`;
    if (deadLetter === undefined) {
      log('error', `${text}; it has no dead-letter topic, so the message is lost`, about);
      message.ack();
      return;
    }
    const headers = {
      ...Object.fromEntries(Object.entries(message.headers).slice(0, HEADERS_KEPT)),
      'mpreg-attempts': `${attempts}`,
      'mpreg-code': why.code,
      'mpreg-function': fun,
      'mpreg-id': message.id,
      'mpreg-node': node.name,
      'mpreg-reason': why.message.slice(0, REASON_MAX),
      'mpreg-topic': message.topic,
    };
    try {
      const {
        kept,
        local = 0,
        nodes = 0,
        waiting = 0,
      } = await client.publish(deadLetter, message.payload, { headers });
      const heard = local + nodes + waiting > 0 || kept !== undefined ? '' : ', where nobody listens';
      log(heard === '' ? 'warn' : 'error', `${text}; it is published to ${deadLetter}${heard}`, about);
      message.ack();
    } catch (error) {
      log('error', `${text}; it could not be published to ${deadLetter}, and comes again: ${textOf(error)}`, about);
      message.nack();
    }
  }

  /** Why more or less: those that failed together should not come again together. */
  #pauseMs(attempt: number): number {
    const { backoffMs, backoffMsMax } = this.#options.trigger.retry;
    return Math.min(backoffMsMax, backoffMs * 2 ** (attempt - 1)) * (0.75 + Math.random() / 2);
  }
}

const AGAIN_MS = 1_000;
/** Messages of one function on one node at once, whatever its concurrency. */
const WINDOW_MAX = 512;
const GIVEN_BACK_MAX = 10;
/** Of the 64 that a message may have, what the reasons leave. */
const HEADERS_KEPT = 56;
const REASON_MAX = 1_000;
/** What no repetition will change. */
const FOR_GOOD: ReadonlySet<string> = new Set([
  'input-invalid',
  'result-unencodable',
  'result-invalid',
  'usage-invalid',
]);
const ELSEWHERE: ReadonlySet<string> = new Set(['node-stopping', 'not-here', 'function-unknown']);

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
