import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { afterResult } from '../../cli/failure.ts';
import { askHub } from '../../cli/federation/hubs.ts';
import { formatMs } from '../../cli/federation/topology.ts';
import { dropEmpty } from '../../cli/settings.ts';
import type { Table } from '../../cli/table.ts';
import { type Client, type FederationExplanation, ProblemError, problem } from '../../engine/index.ts';

const KINDS = ['function', 'topic', 'queue'] as const;
type Kind = (typeof KINDS)[number];

/** What the hub calls it. */
const FIELDS = { function: 'fun', queue: 'queue', topic: 'topic' } as const;

interface Explained extends FederationExplanation {
  readonly kind: Kind;
  readonly name: string;
}

export default class FederationExplain extends BaseCommand<typeof FederationExplain> {
  static override summary =
    'Say to which clusters a call, a message of a topic or of a queue could go, and why not to the others.';
  static override description =
    'In the order in which they would be asked: the own cluster first, then the nearest. Without --kind the name is looked for ' +
    'as a function, a topic and a queue, and what some cluster has is told. Exit code 3 where no cluster has it.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> predict',
    '<%= config.bin %> <%= command.id %> predict --loc gpu --from prod-eu --json',
    '<%= config.bin %> <%= command.id %> order.created --kind topic',
  ];
  static override args = {
    name: Args.string({ description: 'A function, a topic or a queue.', ignoreStdin: true, required: true }),
  };
  static override flags = {
    from: Flags.string({ helpValue: 'CLUSTER', summary: 'As a hub of this cluster sees it.' }),
    kind: Flags.option({ options: KINDS })({ summary: 'What the name is the name of.' }),
    loc: Flags.string({
      helpValue: 'RESOURCE',
      multiple: true,
      multipleNonGreedy: true,
      summary: 'A resource that the function must find there; repeatable.',
    }),
    region: Flags.string({ helpValue: 'REGION', summary: 'Only clusters of this region.' }),
    version: Flags.string({ helpValue: 'RANGE', summary: 'The version of the function: 1.2.0, ^2, >=1.4.' }),
  };

  async run(): Promise<void> {
    const { kind } = this.flags;
    const kinds = kind === undefined ? KINDS : [kind];
    const all = await this.ask(`where ${this.args.name} could go`, (client) =>
      Promise.all(kinds.map((one) => this.#explain(client, one, kind !== undefined))),
    );
    const answers = all.filter((answer): answer is Explained => answer !== undefined);
    const good = answers.filter(({ clusters }) => clusters.some(({ fits }) => fits));
    const told = good.length > 0 ? good : answers.slice(0, 1);
    for (const answer of told) {
      if (!this.output.json && told.length > 1) this.output.note(`as a ${answer.kind}:`);
      if (!this.output.json) await this.output.table(answer, clusterTable(answer.clusters));
    }
    if (this.output.json) await this.output.document(told);
    if (good.length > 0) return;
    const about = problem('function-unknown', `no cluster in reach can take ${this.args.name}`, {
      hint: 'Look at what clusters can be reached.\nmpreg federation topology',
    });
    throw afterResult(about, this.output);
  }

  /** `strict`: a name that is none of its kind is an error, not just no answer. */
  async #explain(client: Client, kind: Kind, strict: boolean): Promise<Explained | undefined> {
    const { from, loc: locs, region, version } = this.flags;
    const { name } = this.args;
    const wish = kind === 'function' ? { locs, region, version } : { region };
    const ask = { [FIELDS[kind]]: name, ...dropEmpty(wish) };
    try {
      return { ...(await askHub<FederationExplanation>(client, 'explain', ask, { from })), kind, name };
    } catch (error) {
      const misfit = error instanceof ProblemError && /^(topic|input)-invalid$/.test(error.problem.code);
      if (strict || !misfit || kind === 'function') throw error;
      return undefined;
    }
  }
}

type Row = FederationExplanation['clusters'][number];

function clusterTable(rows: readonly Row[]): Table<Row> {
  return {
    columns: [
      { name: 'cluster', style: () => 'bold', value: ({ cluster }) => cluster },
      { name: 'fits', style: ({ fits }) => (fits ? 'green' : 'dim'), value: ({ fits }) => (fits ? 'yes' : 'no') },
      { align: 'right', name: 'cost', value: ({ cost }) => (cost === undefined ? '' : formatMs(cost / 1_000)) },
      { name: 'why', value: ({ why }) => why },
    ],
    empty: 'No cluster is known.',
    rows,
  };
}
