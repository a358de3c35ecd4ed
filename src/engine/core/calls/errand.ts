import type { Address, NodeId } from '../base/ids.ts';
import { done, failed, type Outcome } from '../base/outcome.ts';
import type { Payload, PayloadMaker } from '../base/payload.ts';
import { problem } from '../base/problems.ts';
import type { CallMessage, Passed } from './messages.ts';
import { isCount, isFlag, isListOf, isText } from './packed.ts';

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
  /**
   * What follows, in order: each a packed `ChainStep` that needs the value of the one before.
   * Why packed: who has the chain looks into the next one alone, and passes on the others as they came.
   */
  readonly steps: readonly Payload[];
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

/** What a call carries of an errand: the steps that follow by themselves, all else as a list of its fields. */
export function packErrand(errand: Errand, payload: PayloadMaker): Pick<CallMessage, 'errand' | 'following'> {
  const { at, address, plan, hold, keep, inputs, chain } = errand;
  const fields: unknown[] = [at, address, plan, hold, keep, inputs.map(({ step, node }) => [step, node])];
  if (chain === undefined) return { errand: payload(fields) };
  const { ward, hops, leftMs, quietMs, trail, tried, doubtful, retriesLeft, retriesMade, steps } = chain;
  const passed = trail.map((done) => (done.at === undefined ? [done.node, done.ms] : [done.node, done.ms, done.at]));
  fields.push([ward, hops, leftMs, quietMs, passed, tried, doubtful, retriesLeft, retriesMade]);
  return { errand: payload(fields), ...(steps.length === 0 ? {} : { following: steps }) };
}

/** Reads what a peer sent; undefined where a call has no errand. */
export function readErrand({ errand: packed, following = [] }: CallMessage): Outcome<Errand> | undefined {
  const fields = packed?.value();
  if (fields === undefined || !fields.ok) return fields;
  if (!isErrand(fields.value)) return failed(problem('protocol-violated', UNCLEAR));
  const [at, address, plan, hold, keep, needs, packedChain] = fields.value;
  const inputs = needs.map(([step, node]) => ({ node, step }));
  if (packedChain === undefined) return done({ address, at, hold, inputs, keep, plan });
  const [ward, hops, leftMs, quietMs, passed, tried, doubtful, retriesLeft, retriesMade] = packedChain;
  const trail = passed.map(([node, ms, kept]) => (kept === undefined ? { ms, node } : { at: kept, ms, node }));
  const fared = { doubtful, retriesLeft, retriesMade, tried };
  const chain = { ...fared, hops, leftMs, quietMs, steps: following, trail, ward };
  return done({ address, at, chain, hold, inputs, keep, plan });
}

/** Whether a call that has not left yet is what a cancellation, which would overtake it, is about. */
export function isCancelledBy(
  { id, at }: { readonly id: number; readonly at?: NodeId },
  self: NodeId,
  waiting: { readonly kind: string },
): boolean {
  if (waiting.kind !== 'call') return false;
  const call = waiting as CallMessage;
  const errand = readErrand(call);
  if (!errand?.ok || errand.value.chain === undefined) return at === undefined && call.id === id;
  return errand.value.chain.ward === id && errand.value.at === (at ?? self);
}

const UNCLEAR = 'what a call says of its plan cannot be understood';

type PackedErrand = readonly [
  ...[at: NodeId, address: Address, plan: number, hold: boolean, keep: boolean],
  inputs: readonly (readonly [step: string, node: NodeId])[],
  chain?: PackedChain,
];

type PackedChain = readonly [
  ...[ward: number, hops: number, leftMs: number, quietMs: number],
  trail: readonly (readonly [node: string, ms: number, at?: NodeId])[],
  ...[tried: readonly NodeId[], doubtful: boolean, retriesLeft: number, retriesMade: number],
];

function isErrand(value: unknown): value is PackedErrand {
  if (!Array.isArray(value)) return false;
  const [at, address, plan, hold, keep, inputs, chain] = value as readonly unknown[];
  return (
    isText(at) &&
    isText(address) &&
    isCount(plan) &&
    isFlag(hold) &&
    isFlag(keep) &&
    isListOf(inputs, isInput) &&
    (chain === undefined || isChain(chain))
  );
}

function isInput(value: unknown): boolean {
  return Array.isArray(value) && isText(value[0]) && isText(value[1]);
}

function isChain(value: unknown): boolean {
  if (!Array.isArray(value)) return false;
  const [ward, hops, leftMs, quietMs, trail, tried, doubtful, retriesLeft, retriesMade] = value as readonly unknown[];
  return (
    isCount(ward) &&
    isCount(hops) &&
    isCount(leftMs) &&
    isCount(quietMs) &&
    isListOf(trail, isPassed) &&
    isListOf(tried, isText) &&
    isFlag(doubtful) &&
    isCount(retriesLeft) &&
    isCount(retriesMade)
  );
}

function isPassed(value: unknown): boolean {
  if (!Array.isArray(value)) return false;
  const [node, ms, at] = value as readonly unknown[];
  return isText(node) && isCount(ms) && (at === undefined || isText(at));
}
