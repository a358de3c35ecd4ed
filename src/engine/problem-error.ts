import { type Problem, type ProblemCode, type ProblemDetails, problem } from './core/base/problems.ts';

/** A problem as an exception, for the parts of the world where exceptions are the custom. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly problem: Problem;

  constructor(about: Problem, options?: ErrorOptions) {
    super(about.message, options);
    this.problem = about;
  }

  get code(): string {
    return this.problem.code;
  }
}

/** Short for throwing a problem of the catalogue. */
export function problemError(code: ProblemCode, message: string, details?: ProblemDetails): ProblemError {
  return new ProblemError(problem(code, message, details));
}
