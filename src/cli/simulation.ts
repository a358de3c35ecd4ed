/** What `sim run` and `sim replay` share: the options of drawn worlds, and how a report is told. */
import { Flags } from '@oclif/core';
import {
  errorDocument,
  problemError,
  type SimulationOptions,
  type SimulationReport,
  writeScenario,
} from '../engine/index.ts';
import { parseDuration } from './duration.ts';
import { afterResult } from './failure.ts';
import type { Output } from './output.ts';

export const simulationFlags = {
  nodes: Flags.string({ helpValue: 'N|MIN-MAX', summary: 'Nodes of a drawn mesh. 3-12 without it.' }),
  duration: Flags.string({
    helpValue: 'DURATION',
    summary: 'How long things fail, in simulated time: longer finds rarer bugs, and takes longer. 40s without it.',
  }),
  topology: Flags.string({
    helpValue: 'FILE',
    summary: 'This mesh and these faults (YAML or JSON) instead of drawn ones.',
  }),
  save: Flags.string({ helpValue: 'FILE', summary: 'Where to write the smallest failing scenario, for `sim replay`.' }),
};

/** `3` or `3-12`. */
export function parseNodeRange(text: string): readonly [number, number] {
  const [, from, to] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  const least = Number(from);
  const most = Number(to ?? from);
  if (from !== undefined && least >= 1 && most >= least) return [least, most];
  throw problemError('usage-invalid', `--nodes: "${text}" is neither a number nor a range such as 3-12`);
}

export function worldOptions(flags: {
  readonly nodes?: string | undefined;
  readonly duration?: string | undefined;
}): SimulationOptions {
  return {
    ...(flags.nodes !== undefined && { nodes: parseNodeRange(flags.nodes) }),
    ...(flags.duration !== undefined && { durationMs: parseDuration(flags.duration, '--duration') }),
  };
}

/** The report as the result; where a law was broken, also as the error. */
export async function tellReport(
  report: SimulationReport,
  output: Output,
  how: { readonly again: string; readonly save?: string | undefined },
): Promise<void> {
  const { failure, ...sums } = report;
  if (failure !== undefined && how.save !== undefined) {
    const { writeFileSync } = await import('node:fs');
    writeFileSync(how.save, writeScenario(failure.scenario));
    output.note(`the smallest failing scenario is in ${how.save}`);
  }
  const problem = failure && { ...failure.problem, hint: `Repeat it.\n${how.again}` };
  const document = {
    ...sums,
    failure: failure === undefined ? null : { seed: failure.seed, ...failure.failure, scenario: failure.scenario },
    ...(problem !== undefined && { error: errorDocument(problem) }),
  };
  const summary = `${report.runs} runs, ${report.steps} steps, settled within ${report.settledMsMax} ms, hash ${report.hash}`;
  await output.result(document, failure === undefined ? summary : failure.text);
  if (problem === undefined) return;
  throw afterResult(problem, output);
}
