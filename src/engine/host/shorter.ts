import type { Problem } from '../core/base/problems.ts';

/** The same problem in fewer bytes, and in as few as can be. */
export function shorter(problem: Problem): readonly Problem[] {
  const { cause: _, hint: __, path: ___, ...rest } = { ...problem, message: problem.message.slice(0, MESSAGE_MAX) };
  const { code, message, outcome } = rest;
  return [rest, { code, message, ...(outcome !== undefined && { outcome }) }];
}

/** Characters of a message, where the whole problem does not fit into a frame. */
const MESSAGE_MAX = 1_000;
