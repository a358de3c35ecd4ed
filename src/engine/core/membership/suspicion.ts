/**
 * Who is suspected, by whom, and until when (SWIM §4.2; Lifeguard §3, LHA-Suspicion).
 *
 * The idea: one accuser may be wrong, so it waits long; each further independent one shortens the wait.
 *
 *     wait   max ┤●
 *                │   ●                 min = α · max(1, log₁₀ n) · probeInterval
 *                │       ●             max = β · min
 *            min ┤           ●────     wait = max − (max − min) · log(c + 1) / log(k + 1)
 *                └┬───┬───┬───┬──►     c = accusers besides the first
 *                 0   1   2   k
 *
 * Invariant: at most k + 1 accusers are remembered, and at most k + 1 entries of the heap belong to one suspicion.
 */
import { Heap } from '../base/heap.ts';
import type { NodeId } from '../base/ids.ts';
import { type Instant, NEVER } from '../base/instant.ts';
import type { MembershipOptions } from './options.ts';

interface Suspicion {
  readonly id: NodeId;
  readonly accusers: Set<NodeId>;
  readonly k: number;
  readonly minMs: number;
  /** When it began, moved later by the time for which this node did not run. */
  since: Instant;
}

interface Timer {
  readonly at: Instant;
  readonly suspicion: Suspicion;
}

type Limits = Pick<MembershipOptions, 'probeIntervalMs' | 'suspicionMinFactor' | 'suspicionMaxFactor' | 'accusersMax'>;

export class Suspicions {
  readonly #options: Limits;
  readonly #suspicions = new Map<NodeId, Suspicion>();
  #timers = new Heap<Timer>(byTime);

  constructor(options: Limits) {
    this.#options = options;
  }

  /** A suspicion begins, or begins anew at a higher incarnation. `nodes` counts this one and the suspect. */
  begin(id: NodeId, by: NodeId, nodes: number, now: Instant): void {
    const minMs = leastSuspicionMs(nodes, this.#options);
    const k = Math.max(0, Math.min(this.#options.accusersMax, nodes - 2));
    const suspicion = { id, accusers: new Set([by]), k, minMs, since: now };
    this.#suspicions.set(id, suspicion);
    this.#arm(suspicion);
  }

  /** One more accuses. True where that counts: then others should hear of it as well. */
  accuse(id: NodeId, by: NodeId): boolean {
    const suspicion = this.#suspicions.get(id);
    if (suspicion === undefined || suspicion.accusers.has(by) || suspicion.accusers.size > suspicion.k) return false;
    suspicion.accusers.add(by);
    this.#arm(suspicion);
    return true;
  }

  end(id: NodeId): void {
    this.#suspicions.delete(id);
  }

  /** Gives everybody `ms` more. */
  postpone(ms: number): void {
    this.#timers = new Heap(byTime);
    for (const suspicion of this.#suspicions.values()) {
      suspicion.since += ms;
      this.#arm(suspicion);
    }
  }

  deadline(): Instant {
    for (let timer = this.#timers.peek(); timer !== undefined; timer = this.#timers.peek()) {
      if (this.#suspicions.get(timer.suspicion.id) === timer.suspicion) return timer.at;
      this.#timers.pop();
    }
    return NEVER;
  }

  /** Ends one suspicion whose time is over and returns who it was about, and for how long. */
  expire(now: Instant): { readonly id: NodeId; readonly ms: number; readonly accusers: number } | undefined {
    if (this.deadline() > now) return undefined;
    const suspicion = this.#timers.pop()?.suspicion;
    if (suspicion === undefined) return undefined;
    this.#suspicions.delete(suspicion.id);
    return { id: suspicion.id, ms: now - suspicion.since, accusers: suspicion.accusers.size };
  }

  #arm(suspicion: Suspicion): void {
    const { minMs, k } = suspicion;
    const ms = suspicionMs({
      minMs,
      maxMs: minMs * this.#options.suspicionMaxFactor,
      k,
      c: suspicion.accusers.size - 1,
    });
    this.#timers.push({ at: suspicion.since + ms, suspicion });
  }
}

function byTime(a: Timer, b: Timer): number {
  return a.at - b.at;
}

/** How long a suspicion lasts that `k` others share, among `nodes`: α · max(1, log₁₀ nodes) · probeInterval. */
export function leastSuspicionMs(nodes: number, options: Limits): number {
  return Math.round(options.suspicionMinFactor * Math.max(1, Math.log10(nodes)) * options.probeIntervalMs);
}

/** How long a suspicion lasts that `c` of `k` others share (Lifeguard §3, LHA-Suspicion). Whole milliseconds. */
export function suspicionMs(of: { minMs: number; maxMs: number; k: number; c: number }): number {
  if (of.k < 1) return of.minMs;
  const share = Math.log(of.c + 1) / Math.log(of.k + 1);
  return Math.max(of.minMs, Math.round(of.maxMs - (of.maxMs - of.minMs) * share));
}
