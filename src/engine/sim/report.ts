/** What people read when a run failed: the law, who saw what, what had happened before, and how to see it again. */
import { type Problem, type ProblemCode, problem } from '../core/base/problems.ts';
import type { Failure, FailureKind, RunResult } from './run.ts';
import type { Scenario, ScenarioEvent } from './scenario.ts';

const CODES: Record<FailureKind, ProblemCode> = {
  crash: 'crashed-simulation',
  liveness: 'stuck-simulation',
  safety: 'unsafe-simulation',
};

/** The failure as a problem: its code decides the exit code, its hint is the command that shows it again. */
export function problemOf({ scenario, failure }: RunResult & { readonly failure: Failure }): Problem {
  const message = `seed ${scenario.seed}, at ${failure.atMs} ms: ${failure.law}: ${failure.message}`;
  return problem(CODES[failure.kind], message, { hint: command(scenario) });
}

export function command({ nodes, seed }: Pick<Scenario, 'nodes' | 'seed'>): string {
  const isFederated = nodes.some(({ hub }) => hub !== undefined);
  return isFederated ? `node test/sim/nightly.ts --seeds 0 --federations 1 --from ${seed}` : `mpreg sim replay ${seed}`;
}

/** `result` is the run to show, perhaps shrunk; `hash` that of the run of the seed as it was drawn. */
export function failureText(result: RunResult & { readonly failure: Failure }): string {
  const { scenario, failure } = result;
  const { nodes, events } = scenario;
  return [
    `${failure.kind}: ${failure.law}`,
    `  ${failure.message}`,
    '',
    `seed ${scenario.seed}, ${nodes.length} nodes, ${events.length} events, failed at ${failure.atMs} ms`,
    ...events.map((event) => `  ${eventLine(event)}`),
    '',
    `the last ${failure.trace.length} lines of the trace:`,
    ...failure.trace.map((line) => `  ${line}`),
    '',
    'to see it again:',
    `  ${command(scenario)}`,
  ].join('\n');
}

/** One event as one line: `12000 ms  crash node=3 forMs=null silent=true wiped=false`. */
export function eventLine({ atMs, kind, ...rest }: ScenarioEvent): string {
  const fields = Object.entries(rest).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  return [`${String(atMs).padStart(7)} ms  ${kind}`, ...fields].join(' ');
}
