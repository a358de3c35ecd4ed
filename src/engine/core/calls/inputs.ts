import type { NodeId } from '../base/ids.ts';
import type { Instant } from '../base/instant.ts';
import { done, failed, type Outcome } from '../base/outcome.ts';
import type { Payload } from '../base/payload.ts';
import { type Problem, problem } from '../base/problems.ts';
import type { Desk } from './desk.ts';
import type { HeldValues, ValueName } from './held-values.ts';
import type { Duty, Job, Origin } from './jobs.ts';
import type { CallMessage } from './messages.ts';
import { substitute } from './references.ts';
import { argumentsOf, type Template } from './step-arguments.ts';
import { VALUE } from './step-call.ts';

export interface InputsParts {
  begin(origin: Origin, call: CallMessage, now: Instant): void;
  place(job: Job, now: Instant): void;
  fail(job: Job, why: Problem, now: Instant): void;
  isOpen(job: Job): boolean;
}

/** Somebody who waits for a value. */
export interface Waiting {
  isOpen(): boolean;
  hear(came: Outcome<Payload>, now: Instant): void;
}

/**
 * Values that a step's arguments refer to and other nodes hold: fetched from there, once for all steps of a plan that
 * run on this node, and put in when all have come.
 *
 * Invariant: for each value that is not here there is at most one fetch under way; whoever waits for it is told.
 */
export class Inputs {
  readonly #desk: Desk;
  readonly #held: HeldValues;
  readonly #parts: InputsParts;
  /** Who waits for a value that is on its way. */
  readonly #fetches = new Map<string, { readonly name: ValueName; readonly waiting: Waiting[] }>();

  constructor(desk: Desk, held: HeldValues, parts: InputsParts) {
    this.#desk = desk;
    this.#held = held;
    this.#parts = parts;
  }

  /** Whether the arguments are complete, or can be completed now. Where not, the job is placed again, or fails. */
  isComplete(job: Job, now: Instant): boolean {
    const { duty } = job;
    if (duty === undefined || duty.errand.inputs.length === 0) return true;
    const { at, plan, inputs } = duty.errand;
    const missing = inputs.filter(({ step }) => this.#valueOf(duty, step) === undefined);
    for (const { step, node } of missing) {
      if (!this.#parts.isOpen(job)) break;
      this.fetch({ at, plan, step }, node, this.#waitFor(job), 0, now);
    }
    return missing.length === 0 && this.#complete(job, duty, now);
  }

  /** Asks a node for a value that it holds; `waiting` hears what came of that, and is asked before whether it still wants to. */
  fetch(name: ValueName, node: NodeId, waiting: Waiting, timeoutMs: number, now: Instant): void {
    const { at, plan, step } = name;
    const key = `${at} ${plan} ${step}`;
    const fetch = this.#fetches.get(key);
    if (fetch !== undefined) {
      fetch.waiting.push(waiting);
    } else if (node === this.#desk.parts.self) {
      const value = this.#held.get(name);
      waiting.hear(value === undefined ? failed(gone(step)) : done(value), now);
    } else {
      this.#fetches.set(key, { name, waiting: [waiting] });
      this.#parts.begin({ fetch: key }, this.#call(node, [at, plan, step], timeoutMs), now);
    }
  }

  /** A fetch has ended. */
  arrived(key: string, answer: Outcome<Payload>, now: Instant): void {
    const fetch = this.#fetches.get(key);
    this.#fetches.delete(key);
    if (fetch === undefined || !fetch.waiting.some((waiting) => waiting.isOpen())) return;
    const why = answer.ok ? this.#held.put(fetch.name, answer.value, true) : gone(fetch.name.step, answer.problem);
    const came = why === undefined ? answer : failed({ ...why, outcome: 'did-not-happen' });
    for (const waiting of fetch.waiting) if (waiting.isOpen()) waiting.hear(came, now);
  }

  /** A step that is placed again when the value has come; where others are still missing, it asks for them anew. */
  #waitFor(job: Job): Waiting {
    return {
      isOpen: () => this.#parts.isOpen(job) && job.task === undefined,
      hear: (came, now) => (came.ok ? this.#parts.place(job, now) : this.#parts.fail(job, came.problem, now)),
    };
  }

  #call(node: NodeId, args: readonly unknown[], timeoutMs: number): CallMessage {
    const payload = this.#desk.parts.payload({ args });
    return { fun: VALUE, id: 0, idempotent: true, kind: 'call', locs: [], node, payload, routed: false, timeoutMs };
  }

  #complete(job: Job, duty: Duty, now: Instant): boolean {
    const { inputs } = duty.errand;
    const values = new Map<string, unknown>();
    for (const { step } of inputs) {
      const value = this.#valueOf(duty, step)?.value();
      if (value?.ok) values.set(step, value.value);
    }
    const put = (value: unknown, at: string) => substitute(value, at, values, new Set(values.keys()), 'explicit');
    const template = job.call.payload.value();
    const args = template.ok ? argumentsOf(template.value as Template, `step ${job.call.step}`, put) : template;
    if (!args.ok) {
      this.#parts.fail(job, args.problem, now);
      return false;
    }
    job.call = { ...job.call, payload: this.#desk.parts.payload(args.value) };
    duty.errand = { ...duty.errand, inputs: [] };
    return true;
  }

  #valueOf({ errand }: Duty, step: string): Payload | undefined {
    return this.#held.get({ at: errand.at, plan: errand.plan, step });
  }
}

/** What a node answers that is asked for a value. */
export function valueAsked({ payload }: CallMessage, held: HeldValues): Outcome<Payload> {
  const asked = payload.value();
  const [at, plan, step] = asked.ok ? ((asked.value as { args?: readonly unknown[] }).args ?? []) : [];
  const value = held.get({ at: String(at), plan: Number(plan), step: String(step) });
  return value === undefined ? failed(gone(String(step))) : done(value);
}

function gone(step: string, cause?: Problem): Problem {
  const why = cause === undefined ? 'the node that made it no longer holds it' : cause.message;
  return problem('value-lost', `the value of ${step} is gone: ${why}`, { path: step });
}
