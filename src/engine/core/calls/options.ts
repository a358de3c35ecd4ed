/** Limits of calls and plans. */
export interface CallsOptions {
  /** Calls that one node handles at once, its own and passed on; one more is `overloaded`. A call costs about 1 KiB. */
  readonly callsMax: number;
  /** Steps of one plan. More: larger plans in one request. Fewer: a bound on what one request can cost. */
  readonly stepsMax: number;
  /** How deep arguments may be nested. */
  readonly depthMax: number;
  /** Steps of one plan that are under way at once. More: more parallel. Fewer: one plan cannot crowd out others. */
  readonly stepsAtOnceMax: number;
  /** Nodes that one call is tried on before its problem goes to the caller. */
  readonly attemptsMax: number;
}

export const DEFAULT_CALLS: CallsOptions = {
  attemptsMax: 4,
  callsMax: 100_000,
  depthMax: 100,
  stepsAtOnceMax: 1_024,
  stepsMax: 100_000,
};
