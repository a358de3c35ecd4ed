/** Why nothing was done with a queue, whatever was asked. */
import { type Problem, problem } from '../base/problems.ts';
import { otherOptions, type QueueOptions } from './options.ts';

/** Nothing is known of any queue yet. */
export const CLOSED = problem('node-stopping', 'the queues of this node are not open yet');

/** Why a receive may wait all the same: it decides nothing before the queue is open again. */
export function reopening(name: string): Problem {
  return problem('store-failed', `${name} is being read anew from the disk: nothing was done`);
}

export function unknown(name: string): Problem {
  return problem('queue-unknown', `there is no queue ${name} here`);
}

/** A redrive is one commit here and there, so that both queues are on one node. */
export function notBeside(to: string, name: string): Problem {
  return problem('queue-unknown', `messages of ${name} cannot be moved to ${to}: there is no such queue on its node`, {
    hint: 'Name one that is on the same node, or make it there, or move it there.\nmpreg queue list',
  });
}

/** Why a queue that is there cannot be made again as `given`. */
export function refusesAgain(
  { isGone, name, options }: { readonly isGone: boolean; readonly name: string; readonly options: QueueOptions },
  given: Readonly<Record<string, unknown>>,
): Problem | undefined {
  if (isGone) return problem('exists-already', `${name} is being deleted`);
  const others = otherOptions(options, given);
  if (others.length === 0) return undefined;
  return problem('exists-already', `${name} exists already, with other options: ${others.join('; ')}`, {
    hint: `Choose another name, or change what is to be changed.\nmpreg queue edit ${name} --help`,
  });
}
