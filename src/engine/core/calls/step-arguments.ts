import { done, failed, type Outcome } from '../base/outcome.ts';
import { problem } from '../base/problems.ts';
import type { Arguments } from './messages.ts';
import { describe, isPlainObject } from './references.ts';

/** What a step is given, as its plan has it: literals and references. */
export interface Template {
  readonly args: unknown;
  readonly kwargs?: unknown;
}

/** A template with `put` done to both halves; `where` is the step's place in its plan: `steps[3]`. */
export function argumentsOf(
  { args, kwargs }: Template,
  where: string,
  put: (value: unknown, where: string) => Outcome<unknown>,
): Outcome<Arguments> {
  const list = put(args, `${where}.args`);
  if (!list.ok) return list;
  if (kwargs === undefined) return done({ args: list.value as readonly unknown[] });
  const named = put(kwargs, `${where}.kwargs`);
  if (!named.ok) return named;
  if (isPlainObject(named.value)) return done({ args: list.value as readonly unknown[], kwargs: named.value });
  const says = `${where}.kwargs must be an object, and the reference there leads to ${describe(named.value)}`;
  return failed(problem('reference-missing', says, { path: `${where}.kwargs` }));
}
