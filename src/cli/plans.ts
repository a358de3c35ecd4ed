/**
 * Plans from stdin or a file, answered as each is done.
 *
 * One plan: its results object on stdout; if it failed, what there is of the results, and the error like any other.
 * Many: one line per plan; a plan that failed, and text that is none, is a line `{"error":…}`, the others go on, and the
 * exit code is that of the failure that stands first in the input.
 *
 * Under `--json` a plan that failed is told with all that `plan run --resume` needs: itself, and the values of its steps.
 *
 * Only so many plans are read ahead as are under way: a million lines take no more memory than a few.
 */
import { Flags } from '@oclif/core';
import {
  type Client,
  errorDocument,
  type PlanReply,
  type Problem,
  ProblemError,
  planFromJson,
  planToJson,
  problemError,
  replyDocument,
  resultsDocument,
} from '../engine/index.ts';
import { afterNode, orDefaultLimit, withDefaultLimit, within } from './deadline.ts';
import { afterResult } from './failure.ts';
import type { JsonDocument } from './json-documents.ts';
import { type Output, toJson } from './output.ts';
import { Progress } from './progress.ts';

export const planFlags = {
  concurrency: Flags.integer({
    helpValue: 'N',
    max: 1024,
    min: 1,
    summary: 'Plans under way at once: more is faster, fewer is easier on the mesh. 16 without it.',
  }),
  ordered: Flags.boolean({ summary: 'Answer in the order of the plans; without it, each as soon as it is done.' }),
};

export interface PlansOptions {
  /** Being opened while the input is read. */
  readonly client: Promise<Client>;
  readonly output: Output;
  readonly signal: AbortSignal;
  /** What the plans come from, for messages. */
  readonly source: string;
  /** Milliseconds for each plan; a plan's own limit counts unless the user `insists`. */
  readonly timeoutMs: number;
  readonly insists: boolean;
  readonly concurrency?: number | undefined;
  readonly ordered?: boolean;
}

const CONCURRENCY = 16;

/** How long a failed first plan waits for a second one before it counts as the only one. */
const ALONE_MS = 100;

/** How long bad input has to show itself before it is told that there is no node either. */
const INPUT_FIRST_MS = 500;

/** How long an interrupted plan waits for the node to say what is done: shorter than the command's own time to end. */
const LAST_WORD_MS = 700;

/** Rejects with the error that is to be told, if any. */
export async function runPlans(documents: AsyncGenerator<JsonDocument>, options: PlansOptions): Promise<void> {
  const noNode = options.client.then(
    () => new Promise<never>(() => {}),
    (error: unknown) => new Promise<never>((_, reject) => setTimeout(reject, INPUT_FIRST_MS, error)),
  );
  const first = await Promise.race([documents.next(), noNode]);
  if (first.done === true) throw problemError('input-invalid', `${options.source} holds no plan`);
  const runs = new PlanRuns(options);
  try {
    await Promise.race([runs.all(first.value, documents), runs.broken]);
  } finally {
    runs.end();
  }
}

/**
 * Invariants:
 * - `#running` holds every plan that was begun and whose line is not printed yet, at most `concurrency`;
 * - lines are printed one after the other, because two writers would wait for the same reader.
 */
class PlanRuns {
  readonly broken: Promise<never>;
  readonly #options: PlansOptions;
  readonly #break: (error: unknown) => void;
  readonly #progress: Progress;
  readonly #another = Promise.withResolvers<boolean>();
  readonly #running = new Set<number>();
  #freed: () => void = () => {};
  #printed: Promise<void> = Promise.resolve();
  #count = 0;
  #failures = 0;
  #first: { readonly problem: Problem; readonly line: number } | undefined;

  constructor(options: PlansOptions) {
    this.#options = options;
    const broken = Promise.withResolvers<never>();
    this.broken = broken.promise;
    this.#break = broken.reject;
    this.broken.catch(() => {});
    this.#progress = new Progress(options.output, () => this.#state());
  }

  end(): void {
    this.#progress.end();
  }

