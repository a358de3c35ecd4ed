import type { CallsEffect } from './effects.ts';
import type { Job } from './jobs.ts';

/** What the world is asked for where a task of this node has the job. */
export function runOf({ call, deadline }: Job, task: number): CallsEffect {
  const { fun, step, depth, paced, payload } = call;
  return {
    deadline,
    fun,
    kind: 'run',
    payload,
    task,
    ...(step !== undefined && { step }),
    ...(depth !== undefined && { depth }),
    ...(paced !== undefined && { paced }),
  };
}

/**
 * The asker has taken so many items of a paced stream: told to whoever makes them, here or on the node that has the job.
 * Nothing is counted on the way, so that nothing has to be remembered there: the one that makes items counts them.
 */
export function moreOf(job: Job | undefined, items: number): CallsEffect[] {
  if (job?.task !== undefined) return [{ items, kind: 'more', task: job.task }];
  if (job?.sentTo === undefined) return [];
  return [{ kind: 'answer', message: { id: job.key, items, kind: 'more' }, to: { node: job.sentTo } }];
}
