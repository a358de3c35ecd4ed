import type { NodeId } from '../base/ids.ts';
import type { Instant } from '../base/instant.ts';
import { getOrMake } from '../base/maps.ts';

/**
 * Where chains went that were here a moment ago, so that their cancellation can follow them.
 *
 * Why a moment is enough: whoever keeps a chain for longer tells its plan's node, and is cancelled by that one itself.
 *
 * Limit: remembered for one to two times `KEEP_MS`, and at most twice `CHAINS_MAX` of them.
 */
export class HandedOn {
  #young = new Map<NodeId, Map<number, NodeId>>();
  #old: ReadonlyMap<NodeId, ReadonlyMap<number, NodeId>> = new Map();
  #sweepAt: Instant = 0;
  #count = 0;

  add(at: NodeId, ward: number, to: NodeId, now: Instant): void {
    if (this.#count++ >= CHAINS_MAX) this.#sweepAt = now;
    this.sweep(now);
    getOrMake(this.#young, at, () => new Map()).set(ward, to);
  }

  get(at: NodeId, ward: number): NodeId | undefined {
    return this.#young.get(at)?.get(ward) ?? this.#old.get(at)?.get(ward);
  }

  /** Forgets what is old. Never called, it is done with the next chain: nothing waits for it. */
  sweep(now: Instant): void {
    if (now < this.#sweepAt) return;
    this.#sweepAt = now + KEEP_MS;
    this.#old = this.#young;
    this.#young = new Map();
    this.#count = 0;
  }
}

const KEEP_MS = 1_000;
const CHAINS_MAX = 50_000;
