/**
 * A reader who does everything that a document says, in a checkout that is set up, with nothing of their own: the first
 * difference between what it says and what happens is the answer. What they write lands in a folder that is removed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { processesWith } from '../processes.ts';
import { agrees, plain, type Step, stepsOf } from './document.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** As long as a node that says where it is may need until others know what it has. */
const PAUSE_MS = 1_000;

interface Limits {
  /** For one command, in milliseconds. */
  readonly commandMs: number;
  /** Until a command in the background has printed what is shown. */
  readonly readyMs: number;
}

/** What went wrong first, or undefined. */
export async function read(
  text: string,
  limits: Limits = { commandMs: 60_000, readyMs: 60_000 },
): Promise<string | undefined> {
  const reader = new Reader(limits);
  try {
    for (const step of stepsOf(text)) {
      const complaint = await reader.follow(step);
      if (complaint) return `line ${step.line}: ${complaint}`;
    }
    return undefined;
  } finally {
    await reader.leave();
  }
}

type Command = Extract<Step, { kind: 'command' }>;

class Reader {
  readonly #limits: Limits;
  /** Real, because a shell's `pwd` is. */
  readonly #home = realpathSync(mkdtempSync(join(tmpdir(), 'mpreg-docs-')));
  readonly #folder = join(this.#home, 'work');
  readonly #background: Running[] = [];

  constructor(limits: Limits) {
    this.#limits = limits;
    for (const name of ['bin', 'config', 'runtime', 'work']) mkdirSync(join(this.#home, name), { mode: 0o700 });
    for (const name of readdirSync(root).filter((name) => name !== '.git' && name !== 'build')) {
      symlinkSync(join(root, name), join(this.#folder, name));
    }
    const launcher = `#!/bin/sh\nexec '${process.execPath}' '${root}bin/run.js' "$@"\n`;
    writeFileSync(join(this.#home, 'bin', 'mpreg'), launcher, { mode: 0o755 });
    writeFileSync(join(this.#home, 'folder'), this.#folder);
    writeFileSync(join(this.#home, 'exports'), '');
  }

  async follow(step: Step): Promise<string | undefined> {
    if (step.kind === 'command') return step.background ? this.#start(step) : this.#run(step);
    const file = join(readFileSync(join(this.#home, 'folder'), 'utf8').trim(), step.name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, step.text);
    return undefined;
  }

  /** Ends what still runs, and forgets everything. */
  async leave(): Promise<void> {
    await Promise.all(this.#background.map((running) => running.end()));
    for (const pid of processesWith('HOME', this.#home)) process.kill(pid, 'SIGKILL'); // what was started to go on by itself
    rmSync(this.#home, { force: true, recursive: true });
  }

  async #run({ command, shown, status }: Command): Promise<string | undefined> {
    const running = this.#spawn(`${command}\n__status=$?; export -p > ~/exports; pwd > ~/folder; exit $__status`);
    const ended = await running.ended(this.#limits.commandMs);
    if (ended === undefined) {
      await running.end();
      return `${command}\nhas not ended after ${this.#limits.commandMs / 1000} s; it printed\n${running.output}`;
    }
    if (ended !== status) return `${command}\nexited with ${ended}, not ${status}; it printed\n${running.output}`;
    if (shown.length === 0 || agrees(shown, running.output)) return undefined;
    return `${command}\nshows\n${shown.join('\n')}\nbut printed\n${running.output}`;
  }

  /** Ready is what has printed what is shown; where nothing is shown, what has printed something and then paused. */
  async #start({ command, shown }: Command): Promise<string | undefined> {
    const running = this.#spawn(command);
    this.#background.push(running);
    const until = Date.now() + this.#limits.readyMs;
    let before: string | undefined;
    const ready = () => {
      if (shown.length) return agrees(shown, running.output);
      const paused = running.output === before;
      before = running.output;
      return paused && before !== '';
    };
    while (!ready()) {
      const ended = await running.ended(PAUSE_MS);
      if (ended !== undefined && !ready()) return `${command}\nended with ${ended}; it printed\n${running.output}`;
      if (Date.now() > until)
        return `${command}\nis not ready: it should print\n${shown.join('\n')}\nbut printed\n${running.output}`;
    }
    return undefined;
  }

  #spawn(script: string): Running {
    const prelude = '. ~/exports; cd "$(cat ~/folder)"\n';
    const env = {
      HOME: this.#home,
      LANG: 'C.UTF-8',
      MPREG_CONFIG_DIR: join(this.#home, 'config'),
      MPREG_RUNTIME_DIR: join(this.#home, 'runtime'),
      NO_COLOR: '1',
      PATH: `${join(this.#home, 'bin')}:${dirname(process.execPath)}:${process.env.PATH}`,
    };
    return new Running(
      spawn('bash', ['-c', `${prelude}exec 2>&1\n${script}`], {
        detached: true,
        env,
        stdio: ['ignore', 'pipe', 'ignore'],
      }),
    );
  }
}

/** A shell and what it started, as one process group. */
class Running {
  readonly #child: ChildProcess;
  readonly #exited: Promise<number>;
  #output = '';

  constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text;
    });
    this.#exited = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve(code ?? 1));
    });
  }

  get output(): string {
    return plain(this.#output);
  }

  /** Its status, or undefined while it runs. */
  async ended(withinMs: number): Promise<number | undefined> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => resolve(undefined), withinMs);
    try {
      return await Promise.race([this.#exited, promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  async end(): Promise<void> {
    this.#signal('SIGTERM');
    if ((await this.ended(5_000)) !== undefined) return;
    this.#signal('SIGKILL');
    await this.#exited;
  }

  #signal(signal: NodeJS.Signals): void {
    try {
      if (this.#child.pid !== undefined) process.kill(-this.#child.pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}
