/**
 * Plans from stdin, one after the other, each answered as soon as it is done.
 *
 * One plan: its results object on stdout; if it failed, what there is of the results, and the error like any other.
 * Many: one line per plan, in their order; a plan that failed is a line `{"error":…}`, the others go on, and the exit
 * code is that of the first failure.
 *
 * Limit: one plan at a time; a plan runs its own steps at once.
 */
import {
  type Client,
  type PlanDocument,
  type PlanReply,
  type Problem,
  ProblemError,
  problemError,
  valueToJson,
} from '../engine/index.ts';
import { afterNode, within } from './deadline.ts';
import { afterResult, errorDocument } from './failure.ts';
import type { JsonDocument } from './json-documents.ts';
import { type Output, toJson } from './output.ts';
import { withProgress } from './progress.ts';

export interface PlansOptions {
  /** Being opened while stdin is read. */
  readonly client: Promise<Client>;
  readonly output: Output;
  readonly signal: AbortSignal;
  /** Milliseconds for each plan; a plan's own limit counts unless the user `insists`. */
  readonly timeoutMs: number;
  readonly insists: boolean;
}

/** How long a failed first plan waits for a second one before it counts as the only one. */
const ALONE_MS = 100;

/** How long bad input has to show itself before it is told that there is no node either. */
const INPUT_FIRST_MS = 500;

/** Rejects with the error that is to be told, if any. */
export async function runPlans(documents: AsyncGenerator<JsonDocument>, options: PlansOptions): Promise<void> {
  const { output } = options;
  let first: { readonly problem: Problem; readonly line: number } | undefined;
  let count = 0;
  let failures = 0;
  let next = readAhead(documents);
  const noNode = options.client.then(
    () => new Promise<never>(() => {}),
    (error: unknown) => new Promise<never>((_, reject) => setTimeout(reject, INPUT_FIRST_MS, error)),
  );
  for (let found = await Promise.race([next, noNode]); found.done !== true; found = await next) {
    next = readAhead(documents);
    count++;
    const { line, value } = found.value;
    const reply = await withProgress('running the plan', output, runOne(value as PlanDocument, options));
    const problem = reply.problem;
    if (problem === undefined) {
      await output.event(replyDocument(reply), toJson(resultsDocument(reply)));
      continue;
    }
    failures++;
    first ??= { line, problem };
    if (count === 1 && (await isLast(next))) return tellOnly(reply, problem, output);
    await output.event(replyDocument(reply), toJson({ error: errorDocument(problem) }));
  }
  if (count === 0) throw problemError('input-invalid', 'stdin holds no plan');
  if (first === undefined) return;
  const { line, problem } = first;
  const summary = `${failures} of ${count} plans failed; the first, on line ${line}: ${problem.message}`;
  throw afterResult({ ...problem, message: summary }, output);
}

/** Asks for the next document before the last one is run; an error in it is met when its turn has come. */
function readAhead(documents: AsyncGenerator<JsonDocument>): Promise<IteratorResult<JsonDocument>> {
  const next = documents.next();
  next.catch(() => {});
  return next;
}

async function isLast(next: Promise<IteratorResult<JsonDocument>>): Promise<boolean> {
  const late = new Promise<undefined>((resolve) => setTimeout(resolve, ALONE_MS, undefined).unref());
  const found = await Promise.race([next.catch(() => undefined), late]);
  return found?.done === true;
}

async function runOne(plan: PlanDocument, options: PlansOptions): Promise<PlanReply> {
  const { insists, signal, timeoutMs } = options;
  const ownLimit = 'timeoutMs' in plan && !insists;
  const client = await options.client;
  try {
    if (ownLimit) return await client.run(plan, { signal });
    return await within(afterNode(timeoutMs), 'the plan', client.run(plan, { signal, timeoutMs }));
  } catch (error) {
    if (!(error instanceof ProblemError) || signal.aborted) throw error;
    return { problem: error.problem, results: {}, steps: [], tookMs: 0 };
  }
}

async function tellOnly(reply: PlanReply, problem: Problem, output: Output): Promise<never> {
  const text = Object.keys(reply.results).length > 0 ? toJson(resultsDocument(reply)) : '';
  await output.result(replyDocument(reply), text);
  throw afterResult(problem, output);
}

function resultsDocument({ results }: PlanReply): Record<string, unknown> {
  return Object.fromEntries(Object.entries(results).map(([name, value]) => [name, valueToJson(value)]));
}

/** The whole reply; a contract with scripts. `error` is there where the plan failed. */
function replyDocument(reply: PlanReply): Record<string, unknown> {
  const steps = reply.steps.map(({ problem, ...step }) => ({
    ...step,
    ...(problem !== undefined && { error: errorDocument(problem) }),
  }));
  return {
    results: resultsDocument(reply),
    steps,
    tookMs: reply.tookMs,
    ...(reply.problem !== undefined && { error: errorDocument(reply.problem) }),
  };
}
