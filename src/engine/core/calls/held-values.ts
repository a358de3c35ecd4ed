import type { NodeId } from '../base/ids.ts';
import { getOrMake } from '../base/maps.ts';
import { done, failed, type Outcome } from '../base/outcome.ts';
import type { Payload } from '../base/payload.ts';
import { type Problem, problem } from '../base/problems.ts';
import type { CallsParts } from './calls-parts.ts';
import type { Errand } from './errand.ts';

const HINT =
  'Run fewer such plans at once, or give the node more.\nmpreg node start --plan-memory 1024 # MiB; without it 256';

/** Whose value it is: the node that runs the plan, its number of the plan, and the step's name. */
export interface ValueName {
  readonly at: NodeId;
  readonly plan: number;
  readonly step: string;
}

type HeldParts = Pick<CallsParts, 'name' | 'options' | 'payload' | 'self'>;

interface Held {
  readonly payload: Payload;
  /** It came from another node, and can be had there again. */
  readonly fetched: boolean;
}

/**
 * Values of steps that stay where they came to be, or where they were fetched to, until their plan ends.
 *
 * Invariants:
 * - all values together take at most `heldBytesMax`;
 * - nothing is held of a plan that was dropped, nor for a node that is gone.
 */
export class HeldValues {
  readonly #parts: HeldParts;
  readonly #plans = new Map<NodeId, Map<number, Map<string, Held>>>();
  #count = 0;
  #bytes = 0;

  constructor(parts: HeldParts) {
    this.#parts = parts;
  }

  get count(): number {
    return this.#count;
  }

  /** Whether anything is held for a node's plans. */
  isFor(node: NodeId): boolean {
    return this.#plans.has(node);
  }

  /** The plan that an errand is for, where anything is held for it. */
  planOf(errand: Errand | undefined): number | undefined {
    return errand !== undefined && this.#plans.get(errand.at)?.has(errand.plan) ? errand.plan : undefined;
  }

  get({ at, plan, step }: ValueName): Payload | undefined {
    return this.#plans.get(at)?.get(plan)?.get(step)?.payload;
  }

  /**
   * What is sent in the place of a value that a step gave: nothing, where the value is large and may stay here; then it
   * is held, or the problem says why it cannot be. Undefined: the value itself is sent.
   */
  hold({ at, plan, hold }: Errand, step: string, payload: Payload): Outcome<Payload> | undefined {
    const { options, self } = this.#parts;
    if (!hold || at === self || payload.size <= options.holdBytesMin) return undefined;
    const why = this.put({ at, plan, step }, payload, false);
    return why === undefined ? done(this.#parts.payload(null)) : failed(why);
  }

  /** Holds a value, or says why not. */
  put({ at, plan, step }: ValueName, payload: Payload, fetched: boolean): Problem | undefined {
    const values = getOrMake(
      getOrMake(this.#plans, at, () => new Map()),
      plan,
      () => new Map(),
    );
    const before = values.get(step)?.payload.size ?? 0;
    const bytes = this.#bytes - before + payload.size;
    const { heldBytesMax } = this.#parts.options;
    if (bytes > heldBytesMax) {
      this.#prune(at, plan);
      const node = this.#parts.name();
      const text = `the value of ${step} (${payload.size} bytes) does not fit beside the ${this.#bytes} bytes that plans keep on ${node} already; the limit is ${heldBytesMax}`;
      return problem('limit-exceeded', text, { hint: HINT, node, outcome: 'unknown' });
    }
    if (!values.has(step)) this.#count++;
    this.#bytes = bytes;
    values.set(step, { fetched, payload });
    return undefined;
  }

  /** A plan has ended; with `fetchedOnly`, what came to be here stays. */
  drop(at: NodeId, plan: number, fetchedOnly = false): void {
    const values = this.#plans.get(at)?.get(plan);
    for (const [step, { payload, fetched }] of values ?? []) {
      if (fetchedOnly && !fetched) continue;
      values?.delete(step);
      this.#bytes -= payload.size;
      this.#count--;
    }
    this.#prune(at, plan);
  }

  /** A node is gone, and all its plans with it. */
  dropAll(at: NodeId): void {
    for (const plan of [...(this.#plans.get(at)?.keys() ?? [])]) this.drop(at, plan);
  }

  #prune(at: NodeId, plan: number): void {
    const plans = this.#plans.get(at);
    if (plans?.get(plan)?.size === 0) plans.delete(plan);
    if (plans?.size === 0) this.#plans.delete(at);
  }
}
