/** Several nodes, started together, that meet and end together. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Client, ProblemError } from '../../engine/index.ts';
import { NodeProcess, type NodeProcessOptions, type Ready } from './node-process.ts';

/** How often nodes are asked whether they see the others: rarer the more there are, so that the asking does not keep them from it. */
const ASK_MS = 50;
const ASK_MS_PER_NODE = 5;

/** Beyond this the others are not waited for where one of them died. */
const FAREWELL_MS = 5000;

export class Fleet {
  readonly #nodes: readonly NodeProcess[];
  /** Resolves when one has ended that nobody asked to, or that failed. */
  readonly died: Promise<ProblemError>;
  /** Resolves when none is left. */
  readonly ended: Promise<void>;
  #stopping = false;

  constructor(nodes: readonly NodeProcessOptions[], left: (name: string) => void) {
    this.#nodes = nodes.map((options) => new NodeProcess(options));
    const endings = this.#nodes.map((node) => node.ended);
    this.ended = Promise.all(endings).then(() => {});
    this.died = new Promise((resolve) => {
      for (const node of this.#nodes) {
        void node.ended.then((problem) => {
          if (this.#stopping) return;
          if (node.leftOnRequest) left(node.name);
          else resolve(problem);
        });
      }
    });
    process.once('exit', () => this.kill());
  }

  /** What the nodes say of themselves, in their order, once all of them serve. */
  ready(each: (count: number) => void): Promise<readonly Ready[]> {
    let count = 0;
    return Promise.all(
      this.#nodes.map(async (node) => {
        const ready = await node.ready;
        each(++count);
        return ready;
      }),
    );
  }

  /** Those that do not serve yet. */
  get missing(): readonly string[] {
    return this.#nodes.filter((node) => !node.serves).map(({ name }) => name);
  }

  /** Lets all of them finish their calls and leave. Resolves when they have ended. */
  stop(): Promise<void> {
    this.#stopping = true;
    for (const node of this.#nodes) node.stop();
    return this.ended;
  }

  /** The same, but not for long: what has not ended by then is killed. */
  async stopSoon(): Promise<void> {
    const timer = setTimeout(() => this.kill(), FAREWELL_MS);
    await this.stop();
    clearTimeout(timer);
  }

  kill(): void {
    for (const node of this.#nodes) if (node.running) node.kill();
  }
}

/** Resolves when every node sees all the others alive and knows what they have. */
export async function allMet(
  nodes: readonly Ready[],
  open: (url: string) => Promise<Client>,
  signal: AbortSignal,
): Promise<void> {
  const askMs = Math.max(ASK_MS, nodes.length * ASK_MS_PER_NODE);
  await Promise.all(
    nodes.map(async ({ url }) => {
      const client = await open(url);
      try {
        for (;;) {
          const known = (await client.members()).filter(({ record, state }) => state === 'alive' && record);
          const alive = new Set(known.map(({ id }) => id));
          if (nodes.every(({ id }) => alive.has(id))) return;
          await pause(askMs, undefined, { signal });
        }
      } finally {
        await client.close();
      }
    }),
  );
}
