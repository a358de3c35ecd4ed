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
   * Bytes of a step's value above which it stays with the node that made it until another needs it.
   * More: fewer fetches. Less: less goes through the node that runs the plan.
   */
  readonly holdBytesMin: number;
  /**
   * Bytes of values that a node holds for plans that are under way; one more is `limit-exceeded`.
   * More: larger plans. Less: a bound on what plans take of its memory.
   */
  readonly heldBytesMax: number;
  /** Bytes of arguments that one node hands to another. Trade-off: what a frame takes, less what stands beside them. */
  readonly argumentsBytesMax: number;
  /** Milliseconds for which a failed, resumable plan waits for values that others hold. More: less work twice. Less: sooner answered. */
  readonly collectMs: number;
  /** Steps that travel together from node to node. More: fewer answers on the way. Fewer: less is sent along. */
  readonly chainStepsMax: number;
  /** Bytes that travel along with a chain. More: longer chains. Less: each hand-over costs less. */
  readonly chainBytesMax: number;
  /**
   * Milliseconds that a node may have a chain before it says so. More: fewer messages for steps of middling length.
   * Less: a node that dies is noticed where it was.
   */
  readonly reportMs: number;
  /**
   * The same, of all nodes that have had it since they last said so. More: fewer messages for chains of many short steps.
   * Less: the nodes that have it are known better. Less than `graceMs`: else a chain that is well is taken for lost.
   */
  readonly quietMs: number;
  /**
   * Milliseconds that one hand-over of a chain may take on its way, on average: so much longer is waited for a word for
   * each step that is left. More: chains over longer ways and with larger values. Less: known sooner that one is lost.
   */
  readonly hopMs: number;
  /** Milliseconds without a word of where a chain is until it is lost. More: rides out more. Less: known sooner. */
  readonly silenceMs: number;
  /**
   * The same, after the node that had it is gone: it may just have passed it on. More: rides out more. Less: known sooner.
   */
  readonly graceMs: number;
  /**
   * Milliseconds that a call to another cluster waits for a hub, or a way, that was there a moment ago. More: rides out that the only
   * hub of a cluster is started again. Less: sooner told where it is gone for good.
   */
  readonly awayMs: number;
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
  argumentsBytesMax: (16 << 20) - (256 << 10),
  attemptsMax: 4,
  awayMs: 3_000,
  callsMax: 100_000,
  chainBytesMax: 64 << 10,
  chainStepsMax: 64,
  collectMs: 500,
  depthMax: 100,
  latencyHalfMs: 5_000,
  graceMs: 1_000,
  heldBytesMax: 256 << 20,
  holdBytesMin: 64 << 10,
  hopMs: 100,
  nestedMax: 64,
  perClientMax: 10_000,
  quietMs: 500,
  reportMs: 100,
  resumeBytesMax: 8 << 20,
  retryMaxMs: 10_000,
  retryMs: 100,
  silenceMs: 5_000,
  stepsAtOnceMax: 1_024,
  stepsMax: 100_000,
};
