import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { afterResult } from '../../cli/failure.ts';
import { optionsOf } from '../../cli/federation/connecting.ts';
import { linksOf } from '../../cli/federation/deployment.ts';
import type { FederationFile } from '../../cli/federation/federation-schema.ts';
import type { FileProblem } from '../../cli/federation/findings.ts';
import { type Probed, probe } from '../../cli/federation/probe.ts';
import { invalid, lineOf, named, readAndCheck } from '../../cli/federation/read-file.ts';
import { withProgress } from '../../cli/progress.ts';
import { resolveSettings } from '../../cli/settings.ts';
import { ProblemError, problem } from '../../engine/index.ts';

export default class FederationValidateConfig extends BaseCommand<typeof FederationValidateConfig> {
  static override summary = 'Say everything that is wrong with a configuration file of a federation.';
  static override description =
    'One line per problem: file, line, path, what is wrong; below it, what to write. Exit code 2 where it is not valid. Warnings ' +
    '(a federation in pieces, a variable that is not set) leave it valid.\n\n--probe then connects to each server_url and bridge_url, ' +
    'and says whether a hub of that cluster is there, with the key and of a version that fits: exit code 5 where one is not there, 8 where ' +
    'one is not as the file says.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> federation.json',
    '<%= config.bin %> <%= command.id %> federation.yaml --probe --json',
    '<%= config.bin %> federation generate-config | <%= config.bin %> <%= command.id %> -',
  ];
  static override args = {
    file: Args.string({ description: 'The file, or - for stdin.', ignoreStdin: true, required: true }),
  };

  static override flags = {
    probe: Flags.boolean({ summary: 'Connect to every address of it, and check who is there.' }),
  };

  async run(): Promise<void> {
    const { file } = this.args;
    const note = (text: string): void => this.output.note(text);
    const { config, problems } = await readAndCheck(file, { note, signal: this.interruption.signal });
    const lines = problems.map((problem) => told(file, problem));
    const document = { file: named(file), valid: config !== undefined, ...counts(config), problems };
    const verdict = config === undefined ? [] : [`${named(file)}: valid, ${summary(config)}`];
    const probed = config === undefined || !this.flags.probe ? undefined : await this.#probe(config);
    const text = [...lines, ...verdict, ...(probed ?? []).map(probeLine)].join('\n');
    await this.output.result({ ...document, ...(probed && { probe: probed }) }, text);
    if (probed !== undefined) this.#judge(probed);
    if (config === undefined) {
      const failure = invalid(file, problems, 'mpreg federation generate-config --template basic');
      throw failure instanceof ProblemError ? afterResult(failure.problem, this.output) : failure;
    }
  }

  async #probe(config: FederationFile): Promise<readonly Probed[]> {
    const settings = await resolveSettings(this.flags, 'named');
    const options = optionsOf(config, settings, (text) => this.output.warn(text));
    const { timeoutMs } = settings;
    const work = probe(config, options, { software: this.config.version, timeoutMs });
    return withProgress('asking every address', this.output, work);
  }

  /** 5 where somebody is not there, 8 where somebody is another than the file says. */
  #judge(probed: readonly Probed[]): void {
    const bad = probed.filter(({ state }) => state !== 'ok');
    if (bad.length === 0) return;
    const says = bad.map(({ cluster, problem: why, url }) => `${cluster} at ${url}: ${why?.message}`).join('; ');
    const silent = bad.some(({ state }) => state === 'unreachable');
    const hint = 'Start what is missing, or correct the address.\nmpreg federation deploy --help';
    throw afterResult(problem(silent ? 'nobody-there' : 'found-wanting', says, { hint }), this.output);
  }
}

function probeLine({ cluster, kind, ms, node, problem: why, state, url, version }: Probed): string {
  const more = why?.message ?? `${node}, mpreg ${version}, ${ms} ms`;
  return [cluster, kind, url, state, more].join('\t');
}

function told(file: string, problem: FileProblem): string {
  const says = lineOf(file, problem);
  return `${says}${problem.severity === 'warning' ? ' (warning)' : ''}\n    ${problem.hint}`;
}

function counts(config: FederationFile | undefined) {
  return config === undefined ? {} : { clusters: config.clusters.length, links: linksOf(config).length };
}

function summary(config: FederationFile): string {
  const { clusters, links } = { ...counts(config) };
  const planned = config.links === undefined ? 'planned' : 'as named';
  return `${clusters} ${clusters === 1 ? 'cluster' : 'clusters'}, ${links} ${links === 1 ? 'link' : 'links'} ${planned}`;
}
