/**
 * Plans as JSON has them. A step's arguments have the same form as a call's (`json-value.ts`), but for one tag: what
 * `{"$lit": …}` holds is taken as it stands, references and tags alike, so it is left to the plan.
 */
import { done, failed, type Outcome } from '../core/base/outcome.ts';
import { DEPTH_MAX, setOwn } from './extensions.ts';
import { isObject, valueFromJson } from './json-value.ts';
import { inside, Misfit, problemOf } from './misfit.ts';

/** The plan document that parsed JSON means, or `plan-invalid` with the place. Changes its argument. */
export function planFromJson(json: unknown): Outcome<unknown> {
  try {
    return done(withValues(json, 0));
  } catch (error) {
    return failed(problemOf(error, 'plan-invalid', 'plan'));
  }
}

function withValues(json: unknown, depth: number): unknown {
  if (typeof json !== 'object' || json === null) return json;
  if (depth >= DEPTH_MAX) throw new Misfit(`nested deeper than ${DEPTH_MAX} levels`);
  const keys = Object.keys(json);
  const [only = ''] = keys;
  if (isObject(json) && keys.length === 1 && only.startsWith('$') && only !== '$ref') {
    return only === '$lit' ? json : valueFromJson(json, depth);
  }
  const held = json as Record<string, unknown>;
  for (const key of keys) {
    try {
      const value = withValues(held[key], depth + 1);
      if (value !== held[key]) setOwn(held, key, value);
    } catch (error) {
      throw inside(error, Array.isArray(json) ? Number(key) : key);
    }
  }
  return json;
}
