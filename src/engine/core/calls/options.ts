/** Limits of calls and plans. */
export interface CallsOptions {
  /**
   * Calls that one node handles at once, its own and passed on; one more is `overloaded`. A plan counts with its steps.
   * More: larger bursts are carried. Fewer: less memory, about 1 KiB each and what its values take.
   */
  readonly callsMax: number;
  /**
   * Calls that one client may have open on one link; one more is `overloaded`.
   * More: one connection serves a busier program. Fewer: one client cannot crowd out the others.
   */
  readonly perClientMax: number;
  /** Steps of one plan. More: larger plans in one request. Fewer: a bound on what one request can cost. */
  readonly stepsMax: number;
  /**
   * Bytes of values that the reply of a failed, resumable plan holds; steps whose values are left out run again.
   * More: less work twice. Less: replies that fit into a frame, with room for the plan that is sent with them.
   */
  readonly resumeBytesMax: number;
  /** How deep arguments may be nested. Trade-off: deeper takes more of the stack on every node that looks into them. */
  readonly depthMax: number;
  /**
   * How deep calls may be nested: a function calls one that calls one … More: deeper recursion. Fewer: functions that call
   * each other without end are ended sooner.
   */
  readonly nestedMax: number;
  /** Steps of one plan that are under way at once. More: more parallel. Fewer: one plan cannot crowd out others. */
  readonly stepsAtOnceMax: number;
  /** Nodes that one call is tried on before its problem goes to the caller. More: rides out more. Fewer: fails sooner. */
  readonly attemptsMax: number;
  /**
   * The first wait before a step is tried again; doubles with each further try, half of it is chance. More: easier on
   * what is in trouble. Less: sooner done where the trouble is short.
   */
  readonly retryMs: number;
  /** The longest such wait. More: easier on what is in trouble for long. Less: sooner done when it is over. */
  readonly retryMaxMs: number;
  /**
   * Milliseconds after which half of a node's slowness is forgotten, where it is not seen again. More: a node that was
   * slow is left alone for longer. Less: it is tried sooner, by calls that may be slow once more.
   */
  readonly latencyHalfMs: number;
}

export const DEFAULT_CALLS: CallsOptions = {
  attemptsMax: 4,
  callsMax: 100_000,
  depthMax: 100,
  latencyHalfMs: 5_000,
  nestedMax: 64,
  perClientMax: 10_000,
  resumeBytesMax: 8 << 20,
  retryMaxMs: 10_000,
  retryMs: 100,
  stepsAtOnceMax: 1_024,
  stepsMax: 100_000,
};
