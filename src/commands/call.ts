import { Args, Flags } from '@oclif/core';
import { readArguments, readNamedArguments } from '../cli/arguments.ts';
import { BaseCommand } from '../cli/base-command.ts';
import { afterNode, orDefaultLimit, within } from '../cli/deadline.ts';
import { regionFlag, tellWhere, wishFlags, wishOf } from '../cli/explanation.ts';
import { STDIN_BYTES_MAX, stdinChunks } from '../cli/io.ts';
import { jsonDocuments } from '../cli/json-documents.ts';
import { toJson } from '../cli/output.ts';
import { planFlags, runPlans } from '../cli/plans.ts';
import { withProgress } from '../cli/progress.ts';
import { dropEmpty, type Settings } from '../cli/settings.ts';
import {
  type CallOptions,
  type Client,
  type Explanation,
  nearbyNodes,
  ProblemError,
  problemError,
  type Reply,
  valueToJson,
} from '../engine/index.ts';

const repeatable = { multiple: true, multipleNonGreedy: true } as const;

export default class Call extends BaseCommand<typeof Call> {
  static override summary = 'Run a function, wherever in the mesh it is, or a whole plan from stdin.';
  static override description = [
    'Arguments that parse as JSON are JSON, all others are text; @file is what a file holds, - is stdin, @@ is an @. ' +
      'Words that begin with a dash come after --.',
    '--cluster and --region have it run in that cluster of the federation and in no other, through the hubs of the one that answers. ' +
      'MPREG_CLUSTER says which one is asked, as for all commands, and leaves open where it runs.',
    'Prints text as it is and everything else as JSON; with --json {"value", "node", "tookMs"}, and the cluster where it is another.',
    '`call -` is `plan run -`: it reads plans from stdin, one or many, and prints the results object of each on a line ' +
      'of its own as soon as it is done; with --json the whole reply.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> <%= command.id %> echo hi',
    `<%= config.bin %> <%= command.id %> add 1 2 --loc gpu --timeout 5s --json`,
    `<%= config.bin %> <%= command.id %> predict 7 --cluster prod-eu`,
    `<%= config.bin %> <%= command.id %> train @data.json --kwarg rounds=3`,
    `echo '[{"name":"first","fun":"echo","args":["hi there!"]}]' | <%= config.bin %> <%= command.id %> -`,
  ];
  static override args = {
    fun: Args.string({ description: 'The function, or - for plans on stdin.', ignoreStdin: true, required: true }),
    args: Args.string({ description: 'What it gets.', ignoreStdin: true, multiple: true }),
  };
  static override flags = {
    kwarg: Flags.string({ ...repeatable, helpValue: 'KEY=VALUE', summary: 'A named argument; repeatable.' }),
    ...wishFlags,
    ...regionFlag,
    string: Flags.boolean({ summary: 'Take all arguments as text, also what looks like JSON.' }),
    stream: Flags.boolean({
      summary:
        'Print the items of a streaming function as they come, one per line, for as long as they come; ' +
        'only --timeout limits the whole.',
    }),
    idempotent: Flags.boolean({ summary: 'It may run twice: repeat it where the outcome is unknown.' }),
    explain: Flags.boolean({ summary: 'Say where it would run and why, and do not call it; see mpreg explain.' }),
    ...planFlags,
  };

