/**
 * One node as a child process of this program: `mpreg node start --json …`.
 *
 * The child holds one end of a pipe that it reads until it ends (`--until-stdin-ends`). Closing our end asks it to drain
 * and leave; and should this process vanish, in whatever way, the system closes it, and the child leaves all the same.
 * It has a process group of its own, so that Ctrl-C in the terminal reaches us alone and not it as well.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { ProblemError, problem } from '../../engine/index.ts';
import { ownProcess } from './own-process.ts';

export interface NodeProcessOptions {
  readonly name: string;
  /** After `node start`. */
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Hears every line of its stderr. */
  readonly line: (text: string) => void;
}

/** What a node says of itself when it serves. */
export interface Ready {
  readonly id: string;
  readonly name: string;
  readonly url: string;
  readonly cluster: string;
  readonly pid: number;
  readonly functions: readonly string[];
  readonly resources: readonly string[];
}

/** How many of its last lines are told when it dies. */
const LAST_LINES = 8;
const PIPES_MS = 300;

export class NodeProcess {
  readonly name: string;
  /** Rejects where it ended before it was ready. */
  readonly ready: Promise<Ready>;
  /** Resolves with the problem when it has ended; whether that is one, only the caller knows. */
  readonly ended: Promise<ProblemError>;
  readonly #child: ChildProcess;
  #serves = false;
  readonly #last: string[] = [];

  constructor({ name, args, cwd, env, line }: NodeProcessOptions) {
    this.name = name;
    const own = ownProcess();
    const words = ['node', 'start', '--json', '--log-format', 'text', '--until-stdin-ends', ...args];
    const child = spawn(own.file, [...own.args, ...words], {
      cwd,
      detached: process.platform !== 'win32',
      env,
      stdio: ['pipe', 'pipe', 'pipe'],
      windowsHide: true,
    });
    this.#child = child;
    child.stdin.on('error', () => {}); // it is gone already, which `ended` tells
    createInterface({ input: child.stderr }).on('line', (text) => {
      this.#last.push(text);
      if (this.#last.length > LAST_LINES) this.#last.shift();
      line(text);
    });
    this.ended = new Promise((resolve) => {
      child.once('error', (error) => resolve(this.#problem(`could not be started: ${error.message}`, args)));
      child.once('exit', (code, signal) => {
        const tell = (): void => {
          resolve(this.#problem(signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`, args));
        };
        child.once('close', tell); // what it said last is in by then, unless a process of its own still holds the pipes
        setTimeout(tell, PIPES_MS).unref();
      });
    });
    this.ready = new Promise((resolve, reject) => {
      createInterface({ input: child.stdout }).on('line', (text) => {
        const found = documentIn(text);
        if (found.event === 'ready') {
          this.#serves = true;
          resolve(found as Ready);
        } else if (found.error?.message !== undefined) this.#last.push(found.error.message);
      });
      void this.ended.then(reject);
    });
    this.ready.catch(() => {}); // `ended` tells it too
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null && this.#child.pid !== undefined;
  }

  get serves(): boolean {
    return this.#serves;
  }

  /** Whether it ended as a node does that was told to leave. */
  get leftOnRequest(): boolean {
    return this.#serves && this.#child.exitCode === 0;
  }

  /** Lets it finish its calls and leave. */
  stop(): void {
    this.#child.stdin?.end();
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #problem(what: string, args: readonly string[]): ProblemError {
    const last = this.#last.length === 0 ? '' : `; the last that it said:\n  ${this.#last.join('\n  ')}`;
    const words = args.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word}'`));
    return new ProblemError(
      problem('node-died', `the node ${this.name} ${what}${last}`, {
        hint: `Start it alone to look closer.\nmpreg node start ${words.join(' ')}`,
        node: this.name,
      }),
    );
  }
}

function documentIn(line: string): Partial<Ready> & { readonly event?: string; readonly error?: { message?: string } } {
  try {
    return JSON.parse(line);
  } catch {
    return {};
  }
}
