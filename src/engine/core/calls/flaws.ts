import { nearest } from '../base/nearest.ts';
import { type Problem, problem } from '../base/problems.ts';

/**
 * What is wrong with a plan: all of it, so that whoever wrote the plan mends it once.
 *
 * Limit: the first `FLAWS_MAX` are kept, and all are counted.
 */
export class Flaws {
  readonly #kept: Problem[] = [];
  #count = 0;

  get all(): readonly Problem[] {
    return this.#kept;
  }

  get count(): number {
    return this.#count;
  }

  /** Whether those that come now are only counted. */
  get isFull(): boolean {
    return this.#kept.length >= FLAWS_MAX;
  }

  /** `step`: the name of the step it is in. */
  add(path: string, says: string, step?: string): void {
    this.#count++;
    if (this.isFull) return;
    const where = { ...(path === '' ? {} : { path }), ...(step === undefined ? {} : { step }) };
    this.#kept.push(problem('plan-invalid', says, where));
  }
}

/** One problem for all of them: a single one as it is, of several the first `TOLD_MAX`, each on a line. */
export function oneProblem(all: readonly Problem[], count: number): Problem {
  const [first = problem('plan-invalid', 'the plan is not valid')] = all;
  if (count <= 1) return first;
  const lines = all.slice(0, TOLD_MAX).map(({ message }) => `  ${message}`);
  const left = count - lines.length;
  if (left > 0) lines.push(`  … and ${left} more; mpreg plan check lists them`);
  const { path } = first;
  return problem('plan-invalid', [`${count} things are wrong with the plan:`, ...lines].join('\n'), {
    ...(path === undefined ? {} : { path }),
  });
}

/** `; did you mean "args"?`, where a known word is near enough. Limit: of very many words none is looked for. */
export function didYouMean(typed: string, known: readonly string[]): string {
  if (known.length > KNOWN_MAX || typed.length > TYPED_MAX) return '';
  const meant = nearest(typed, known, Math.max(1, Math.floor(typed.length / 3)));
  return meant === undefined ? '' : `; did you mean "${meant}"?`;
}

const FLAWS_MAX = 100;
const TOLD_MAX = 10;
const KNOWN_MAX = 1_000;
const TYPED_MAX = 100;
