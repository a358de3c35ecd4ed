/**
 * Draws the plans that a simulated client asks for: chains, diamonds, fans, and mixtures of all; references of every
 * form; steps that fail, take long, are refused, weigh much; every option that a step or a plan has.
 *
 * What it refuses to draw: plans that could not end within the time that a run has, and values that grow from step to
 * step without end.
 */
import type { Prng } from '../core/base/prng.ts';
import type { CallTerms, PlanTerms, StepTerms } from './scenario.ts';

/** What functions there are, and what is asked of where they run. */
export const FUNCTIONS: readonly string[] = [
  'echo',
  'add',
  'sleep',
  'fail',
  'alpha',
  'beta',
  'gamma',
  'pack',
  'flaky',
  'narrow',
  'bulk',
  'which',
  'stream',
  'count',
];
export const RESOURCES: readonly string[] = ['gpu', 'disk', 'north', 'south'];
export const VERSIONS: readonly string[] = ['1.0.0', '1.2.0', '2.0.0'];
const RANGES = ['*', '^1', '^1.1', '2.x', '>=1.2.0'];

/** How one run's plans are. */
export interface Taste {
  /** Whether a value may weigh more than a node likes to pass on. Not on slow lines: it would take all day. */
  readonly bulky: boolean;
  /** Most steps of one plan. */
  readonly stepsMax: number;
  /** How many steps of a plan, at most and on average, may fail by themselves. */
  readonly trouble: number;
}

/** How likely things are in one plan. */
interface Chances {
  readonly bulky: boolean;
  readonly explicit: boolean;
  /** That a step asks for a resource, for a version, for an end in time. */
  readonly picky: number;
  /** That a step fails by itself. */
  readonly trouble: number;
}

/** One step as it is being drawn. */
interface Sketch {
  readonly name: string;
  readonly fun: string;
  readonly needs: readonly Sketch[];
  /** How many plain values its value holds, and what it weighs beyond its letters. */
  readonly weight: number;
  readonly bulkBytes: number;
  /** What `bulk` adds to it. */
  readonly own?: number;
}

/** A step that would get more than this only counts what it gets: its own value is small again. */
const WEIGHT_MAX = 40;
const BULK_MAX = 600_000;
const PLAIN = ['echo', 'alpha', 'beta', 'gamma'];

export function drawPlan(prng: Prng, taste: Taste): PlanTerms & { readonly steps: readonly StepTerms[] } {
  const shape = drawShape(prng, taste.stepsMax);
  const explicit = prng.chance(0.15);
  // Why by the size: of many steps that ask for much, one certainly asks for too much.
  const picky = Math.min(0.15, 1 / shape.length);
  const chances: Chances = {
    bulky: taste.bulky,
    explicit,
    picky,
    trouble: Math.min(0.3, taste.trouble / shape.length),
  };
  const sketches: Sketch[] = [];
  for (const [i, needs] of shape.entries()) {
    const wanted = needs.flatMap((need) => sketches[need] ?? []);
    const takers = shape.filter((others) => others.includes(i)).length;
    sketches.push(sketch(prng, chances, `s${i}`, wanted, takers));
  }
  const steps = sketches.map((one) => drawStep(prng, one, chances));
  if (prng.chance(0.02)) makeCycle(steps, sketches);
  // Why by chance: a step may be written before what it refers to.
  const ordered = prng.chance(0.3) ? prng.shuffle(steps) : steps;
  const names = sketches.map(({ name }) => name);
  return {
    steps: ordered,
    ...(explicit ? { refs: 'explicit' } : {}),
    ...(prng.chance(0.2) ? { return: 'all' } : {}),
    ...(prng.chance(0.2) ? { return: prng.sample(names, prng.between(1, 4)) } : {}),
    ...(prng.chance(taste.trouble > 0 ? 0.5 : 0.2) ? { onError: prng.chance(0.8) ? 'continue' : 'fail' } : {}),
    ...(prng.chance(0.1) ? { planTimeoutMs: lasting(prng) } : {}),
    ...(prng.chance(0.25) ? { resumable: true } : {}),
  };
}

