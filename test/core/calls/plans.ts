/** Runs plans in the plainest way: functions are JavaScript functions, time does not pass, steps end in any order. */
import { problem } from '../../../src/engine/core/base/problems.ts';
import type { Arguments, PlanReply, StepOutcome } from '../../../src/engine/core/calls/messages.ts';
import { DEFAULT_CALLS } from '../../../src/engine/core/calls/options.ts';
import { type Plan, readPlan } from '../../../src/engine/core/calls/plan.ts';
import { PlanRun } from '../../../src/engine/core/calls/plan-run.ts';

export type Functions = Readonly<Record<string, (args: readonly unknown[], kwargs?: object) => unknown>>;

export const FUNCTIONS: Functions = {
  echo: ([value]) => value,
  echos: (args) => args,
  fail: ([text]) => {
    throw new Error(String(text ?? 'it fails'));
  },
  named: (_, kwargs) => kwargs,
};

export function planOf(document: unknown): Plan {
  const plan = readPlan(document, DEFAULT_CALLS);
  if (!plan.ok) throw new Error(`refused: ${plan.problem.message}`);
  return plan.value;
}

/** No chains: every step is handed out by itself. */
export const ALONE = { chainBytesMax: 0, chainStepsMax: 1 };

/** A value that came of a step. */
export const here = (value: unknown) => ({ bytes: 1, value });

/** Of the steps under way, the one that ends next; the first by default. */
export type Schedule = (underWay: number) => number;

export interface Ran {
  readonly reply: PlanReply;
  /** The steps in the order in which they were handed out. */
  readonly order: readonly string[];
}

export function runPlan(document: unknown, functions: Functions = FUNCTIONS, next: Schedule = () => 0): Ran {
  const run = new PlanRun(planOf(document), ALONE, 0);
  const order: string[] = [];
  const nameOf = (index: number) => run.plan.steps[index]?.name ?? '';
  const underWay: { readonly index: number; readonly fun: string; readonly args: Arguments }[] = [];
  for (;;) {
    for (let step = run.next(0); step !== undefined; step = run.next(0)) {
      order.push(step.step.name);
      underWay.push({ args: step.args, fun: step.step.fun, index: step.index });
    }
    const [ended] = underWay.splice(next(underWay.length), 1);
    if (ended === undefined) break;
    const { index, fun, args } = ended;
    try {
      run.done(index, 'here', here(functions[fun]?.(args.args, args.kwargs)), 0);
    } catch (error) {
      const { message, name } = error as Error;
      run.failed(
        index,
        'here',
        problem('function-failed', message, { cause: { message, name }, step: nameOf(index) }),
        0,
      );
    }
  }
  if (!run.ended) throw new Error('the plan neither ends nor goes on');
  return { order, reply: run.reply(0) };
}

/** `a done, b failed, c skipped (b)`. */
export function storyOf({ steps }: PlanReply): string {
  const one = ({ name, state, because }: StepOutcome) =>
    `${name} ${state}${because === undefined ? '' : ` (${because})`}`;
  return steps.map(one).join(', ');
}
