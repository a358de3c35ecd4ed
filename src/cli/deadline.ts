/** Nothing waits for ever: the last line of defence behind the deadlines that nodes keep themselves. */
import { problemError } from '../engine/index.ts';
import { formatDuration } from './duration.ts';

/** A node keeps the deadline of a call itself and says more about it than we can: so much time it gets to do so. */
const NODE_FIRST_MS = 1000;

/** The deadline for an answer that the node itself gives after `timeoutMs` at the latest; 0 is no limit. */
export function afterNode(timeoutMs: number): number {
  return timeoutMs === 0 ? 0 : timeoutMs + NODE_FIRST_MS;
}

/** Rejects with `timed-out` after `ms`; 0 is no limit. `what` is what was asked, for the message. */
export async function within<Value>(ms: number, what: string, work: Promise<Value>): Promise<Value> {
  if (ms === 0) return work;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(problemError('timed-out', `${what}: no answer in ${formatDuration(ms)}`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
