import { type Problem, problem } from '../../core/base/problems.ts';
import { ProblemError } from '../../problem-error.ts';
import type { Job } from '../ports.ts';

/**
 * Why a job's arguments cannot leave this thread; undefined where they can, and then they are encoded.
 *
 * Why before the job is queued: a plan can put values into one another until they are too deep or too large, and what
 * is thrown later has no caller left.
 */
export function unencodable({ fun, payload, step }: Job): Problem | undefined {
  try {
    payload.bytes();
    return undefined;
  } catch (error) {
    const about = { fun, outcome: 'did-not-happen', ...(step !== undefined && { step }) } as const;
    if (error instanceof ProblemError) {
      return { ...error.problem, ...about, message: `the arguments of ${fun} cannot be sent: ${error.message}` };
    }
    return problem('limit-exceeded', `the arguments of ${fun} cannot be sent: ${String(error)}`, about);
  }
}
