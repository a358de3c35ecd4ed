/** Why nothing was done with a queue, whatever was asked. */
import { type Problem, problem } from '../base/problems.ts';

/** Nothing is known of any queue yet. */
export const CLOSED = problem('node-stopping', 'the queues of this node are not open yet');

/** Why a receive may wait all the same: it decides nothing before the queue is open again. */
export function reopening(name: string): Problem {
  return problem('store-failed', `the disk has refused, and ${name} is read anew from it: nothing was done`);
}

export function unknown(name: string): Problem {
  return problem('queue-unknown', `there is no queue ${name} here`);
}
