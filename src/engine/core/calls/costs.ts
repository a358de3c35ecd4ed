import type { NodeId } from '../base/ids.ts';
import { type Instant, NEVER } from '../base/instant.ts';
import { getOrMake } from '../base/maps.ts';
import { kindOf, type Problem } from '../base/problems.ts';
import { isOwn } from './placement.ts';
import { BAD_INPUT } from './retries.ts';

/**
 * What it would cost to have a function run on this or that node now: what this node itself has seen of them, and
 * nothing that others tell.
 *
 *     cost = latency × (calls in flight there + 1)          of two nodes, the cheaper one is asked
 *
 * The latency is a moving average that takes a peak as it is and comes down slowly ("peak EWMA", from Finagle's
 * `PeakEwma.scala`, also in Linkerd): a node that has become slow is avoided after one call. It halves with every
 * `latencyHalfMs` in which it is not confirmed, so that a node which was slow is tried again, one call at first, because
 * that call is then in flight.
 *
 * Latencies that differ by less than twice, or are below `FLOOR_MS`, are taken as equal, and only the calls in flight
 * count. Where these are equal too, it is a *tie*. Why: whole milliseconds and a busy event loop are no finer measure,
 * and identical nodes must get even shares. Trade-off: a node that is slower by less is noticed only by its calls in
 * flight. A node that was never seen is taken to be as fast as the other: it is tried, and not by everybody at once.
 *
 * A failure says nothing of the latency. It counts as one more call in flight there, and half as much after each second:
 * else the node that fails fastest would be the least busy, and would get the most.
 *
 * Why the `load` that nodes tell of themselves is not used: it is up to ten seconds old and the same to everybody, so
 * that all would go for the same node at once (Mitzenmacher 2000, "How useful is old information?").
 *
 * Invariants:
 * - all is counted in whole numbers (`UNIT`ths of a millisecond, of a call), the same on every machine;
 * - it remembers at most `SEEN_MAX` pairs of a function and a node, those of the functions first seen go first.
 */
export class Costs {
  readonly #inFlight: (node: NodeId) => number;
  readonly #halfMs: number;
  readonly #seen = new Map<string, Map<NodeId, Seen>>();
  #size = 0;

  constructor(inFlight: (node: NodeId) => number, halfMs: number) {
    this.#inFlight = inFlight;
    this.#halfMs = halfMs;
  }

  /** What one node made of a job it had: the first word of an answer, or a failure. */
  note(job: Given, node: NodeId, why: Problem | undefined, now: Instant): void {
    const { fun } = job.call;
    if (job.givenAt === NEVER || isOwn(fun)) return;
    if (why === undefined) this.took(fun, node, now - job.givenAt, now);
    else if (kindOf(why).exit !== BAD_INPUT) this.failed(fun, node, now);

    job.givenAt = NEVER;
  }

