/**
 * One process of a program that runs functions: its lines, its last words, its end.
 *
 * It is the leader of a process group of its own: Ctrl-C on the node's terminal does not reach it, so that a node can let
 * it finish; and ending it ends what it started.
 *
 * No shell has part in it. End of its stdin is how it is asked to end; then SIGTERM; then SIGKILL.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { Instant } from '../../core/base/instant.ts';
import { LINE_BYTES_MAX } from './exec-protocol.ts';
import { boundedLog, eachLine } from './lines.ts';

export interface ExecCommand {
  /** The function that it runs, where the user named one. */
  readonly name: string | undefined;
  readonly program: string;
  readonly args: readonly string[];
}

export interface ExecProcessEvents {
  /** It runs. */
  started(process: ExecProcess): void;
  line(process: ExecProcess, line: string): void;
  /** A line over the limit was thrown away; how it began. */
  overlong(process: ExecProcess, head: string): void;
  /** What it writes to stderr. */
  said(line: string): void;
  /** The last event, once. `why`: in words, to follow "its process". */
  gone(process: ExecProcess, why: string): void;
}

/** How long it may take to end when its stdin has ended, and then when it was told to, in milliseconds. */
const END_MS = 1_000;
const TERM_MS = 2_000;
/** After its end, for what it left in its pipes, where what it started may still hold them. */
const REST_MS = 250;
const WORDS_BYTES_MAX = 16 * 1024;
const LAST_LINES = 20;
const LAST_LINE_LENGTH = 1_000;

const GROUPS = process.platform !== 'win32';

/** All that run, of all nodes in this process: none outlives it, however it ends by itself. */
const LIVING = new Set<ExecProcess>();
let listening = false;

export class ExecProcess {
  readonly startedAt: Instant;
  /** Its last lines on stderr. */
  readonly lastWords: string[] = [];
  /** Resolves after `gone`. */
  readonly ended: Promise<void>;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #holding = new Set<number>();
  #exited = false;
  /** Why this side ended it. */
  #why: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor({ program, args }: ExecCommand, events: ExecProcessEvents, now: Instant) {
    this.startedAt = now;
    // Why unbuffered: Python keeps what it prints to a pipe until there is a lot of it, and its caller would wait.
    const env = { PYTHONUNBUFFERED: '1', ...process.env };
    this.#child = spawn(program, args, { detached: GROUPS, env, stdio: 'pipe', windowsHide: true });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    let told = false;
    const gone = (why: string): void => {
      if (told) return;
      told = true;
      clearTimeout(this.#timer);
      LIVING.delete(this);
      events.gone(this, why);
      resolve();
    };
    LIVING.add(this);
    if (!listening) process.on('exit', () => LIVING.forEach((living) => void living.#signal('SIGKILL')));
    listening = true;
    this.#listen(events);
    this.#child.once('spawn', () => events.started(this));
    this.#child.on('error', (error: NodeJS.ErrnoException) => {
      if (this.#child.pid === undefined) gone(`could not be started: ${error.code ?? error.message}`);
    });
    this.#child.once('exit', (code, signal) => {
      this.#exited = true;
      this.#signal('SIGKILL'); // what it started, and left behind
      const why = this.#why ?? (signal === null ? `exited with code ${code}` : `was ended by ${signal}`);
      const rest = setTimeout(() => gone(why), REST_MS);
      this.#child.once('close', () => {
        clearTimeout(rest);
        gone(why);
      });
    });
  }

  send(line: string): void {
    if (this.#child.stdin.writable) this.#child.stdin.write(line);
  }

  /** Does not read it while anybody holds it back: it has more to say than there is room for. */
  hold(id: number, held: boolean): void {
    if (held) this.#holding.add(id);
    else this.#holding.delete(id);
    if (this.#holding.size > 0) this.#child.stdout.pause();
    else this.#child.stdout.resume();
  }

  /** Asks it to end, then has it end. `why`: in words, to follow "its process". */
  end(why: string): void {
    if (this.#why !== undefined) return;
    this.#why = why;
    this.#child.stdin.end();
    this.#timer = setTimeout(() => this.terminate(why), END_MS);
  }

  /** Has it end. */
  terminate(why: string): void {
    this.#why ??= why;
    clearTimeout(this.#timer);
    this.#child.stdin.end();
    this.#signal('SIGTERM');
    this.#timer = setTimeout(() => this.#signal('SIGKILL'), TERM_MS);
  }

  #listen({ line, overlong, said }: ExecProcessEvents): void {
    const { stdin, stdout, stderr } = this.#child;
    eachLine(
      stdout,
      LINE_BYTES_MAX,
      (text) => line(this, text),
      (head) => overlong(this, head),
    );
    const say = boundedLog(said);
    const hear = (text: string): void => {
      this.lastWords.push(text.slice(0, LAST_LINE_LENGTH));
      if (this.lastWords.length > LAST_LINES) this.lastWords.shift();
      say(text);
    };
    eachLine(stderr, WORDS_BYTES_MAX, hear, hear);
    stdin.on('error', () => this.#deaf('no longer reads'));
    stdout.on('end', () => this.#deaf('closed its stdout'));
    for (const stream of [stdout, stderr]) stream.on('error', () => undefined);
  }

  /** It lives, but nobody can talk with it. Why later: an end of its own comes with the same signs. */
  #deaf(why: string): void {
    setTimeout(() => {
      if (!this.#exited) this.terminate(why);
    }, REST_MS).unref();
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      if (GROUPS) process.kill(-pid, signal);
      else if (!this.#exited) this.#child.kill(signal);
    } catch {
      // Nobody of the group is left.
    }
  }
}
