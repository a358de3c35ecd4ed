import type { Instant } from './instant.ts';

/**
 * What every protocol of the core is: a synchronous machine that never reads a clock, a socket, a file or a random source.
 *
 * 1. Inputs are named methods; the last parameter is `now`. None returns a promise. None throws for anything that a peer
 *    or a user sent: bad input is an outcome. A throw means a bug in this process.
 * 2. Effects wait in order until `drain()`; the world executes them in that order and reports back through inputs.
 * 3. `deadline()` is the earliest time at which `advance(now)` would do something. Calling it early or twice is harmless.
 * 4. Same construction, same inputs, same `now`s: same effects. The simulator checks this on every run.
 *
 * The precedents: etcd/raft (`Step`, `Ready`), quinn-proto (`poll_timeout`), foca (`Runtime`).
 */
export interface Machine<Effect> {
  /** All effects since the last call, in the order in which they were decided. */
  drain(): Effect[];
  /** The earliest instant at which `advance` would do something; `NEVER` when it waits for inputs only. */
  deadline(): Instant;
  /** Lets time pass: does what is due at `now`, and nothing else. */
  advance(now: Instant): void;
}