/** Long and short in equal measure, whatever the scale: 20 ms to about 40 s. */
export function lasting(prng: Prng): number {
  return 20 * 2 ** prng.below(12) + prng.below(20);
}

/** For each step, the earlier ones whose values it gets. */
function drawShape(prng: Prng, stepsMax: number): readonly (readonly number[])[] {
  const size = prng.between(1, prng.pick([3, 8, stepsMax, stepsMax]) ?? 3);
  switch (prng.below(5)) {
    case 0:
      return chain(size);
    case 1: // one after the other: where one diamond ends, the next begins
      return Array.from({ length: 3 * Math.ceil(size / 3) + 1 }, (_, i) =>
        i === 0 ? [] : i % 3 === 0 ? [i - 2, i - 1] : [i - (i % 3)],
      );
    case 2: // a fan: all get the first, the last gets them all
      return [[], ...Array.from({ length: size }, () => [0]), Array.from({ length: size }, (_, i) => i + 1)];
    case 3: // several chains, and a join of their ends
      return sideBySide(Array.from({ length: prng.between(2, 4) }, () => chain(Math.ceil(size / 3))));
    default:
      return Array.from({ length: size }, (_, i) => [
        ...new Set(Array.from({ length: Math.min(i, prng.below(4)) }, () => prng.below(i))),
      ]);
  }
}

function chain(size: number): readonly (readonly number[])[] {
  return Array.from({ length: size }, (_, i) => (i === 0 ? [] : [i - 1]));
}

function sideBySide(chains: readonly (readonly (readonly number[])[])[]): readonly (readonly number[])[] {
  const all: number[][] = [];
  const ends: number[] = [];
  for (const one of chains) {
    const base = all.length;
    for (const needs of one) all.push(needs.map((need) => need + base));
    ends.push(all.length - 1);
  }
  return [...all, ends];
}

function sketch(prng: Prng, chances: Chances, name: string, needs: readonly Sketch[], takers: number): Sketch {
  const weight = needs.reduce((sum, need) => sum + need.weight, 1);
  const bulkBytes = needs.reduce((sum, need) => sum + need.bulkBytes, 0);
  const small = { bulkBytes: 0, name, needs, weight: 1 };
  if (weight > WEIGHT_MAX || bulkBytes > BULK_MAX) return { ...small, fun: 'count' };
  const fun = drawFunction(prng, chances, needs);
  if (fun === 'bulk') {
    const own = Math.floor(prng.between(20_000, 300_000) / Math.max(1, takers));
    return { bulkBytes: bulkBytes + own, fun, name, needs, own, weight };
  }
  return SMALL.has(fun) ? { ...small, fun } : { bulkBytes, fun, name, needs, weight };
}

/** Those whose values are small, whatever they get. */
const SMALL: ReadonlySet<string> = new Set(['add', 'fail', 'which', 'count', 'nobody-has-this']);

function drawFunction(prng: Prng, { bulky, trouble }: Chances, needs: readonly Sketch[]): string {
  const numbers = needs.every(({ fun }) => fun === 'add');
  const choice = prng.below(100);
  if (needs.length > 1 && choice < 85) return numbers && prng.chance(0.5) ? 'add' : 'pack';
  if (prng.chance(trouble)) return prng.pick(['fail', 'flaky', 'flaky', 'nobody-has-this']) ?? 'fail';
  if (choice < 20) return 'narrow';
  if (choice < 30 && bulky) return 'bulk';
  if (choice < 40) return 'sleep';
  if (choice < 55) return 'pack';
  if (choice < 65 && numbers) return 'add';
  if (choice < 67) return 'which';
  if (choice < 69) return 'stream';
  return prng.pick(PLAIN) ?? 'echo';
}

