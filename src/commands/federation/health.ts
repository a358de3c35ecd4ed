import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { afterResult } from '../../cli/failure.ts';
import { checkKnown, healthLine, healthTable, only } from '../../cli/federation/health.ts';
import { healthOfAll } from '../../cli/federation/whole.ts';
import { problem } from '../../engine/index.ts';

export default class FederationHealthCommand extends BaseCommand<typeof FederationHealthCommand> {
  static override summary = 'Say how well the federation is, cluster by cluster and link by link, and why.';
  static override description =
    'Each has 100 points and loses some for what is wrong: a cluster with a single hub, loss, latency beyond what the distance ' +
    'explains, links that are down, breakers that are open, other versions, old records. From 80 on it is healthy, from 50 on ' +
    'degraded, below that critical; lost where nothing gets there. The links are those of all hubs of this cluster, the rest as one of ' +
    'them sees it; a split federation looks different from its other side: --from asks a hub of another cluster. Exit code 8 with --exit-code where not all is healthy.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --exit-code --quiet',
    '<%= config.bin %> <%= command.id %> --from prod-eu --json',
  ];
  static override flags = {
    clusters: Flags.string({
      delimiter: ',',
      helpValue: 'CLUSTER',
      multiple: true,
      multipleNonGreedy: true,
      summary: 'Only these.',
    }),
    'exit-code': Flags.boolean({ summary: 'Exit with 8 if any of it is not healthy.' }),
    from: Flags.string({ helpValue: 'CLUSTER', summary: 'As a hub of this cluster sees it.' }),
  };

  async run(): Promise<void> {
    const { clusters, 'exit-code': exitCode, from } = this.flags;
    const question = 'the health of the federation';
    const whole = await this.ask(question, (client) => healthOfAll(client, { from }));
    checkKnown(whole, clusters);
    const health = only(whole, clusters);
    await this.output.table(health, healthTable(health));
    if (!this.output.json) this.output.note(healthLine(health));
    const ill = [...health.clusters, ...health.links].filter(({ state }) => state !== 'healthy');
    if (!exitCode || ill.length === 0) return;
    const who = ill.map(
      (one) => `${'link' in one ? `the link of ${one.hub} to ${one.cluster}` : one.cluster} is ${one.state}`,
    );
    throw afterResult(
      problem('found-wanting', `not well: ${who.join(', ')}`, { hint: 'Look closer.\nmpreg federation topology' }),
      this.output,
    );
  }
}
