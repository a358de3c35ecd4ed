import { readFile } from 'node:fs/promises';
import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { simulationFlags, tellReport, worldOptions } from '../../cli/simulation.ts';
import { parseTopology } from '../../cli/topology-file.ts';
import { simulate } from '../../engine/index.ts';

export default class SimRun extends BaseCommand<typeof SimRun> {
  static override summary = 'Run the real protocols in simulated worlds, with every fault a seed can think of.';
  static override description =
    'Each seed draws a mesh, its network, disks, clocks, crashes and calls; the laws are checked at every step. The same ' +
    'seed is the same run, everywhere. Exits with 20 where safety was broken, 21 where a mesh did not settle, 22 where ' +
    'a machine crashed; the failure says how to see it again.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --seeds 20',
    '<%= config.bin %> <%= command.id %> --seed 7 --nodes 5 --duration 20s --json',
    '<%= config.bin %> <%= command.id %> --topology mesh.yaml --seeds 5',
  ];
  static override flags = {
    seed: Flags.integer({ default: 1, min: 0, summary: 'The first seed.' }),
    seeds: Flags.integer({ default: 1, min: 1, summary: 'How many seeds, one after the other.' }),
    ...simulationFlags,
  };

  async run(): Promise<void> {
    const { duration, nodes, save, seed, seeds, topology } = this.flags;
    const mesh = topology === undefined ? undefined : await parseTopology(await readFile(topology, 'utf8'), topology);
    let said = performance.now();
    const report = await simulate({
      ...worldOptions(this.flags),
      ...(mesh !== undefined && { topology: mesh }),
      count: seeds,
      onProgress: ({ done, total }) => {
        if (performance.now() - said < 2000) return;
        said = performance.now();
        this.output.note(`${done} of ${total} runs`);
      },
      seed,
      signal: this.interruption.signal,
    });
    const failed = report.failure?.seed ?? seed;
    const options = Object.entries({ duration, nodes, topology }).flatMap(([name, value]) =>
      value === undefined ? [] : [`--${name} ${value}`],
    );
    await tellReport(report, this.output, { again: ['mpreg sim replay', failed, ...options].join(' '), save });
  }
}
