/** Two nodes for the tests of the queue commands: alpha keeps queues on disk, beta in memory. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { afterAll, beforeAll, vi } from 'vitest';
import { BUILT, ended, eventually, type Ran, type RunningNode, World } from '../cli/mpreg.ts';

export interface Info {
  readonly counts: Readonly<Record<string, number>>;
  readonly bindings: readonly string[];
}

export class QueueWorld {
  readonly world = new World(BUILT);
  alpha!: RunningNode;
  beta!: RunningNode;

  /** For the tests of one file. */
  constructor() {
    vi.setConfig({ testTimeout: 40_000 }); // each of them is made of several processes
    beforeAll(() => this.#start());
    afterAll(() => this.world.close());
  }

  at(node: RunningNode, ...args: string[]): Promise<Ran> {
    return this.world.mpreg(args, { env: { MPREG_URL: node.url } });
  }

  /** Through alpha. */
  readonly mpreg = (...args: string[]): Promise<Ran> => this.at(this.alpha, ...args);

  readonly input = (input: string, ...args: string[]): Promise<Ran> =>
    this.world.mpreg(args, { env: { MPREG_URL: this.alpha.url }, input });

  readonly json = async <Document>(...args: string[]): Promise<Document> => {
    const { stdout, stderr } = await this.mpreg(...args, '--json');
    if (stdout === '') throw new Error(stderr);
    return JSON.parse(stdout) as Document;
  };

  readonly countsOf = async (name: string): Promise<Info['counts']> =>
    (await this.json<Info>('queue', 'info', name)).counts;

  spawned(...args: string[]): { readonly child: ChildProcessWithoutNullStreams; readonly all: Promise<Ran> } {
    const child = this.world.spawn(args, { env: { MPREG_URL: this.alpha.url } });
    return { all: ended(child), child };
  }

  async #start(): Promise<void> {
    this.alpha = await this.world.node(['--name', 'alpha', '--data-dir', this.world.path('data')]);
    this.beta = await this.world.node(['--name', 'beta', '--peer', this.alpha.url]);
    const members = () => this.json<unknown[]>('node', 'list');
    await eventually(members, ({ length }) => length === 2);
  }
}