  async run(): Promise<void> {
    if (this.args.fun === '-') return this.#plans();
    if (this.flags.concurrency !== undefined || this.flags.ordered) {
      throw problemError(
        'usage-invalid',
        '--concurrency and --ordered are for many plans: mpreg call - or mpreg plan run',
      );
    }
    if (this.flags.explain) {
      const ask = (what: string, question: (client: Client) => Promise<Explanation>) => this.ask(what, question);
      return tellWhere(ask, this.args.fun, wishOf(this.flags), this.output);
    }
    const { signal } = this.interruption;
    const reading = {
      bytesMax: STDIN_BYTES_MAX,
      note: (text: string) => this.output.note(text),
      signal,
      string: this.flags.string,
    };
    const args = await readArguments((this.args.args as string[] | undefined) ?? [], reading);
    const kwargs = this.flags.kwarg && (await readNamedArguments(this.flags.kwarg, reading));
    const { timeoutGiven, timeoutMs } = await this.settings();
    const options: CallOptions = {
      ...wishOf(this.flags),
      ...dropEmpty({ cluster: this.#cluster, kwargs, region: this.flags.region }),
      idempotent: this.flags.idempotent,
      signal,
      timeoutMs,
    };
    if (this.flags.stream) return this.#stream(args, timeoutGiven ? options : { ...options, timeoutMs: 0 });
    const { fun } = this.args;
    const client = await this.client();
    const began = performance.now();
    const asked = within(
      afterNode(timeoutMs),
      `${fun} through ${client.node.name}`,
      this.#asked(client.ask(fun, args, options)),
    );
    const answer = orDefaultLimit(timeoutMs, timeoutGiven, asked);
    const reply = await withProgress(`calling ${fun}`, this.output, answer);
    await this.#print(reply, Math.round(performance.now() - began));
  }

  /**
   * Where it must run, which only the flag says. Why not its variable as well: that says which of several clusters is asked, for all
   * commands, as a context does; what another cluster has is to be found from there.
   */
  get #cluster(): string | undefined {
    const words = this.argv.slice(0, this.argv.includes('--') ? this.argv.indexOf('--') : undefined);
    return words.some((word) => /^--cluster(=|$)/.test(word)) ? this.flags.cluster : undefined;
  }

  /** A cluster is where it runs: the node that is asked need not be of it. */
  protected override async connection(settings: Settings): Promise<Settings> {
    const { cluster, ...rest } = settings;
    if (this.args.fun === '-' || this.#cluster === undefined) return settings;
    const { nodes } = settings.urls.length > 0 ? { nodes: [] } : await nearbyNodes();
    const isThere =
      settings.urls.length === 0 && (nodes.length === 0 || nodes.some((node) => node.cluster === cluster));
    return isThere ? settings : rest;
  }

  /** Who names a cluster to say which one is asked is told that it means more here. */
  async #asked(answer: Promise<Reply>): Promise<Reply> {
    try {
      return await answer;
    } catch (error) {
      const cluster = this.#cluster;
      if (cluster === undefined || !(error instanceof ProblemError) || error.problem.code !== 'function-unknown')
        throw error;
      const hint = `With --cluster ${cluster} it runs there or nowhere; MPREG_CLUSTER only says who is asked.\nmpreg federation explain ${this.args.fun}`;
      throw new ProblemError({ ...error.problem, hint });
    }
  }

  async #print({ value, ...from }: Reply, tookMs: number): Promise<void> {
    if (value instanceof Uint8Array && !this.output.json && !this.output.tty) return this.output.bytes(value);
    await this.output.result({ value: valueToJson(value), ...from, tookMs }, asText(value));
  }

  async #stream(args: readonly unknown[], options: CallOptions): Promise<void> {
    const client = await this.client();
    for await (const item of client.stream(this.args.fun, args, options)) {
      await this.output.event(valueToJson(item), asText(item));
    }
  }

  async #plans(): Promise<void> {
    const { args, flags } = this;
    if (args.args !== undefined) throw problemError('usage-invalid', '"call -" takes no arguments: the plan has them');
    for (const flag of [
      'kwarg',
      'loc',
      'node',
      'region',
      'version',
      'function-id',
      'string',
      'stream',
      'idempotent',
      'explain',
    ] as const) {
      if (flags[flag]) throw problemError('usage-invalid', `--${flag} means nothing to "call -": the plan says it`);
    }
    const { signal } = this.interruption;
    const { timeoutGiven, timeoutMs } = await this.settings();
    const chunks = stdinChunks('a plan', { note: (text) => this.output.note(text), signal });
    await runPlans(jsonDocuments(chunks, 'the plan'), {
      client: this.client(),
      concurrency: flags.concurrency,
      insists: timeoutGiven,
      ordered: flags.ordered,
      output: this.output,
      signal,
      source: 'stdin',
      timeoutMs,
    });
  }
}

function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === undefined ? '' : toJson(valueToJson(value));
}
