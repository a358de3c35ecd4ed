import type { NodeId } from '../base/ids.ts';
import type { Over } from '../base/over.ts';
import type { Payload } from '../base/payload.ts';
import type { Problem } from '../base/problems.ts';

/**
 * One call of one function, from a client to a node or from that node to the one that runs it.
 * The payload is `Arguments`; a node that passes the call on does not look into it.
 */
export interface CallMessage {
  readonly kind: 'call';
  /** Chosen by the sender, unique among its calls on this link; every answer carries it. */
  readonly id: number;
  readonly fun: string;
  /** Resources that the function or its node must have, all of them. */
  readonly locs: readonly string[];
  /** Run it on this node (name or id) and no other. */
  readonly node?: string;
  /** A range of versions, as npm has them; of those on offer in it, the highest is taken. */
  readonly version?: string;
  readonly functionId?: string;
  /** Milliseconds that are left; 0: as long as it takes. Whole durations travel, not instants: clocks differ. */
  readonly timeoutMs: number;
  /** True on a node's way to the node that runs it: run it or refuse it, do not pass it on. */
  readonly routed: boolean;
  readonly idempotent: boolean;
  /** The step of a plan it is, for errors and logs. */
  readonly step?: string;
  /** Between nodes: an `Errand`, where the node that runs this step does more of its plan's work than that. */
  readonly errand?: Payload;
  /** With an errand: the steps of its chain behind this one, each a packed `ChainStep`. */
  readonly following?: readonly Payload[];
  readonly payload: Payload;
  /** How many calls it is nested in: 1 where a function makes it that a client called. Absent: a client makes it. */
  readonly depth?: number;
  /** The asker says `more` for the items that it takes: no others than those it has room for are made. */
  readonly paced?: boolean;
  /** A cluster by its id: run it there and nowhere else. */
  readonly cluster?: string;
  /** Run it in a cluster of this region. */
  readonly region?: string;
  /** From a node to a hub of its own cluster: place it, here or in another cluster. */
  readonly abroad?: true;
  /** It may not leave the cluster, which is where it came to. */
  readonly scope?: 'cluster';
  /** Between hubs. */
  readonly over?: Over;
  /** Header fields of a newer version, passed on as they came. */
  readonly rest?: readonly unknown[];
}

/** What a call's payload holds. */
export interface Arguments {
  readonly args: readonly unknown[];
  readonly kwargs?: Readonly<Record<string, unknown>>;
}

export type CallsMessage =
  | CallMessage
  /** Several steps at once; the payload is the plan document, as `plan.ts` reads it. */
  | { readonly kind: 'plan'; readonly id: number; readonly timeoutMs: number; readonly payload: Payload }
  | ResultMessage
  /** One item of a stream; the result comes after the last. */
  | { readonly kind: 'item'; readonly id: number; readonly payload: Payload; readonly over?: Over }
  | ErrorMessage
  /** The asker has taken so many items of a paced call: as many more may come. */
  | { readonly kind: 'more'; readonly id: number; readonly items: number; readonly over?: Over }
  /** The asker no longer wants it. `at`: whose chain it is, where not the sender's. */
  | {
      readonly kind: 'cancel';
      readonly id: number;
      readonly reason: string;
      readonly at?: NodeId;
      readonly over?: Over;
    }
  /** Said by a node that has had a chain for a while, to the one that waits for its end: these steps are done. */
  | {
      readonly kind: 'holding';
      readonly id: number;
      /** The plan for which values may be held there. */
      readonly plan: number;
      /** How often it was handed on. */
      readonly hops: number;
      readonly trail: readonly Passed[];
      /** It has been passed on, to this node. */
      readonly to?: NodeId;
    }
  /**
   * Said by a hub to the node of its cluster that has given it a call: where that is now, it may be repeated, or not any more. Why it is
   * said before the answer: if the hub is lost, nobody else could say so.
   */
  | { readonly kind: 'placed'; readonly id: number; readonly idempotent: boolean }
  /** A plan has ended: its values need not be held any longer. */
  | { readonly kind: 'drop'; readonly plan: number };

export type AnswerMessage = ResultMessage | ErrorMessage | Extract<CallsMessage, { readonly kind: 'item' }>;

/** The value of a call, or the `PlanReply` of a plan. `by` is the name of the node that ran it. */
export interface ResultMessage {
  readonly kind: 'result';
  readonly id: number;
  readonly by: string;
  readonly payload: Payload;
  /** The value stays where it is; the payload is nothing. */
  readonly held?: true;
  /** Of a step that came with an errand: the plan for which values may be held there. */
  readonly plan?: number;
  /** Of a chain: the steps before the last. */
  readonly trail?: readonly Passed[];
  /** The cluster of the node that ran it, where that is another. */
  readonly cluster?: string;
  readonly over?: Over;
}

export interface ErrorMessage {
  readonly kind: 'error';
  readonly id: number;
  readonly problem: Problem;
  readonly plan?: number;
  /** Of a chain: the steps before the one that failed. */
  readonly trail?: readonly Passed[];
  readonly over?: Over;
}

/** A step of a chain that is done: the name of the node that ran it, and the milliseconds that it took there. */
export interface Passed {
  readonly node: string;
  readonly ms: number;
  /** The node that keeps its value, where one does. */
  readonly at?: NodeId;
}

/** How one step of a plan went. */
export interface StepOutcome {
  readonly name: string;
  readonly fun: string;
  readonly state: 'done' | 'failed' | 'skipped' | 'cancelled';
  /** Its value was given with the plan: it was not run. */
  readonly reused?: true;
  /** The name of the node that ran it. */
  readonly node?: string;
  /** Milliseconds from the plan's start to the step's, and what the step took, as the coordinator saw it. */
  readonly startedMs?: number;
  readonly tookMs?: number;
  readonly problem?: Problem;
  /** For skipped: the step whose failure was the reason. */
  readonly because?: string;
}

/** The whole answer to a plan. */
export interface PlanReply {
  readonly results: Readonly<Record<string, unknown>>;
  readonly steps: readonly StepOutcome[];
  readonly tookMs: number;
  /** The first thing that went wrong, where anything did: with `onError: "continue"`, other steps went on. */
  readonly problem?: Problem;
  /**
   * Where a resumable plan failed: what the steps gave that are done and no results. A plan with these and the results
   * as its `done` goes on from here. Limit: values beyond `resumeBytesMax` are left out, and their steps run again.
   */
  readonly values?: Readonly<Record<string, unknown>>;
}

/** Why by hand: it is asked of every message. */
export function isAboutCalls(message: { readonly kind: string }): message is CallsMessage {
  switch (message.kind as CallsMessage['kind']) {
    case 'call':
    case 'result':
    case 'item':
    case 'error':
    case 'cancel':
    case 'more':
    case 'plan':
    case 'holding':
    case 'drop':
    case 'placed':
      return true;
    default:
      return false;
  }
}
