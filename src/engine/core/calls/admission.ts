import { type Problem, problem } from '../base/problems.ts';
import type { Asker } from './effects.ts';
import type { Jobs } from './jobs.ts';
import type { CallsOptions } from './options.ts';

/**
 * Why a request is not even looked at, if so: its number is taken, or there is too much already.
 *
 * Why the number counts: answers carry nothing else, so that two calls of one number could not be told apart.
 */
export function whyRefused(
  jobs: Jobs,
  from: Asker,
  id: number,
  node: string,
  options: CallsOptions,
): Problem | undefined {
  const { callsMax, perClientMax } = options;
  if (jobs.of(from, id) !== undefined) {
    return problem('protocol-violated', `${id} is the number of another call on this link that is still open`, {
      node,
    });
  }
  if (jobs.size >= callsMax) {
    return problem('overloaded', `${node} handles ${callsMax} calls already (callsMax)`, { node });
  }
  if ('link' in from && jobs.countOf(from) >= perClientMax) {
    const text = `this client has ${perClientMax} calls open on ${node} already (perClientMax)`;
    return problem('overloaded', text, { node });
  }
  return undefined;
}
