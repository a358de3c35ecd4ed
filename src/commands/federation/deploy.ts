import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { afterResult } from '../../cli/failure.ts';
import { opener, optionsOf } from '../../cli/federation/connecting.ts';
import { type DeployReport, deploy } from '../../cli/federation/deploy.ts';
import { reportLines, summaryOf } from '../../cli/federation/deploy-report.ts';
import type { FederationFile, FileCluster } from '../../cli/federation/federation-schema.ts';
import { onThisMachine } from '../../cli/federation/local-file.ts';
import { folderOf, type LocalNode, startLocal } from '../../cli/federation/local-nodes.ts';
import { readFederationFile } from '../../cli/federation/read-file.ts';
import { withProgress } from '../../cli/progress.ts';
import { dropEmpty, resolveSettings, type Settings } from '../../cli/settings.ts';
import { problem } from '../../engine/index.ts';

/** For links to come up, and for nodes to start, where nobody said how long. */
const WAIT_MS = 30_000;

export default class FederationDeploy extends BaseCommand<typeof FederationDeploy> {
  static override summary = 'Bring the hubs of all clusters to what a configuration file says.';
  static override description = [
    'Connects to every cluster of the file, checks that it is the one that is meant, gives its hubs their links, policies and ' +
      'thresholds, waits until all links are up, and prints what changed. Again, it changes nothing. Hubs keep what they were given.',
    'Where a cluster is not there, nothing is changed anywhere and the exit code is 5; --partial goes on without it. Where one refuses ' +
      'midway, the others are put back. Links that do not come up within --timeout (30s): exit code 8.',
    '--local starts the hubs of the file on this machine first, on the ports of the file (of addresses that have the same port, ' +
      'all but the first get the next ones that are free in the file); they go on until "federation down".',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> <%= command.id %> federation.json --dry-run',
    '<%= config.bin %> <%= command.id %> federation.json --json',
    '<%= config.bin %> <%= command.id %> federation.json --local',
  ];
  static override args = {
    file: Args.string({ description: 'The configuration file, or - for stdin.', ignoreStdin: true, required: true }),
  };
  static override flags = {
    'dry-run': Flags.boolean({ summary: 'Say what would change, and change nothing.' }),
    partial: Flags.boolean({ summary: 'Go on without clusters that are not there, or refuse.' }),
    local: Flags.boolean({ exclusive: ['dry-run'], summary: 'Start the hubs of the file on this machine first.' }),
    'alert-commands': Flags.boolean({
      dependsOn: ['local'],
      summary: 'Those may run the commands that the channels of its alerts name.',
    }),
    'data-dir': Flags.string({
      dependsOn: ['local'],
      helpValue: 'FOLDER',
      summary: 'Where those keep data and logs. .mpreg/NAME beside the file without it.',
    }),
  };

  async run(): Promise<void> {
    const { file: name } = this.args;
    const note = (text: string): void => this.output.note(text);
    const warn = (text: string): void => this.output.warn(text);
    const { signal } = this.interruption;
    const given = await readFederationFile(name, { note, signal, warn });
    const settings = await resolveSettings(this.flags, 'named');
    const timeoutMs = settings.timeoutGiven && settings.timeoutMs > 0 ? settings.timeoutMs : WAIT_MS;
    const file = this.flags.local ? this.#here(given) : given;
    const nodes = this.flags.local ? await this.#start(file, settings, timeoutMs) : undefined;
    const work = deploy(file, {
      dryRun: this.flags['dry-run'],
      name,
      note,
      open: opener(optionsOf(file, settings, warn), timeoutMs),
      partial: this.flags.partial,
      signal,
      software: this.config.version,
      timeoutMs,
    });
    const report = await withProgress('waiting for the clusters', this.output, work);
    const lines = [...reportLines(report), summaryOf(report)];
    await this.output.result({ ...report, ...(nodes && { nodes }) }, lines.join('\n'));
    if (nodes !== undefined) note(`they go on; end them with: mpreg federation down ${name}`);
    const [first] = file.clusters;
    const isNew = report.clusters.some(({ state }) => state === 'changed');
    if (isNew && !this.flags['dry-run']) note(`next: mpreg federation health --url ${first?.server_url}`);
    this.#judge(report);
  }

  #judge({ clusters, links }: DeployReport): void {
    const waiting = links.filter(({ state }) => state === 'waiting');
    if (waiting.length > 0) {
      const says = waiting.map(({ from, reason, to }) => `${from} – ${to} (${reason})`).join(', ');
      const hint = 'What was applied stays; the hubs go on trying.\nmpreg federation health';
      throw afterResult(problem('found-wanting', `links that are not up: ${says}`, { hint }), this.output);
    }
    const failed = clusters.find(({ state }) => state === 'failed');
    if (failed?.problem === undefined) return;
    throw afterResult({ ...failed.problem, message: `${failed.cluster}: ${failed.problem.message}` }, this.output);
  }

  #here(given: FederationFile): FederationFile {
    const { file, moved } = onThisMachine(given);
    for (const { from, to } of moved) this.output.note(`${from} is at ${to} here: its port is another one's`);
    return file;
  }

  #start(file: FederationFile, settings: Settings, timeoutMs: number): Promise<readonly LocalNode[]> {
    const { keyFile, tlsCa, tlsCert, tlsKey } = settings;
    const flags = dropEmpty({ 'key-file': keyFile, 'tls-ca': tlsCa, 'tls-cert': tlsCert, 'tls-key': tlsKey });
    const work = startLocal(file, {
      args: [
        ...Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, String(value)]),
        ...(this.flags['alert-commands'] ? ['--alert-commands'] : []),
      ],
      env: (cluster) => environmentOf(cluster, file),
      folder: this.flags['data-dir'] ?? folderOf(this.args.file),
      note: (text) => this.output.note(text),
      signal: this.interruption.signal,
      timeoutMs,
    });
    return withProgress('waiting for the hubs to start', this.output, work);
  }
}

/** Variables that only one node can follow. */
const OF_ONE_NODE = {
  MPREG_ADVERTISE: undefined,
  MPREG_BRIDGE_PORT: undefined,
  MPREG_DATA_DIR: undefined,
  MPREG_NAME: undefined,
  MPREG_PORT: undefined,
};

function environmentOf({ key_env: own }: FileCluster, { federation }: FederationFile): NodeJS.ProcessEnv {
  const name = own ?? federation.key_env;
  const key = name === undefined ? undefined : process.env[name];
  return dropEmpty({ ...process.env, ...OF_ONE_NODE, ...(key !== undefined && { MPREG_KEY: key }) });
}
