import type { Prng } from '../base/prng.ts';

/**
 * When a message comes back that a consumer could not deal with: after base · factorⁿ⁻¹ milliseconds at its n-th receive,
 * at most `maxMs`, of which a share of `jitter` is left to chance.
 *
 * Why chance: messages that failed together because something was down would all come back together, again and again
 * (Brooker 2015, "Exponential Backoff And Jitter").
 */
export interface RetryPolicy {
  readonly baseMs: number;
  readonly factor: number;
  readonly maxMs: number;
  /** 0: none; 1: anything from 0 to the whole. */
  readonly jitter: number;
}

export const DEFAULT_RETRY: RetryPolicy = { baseMs: 1_000, factor: 2, jitter: 0.5, maxMs: 300_000 };

/** Milliseconds until a message that was received so often may be received again. */
export function backoffMs({ baseMs, factor, maxMs, jitter }: RetryPolicy, receives: number, prng: Prng): number {
  const whole = Math.min(maxMs, baseMs * factor ** Math.max(0, receives - 1));
  const chance = Math.floor(whole * jitter);
  return Math.floor(whole) - (chance > 0 ? prng.between(0, Math.min(chance, 2 ** 31)) : 0);
}

export function retryFlaw(policy: RetryPolicy): string | undefined {
  const { baseMs, factor, maxMs, jitter, ...others } = policy;
  const [other] = Object.keys(others);
  if (other !== undefined) return `retry has no "${other}"`;
  for (const [name, ms] of [
    ['baseMs', baseMs],
    ['maxMs', maxMs],
  ] as const) {
    if (!Number.isSafeInteger(ms) || ms < 0 || ms > MS_MAX) return `retry.${name} must be a whole number to ${MS_MAX}`;
  }
  if (!(factor >= 1 && factor <= 100)) return 'retry.factor must be a number from 1 to 100';
  if (!(jitter >= 0 && jitter <= 1)) return 'retry.jitter must be a number from 0 to 1';
  return undefined;
}

const MS_MAX = 7 * 86_400_000;
