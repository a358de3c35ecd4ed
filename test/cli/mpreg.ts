/**
 * Runs the command line as users do, as a process of its own, from the sources: no build can be out of date. Every test
 * file gets folders of its own for configuration and for the runtime directory, so that nothing outside is seen.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const BIN = fileURLToPath(new URL('../../bin/dev.js', import.meta.url));

/** Halves what each of the many short processes costs. */
const COMPILE_CACHE = fileURLToPath(new URL('../../node_modules/.cache/compiled', import.meta.url));

/** The compiled command line: starts in a third of the time; `npm test` compiles before it tests. */
export const BUILT = fileURLToPath(new URL('../../bin/run.js', import.meta.url));

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Written to stdin, which is then closed; without it stdin is empty. */
  readonly input?: string | Uint8Array;
  /** On a terminal: what must be shown before the input is typed. */
  readonly after?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export class World {
  readonly #bin: string;
  readonly folder = mkdtempSync(join(tmpdir(), 'mpreg-cli-'));
  readonly #children = new Set<ChildProcessWithoutNullStreams>();

  /** `bin`: what is started in place of the sources, such as the compiled `BUILT`. */
  constructor(bin = BIN) {
    this.#bin = bin;
    for (const name of ['config', 'runtime', 'work']) mkdirSync(this.path(name), { mode: 0o700 });
  }

  path(...names: string[]): string {
    return join(this.folder, ...names);
  }

  /** Nothing of the caller's own settings comes through. */
  env(more: Readonly<Record<string, string>> = {}): Record<string, string> {
    return {
      HOME: this.folder,
      MPREG_CONFIG_DIR: this.path('config'),
      MPREG_RUNTIME_DIR: this.path('runtime'),
      NODE_COMPILE_CACHE: COMPILE_CACHE,
      PATH: process.env['PATH'] ?? '',
      ...more,
    };
  }

  spawn(args: readonly string[], { env, cwd }: RunOptions = {}): ChildProcessWithoutNullStreams {
    const child = spawn(process.execPath, [this.#bin, ...args], { cwd: cwd ?? this.path('work'), env: this.env(env) });
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    child.stdin.on('error', () => {}); // the command may end before it has read everything
    return child;
  }

  /** Another program, in the same world. */
  spawnOther(command: string, args: readonly string[]): ChildProcessWithoutNullStreams {
    const child = spawn(command, args, { cwd: this.path('work'), env: this.env() });
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    return child;
  }

  async mpreg(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
    const child = this.spawn(args, options);
    child.stdin.end(options.input);
    return ended(child);
  }

  /** Runs it on a terminal (of `script`), as a person does; stdout and stderr are one there. */
  async terminal(args: readonly string[], { after = '', env, input = '' }: RunOptions = {}): Promise<Ran> {
    const command = `exec ${[process.execPath, this.#bin, ...args].map((word) => `'${word}'`).join(' ')}`;
    const child = spawn('script', ['-qefc', command, '/dev/null'], {
      cwd: this.path('work'),
      env: this.env({ TERM: 'xterm-256color', ...env }),
    });
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    let shown = '';
    const type = (chunk: unknown) => {
      shown += chunk;
      if (!shown.includes(after)) return;
      child.stdout.off('data', type);
      child.stdin.write(input);
    };
    child.stdout.on('data', type);
    type('');
    const { code, stdout } = await ended(child);
    return { code, stderr: stdout, stdout };
  }

  /** Starts a node and waits until it is ready; its ready line tells where it is. */
  async node(args: readonly string[], options: RunOptions = {}): Promise<RunningNode> {
    const child = this.spawn(['node', 'start', '--json', ...args], options);
    const all = ended(child);
    const line = await Promise.race([firstLine(child), all]);
    if (typeof line !== 'string') throw new Error(`no node: exit ${line.code}\n${line.stdout}${line.stderr}`);
    const ready = JSON.parse(line) as Ready;
    if (ready.event !== 'ready') throw new Error(`no node: ${line}`);
    return { ...ready, child, ended: all };
  }

  async close(): Promise<void> {
    const children = [...this.#children];
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(children.map((child) => (child.exitCode === null ? once(child, 'exit') : undefined)));
    rmSync(this.folder, { force: true, recursive: true });
  }
}

export interface Ready {
  readonly event: string;
  readonly id: string;
  readonly name: string;
  readonly url: string;
  readonly cluster: string;
  readonly pid: number;
  readonly functions: readonly string[];
  readonly resources: readonly string[];
}

export interface RunningNode extends Ready {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Ran>;
}

/** Everything that a process wrote, once it is gone. */
export async function ended(child: ChildProcessWithoutNullStreams): Promise<Ran> {
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stderr, stdout };
}

/** Resolves with the first line on stdout. */
export function firstLine(child: ChildProcessWithoutNullStreams): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (more: string) => {
      text += more;
      const end = text.indexOf('\n');
      if (end >= 0) resolve(text.slice(0, end));
    });
  });
}

/** Asks until the answer is right, for what spreads by gossip. */
export async function eventually<Value>(
  ask: () => Promise<Value>,
  right: (value: Value) => boolean,
  ms = 60_000,
): Promise<Value> {
  const until = performance.now() + ms;
  for (;;) {
    const value = await ask();
    if (right(value)) return value;
    if (performance.now() > until) throw new Error(`still wrong after ${ms} ms: ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
