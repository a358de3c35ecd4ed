import { readFile } from 'node:fs/promises';
import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { simulationFlags, tellReport, worldOptions } from '../../cli/simulation.ts';
import { parseTopology } from '../../cli/topology-file.ts';
import { ProblemError, readScenario, type SimulationOptions, simulate } from '../../engine/index.ts';

export default class SimReplay extends BaseCommand<typeof SimReplay> {
  static override summary = 'Repeat one simulated run: that of a seed, or of a saved scenario.';
  static override description =
    'A seed needs the same --nodes, --duration and --topology as the run that found it; a scenario file needs nothing.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> 7',
    '<%= config.bin %> <%= command.id %> failing.json --json',
  ];
  static override args = {
    what: Args.string({ description: 'A seed, or a file that --save wrote.', ignoreStdin: true, required: true }),
  };
  static override flags = simulationFlags;

  async run(): Promise<void> {
    const { what } = this.args;
    const report = await simulate({
      ...(/^\d+$/.test(what) ? await this.#drawn(Number(what)) : await saved(what)),
      signal: this.interruption.signal,
      twiceEvery: 1,
    });
    await tellReport(report, this.output, { again: `mpreg sim replay ${what}`, save: this.flags.save });
  }

  async #drawn(seed: number): Promise<SimulationOptions> {
    const { topology } = this.flags;
    const mesh = topology === undefined ? undefined : await parseTopology(await readFile(topology, 'utf8'), topology);
    return { ...worldOptions(this.flags), ...(mesh !== undefined && { topology: mesh }), seed };
  }
}

async function saved(file: string): Promise<SimulationOptions> {
  const scenario = readScenario(await readFile(file, 'utf8'));
  if (!scenario.ok) throw new ProblemError({ ...scenario.problem, message: `${file}: ${scenario.problem.message}` });
  return { scenario: scenario.value };
}
