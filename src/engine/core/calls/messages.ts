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
  readonly payload: Payload;
  /** How many calls it is nested in: 1 where a function makes it that a client called. Absent: a client makes it. */
  readonly depth?: number;
  /** The asker says `more` for the items that it takes: no others than those it has room for are made. */
  readonly paced?: boolean;
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
  /** The value of a call, or the `PlanReply` of a plan. `by` is the name of the node that ran it. */
  | { readonly kind: 'result'; readonly id: number; readonly by: string; readonly payload: Payload }
  /** One item of a stream; the result comes after the last. */
  | { readonly kind: 'item'; readonly id: number; readonly payload: Payload }
  | { readonly kind: 'error'; readonly id: number; readonly problem: Problem }
  /** The asker has taken so many items of a paced call: as many more may come. */
  | { readonly kind: 'more'; readonly id: number; readonly items: number }
  /** The asker no longer wants it. */
  | { readonly kind: 'cancel'; readonly id: number; readonly reason: string };

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
