/**
 * Assertions stay on in production: a machine whose own invariant is broken must stop before it spreads the damage.
 * They are for bugs of this process alone. Whatever a peer or a user sent is answered with a problem, never with a throw.
 */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/** Throws when `condition` is false. `says` names the broken invariant in plain words. */
export function assert(condition: boolean, says: string): asserts condition {
  if (!condition) throw new AssertionError(`broken invariant: ${says}`);
}

/** Ends a switch over a union: the compiler proves that no case is left. */
export function unreachable(value: never): never {
  throw new AssertionError(`broken invariant: no case for ${JSON.stringify(value)}`);
}
