/** Draws who uses which queue in a run. Why a generator of its own: with queues or without, all else is drawn as it was. */
import { hash32 } from '../core/base/hash.ts';
import { Prng } from '../core/base/prng.ts';
import type { ScenarioEvent } from './scenario.ts';

/** Runs in which somebody uses queues. */
const QUEUES_SHARE = 0.4;
/** Of the rest, those in which they do everything. */
const WIDE_SHARE = 0.4;

export function drawQueues(seed: number, nodes: number): readonly ScenarioEvent[] {
  const prng = new Prng(hash32('queues', seed));
  if (!prng.chance(QUEUES_SHARE)) return drawWide(seed, nodes);
  return draw(prng, nodes, {});
}

/** Of the others, those in which everything is done that can be done with a queue. */
function drawWide(seed: number, nodes: number): readonly ScenarioEvent[] {
  const prng = new Prng(hash32('wide queues', seed));
  if (!prng.chance(WIDE_SHARE)) return [];
  const expired = prng.pick(['drop', 'dead-letter'] as const) ?? 'drop';
  const more = { expired, messagesMax: prng.pick([null, 40]) ?? null, ttlMs: prng.pick([null, 8_000]) ?? null };
  return draw(prng, nodes, more).map((event) => ({ ...event, wide: prng.next() }) as ScenarioEvent);
}

function draw(prng: Prng, nodes: number, more: object): readonly ScenarioEvent[] {
  const options = {
    ...more,
    kind: prng.pick(['standard', 'fifo', 'priority'] as const) ?? 'standard',
    leaseWriteMs: prng.pick([0, 0, 200, 1_000]) ?? 0,
    maxReceives: prng.pick([null, 2, 4]) ?? null,
    retry: { baseMs: 100, factor: 2, jitter: 0.5, maxMs: 2_000 },
    visibilityMs: prng.pick([500, 2_000, 5_000]) ?? 2_000,
  };
  const places = prng.sample(
    Array.from({ length: nodes }, (_, i) => i),
    prng.between(1, 2),
  );
  return places.map((node) => ({
    atMs: prng.between(500, 5_000),
    everyMs: prng.pick([100, 400, 1_000]) ?? 400,
    kind: 'queue',
    node,
    options,
    refusing: prng.pick([0, 0, 0.05]) ?? 0,
    seed: prng.next(),
  }));
}
