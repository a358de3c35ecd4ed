/**
 * A process for each message: its body on stdin, what else is known of it in the environment.
 *
 * No shell has part in it: words are split, quotes taken off, nothing is expanded, so that no body can become a command.
 * Each leads a process group of its own, and none outlives this process.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { problemError, splitWords, valueToJson } from '../engine/index.ts';
import { toJson } from './output.ts';

export interface ProcessRun {
  readonly body: unknown;
  /** Names without `MPREG_`. */
  readonly environment: Readonly<Record<string, string>>;
  /** Whether what it prints is wanted; else it goes where `stdout` says. */
  readonly captured: boolean;
}

export interface ProcessEnd {
  /** Null where a signal ended it, or it could not be started. */
  readonly code: number | null;
  /** In words, to follow its name; undefined where it ended with 0. */
  readonly failure: string | undefined;
  readonly output: Uint8Array;
}

/** How long a command may take to end once it was told to. Why so short: this process has a second for its own end. */
const TERM_MS = 600;
const OUTPUT_BYTES_MAX = 16 * 2 ** 20;
const GROUPS = process.platform !== 'win32';

export class MessageProcesses {
  readonly #words: readonly [string, ...string[]];
  readonly #stdout: 'stdout' | 'stderr';
  readonly #children = new Set<ChildProcess>();
  /** Why it cannot be started at all. */
  hopeless: Error | undefined;

  /** Throws `usage-invalid`. */
  constructor(line: string, stdout: 'stdout' | 'stderr') {
    this.#words = wordsOf(line);
    this.#stdout = stdout;
    process.once('exit', () => this.#kill('SIGKILL'));
  }

  run({ body, captured, environment }: ProcessRun): Promise<ProcessEnd> {
    const [program, ...args] = this.#words;
    const out = captured ? 'pipe' : this.#stdout === 'stdout' ? 'inherit' : process.stderr;
    const { promise, resolve } = Promise.withResolvers<ProcessEnd>();
    const child = spawn(program, args, {
      detached: GROUPS,
      env: { ...process.env, ...named(environment) },
      stdio: ['pipe', out, 'inherit'],
    });
    this.#children.add(child);
    const printed: Uint8Array[] = [];
    let bytes = 0;
    child.stdout?.on('data', (chunk: Uint8Array) => {
      bytes += chunk.length;
      if (bytes <= OUTPUT_BYTES_MAX) printed.push(chunk);
      else signalTo(child, 'SIGKILL');
    });
    child.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'EACCES') this.hopeless ??= cannotStart(program, error);
      this.#children.delete(child);
      resolve({ code: null, failure: `could not be started: ${error.message}`, output: new Uint8Array() });
    });
    child.on('close', (code, signal) => {
      this.#children.delete(child);
      resolve({ code, failure: failureOf(code, signal, bytes), output: Buffer.concat(printed) });
    });
    child.stdin?.on('error', () => undefined); // it may end without reading all
    child.stdin?.end(bytesOf(body));
    return promise;
  }

  /** Tells all that run to end, and ends them. */
  stop(): void {
    this.#kill('SIGTERM');
    setTimeout(() => this.#kill('SIGKILL'), TERM_MS).unref();
  }

  #kill(signal: NodeJS.Signals): void {
    for (const child of this.#children) signalTo(child, signal);
  }
}

/** The part of a header's name that a variable may have. */
export function headerVariables(headers: Readonly<Record<string, unknown>>): Record<string, string> {
  const names = Object.entries(headers).map(([name, value]) => [
    `HEADER_${name.toUpperCase().replace(/\W/g, '_')}`,
    typeof value === 'string' ? value : toJson(valueToJson(value)),
  ]);
  return Object.fromEntries(names) as Record<string, string>;
}

/** Why without zeros: the environment of a process cannot hold one. */
function named(environment: Readonly<Record<string, string>>): Record<string, string> {
  const all = Object.entries(environment).map(([name, value]) => [`MPREG_${name}`, value.replaceAll('\0', '')]);
  return Object.fromEntries(all) as Record<string, string>;
}

function wordsOf(line: string): readonly [string, ...string[]] {
  const split = splitWords(line);
  if ('misfit' in split) throw problemError('usage-invalid', `--exec: ${split.misfit}`);
  const [program = '', ...args] = split.words;
  if (program === '') throw problemError('usage-invalid', '--exec names no program');
  return [program, ...args];
}

function bytesOf(payload: unknown): Uint8Array {
  if (payload instanceof Uint8Array) return payload;
  return Buffer.from(typeof payload === 'string' ? payload : toJson(valueToJson(payload)));
}

function failureOf(code: number | null, signal: NodeJS.Signals | null, bytes: number): string | undefined {
  if (bytes > OUTPUT_BYTES_MAX) return `printed more than ${OUTPUT_BYTES_MAX / 2 ** 20} MiB`;
  if (code === 0) return undefined;
  return code === null ? `was ended by ${signal}` : `exited with ${code}`;
}

function cannotStart(program: string, error: Error): Error {
  const hint = 'It is started without a shell; name one where you need it.\nadd --exec "sh -c \'…\'"';
  return problemError('usage-invalid', `--exec: "${program}" cannot be started: ${error.message}`, { hint });
}

function signalTo({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(GROUPS ? -pid : pid, signal);
  } catch {
    // It has just ended.
  }
}
