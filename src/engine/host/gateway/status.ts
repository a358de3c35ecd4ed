/** Problems as HTTP has them: one table. What is not in it is 500, an unknown outcome on this side. */
import type { Problem, ProblemCode } from '../../core/base/problems.ts';

const STATUS: Readonly<Partial<Record<ProblemCode, number>>> = {
  'input-invalid': 400,
  'plan-invalid': 400,
  'reference-missing': 400,
  'topic-invalid': 400,
  'usage-invalid': 400,
  'value-undecodable': 400,
  'key-missing': 401,
  'key-wrong': 401,
  'not-allowed': 403,
  'function-unknown': 404,
  'keep-unknown': 404,
  'message-unknown': 404,
  'node-unknown': 404,
  'resource-unknown': 404,
  'limit-exceeded': 413,
  'link-lost': 502,
  cancelled: 503,
  'keeper-away': 503,
  'node-stopping': 503,
  'no-responders': 503,
  'nobody-there': 503,
  'not-here': 503,
  overloaded: 503,
  'timed-out': 504,
  'timed-out-before-start': 504,
};

export function statusOf({ code }: Problem): number {
  return Object.hasOwn(STATUS, code) ? (STATUS[code as ProblemCode] ?? 500) : 500;
}
