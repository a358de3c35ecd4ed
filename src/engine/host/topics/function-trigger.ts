/**
 * Calls one function of this node with the messages of topics, as a member of its group.
 *
 *     message ──► a place is free? ──► the function ──► done
 *                  │ no: the subscription waits          │ it failed
 *                  │                                     ├──► a pause, and again, up to `attempts`
 *                  └── publishers are held by `block`    └──► the dead-letter topic, with the reason in its headers
 *
 * It takes no more messages than the function may run at once, pauses before another attempt included.
 *
 * Limit: what it holds when its node is killed is lost.
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
  readonly counts = { dead: 0, done: 0, lost: 0, retried: 0 };
  readonly #options: TriggerOptions;
  readonly #ending = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #subscription: Subscription | undefined;

  constructor(options: TriggerOptions) {
    this.#options = options;
    void this.#live();
  }

  /** Takes no more messages; those that it has are still worked on. */
  close(): void {
    this.#ending.abort();
    void this.#subscription?.close();
  }

  async #live(): Promise<void> {
    const { fun, log } = this.#options;
    while (!this.#ending.signal.aborted) {
      try {
        await this.#listen();
      } catch (error) {
        if (this.#ending.signal.aborted) return;
        log('warn', `${fun} is triggered by nothing for a moment: ${textOf(error)}`);
      }
      await pause(AGAIN_MS, undefined, { ref: false, signal: this.#ending.signal }).catch(() => undefined);
    }
  }

  async #listen(): Promise<void> {
    const { concurrency, fun, open, trigger } = this.#options;
    const client = await open(`function ${fun}`);
    try {
      const subscription = await client.subscribe(trigger.on, { ack: 'none', group: trigger.group, policy: 'block' });
      this.#subscription = subscription;
      if (this.#ending.signal.aborted) await subscription.close();
      for await (const message of subscription) {
        const working = this.#work(client, message).finally(() => this.#running.delete(working));
        this.#running.add(working);
        while (this.#running.size >= concurrency) await Promise.race(this.#running);
      }
      await Promise.all(this.#running);
    } finally {
      await client.close();
    }
  }

  async #work(client: LinkClient, message: TopicMessage): Promise<void> {
    const { fun, log, trigger } = this.#options;
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#call(client, message, attempt);
      if (!('code' in outcome)) {
        this.counts.done++;
        if (message.wantsReply) await message.reply(outcome.value).catch(() => undefined);
        return;
      }
      if (outcome.code === 'overloaded' && didNotHappen(outcome)) attempt--;
      else if (attempt >= trigger.retry.attempts || FOR_GOOD.has(outcome.code)) {
        return this.#bury(client, message, outcome, attempt);
      }
      this.counts.retried++;
      log('warn', `${fun} failed with a message of ${message.topic}, and is called again: ${outcome.message}`);
      await pause(this.#pauseMs(attempt));
    }
  }

  /** Here; where the node takes no new work any more, wherever else the function is. */
  async #call(
    client: LinkClient,
    { headers, id, payload, publisher, time, topic }: TopicMessage,
    attempt: number,
  ): Promise<{ readonly value: unknown } | Problem> {
    const { fun, node } = this.#options;
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
      this.counts.lost++;
      log('error', `${text}; it has no dead-letter topic, so the message is lost`, about);
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
      this.counts.dead++;
      const heard = local + nodes + waiting > 0 || kept !== undefined ? '' : ', where nobody listens';
      log(heard === '' ? 'warn' : 'error', `${text}; it is published to ${deadLetter}${heard}`, about);
    } catch (error) {
      this.counts.lost++;
      log('error', `${text}; it could not be published to ${deadLetter}, and is lost: ${textOf(error)}`, about);
    }
  }

  /** Why more or less: those that failed together should not come again together. */
  #pauseMs(attempt: number): number {
    const { backoffMs, backoffMsMax } = this.#options.trigger.retry;
    return Math.min(backoffMsMax, backoffMs * 2 ** (attempt - 1)) * (0.75 + Math.random() / 2);
  }
}

const AGAIN_MS = 1_000;
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