function drawStep(prng: Prng, one: Sketch, chances: Chances): StepTerms {
  const { fun, name, needs } = one;
  const { picky, trouble } = chances;
  const values = needs.map((need) => drawReference(prng, need, chances));
  const range = prng.chance(trouble) ? '^3' : (prng.pick(RANGES) ?? '*');
  return {
    ...drawArguments(prng, one, values),
    fun,
    idempotent: prng.chance(0.4),
    locs: prng.chance(picky) ? prng.sample(RESOURCES, 1) : [],
    name,
    ...(prng.chance(0.3) ? { retries: prng.between(1, 3) } : {}),
    ...(prng.chance(picky) ? { timeoutMs: lasting(prng) } : {}),
    ...(prng.chance(trouble > 0 ? 0.2 : 0.05) ? { onError: prng.chance(0.7) ? 'continue' : 'fail' } : {}),
    ...(prng.chance(picky) ? { version: range } : {}),
  };
}

function drawArguments(
  prng: Prng,
  { fun, name, own: bulkBytes = 0 }: Sketch,
  values: readonly unknown[],
): Pick<StepTerms, 'args' | 'kwargs'> {
  const own = prng.chance(0.1) ? { $lit: name } : `value ${prng.below(1_000)}`;
  const first = values.length === 1 ? values[0] : values.length === 0 ? own : values;
  switch (fun) {
    case 'add':
      return { args: [...values, prng.below(100)] };
    case 'sleep':
      return { args: [prng.below(prng.chance(0.05) ? 5_000 : 300), first] };
    case 'flaky':
      return { args: [prng.pick([0.2, 0.5, 0.9]) ?? 0.5, first] };
    case 'bulk':
      return { args: [bulkBytes, first] };
    case 'stream':
      return { args: [prng.below(5), first] };
    case 'pack': {
      const named = values.filter(() => prng.chance(0.3));
      const kwargs = Object.fromEntries(named.map((value, i) => [`k${i}`, prng.chance(0.5) ? value : { in: [value] }]));
      const args = [own, ...values.filter((value) => !named.includes(value))];
      return named.length === 0 ? { args } : { args, kwargs };
    }
    default:
      return { args: [first] };
  }
}

/** One of the ways to mean a step's value, or a part of it; now and then a part that it has not. */
function drawReference(prng: Prng, { name, fun }: Sketch, { explicit, trouble }: Chances): unknown {
  const into = prng.chance(0.4) ? prng.pick(PATHS.get(fun) ?? []) : undefined;
  const path = prng.chance(trouble / 4) ? ['nowhere', 1] : (into ?? []);
  if (explicit || prng.chance(0.3)) return path.length === 0 ? { $ref: name } : { $ref: name, path };
  return [name, ...path].join('.');
}

/** Parts that values of a function have. */
const PATHS: ReadonlyMap<string, readonly (readonly (string | number)[])[]> = new Map([
  ['pack', [['items', 0]]],
  ['bulk', [['bulkBytes']]],
]);

/** The first step refers to the last: such a plan is refused. */
function makeCycle(steps: StepTerms[], sketches: readonly Sketch[]): void {
  const [first] = steps;
  const last = sketches.at(-1);
  if (first !== undefined && last !== undefined) steps[0] = { ...first, args: [...first.args, { $ref: last.name }] };
}

/** A call on its own. */
export function drawCall(prng: Prng, i: number): CallTerms {
  const fun = prng.pick([...FUNCTIONS, 'nobody-has-this']) ?? 'echo';
  const value = `value ${i} ${prng.below(1_000)}`;
  const locs = prng.chance(0.15) ? prng.sample(RESOURCES, 1) : [];
  const range = prng.chance(0.15) ? { version: prng.pick(RANGES) ?? '*' } : {};
  const pace = fun === 'stream' && prng.chance(0.5) ? { paced: true } : {};
  return { args: callArguments(prng, fun, value, i), fun, idempotent: prng.chance(0.3), locs, ...range, ...pace };
}

function callArguments(prng: Prng, fun: string, value: string, i: number): readonly unknown[] {
  switch (fun) {
    case 'add':
      return [prng.below(100), i];
    case 'sleep':
      return [prng.below(prng.chance(0.2) ? 25_000 : 3_000), value];
    case 'flaky':
      return [0.5, value];
    case 'bulk':
      return [prng.below(30_000), value];
    case 'stream':
      return [prng.below(20), value];
    default:
      return [value];
  }
}
