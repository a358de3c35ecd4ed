/**
 * Smaller variants of the plans of a failing scenario: without some of their steps, and without what is peculiar about
 * those that stay. What refers to a step that goes, goes with it, so that every variant is a plan again.
 */
import { needsOf } from './checkers/oracle.ts';
import { type PlanEvent, type Scenario, type StepTerms, stepNames } from './scenario.ts';

/** Tries smaller plans as long as `attempt` accepts one; `current` is the smallest scenario so far. */
export function shrinkPlans(current: () => Scenario, attempt: (scenario: Scenario) => boolean): void {
  for (let index = 0; index < current().events.length; index++) {
    const planAt = (): PlanEvent | undefined => {
      const event = current().events[index];
      return event?.kind === 'plan' ? event : undefined;
    };
    const replace = (plan: PlanEvent): boolean => {
      const { events } = current();
      return attempt({ ...current(), events: events.map((event, i) => (i === index ? plan : event)) });
    };
    dropSteps(planAt, replace);
    for (let plain = 0; plain < PLAINER.length; plain++) {
      const plan = planAt();
      const plainer = plan === undefined ? undefined : PLAINER[plain]?.(plan);
      if (plainer !== undefined) replace(plainer);
    }
  }
}

function dropSteps(planAt: () => PlanEvent | undefined, replace: (plan: PlanEvent) => boolean): void {
  const count = () => planAt()?.steps.length ?? 0;
  for (let size = Math.ceil(count() / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = Math.max(0, count() - size); ; from = Math.min(from, count()) - size) {
      const plan = planAt();
      const smaller = plan === undefined ? undefined : withoutSteps(plan, Math.max(0, from), size);
      if (smaller !== undefined) replace(smaller);
      if (from <= 0) break;
    }
  }
}

/** The plan without so many steps and all that need them; undefined where none would be left. */
export function withoutSteps(plan: PlanEvent, from: number, count: number): PlanEvent | undefined {
  const names = stepNames(plan);
  const all = { all: new Set(names), texts: plan.refs !== 'explicit' };
  const gone = new Set(names.slice(from, from + count));
  for (let before = -1; before !== gone.size; ) {
    before = gone.size;
    for (const [i, { args, kwargs }] of plan.steps.entries()) {
      const needs = needsOf([args, kwargs ?? {}], all);
      if ([...needs].some((need) => gone.has(need))) gone.add(names[i] ?? '');
    }
  }
  const named = plan.steps.map((step, i): StepTerms => ({ ...step, name: names[i] ?? '' }));
  const steps = named.filter(({ name = '' }) => !gone.has(name));
  if (steps.length === 0) return undefined;
  const { return: wanted, ...rest } = plan;
  if (wanted === undefined || wanted === 'all') return { ...plan, steps };
  const left = wanted.filter((name) => !gone.has(name));
  return left.length === 0 ? { ...rest, steps } : { ...rest, return: left, steps };
}

/** Ways to make a plan plainer without dropping a step. */
const PLAINER: readonly ((plan: PlanEvent) => PlanEvent)[] = [
  ({ cancelMs: _, hangUpMs: __, ...rest }) => ({ ...rest, timeoutMs: 0 }),
  ({ return: _, planTimeoutMs: __, resumable: ___, ...rest }) => rest,
  (plan) => ({ ...plan, steps: plan.steps.map((step) => ({ ...step, locs: [] })) }),
  (plan) => ({ ...plan, steps: plan.steps.map(({ version: _, timeoutMs: __, ...step }) => step) }),
  (plan) => ({ ...plan, steps: plan.steps.map(({ retries: _, onError: __, ...step }) => step) }),
];
