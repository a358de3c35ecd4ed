/**
 * Commands side by side: interleaved, pinned to the same cores, several runs; medians, quartiles and ratios.
 *
 * Each side is a command whose last line on stdout is a JSON object of numbers, one per metric. The sides take turns, and
 * the turn begins with another side each round, so that a machine that warms up or slows down does so for all of them.
 * The first side is what the others are divided by. It refuses to compare sides that report nothing or fail.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Comparison {
  /** Names the files that are written. */
  readonly name: string;
  /** Side → command and arguments. */
  readonly sides: Readonly<Record<string, readonly string[]>>;
  readonly runs: number;
  /** Cores for every side and all that it starts, as `taskset -c` takes them; undefined: any. */
  readonly pin?: string | undefined;
  /** Default `build/bench`. */
  readonly folder?: string;
}

type Metrics = Readonly<Record<string, number>>;

export interface Summary {
  readonly median: number;
  readonly low: number;
  readonly high: number;
  /** Of the medians: this side's by the first side's. */
  readonly ratio: number;
  readonly values: readonly number[];
}

export interface Result {
  readonly name: string;
  readonly at: string;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly node: string;
    readonly pin: string | null;
  };
  readonly runs: number;
  /** Metric → side → summary. */
  readonly metrics: Readonly<Record<string, Readonly<Record<string, Summary>>>>;
}

export async function compare(comparison: Comparison): Promise<Result> {
  const { name, sides, runs } = comparison;
  const pin = comparison.pin !== undefined && has('taskset') ? comparison.pin : undefined;
  const measured = new Map<string, Metrics[]>(Object.keys(sides).map((side) => [side, []]));
  for (let round = 0; round < runs; round++) {
    const order = Object.keys(sides);
    for (const side of [...order.slice(round % order.length), ...order.slice(0, round % order.length)]) {
      process.stderr.write(`${name}: round ${round + 1} of ${runs}: ${side}\n`);
      measured.get(side)?.push(metricsOf(side, await run(side, sides[side] ?? [], pin)));
    }
  }
  const machine = {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model ?? 'unknown',
    node: process.version,
    pin: pin ?? null,
  };
  const result = { at: new Date().toISOString(), machine, metrics: summarise(measured), name, runs };
  const folder = comparison.folder ?? fileURLToPath(new URL('../build/bench', import.meta.url));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(result, null, 2)}\n`);
  writeFileSync(join(folder, `${name}.md`), markdown(result));
  return result;
}

/** All that the command printed. */
function run(side: string, command: readonly string[], pin: string | undefined): Promise<string> {
  const [program = '', ...args] = pin === undefined ? command : ['taskset', '-c', pin, ...command];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code !== 0) reject(new Error(`${side}: ${command.join(' ')} ended with ${code ?? signal}`));
      else resolve(output);
    });
  });
}

function metricsOf(side: string, output: string): Metrics {
  const line = output.trimEnd().split('\n').at(-1) ?? '';
  const metrics = JSON.parse(line) as Record<string, unknown>;
  for (const [metric, value] of Object.entries(metrics)) {
    if (typeof value !== 'number' || !Number.isFinite(value)) throw new Error(`${side}: ${metric} is ${value}`);
  }
  return metrics as Metrics;
}

/** The sides of these names, in their order; all of them where no name is given. */
export function chosen(all: Comparison['sides'], names: readonly string[]): Comparison['sides'] {
  if (names.length === 0) return all;
  return Object.fromEntries(
    names.map((side) => {
      const command = all[side];
      if (!command) throw new Error(`no side ${side}; there are: ${Object.keys(all).join(' · ')}`);
      return [side, command];
    }),
  );
}

/** Whether the command is there. */
export function has(command: string): boolean {
  return spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0;
}

/** Where `npm run package` leaves the executable for this machine. */
export function executable(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  const system = { darwin: 'macos', win32: 'win' }[process.platform as string] ?? process.platform;
  return fileURLToPath(new URL(`../build/out/mpreg-${version}-${system}-${process.arch}`, import.meta.url));
}

/** Metrics in the order in which the first side gives them; a side may lack some. */
export function summarise(measured: ReadonlyMap<string, readonly Metrics[]>): Result['metrics'] {
  const names = new Set([...measured.values()].flatMap((runs) => runs.flatMap((run) => Object.keys(run))));
  const metrics: Record<string, Record<string, Summary>> = {};
  for (const metric of names) {
    const row: Record<string, Summary> = {};
    let first: number | undefined;
    for (const [side, runs] of measured) {
      const values = runs.flatMap((run) => run[metric] ?? []);
      if (values.length === 0) continue;
      const median = quantile(values, 0.5);
      first ??= median;
      row[side] = { high: quantile(values, 0.75), low: quantile(values, 0.25), median, ratio: median / first, values };
    }
    metrics[metric] = row;
  }
  return metrics;
}

/** Between the two nearest values, in proportion (R's type 7). */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const below = sorted[Math.floor(at)] as number;
  const above = sorted[Math.ceil(at)] as number;
  return below + (above - below) * (at - Math.floor(at));
}

/** One row per metric and side: median, quartiles, ratio. */
export function markdown(result: Result): string {
  const lines = [
    ...heading(result),
    '| metric | side | median | quartiles | ratio |',
    '| --- | --- | ---: | ---: | ---: |',
  ];
  for (const [metric, row] of Object.entries(result.metrics)) {
    for (const [side, s] of Object.entries(row)) {
      lines.push(
        `| ${metric} | ${side} | ${show(s.median)} | ${show(s.low)} … ${show(s.high)} | ${s.ratio.toFixed(2)} |`,
      );
    }
  }
  return `${lines.join('\n')}\n`;
}

/** One row per side, one column per metric: the median, and in brackets its ratio to the first side's. */
export function table(result: Result): string {
  const metrics = Object.entries(result.metrics);
  const sides = new Set(metrics.flatMap(([, row]) => Object.keys(row)));
  const lines = [
    ...heading(result),
    `| side | ${metrics.map(([metric]) => metric).join(' | ')} |`,
    `| --- |${' ---: |'.repeat(metrics.length)}`,
  ];
  for (const side of sides) {
    const cells = metrics.map(([, { [side]: s }]) => (s ? `${show(s.median)} (${s.ratio.toFixed(2)})` : '–'));
    lines.push(`| ${side} | ${cells.join(' | ')} |`);
  }
  return `${lines.join('\n')}\n`;
}

function heading({ name, at, machine, runs }: Result): string[] {
  const pinned = machine.pin === null ? 'not pinned' : `pinned to cores ${machine.pin}`;
  return [
    `### ${name}`,
    '',
    `${runs} ${runs === 1 ? 'run' : 'runs'}, interleaved, ${pinned}; ${machine.cores} cores of ${machine.cpu}; Node ${machine.node}; ${at.slice(0, 10)}.`,
    '',
  ];
}

/** Three digits are as many as a benchmark is worth. */
function show(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString('en', { maximumSignificantDigits: 3 });
}
