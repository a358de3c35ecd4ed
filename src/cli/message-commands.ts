/**
 * A command for each message: its payload on stdin, what else is known of it in the environment.
 *
 *     MPREG_TOPIC  MPREG_ID  MPREG_PUBLISHER  MPREG_TIME  MPREG_HEADER_USER (of the header "user")
 *
 * No shell has part in it: words are split, quotes taken off, nothing is expanded, so that no payload can become a command.
 * Each leads a process group of its own, and none outlives this process.
 *
 * What it prints goes where this process prints; of a message that wants a reply it is the reply, and a failure is its refusal.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { problemError, splitWords, type TopicMessage, valueToJson } from '../engine/index.ts';
import { asArgument } from './arguments.ts';
import { decodeText } from './io.ts';
import { toJson } from './output.ts';

export interface CommandEnd {
  readonly message: TopicMessage;
  /** Null where a signal ended it, or it could not be started. */
  readonly code: number | null;
  /** In words, to follow its name; undefined where it ended with 0. */
  readonly failure: string | undefined;
  readonly replied: boolean;
  readonly tookMs: number;
}

export interface MessageCommandsOptions {
  readonly concurrency: number;
  /** Where what a command prints goes, but for replies. */
  readonly stdout: 'stdout' | 'stderr';
  readonly signal: AbortSignal;
  readonly ended: (end: CommandEnd) => Promise<void>;
}

/** How long a command may take to end once it was told to. Why so short: this process has a second for its own end. */
const TERM_MS = 600;
const REPLY_BYTES_MAX = 16 * 2 ** 20;
const GROUPS = process.platform !== 'win32';

export class MessageCommands {
  ran = 0;
  failed = 0;
  readonly #words: readonly [string, ...string[]];
  readonly #options: MessageCommandsOptions;
  readonly #running = new Set<Promise<void>>();
  readonly #children = new Set<ChildProcess>();
  /** It cannot be started at all. */
  #hopeless: Error | undefined;

  /** Throws `usage-invalid`. */
  constructor(line: string, options: MessageCommandsOptions) {
    this.#words = wordsOf(line);
    this.#options = options;
    options.signal.addEventListener('abort', () => this.#stop(), { once: true });
    process.once('exit', () => this.#kill('SIGKILL'));
  }

  /** Resolves when there is room for another. Throws where the command cannot be started. */
  async run(message: TopicMessage): Promise<void> {
    const running = this.#run(message).finally(() => this.#running.delete(running));
    this.#running.add(running);
    while (this.#running.size >= this.#options.concurrency) await Promise.race(this.#running);
    if (this.#hopeless !== undefined) throw this.#hopeless;
  }

  /** Resolves when all have ended. */
  async end(): Promise<void> {
    await Promise.all(this.#running);
    if (this.#hopeless !== undefined) throw this.#hopeless;
  }

  async #run(message: TopicMessage): Promise<void> {
    const began = performance.now();
    const { wantsReply } = message;
    const { code, output, ...ended } = await this.#spawned(message);
    const unsaid = wantsReply ? await this.#reply(message, ended.failure, output) : undefined;
    const failure = ended.failure ?? unsaid;
    this.ran++;
    if (failure !== undefined) this.failed++;
    const replied = wantsReply && unsaid === undefined;
    const tookMs = Math.round(performance.now() - began);
    await this.#options.ended({ code, failure, message, replied, tookMs });
  }

  /** Answers why it could not be said, where it could not. */
  async #reply(message: TopicMessage, failure: string | undefined, output: Uint8Array): Promise<string | undefined> {
    const text = decodeText(output);
    try {
      if (failure !== undefined) await message.refuse(problemError('function-failed', `its command ${failure}`));
      else await message.reply(text === undefined ? output : asArgument(text.replace(/\r?\n$/, ''), false));
      return undefined;
    } catch (error) {
      return `gave a reply that could not be sent: ${(error as Error).message}`;
    }
  }

  #spawned(message: TopicMessage): Promise<Ended> {
    const [program, ...args] = this.#words;
    const captured = message.wantsReply;
    const out = captured ? 'pipe' : this.#options.stdout === 'stdout' ? 'inherit' : process.stderr;
    const { promise, resolve } = Promise.withResolvers<Ended>();
    const child = spawn(program, args, {
      detached: GROUPS,
      env: { ...process.env, ...environmentOf(message) },
      stdio: ['pipe', out, 'inherit'],
    });
    this.#children.add(child);
    const printed: Uint8Array[] = [];
    let bytes = 0;
    child.stdout?.on('data', (chunk: Uint8Array) => {
      bytes += chunk.length;
      if (bytes <= REPLY_BYTES_MAX) printed.push(chunk);
      else signalTo(child, 'SIGKILL');
    });
    child.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'EACCES') this.#hopeless ??= cannotStart(program, error);
      this.#children.delete(child);
      resolve({ code: null, failure: `could not be started: ${error.message}`, output: new Uint8Array() });
    });
    child.on('close', (code, signal) => {
      this.#children.delete(child);
      resolve({ code, failure: failureOf(code, signal, bytes), output: Buffer.concat(printed) });
    });
    child.stdin?.on('error', () => undefined); // it may end without reading all
    child.stdin?.end(bytesOf(message.payload));
    return promise;
  }

  #stop(): void {
    this.#kill('SIGTERM');
    setTimeout(() => this.#kill('SIGKILL'), TERM_MS).unref();
  }

  #kill(signal: NodeJS.Signals): void {
    for (const child of this.#children) signalTo(child, signal);
  }
}

interface Ended {
  readonly code: number | null;
  readonly failure: string | undefined;
  readonly output: Uint8Array;
}

function wordsOf(line: string): readonly [string, ...string[]] {
  const split = splitWords(line);
  if ('misfit' in split) throw problemError('usage-invalid', `--exec: ${split.misfit}`);
  const [program = '', ...args] = split.words;
  if (program === '') throw problemError('usage-invalid', '--exec names no program');
  return [program, ...args];
}

function environmentOf({ headers, id, publisher, time, topic }: TopicMessage): Record<string, string> {
  const names = Object.entries(headers).map(([name, value]) => [
    `HEADER_${name.toUpperCase().replace(/\W/g, '_')}`,
    value,
  ]);
  const about = [
    ['TOPIC', topic],
    ['ID', id],
    ['PUBLISHER', publisher],
    ['TIME', new Date(time).toISOString()],
  ];
  // Why without zeros: the environment of a process cannot hold one.
  return Object.fromEntries(
    [...names, ...about].map(([name, value = '']) => [`MPREG_${name}`, value.replaceAll('\0', '')]),
  );
}

function bytesOf(payload: unknown): Uint8Array {
  if (payload instanceof Uint8Array) return payload;
  return Buffer.from(typeof payload === 'string' ? payload : toJson(valueToJson(payload)));
}

function failureOf(code: number | null, signal: NodeJS.Signals | null, bytes: number): string | undefined {
  if (bytes > REPLY_BYTES_MAX) return `printed a reply of more than ${REPLY_BYTES_MAX / 2 ** 20} MiB`;
  if (code === 0) return undefined;
  return code === null ? `was ended by ${signal}` : `exited with ${code}`;
}

function cannotStart(program: string, error: Error): Error {
  const hint =
    'It is started without a shell; name one where you need it.\nmpreg subscribe PATTERN --exec "sh -c \'…\'"';
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
