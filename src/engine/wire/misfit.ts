import { type Problem, type ProblemCode, problem } from '../core/base/problems.ts';

/**
 * Something that does not fit: a value that cannot be encoded, or bytes that break the protocol, and where.
 *
 * Why an exception: encoders and decoders are deeply nested, and every level only has to add where it was. It never
 * leaves this folder: each door turns it into a problem with `problemOf`.
 */
export class Misfit extends Error {
  override readonly name = 'Misfit';
  /** From the inside out: the innermost key first. */
  readonly path: (string | number)[] = [];
  /** Offset of the byte at which the reader noticed. */
  readonly at: number | undefined;

  constructor(says: string, at?: number) {
    super(says);
    this.at = at;
  }

  /** The path from the outside in: `result.items[3].callback`. */
  pathFrom(root: string): string {
    let text = root;
    for (const key of this.path.toReversed()) {
      if (typeof key === 'number') text += `[${key}]`;
      else if (/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key)) text += `.${key}`;
      else text += `[${JSON.stringify(key)}]`;
    }
    return text;
  }
}

/** The same error, having passed out of `key`. */
export function inside(error: unknown, key: string | number): unknown {
  if (error instanceof Misfit) error.path.push(key);
  return error;
}

/** The same, at the offset of the whole header where the place within it is not known by its byte. */
export function located(error: unknown, at: number): unknown {
  if (!(error instanceof Misfit) || error.at !== undefined) return error;
  const placed = new Misfit(error.message, at);
  placed.path.push(...error.path);
  return placed;
}

/** What the outside learns of a misfit. Whatever else was thrown is a bug of this process and goes on. */
export function problemOf(error: unknown, code: ProblemCode, root: string): Problem {
  if (!(error instanceof Misfit)) throw error;
  const path = error.pathFrom(root);
  const where = error.at === undefined ? '' : ` (byte ${error.at})`;
  return problem(code, `${path}: ${error.message}${where}`, { path });
}
