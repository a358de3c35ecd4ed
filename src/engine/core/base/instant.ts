/**
 * A point in time as the core sees it: whole milliseconds since an origin that only the world knows.
 *
 * The core compares instants and adds durations to them; it never asks what time it is. `host/` takes them from a clock
 * that never goes back, `sim/` from its own heap of events.
 */
export type Instant = number;

/** Later than every instant: the deadline of a machine that waits for nothing. */
export const NEVER: Instant = Number.MAX_SAFE_INTEGER;

/** The earlier of two instants. */
export function earlier(a: Instant, b: Instant): Instant {
  return a < b ? a : b;
}
