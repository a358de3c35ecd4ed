import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { afterResult } from '../../cli/failure.ts';
import { linksOf } from '../../cli/federation/deployment.ts';
import type { FederationFile } from '../../cli/federation/federation-schema.ts';
import type { FileProblem } from '../../cli/federation/findings.ts';
import { invalid, lineOf, named, readAndCheck } from '../../cli/federation/read-file.ts';
import { ProblemError } from '../../engine/index.ts';

export default class FederationValidateConfig extends BaseCommand<typeof FederationValidateConfig> {
  static override summary = 'Say everything that is wrong with a configuration file of a federation.';
  static override description =
    'One line per problem: file, line, path, what is wrong; below it, what to write. Exit code 2 where it is not valid. Warnings ' +
    '(a federation in pieces, a variable that is not set) leave it valid.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> federation.json',
    '<%= config.bin %> <%= command.id %> federation.yaml --json',
    '<%= config.bin %> federation generate-config | <%= config.bin %> <%= command.id %> -',
  ];
  static override args = {
    file: Args.string({ description: 'The file, or - for stdin.', ignoreStdin: true, required: true }),
  };

  async run(): Promise<void> {
    const { file } = this.args;
    const note = (text: string): void => this.output.note(text);
    const { config, problems } = await readAndCheck(file, { note, signal: this.interruption.signal });
    const lines = problems.map((problem) => told(file, problem));
    const document = { file: named(file), valid: config !== undefined, ...counts(config), problems };
    const verdict = config === undefined ? [] : [`${named(file)}: valid, ${summary(config)}`];
    await this.output.result(document, [...lines, ...verdict].join('\n'));
    if (config === undefined) {
      const failure = invalid(file, problems);
      throw failure instanceof ProblemError ? afterResult(failure.problem, this.output) : failure;
    }
  }
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