  /** A job is taken from the node that has it, before that said a word: it would have taken at least so long. */
  gaveUp(job: Given, node: NodeId, now: Instant): void {
    const { fun } = job.call;
    if (job.givenAt === NEVER || isOwn(fun)) return;
    const ms = now - job.givenAt;
    if (ms * UNIT > this.#latency(this.#seen.get(fun)?.get(node), now)) this.took(fun, node, ms, now);
  }

  /** A call of the function was answered there after so many milliseconds. */
  took(fun: string, node: NodeId, ms: number, now: Instant): void {
    const seen = this.#of(fun, node, now);
    const sample = Math.min(Math.max(0, ms), LATENCY_MAX_MS) * UNIT;
    const since = now - seen.latencyAt;
    if (seen.known && sample < this.#latency(seen, now)) {
      // Why not each: what so short a time takes off is lost in rounding, and the average would never come down.
      if (since * STEPS_PER_HALF < this.#halfMs) return;
      seen.latency = sample + halved(seen.latency - sample, since, this.#halfMs);
    } else {
      seen.latency = sample;
    }
    seen.latencyAt = now;
    seen.known = true;
  }

  failed(fun: string, node: NodeId, now: Instant): void {
    const seen = this.#of(fun, node, now);
    seen.failures = Math.min(FAILURES_MAX * UNIT, halved(seen.failures, now - seen.failedAt, FAILURE_HALF_MS) + UNIT);
    seen.failedAt = now;
  }

  /** Negative where `a` is the cheaper one, positive where `b` is, 0 where it is a tie. */
  order(fun: string, a: NodeId, b: NodeId, now: Instant): number {
    const byNode = this.#seen.get(fun);
    const seenA = byNode?.get(a);
    const seenB = byNode?.get(b);
    const loadA = this.#load(a, seenA, now);
    const loadB = this.#load(b, seenB, now);
    if (seenA?.known !== true || seenB?.known !== true) return loadA - loadB;
    const slowA = Math.max(FLOOR, this.#latency(seenA, now));
    const slowB = Math.max(FLOOR, this.#latency(seenB, now));
    if (slowA <= 2 * slowB && slowB <= 2 * slowA) return loadA - loadB;
    return Math.min(slowA, RATIO_MAX * slowB) * (loadA + 1) - Math.min(slowB, RATIO_MAX * slowA) * (loadB + 1);
  }

  /** What is known of one node, in words of the world: for explanations. */
  of(fun: string, node: NodeId, now: Instant): Cost {
    const seen = this.#seen.get(fun)?.get(node);
    const latencyMs = seen?.known === true ? Math.round(this.#latency(seen, now) / UNIT) : undefined;
    const load = this.#load(node, seen, now);
    return {
      cost: Math.round((Math.max(this.#latency(seen, now), FLOOR) / UNIT) * (load + 1)),
      failures: load - this.#inFlight(node),
      inFlight: this.#inFlight(node),
      ...(latencyMs === undefined ? {} : { latencyMs }),
    };
  }

  /** Calls in flight and recent failures there, in whole calls. */
  #load(node: NodeId, seen: Seen | undefined, now: Instant): number {
    const inFlight = this.#inFlight(node);
    if (seen === undefined || seen.failures === 0) return inFlight;
    return inFlight + Math.round(halved(seen.failures, now - seen.failedAt, FAILURE_HALF_MS) / UNIT);
  }

  #latency(seen: Seen | undefined, now: Instant): number {
    return seen === undefined ? 0 : halved(seen.latency, now - seen.latencyAt, this.#halfMs);
  }

  #of(fun: string, node: NodeId, now: Instant): Seen {
    const byNode = getOrMake(this.#seen, fun, () => new Map<NodeId, Seen>());
    const known = byNode.get(node);
    if (known !== undefined) return known;
    const seen = { failedAt: now, failures: 0, known: false, latency: 0, latencyAt: now };
    byNode.set(node, seen);
    if (++this.#size > SEEN_MAX) this.#forgetOldest(fun);
    return seen;
  }

  /** Forgets the function that was seen first; where only `fun` is left, its first node. */
  #forgetOldest(fun: string): void {
    const [oldest = fun] = this.#seen.keys();
    const byNode = this.#seen.get(oldest);
    const [first] = byNode?.keys() ?? [];
    if (oldest === fun && first !== undefined) byNode?.delete(first);
    else this.#seen.delete(oldest);
    this.#size -= oldest === fun ? 1 : (byNode?.size ?? 0);
  }
}

/** What one node has seen of a function on another, or on itself. */
export interface Cost {
  /** The moving average in milliseconds; absent where none was seen. */
  readonly latencyMs?: number;
  readonly inFlight: number;
  /** What recent failures count for, in calls in flight. */
  readonly failures: number;
  /** Milliseconds times calls. */
  readonly cost: number;
}

/** What is noted of a job. */
interface Given {
  readonly call: { readonly fun: string };
  givenAt: Instant;
}

interface Seen {
  /** Whether a latency was ever seen. */
  known: boolean;
  /** In `UNIT`ths of a millisecond, as it was at `latencyAt`. */
  latency: number;
  latencyAt: Instant;
  /** In `UNIT`ths of a call, as it was at `failedAt`. */
  failures: number;
  failedAt: Instant;
}

/**
 * A whole number that halves every `halfMs`: value × 2^(−t/halfMs), to 1 %, by the parabola 1 − r·(11 − 3r)/16 that is
 * 1 at r = 0 and ½ at r = 1. Why not `Math.exp`: its last digits are left to the engine.
 */
function halved(value: number, ms: number, halfMs: number): number {
  if (value === 0 || ms <= 0) return value;
  const halves = Math.floor(ms / halfMs);
  if (halves > 40) return 0;
  const whole = Math.floor(value / 2 ** halves);
  const rest = (ms % halfMs) / halfMs;
  return whole - Math.floor((whole * rest * (11 - 3 * rest)) / 16);
}

const UNIT = 256;

/** How often in `latencyHalfMs` an average may come down. */
const STEPS_PER_HALF = 64;

/** Latencies below are one to us. */
const FLOOR_MS = 4;
const FLOOR = FLOOR_MS * UNIT;

/** Limit: longer latencies count as this long: an hour. */
const LATENCY_MAX_MS = 3_600_000;

/**
 * Limit: how many times dearer a node's slowness makes it. Why: however slow it was once, it takes part again when
 * the other one has so many calls in flight; that may be for the length of what was asked, not for the node.
 */
const RATIO_MAX = 16;

/** More: a node that fails is left alone for longer. Less: what failed because of the caller costs the node less. */
const FAILURE_HALF_MS = 1_000;
const FAILURES_MAX = 1_024;

/** Limit: about 100 bytes each. */
const SEEN_MAX = 10_000;
