/** Nothing waits for ever: the last line of defence behind the deadlines that nodes keep themselves. */
import { type Problem, ProblemError, problemError } from '../engine/index.ts';
import { formatDuration } from './duration.ts';

/** A node keeps the deadline of a call itself and says more about it than we can: so much time it gets to do so. */
const NODE_FIRST_MS = 1000;

/** The deadline for an answer that the node itself gives after `timeoutMs` at the latest; 0 is no limit. */
export function afterNode(timeoutMs: number): number {
  return timeoutMs === 0 ? 0 : timeoutMs + NODE_FIRST_MS;
}

/** A problem that says what limited the call or plan, where nobody chose the limit: `ms` is the one of commands. */
export function withDefaultLimit(why: Problem, ms: number): Problem {
  if (why.code !== 'timed-out' || why.step !== undefined) return why;
  const hint = `It may still have run. Nobody said how long it may take, which is ${formatDuration(ms)} then; 0 is no limit.\nadd --timeout 5m`;
  return { ...why, hint };
}

/** The same of what throws; `isChosen`: somebody chose the limit. */
export async function orDefaultLimit<Value>(ms: number, isChosen: boolean, work: Promise<Value>): Promise<Value> {
  try {
    return await work;
  } catch (error) {
    if (isChosen || !(error instanceof ProblemError)) throw error;
    throw new ProblemError(withDefaultLimit(error.problem, ms));
  }
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
