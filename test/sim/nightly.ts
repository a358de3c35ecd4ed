/**
 * Runs very many seeds: `node test/sim/nightly.ts --seeds 10000 [--federations 2000] [--from 1] [--save failing.json]`: past
 * failures first, then single meshes, then federations.
 * Ends with the exit code of the first failure, and with what to do about it.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { kindOf } from '../../src/engine/core/base/problems.ts';
import { writeScenario } from '../../src/engine/sim/replay.ts';
import { type SimulationOptions, type SimulationReport, simulation } from '../../src/engine/sim/simulate.ts';
import { pastFederations, pastSeeds } from './seeds.ts';

const { values } = parseArgs({
  options: {
    federations: { default: '2000', type: 'string' },
    from: { default: '1', type: 'string' },
    save: { type: 'string' },
    seeds: { default: '10000', type: 'string' },
  },
});

function watch(options: SimulationOptions): SimulationReport {
  const runs = simulation(options);
  const began = performance.now();
  for (;;) {
    const next = runs.next();
    if (next.done) return next.value;
    const { done, total, steps } = next.value;
    const seconds = (performance.now() - began) / 1000;
    if (done % 500 === 0) process.stderr.write(`${done} of ${total} seeds, ${steps} steps, ${seconds.toFixed(0)} s\n`);
  }
}

const seed = Number(values.from);
const all: readonly SimulationOptions[] = [
  { seeds: pastSeeds() },
  { federated: true, seeds: pastFederations().all },
  { federated: 'plain', seeds: pastFederations().plain },
  { count: Number(values.seeds), seed },
  { count: Number(values.federations), federated: true, seed },
];
let failure: SimulationReport['failure'];
for (const options of all) {
  const report = watch(options);
  failure = report.failure;
  if (failure !== undefined) break;
  process.stdout.write(
    `${report.runs} seeds clean, ${report.steps} steps, settled within ${report.settledMsMax} ms, hash ${report.hash}\n`,
  );
}
if (failure !== undefined) {
  process.stdout.write(`${failure.text}\n`);
  if (values.save !== undefined) writeFileSync(values.save, writeScenario(failure.scenario));
  process.exitCode = kindOf(failure.problem).exit;
}
