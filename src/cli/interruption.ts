/**
 * What Ctrl-C and a polite kill do: the first one aborts `signal` and the command has a moment to finish, the second one
 * ends the process at once. A process has one of these, made before anything else runs.
 *
 * Exit codes: 129 after SIGHUP, 130 after SIGINT, 143 after SIGTERM (128 and the number of the signal, as shells have
 * it). A command whose normal end is to be stopped, such as a node, says so with `endsGracefully` and exits with 0.
 *
 * Where the system's Node is too old, `bin/run.js` is a process of its own before this one and passes signals on. A
 * terminal gives Ctrl-C to both, so that one press arrives here twice, once on each way.
 * Invariant: of each signal, so many count as came on the way on which more of them came.
 */
import { readFileSync } from 'node:fs';

const EXIT = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

export type StopSignal = keyof typeof EXIT;

export class Interruption {
  readonly #controller = new AbortController();
  #received: StopSignal | undefined;
  #graceMs = 1000;
  #graceful = false;
  readonly #came = { directly: new Map<StopSignal, number>(), passedOn: new Map<StopSignal, number>() };

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** How long the command may take to finish once it was interrupted. */
  get graceMs(): number {
    return this.#graceMs;
  }

  /** What the process exits with if the command ended well after all. */
  get exitCode(): number {
    return this.#received === undefined || this.#graceful ? 0 : EXIT[this.#received];
  }

  /** Being stopped is how this command ends; it needs at most `graceMs` for it. */
  endsGracefully(graceMs: number): void {
    this.#graceMs = graceMs;
    this.#graceful = true;
  }

  /** The command needs at most `graceMs` to finish; being stopped is still an interruption. */
  takes(graceMs: number): void {
    this.#graceMs = graceMs;
  }

  /** Ends the process with the code of the signal, whatever the command is doing. */
  leave(): never {
    process.exit(EXIT[this.#received ?? 'SIGINT']);
  }

  listen(): void {
    for (const name of Object.keys(EXIT) as StopSignal[]) process.on(name, () => this.#count(name, 'directly'));
    if (process.env['MPREG_LAUNCHED'] !== undefined) this.#listenToLauncher();
  }

  /** A launcher that is killed takes this process with it: nobody would know of it any more. */
  #listenToLauncher(): void {
    delete process.env['MPREG_LAUNCHED'];
    process.on('message', (name: StopSignal) => this.#count(name, 'passedOn'));
    process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
    process.channel?.unref();
    if (process.platform === 'linux') setInterval(stopWithParent, 200).unref();
  }

  #count(name: StopSignal, way: 'directly' | 'passedOn'): void {
    const other = way === 'directly' ? 'passedOn' : 'directly';
    const count = (this.#came[way].get(name) ?? 0) + 1;
    this.#came[way].set(name, count);
    if (count > (this.#came[other].get(name) ?? 0)) this.#on(name);
  }

  /** Also the end of stdin stops the command: whoever holds the other end of a pipe cannot die and leave it behind. */
  stopWithStdin(): void {
    const stop = (): void => {
      if (this.#received === undefined) this.#on('SIGTERM');
    };
    process.stdin.on('end', stop).on('close', stop).on('error', stop).resume();
  }

  #on(name: StopSignal): void {
    if (this.#received !== undefined) process.exit(EXIT[name]);
    this.#received = name;
    this.#controller.abort(name);
  }
}

/** The one of this process. */
export const interruption = new Interruption();

/** SIGSTOP cannot be passed on by who is stopped: whoever stops the launcher means this process. SIGCONT is passed on. */
function stopWithParent(): void {
  try {
    const stat = readFileSync(`/proc/${process.ppid}/stat`, 'utf8');
    if (stat[stat.lastIndexOf(')') + 2] === 'T') process.kill(process.pid, 'SIGSTOP'); // proc(5): stopped on a signal
  } catch {
    // The launcher has just ended: `disconnect` is on its way.
  }
}
