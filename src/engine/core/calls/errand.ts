import type { Address, NodeId } from '../base/ids.ts';
import { done, failed, type Outcome } from '../base/outcome.ts';
import type { Payload } from '../base/payload.ts';
import { problem } from '../base/problems.ts';
import type { CallMessage, Passed } from './messages.ts';
import { isPlainObject } from './references.ts';

/**
 * What a step's call carries beside its arguments, where the node that runs it does some of the plan's work itself: it
 * fetches values that the arguments refer to, keeps the value that comes of it, and goes on with the steps that follow.
 *
 *     coordinator ── call a, then b, c ──► node 1 ── call b, then c ──► node 2 ── call c ──► node 3
 *          ▲                                                                                   │
 *          └──────────────────────────── result of c, by way of a and b ───────────────────────┘
 */
export interface Errand {
  /** The node whose plan it is, and where it listens. */
  readonly at: NodeId;
  readonly address: Address;
  /** The number that the plan has there: values are held under it. */
  readonly plan: number;
  /** The value that comes of it may stay with the node that ran the step, if it is large. */
  readonly hold: boolean;
  /** It stays in any case, though it is also sent on: the plan can be resumed. */
  readonly keep: boolean;
  /** The arguments are a template that refers to these. */
  readonly inputs: readonly Input[];
  readonly chain?: Chain;
}

/** A value that another node holds. */
export interface Input {
  /** The step that gave it. */
  readonly step: string;
  readonly node: NodeId;
}

/**
 * A run of steps that travels from node to node: whoever has it has the duty to run its step, to try elsewhere, and to
 * pass on the rest. Nobody else keeps a copy.
 */
export interface Chain {
  /** The number under which the plan's node waits for its end. */
  readonly ward: number;
  /** How often it was handed on: of two words about where it is, the one with more hops is newer. */
  readonly hops: number;
  /** Milliseconds that are left of the plan; 0: as long as it takes. */
  readonly leftMs: number;
  /** Milliseconds that nodes have had it since the plan's node last heard where it is. */
  readonly quietMs: number;
  /** What follows, in order: each step needs the value of the one before. */
  readonly steps: readonly ChainStep[];
  /** The steps that are done. */
  readonly trail: readonly Passed[];
  /** Nodes on which the step at hand was tried. */
  readonly tried: readonly NodeId[];
  /** Whether one of them may have done it. */
  readonly doubtful: boolean;
  /** How often the step at hand may be tried again after it failed, and has been. */
  readonly retriesLeft: number;
  readonly retriesMade: number;
}

/** A step that waits for the one before it. Its arguments are a template: what it refers to is that step's value. */
export interface ChainStep {
  readonly name: string;
  /** Where it stands in the plan, for messages: `steps[3]`. */
  readonly where: string;
  readonly fun: string;
  readonly args: unknown;
  readonly kwargs?: unknown;
  readonly locs: readonly string[];
  readonly version?: string;
  readonly functionId?: string;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly idempotent: boolean;
  /** Its value may stay where it was made, if it is large. */
  readonly hold: boolean;
}

/** Reads what a peer sent. */
export function readErrand(payload: Payload): Outcome<Errand> {
  const value = payload.value();
  if (!value.ok) return value;
  return isErrand(value.value)
    ? done(value.value)
    : failed(problem('protocol-violated', 'what a call says of its plan cannot be understood'));
}

/** Whether a call that has not left yet is what a cancellation, which would overtake it, is about. */
export function isCancelledBy(
  { id, at }: { readonly id: number; readonly at?: NodeId },
  self: NodeId,
  waiting: { readonly kind: string },
): boolean {
  if (waiting.kind !== 'call') return false;
  const call = waiting as CallMessage;
  const errand = call.errand === undefined ? undefined : readErrand(call.errand);
  if (!errand?.ok || errand.value.chain === undefined) return at === undefined && call.id === id;
  return errand.value.chain.ward === id && errand.value.at === (at ?? self);
}

function isErrand(value: unknown): value is Errand {
  if (!isPlainObject(value)) return false;
  const { at, address, plan, hold, keep, inputs, chain } = value;
  return (
    typeof at === 'string' &&
    typeof address === 'string' &&
    isCount(plan) &&
    typeof hold === 'boolean' &&
    typeof keep === 'boolean' &&
    isListOf(inputs, isInput) &&
    (chain === undefined || isChain(chain))
  );
}

function isInput(value: unknown): boolean {
  return isPlainObject(value) && typeof value['step'] === 'string' && typeof value['node'] === 'string';
}

function isChain(value: unknown): boolean {
  if (!isPlainObject(value)) return false;
  const { ward, hops, leftMs, quietMs, steps, trail, tried, doubtful, retriesLeft, retriesMade } = value;
  return (
    isCount(ward) &&
    isCount(hops) &&
    isCount(leftMs) &&
    isCount(quietMs) &&
    isListOf(steps, isStep) &&
    isListOf(trail, isPassed) &&
    isListOf(tried, (id) => typeof id === 'string') &&
    typeof doubtful === 'boolean' &&
    isCount(retriesLeft) &&
    isCount(retriesMade)
  );
}

function isPassed(value: unknown): boolean {
  return isPlainObject(value) && typeof value['node'] === 'string' && isCount(value['ms']);
}

function isStep(value: unknown): boolean {
  if (!isPlainObject(value)) return false;
  const { name, where, fun, args, locs, version, functionId, timeoutMs, retries, idempotent, hold } = value;
  const isText = (text: unknown) => typeof text === 'string';
  return (
    [name, where, fun].every(isText) &&
    Array.isArray(args) &&
    isListOf(locs, isText) &&
    [version, functionId].every((text) => text === undefined || isText(text)) &&
    [timeoutMs, retries].every(isCount) &&
    [idempotent, hold].every((flag) => typeof flag === 'boolean')
  );
}

function isListOf(value: unknown, fits: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(fits);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
