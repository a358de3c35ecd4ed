/**
 * `plan run --resume`: plans out of replies that failed, and what of them does not run again.
 *
 * With a plan, the reply must be one, of an earlier run of that plan. Without, the file may hold many replies, as many
 * plans give them: those that failed go on, those that succeeded are passed over.
 */
import { ProblemError, problemError, type Resumption, resumption } from '../engine/index.ts';
import type { JsonDocument } from './json-documents.ts';
import type { Output } from './output.ts';

export interface ResumeSources {
  readonly replies: AsyncGenerator<JsonDocument>;
  /** Where the replies come from, for messages. */
  readonly source: string;
  /** The plan as it is now, where it is given. */
  readonly plans?: AsyncGenerator<JsonDocument>;
  readonly output: Pick<Output, 'note'>;
}

export async function* resumedPlans(sources: ResumeSources): AsyncGenerator<JsonDocument> {
  if (sources.plans !== undefined) {
    yield await withPlan(sources, sources.plans);
    return;
  }
  let failed = 0;
  let succeeded = 0;
  for await (const { line, value } of sources.replies) {
    if (hasSucceeded(value)) {
      succeeded++;
      continue;
    }
    failed++;
    yield { line, value: told(line, value, undefined, sources) };
  }
  if (failed === 0 && succeeded > 0) throw nothingToDo(sources.source, succeeded);
  if (failed === 0) throw problemError('input-invalid', `${sources.source} holds no reply`);
  if (succeeded > 0) sources.output.note(`passed over ${succeeded} of ${failed + succeeded} plans: they had succeeded`);
}

async function withPlan(sources: ResumeSources, plans: AsyncGenerator<JsonDocument>): Promise<JsonDocument> {
  const [reply, another] = [await sources.replies.next(), await sources.replies.next()];
  if (reply.done === true) throw problemError('input-invalid', `${sources.source} holds no reply`);
  if (another.done !== true) {
    throw problemError('input-invalid', `${sources.source} holds several replies, and there is one plan`, {
      hint: 'Take the line of the reply that is meant; or leave the plan away: all that failed go on.\nmpreg plan run --resume REPLIES',
    });
  }
  const [plan, more] = [await plans.next(), await plans.next()];
  if (plan.done === true) throw problemError('input-invalid', 'there is no plan to go on with');
  if (more.done !== true) throw problemError('input-invalid', 'there are several plans, and one reply');
  if (hasSucceeded(reply.value.value)) throw nothingToDo(sources.source, 1);
  return { line: plan.value.line, value: told(reply.value.line, reply.value.value, plan.value.value, sources) };
}

function hasSucceeded(reply: unknown): boolean {
  const { error, results, steps } = (reply ?? {}) as { error?: unknown; results?: unknown; steps?: unknown };
  return error === undefined && results !== undefined && steps !== undefined;
}

function nothingToDo(source: string, count: number): ProblemError {
  const says = count === 1 ? 'its plan has succeeded' : `all its ${count} plans have succeeded`;
  return problemError('input-invalid', `there is nothing to go on with in ${source}: ${says}`);
}

function told(line: number, reply: unknown, plan: unknown, { output, source }: ResumeSources): unknown {
  try {
    const found = resumption(reply, plan);
    output.note(summary(found, line));
    return found.plan;
  } catch (error) {
    if (!(error instanceof ProblemError) || error.code === 'plan-invalid') throw error;
    throw new ProblemError({ ...error.problem, message: `${source}, line ${line}: ${error.problem.message}` });
  }
}

/** Of many steps that run, so many are named. */
const NAMED_MAX = 8;

function summary({ reused, runs }: Resumption, line: number): string {
  const named = runs.slice(0, NAMED_MAX).map(({ name, why }) => `${name} (${why})`);
  if (runs.length > NAMED_MAX) named.push(`and ${runs.length - NAMED_MAX} more`);
  const first = `line ${line}: re-uses ${reused.length} of ${reused.length + runs.length} steps`;
  return named.length === 0 ? first : `${first}; runs ${named.join(', ')}`;
}
