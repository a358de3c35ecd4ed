/**
 * Runs very many seeds: `node test/sim/nightly.ts --seeds 10000 [--from 1] [--save failing.json]`. Past failures first.
 * Ends with the exit code of the first failure, and with what to do about it.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { kindOf } from '../../src/engine/core/base/problems.ts';
import { writeScenario } from '../../src/engine/sim/replay.ts';
import { type SimulationOptions, type SimulationReport, simulation } from '../../src/engine/sim/simulate.ts';
import { pastSeeds } from './seeds.ts';

const { values } = parseArgs({
  options: {
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

const past = watch({ seeds: pastSeeds() });
const report = past.failure ? past : watch({ count: Number(values.seeds), seed: Number(values.from) });
const { failure } = report;
if (failure === undefined) {
  process.stdout.write(
    `${report.runs} seeds clean, ${report.steps} steps, settled within ${report.settledMsMax} ms, hash ${report.hash}\n`,
  );
} else {
  process.stdout.write(`${failure.text}\n`);
  if (values.save !== undefined) writeFileSync(values.save, writeScenario(failure.scenario));
  process.exitCode = kindOf(failure.problem).exit;
}
