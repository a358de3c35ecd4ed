/**
 * A plan as a drawing: its steps under headings, by how long a chain of others stands before them.
 *
 *     first
 *     ├─ rows = load("sales.csv")
 *     │    on beta (1.0.0): has data/sales; nobody else has it
 *     └─ rates = rates()
 *          nowhere: no node in reach offers rates
 *     then
 *     └─ sum = convert("rows","rates.eur")   after rows, rates   → result
 */
import type { Candidate, Explanation, Plan, Problem, Step } from '../engine/index.ts';
import { isGood } from './explanation.ts';
import type { Style } from './table.ts';
import { oneLine } from './terminal.ts';

/** Where a step could run now. */
export interface Whereabouts {
  /** Places that could take it now, the likeliest first. */
  readonly places: readonly Offer[];
  /** Others that have a function of that name, each with the reason against it. */
  readonly others: readonly Offer[];
  /** Why there is no place, where there is none. */
  readonly problem?: Problem;
}

type Offer = Pick<Candidate, 'id' | 'node' | 'version' | 'why'>;

/** One step as `plan show --json` has it: a contract with scripts. */
export interface StepView {
  readonly name: string;
  readonly fun: string;
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>> | null;
  readonly locs: readonly string[];
  readonly version: string | null;
  /** Steps whose values it waits for. */
  readonly after: readonly string[];
  /** The length of the longest chain of steps before it; 0: it runs first. */
  readonly depth: number;
  /** Whether its value is among the results. */
  readonly result: boolean;
  /** Null where no node was reached. */
  readonly where: Whereabouts | null;
}

/** `where`: undefined where no node was reached. */
export function planView(plan: Plan, where: ((step: Step) => Explanation) | undefined): readonly StepView[] {
  const depths = depthsOf(plan.steps);
  const results = new Set(plan.results);
  return plan.steps.map((step, i) => ({
    name: step.name,
    fun: step.fun,
    args: step.args,
    kwargs: step.kwargs ?? null,
    locs: step.locs,
    version: step.version ?? null,
    after: step.needs.map((index) => plan.steps[index]?.name ?? ''),
    depth: depths[i] ?? 0,
    result: results.has(i),
    where: where === undefined ? null : whereabouts(where(step)),
  }));
}

function whereabouts({ candidates, problem }: Explanation): Whereabouts {
  const offer = ({ id, node, version, why }: Candidate): Offer => ({ id, node, version, why });
  return {
    others: candidates.filter(({ verdict }) => !isGood(verdict)).map(offer),
    places: candidates.filter(({ verdict }) => isGood(verdict)).map(offer),
    ...(problem !== undefined && { problem }),
  };
}

/** A step's depth is known once those of all that it needs are. */
function depthsOf(steps: readonly Step[]): readonly number[] {
  const depths = steps.map(() => 0);
  const waits = steps.map(({ needs }) => needs.length);
  const free = [...steps.keys()].filter((i) => waits[i] === 0);
  for (let i = free.pop(); i !== undefined; i = free.pop()) {
    for (const next of steps[i]?.neededBy ?? []) {
      depths[next] = Math.max(depths[next] ?? 0, (depths[i] ?? 0) + 1);
      waits[next] = (waits[next] ?? 0) - 1;
      if (waits[next] === 0) free.push(next);
    }
  }
  return depths;
}

export function drawPlan(steps: readonly StepView[], paint: (style: Style, text: string) => string): string {
  const byDepth = Map.groupBy(steps, ({ depth }) => depth);
  const lines: string[] = [];
  for (let depth = 0; depth < byDepth.size; depth++) {
    const group = byDepth.get(depth) ?? [];
    lines.push(paint('dim', depth === 0 ? 'first' : 'then'));
    for (const [i, step] of group.entries()) {
      const last = i === group.length - 1;
      lines.push(`${last ? '└─' : '├─'} ${heading(step, paint)}`);
      for (const line of placesOf(step)) lines.push(`${last ? ' ' : '│'}    ${paint('dim', line)}`);
    }
  }
  return lines.join('\n');
}

function heading(step: StepView, paint: (style: Style, text: string) => string): string {
  const { after, args, fun, kwargs, locs, name, result, version } = step;
  const named = Object.entries(kwargs ?? {}).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  const given = shortened([...args.map((arg) => JSON.stringify(arg)), ...named].join(', '), ARGUMENTS_MAX);
  return [
    oneLine(
      `${paint('bold', name)} = ${fun}${version === null ? '' : `@${version}`}(${given})${locs.length > 0 ? ` with ${locs.join(', ')}` : ''}`,
    ),
    ...(after.length > 0 ? [oneLine(`after ${listed(after)}`)] : []),
    ...(result ? ['→ result'] : []),
  ].join('   ');
}

function placesOf({ where }: StepView): readonly string[] {
  if (where === null) return [];
  const { others, places, problem } = where;
  const told = ({ node, version, why }: Whereabouts['places'][number]) => oneLine(`${node} (${version}): ${why}`);
  const more = (list: readonly unknown[]) => (list.length > PLACES_MAX ? [`and ${list.length - PLACES_MAX} more`] : []);
  return [
    ...(problem === undefined ? [] : [oneLine(`nowhere: ${problem.message}`)]),
    ...places.slice(0, PLACES_MAX).map((place) => `on ${told(place)}`),
    ...more(places),
    ...others.slice(0, PLACES_MAX).map((place) => `not on ${told(place)}`),
    ...more(others),
  ];
}

/** Characters of a step's arguments, nodes of one step, and names of steps that are shown. */
const ARGUMENTS_MAX = 60;
const PLACES_MAX = 6;
const NAMES_MAX = 8;

function listed(names: readonly string[]): string {
  const more = names.length - NAMES_MAX;
  return `${names.slice(0, NAMES_MAX).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function shortened(text: string, charsMax: number): string {
  return text.length <= charsMax ? text : `${text.slice(0, charsMax)}…`;
}
