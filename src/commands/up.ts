import { relative } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.ts';
import { connectOptions, dropEmpty, resolveSettings } from '../cli/settings.ts';
import { wantsColor } from '../cli/terminal.ts';
import { Board } from '../cli/up/board.ts';
import { allMet, Fleet } from '../cli/up/fleet.ts';
import type { NodeProcessOptions, Ready } from '../cli/up/node-process.ts';
import { findUpFile, readUpFile, type UpFile, type UpNode } from '../cli/up/up-file.ts';
import { connect, problemError } from '../engine/index.ts';

const READY_MS = 30_000;

/** As long as a node takes at most: its grace for running calls, its farewell, and a little. */
const STOP_MS = 36_000;

/** Variables that only one node can follow. */
const OF_ONE_NODE = { MPREG_DATA_DIR: undefined, MPREG_NAME: undefined, MPREG_PORT: undefined };

export default class Up extends BaseCommand<typeof Up> {
  static override summary = 'Start the nodes of a file, and end them together: for development.';
  static override description = [
    'Without FILE: mpreg.up.yaml, up.yaml or mpreg.yaml (or .json), here or in the nearest folder above. It has "nodes", a list of name, ' +
      'functions, exec, resources, port, region, env, dataDir, host, peers, watch, workers (only the name is needed), and "cluster". Paths are relative to it.',
    'Says on stdout which nodes there are as soon as all serve and see each other; with --json, one line of JSON. What they log goes to ' +
      'stderr, with their names before it. Ctrl-C lets them finish their calls; the second one ends them at once. If one dies, so do the others, ' +
      'and the exit code is 1.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> ./cluster/up.json --json',
  ];
  static override args = {
    file: Args.string({ description: 'The file that describes the nodes, or its folder.', ignoreStdin: true }),
  };
  static override flags = {
    'until-stdin-ends': Flags.boolean({
      summary:
        'Stop, as if told to, when stdin ends: a program that holds the other end cannot leave the nodes behind.',
    }),
  };

  async run(): Promise<void> {
    if (this.flags['until-stdin-ends']) this.interruption.stopWithStdin();
    const file = await readUpFile(findUpFile(this.args.file));
    this.interruption.endsGracefully(STOP_MS);
    const board = this.#board(file);
    const status = (text: string): void => {
      if (!this.output.quiet) board.status(text);
    };
    const options = file.nodes.map((node) => this.#processOf(node, file, board));
    const fleet = new Fleet(options, (name) => status(`up: ${name} has left`));
    const interrupted = new Promise<'interrupted'>((resolve) => {
      this.interruption.signal.addEventListener('abort', () => resolve('interrupted'), { once: true });
    });
    const died = fleet.died.then((problem) => Promise.reject(problem));
    died.catch(() => {});
    try {
      await Promise.race([this.#whenReady(fleet, file, board, status), interrupted, died]);
      await Promise.race([interrupted, died, fleet.ended]);
    } catch (error) {
      board.clear();
      await fleet.stopSoon();
      throw error;
    }
    status('up: stopping, calls may finish; once more ends it at once');
    await fleet.stop();
    board.clear();
    if (!this.output.quiet) this.output.note('up: all nodes have ended');
  }

  async #whenReady(fleet: Fleet, file: UpFile, board: Board, status: (text: string) => void): Promise<void> {
    const began = performance.now();
    const nodes = file.nodes.length === 1 ? '1 node' : `${file.nodes.length} nodes`;
    status(`up: starting ${nodes}`);
    const { timeoutGiven, timeoutMs } = await resolveSettings(this.flags, 'named');
    const limitMs = timeoutGiven ? timeoutMs : READY_MS;
    const giveUp = new AbortController();
    const timer = limitMs > 0 ? setTimeout(() => giveUp.abort(), limitMs) : undefined;
    const late = new Promise<never>((_, reject) => {
      giveUp.signal.addEventListener('abort', () => {
        const why =
          fleet.missing.length > 0 ? `${fleet.missing.join(', ')} did not start` : 'they do not all see each other';
        reject(problemError('nobody-there', `${nodes} should be ready within ${limitMs} ms, but ${why}`));
      });
    });
    try {
      const ready = await Promise.race([fleet.ready((count) => status(`up: ${count} of ${nodes} serve`)), late]);
      await Promise.race([allMet(ready, (url) => this.#connectTo(url, file), giveUp.signal), late]);
      board.clear();
      await this.#sayReady(ready, file);
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      status(`up: ${nodes} ready after ${seconds} s; Ctrl-C ends it all`);
    } finally {
      clearTimeout(timer);
      giveUp.abort();
    }
  }

  #board({ nodes }: UpFile): Board {
    const { stderr } = process;
    return new Board({
      color: wantsColor(stderr, this.flags['no-color']),
      live: stderr.isTTY === true && process.env['TERM'] !== 'dumb',
      names: nodes.map(({ name }) => name),
      stream: stderr,
    });
  }

  #processOf(node: UpNode, file: UpFile, board: Board): NodeProcessOptions {
    const { flags } = this;
    const value = (flag: string, given: string | number | undefined): string[] =>
      given === undefined ? [] : [`--${flag}`, String(given)];
    const args = [
      ...value('name', node.name),
      ...value('cluster', flags.cluster ?? file.cluster),
      ...value('port', node.port),
      ...value('host', node.host),
      ...value('region', node.region),
      ...value('data-dir', node.dataDir),
      ...value('workers', node.workers),
      ...value('key-file', flags['key-file'] ?? file.keyFile),
      ...(['tls-ca', 'tls-cert', 'tls-key'] as const).flatMap((name) => value(name, flags[name])),
      ...node.functions.flatMap((path) => value('functions', relative(file.folder, path) || '.')),
      ...node.exec.flatMap((command) => value('exec', command)),
      ...(node.watch ? ['--watch'] : []),
      ...node.resources.flatMap((name) => value('resource', name)),
      ...node.peers.flatMap((url) => value('peer', url)),
      ...(flags.quiet ? ['--quiet'] : []),
      ...(flags.verbose ? ['--verbose'] : []),
    ];
    const color = wantsColor(process.stderr, flags['no-color']);
    return {
      args,
      cwd: file.folder,
      env: { ...dropEmpty({ ...process.env, ...OF_ONE_NODE, FORCE_COLOR: color ? '1' : '0' }), ...node.env },
      line: (text) => board.line(node.name, text),
      name: node.name,
    };
  }

  async #connectTo(url: string, file: UpFile): ReturnType<typeof connect> {
    const given = { ...this.flags, 'key-file': this.flags['key-file'] ?? file.keyFile };
    const { cluster: _, ...settings } = await resolveSettings(given, 'named');
    return connect(connectOptions({ ...settings, urls: [url] }, (message) => this.output.warn(message)));
  }

  async #sayReady(nodes: readonly Ready[], { file }: UpFile): Promise<void> {
    const rows = nodes.map(({ id, name, url, pid, functions, resources }) => ({
      name,
      url,
      functions,
      resources,
      pid,
      id,
    }));
    if (this.output.json) {
      return this.output.event({ event: 'ready', cluster: nodes[0]?.cluster, file, nodes: rows }, '');
    }
    await this.output.table(rows, {
      columns: [
        { name: 'name', style: () => 'bold', value: (row) => row.name },
        { name: 'url', value: (row) => row.url },
        { name: 'resources', value: (row) => row.resources.join(',') },
        { name: 'functions', value: (row) => row.functions.filter((name) => !/^echos?$/.test(name)).join(',') },
      ],
      empty: '',
      rows,
    });
  }
}