  /** Reads and runs until the input ends and all is answered. */
  async all(first: JsonDocument, documents: AsyncGenerator<JsonDocument>): Promise<void> {
    this.#start(first);
    try {
      for await (const found of documents) {
        this.#another.resolve(true);
        while (this.#running.size >= (this.#options.concurrency ?? CONCURRENCY)) await this.#oneIsDone();
        this.#start(found);
      }
      this.#another.resolve(false);
    } finally {
      this.#another.resolve(true); // what cannot be read any further counts as another one
      while (this.#running.size > 0) await this.#oneIsDone();
    }
    if (this.#first === undefined) return;
    const { line, problem } = this.#first;
    const summary = `${this.#failures} of ${this.#count} plans failed; the first, on line ${line}: ${problem.message}`;
    throw afterResult({ ...problem, message: summary }, this.#options.output);
  }

  #oneIsDone(): Promise<void> {
    return new Promise((resolve) => {
      this.#freed = resolve;
    });
  }

  #start(document: JsonDocument): void {
    const index = this.#count++;
    this.#running.add(index);
    const { wrong } = document;
    const reply = wrong === undefined ? runOne(document.value, this.#options) : Promise.resolve(failedWith(wrong));
    const turn = this.#options.ordered === true ? Promise.all([reply, this.#printed]) : reply;
    const print = async (): Promise<void> => this.#tell(index, document, await reply);
    const printed = turn.then(() => {
      if (this.#options.ordered === true) return print();
      this.#printed = this.#printed.then(print);
      return this.#printed;
    });
    if (this.#options.ordered === true) this.#printed = printed;
    printed.then(() => {
      this.#running.delete(index);
      this.#freed();
    }, this.#break);
  }

  async #tell(index: number, { line, value, wrong }: JsonDocument, reply: PlanReply): Promise<void> {
    const { output } = this.#options;
    const { problem } = reply;
    const resumable = output.json && wrong === undefined && resumeDocument(value, reply);
    const document = { ...replyDocument(reply), ...resumable, line };
    this.#progress.hide();
    if (problem === undefined) return output.event(document, toJson(resultsDocument(reply)));
    if (index === 0 && (await this.#isOnly())) {
      if (wrong !== undefined) throw new ProblemError(wrong);
      await output.result(document, Object.keys(reply.results).length > 0 ? toJson(resultsDocument(reply)) : '');
      throw afterResult(problem, output);
    }
    this.#failures++;
    if (this.#first === undefined || line < this.#first.line) this.#first = { line, problem };
    await output.event(document, toJson({ error: errorDocument(problem) }));
  }

  async #isOnly(): Promise<boolean> {
    const late = new Promise<boolean>((resolve) => setTimeout(resolve, ALONE_MS, true).unref());
    return !(await Promise.race([this.#another.promise, late]));
  }

  #state(): string | undefined {
    const running = this.#running.size;
    if (running === 0) return undefined;
    if (this.#count === 1) return 'running the plan';
    return `running plans: ${this.#count - running} done, ${running} under way`;
  }
}

async function runOne(json: unknown, options: PlansOptions): Promise<PlanReply> {
  const { insists, signal, timeoutMs } = options;
  try {
    const plan = planFromJson(json);
    const ownLimit = 'timeoutMs' in plan && !insists;
    const client = await options.client;
    const resuming = { graceMs: LAST_WORD_MS, ...('resumable' in plan ? {} : { resumable: true }) };
    const how = { signal, ...(options.output.json && resuming) };
    if (ownLimit) return await client.run(plan, how);
    const run = within(afterNode(timeoutMs), 'the plan', client.run(plan, { ...how, timeoutMs }));
    const reply = await orDefaultLimit(timeoutMs, insists, run);
    if (reply.problem === undefined || insists) return reply;
    return { ...reply, problem: withDefaultLimit(reply.problem, timeoutMs) };
  } catch (error) {
    if (!(error instanceof ProblemError) || signal.aborted) throw error;
    return failedWith(error.problem);
  }
}

function failedWith(problem: Problem): PlanReply {
  return { problem, results: {}, steps: [], tookMs: 0 };
}

/** The plan of a reply that failed: as it was read, without given values that the reply holds, too. */
function resumeDocument(document: unknown, { problem, results, values }: PlanReply): object | undefined {
  if (problem === undefined || problem.code === 'plan-invalid') return undefined;
  if (!isPlan(document) || !('done' in document)) return { plan: planToJson(document) };
  const { done, ...plan } = document;
  const left = Object.entries(done).filter(([name]) => !Object.hasOwn({ ...values, ...results }, name));
  return { plan: planToJson(left.length === 0 ? plan : { ...plan, done: Object.fromEntries(left) }) };
}

function isPlan(document: unknown): document is { readonly done: object } {
  return typeof document === 'object' && document !== null;
}
