import { type Problem, problem } from '../base/problems.ts';
import type { Asker } from './effects.ts';
import type { Jobs } from './jobs.ts';
import type { CallsMessage } from './messages.ts';
import type { CallsOptions } from './options.ts';

/**
 * Why a request is not even looked at, if so: its number is taken, there is too much already, or it is nested too deep.
 *
 * Why the number counts: answers carry nothing else, so that two calls of one number could not be told apart.
 */
export function whyRefused(
  jobs: Jobs,
  from: Asker,
  message: Extract<CallsMessage, { readonly kind: 'call' | 'plan' }>,
  node: string,
  options: CallsOptions,
): Problem | undefined {
  const { callsMax, nestedMax, perClientMax } = options;
  const { id } = message;
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
  if (message.kind === 'call' && (message.depth ?? 0) > nestedMax) {
    const { fun } = message;
    const text = `${fun} is called by a function that was called by one, and so on, more than ${nestedMax} deep`;
    return problem('limit-exceeded', text, { fun, hint: NESTED_HINT, node });
  }
  return undefined;
}

const NESTED_HINT =
  'Look for functions that call each other without end; a long recursion is better a loop.\nmpreg errors limit-exceeded';
