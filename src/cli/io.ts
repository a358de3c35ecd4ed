/**
 * The one reader of stdin.
 *
 * Takes whatever comes, however slowly, until the writer closes, the limit is reached or the command is interrupted. A
 * writer that stalls is waited for, and said to be waited for, because a pause is not an end. A terminal is refused
 * where data is required: nobody would know that the command waits for typing.
 */
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { ProblemError, problem, problemError } from '../engine/index.ts';

export interface ReadOptions {
  /** Most bytes that are taken. */
  readonly bytesMax: number;
  readonly signal: AbortSignal;
  /** Hears that nothing has come for a while. */
  readonly note: (text: string) => void;
}

/** A string of JavaScript holds 512 Mi characters; half of that leaves room to parse. */
export const STDIN_BYTES_MAX = 256 * 2 ** 20;

/** Silence after which the user hears what the command waits for. */
const SILENT_MS = 2000;

/** The command line wants data on stdin, but there a person sits. The help of the command is shown. */
export class StdinIsTerminalError extends ProblemError {
  constructor(what: string) {
    super(problem('usage-invalid', `${what} is read from stdin, and stdin is a terminal: pipe it in or name a file`));
  }
}

/** The chunks of stdin as they arrive; `what` is what they hold, for messages. */
export async function* stdinChunks(what: string, options: Omit<ReadOptions, 'bytesMax'>): AsyncGenerator<Uint8Array> {
  const { stdin } = process;
  if (stdin.isTTY) throw new StdinIsTerminalError(what);
  const { signal } = options;
  let bytes = 0;
  const listen = () =>
    setTimeout(() => {
      options.note(`waiting for ${what} on stdin${bytes > 0 ? ` (${bytes} bytes so far)` : ''}; Ctrl-C ends`);
    }, SILENT_MS).unref();
  let silence = listen();
  const stop = (): void => void stdin.destroy();
  signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const chunk of stdin as AsyncIterable<Uint8Array>) {
      bytes += chunk.length;
      clearTimeout(silence); // whoever takes the chunks may be the one who is slow
      yield chunk;
      silence = listen();
    }
  } catch (error) {
    if (!signal.aborted) throw problemError('file-unreadable', `stdin cannot be read: ${(error as Error).message}`);
  } finally {
    clearTimeout(silence);
    signal.removeEventListener('abort', stop);
    stdin.destroy();
  }
  if (signal.aborted) throw problemError('interrupted', `interrupted while reading ${what} from stdin`);
}

/** The chunks of a file, or of stdin where its name is `-`. */
export async function* inputChunks(
  file: string,
  what: string,
  options: Omit<ReadOptions, 'bytesMax'>,
): AsyncGenerator<Uint8Array> {
  if (file === '-') return yield* stdinChunks(what, options);
  try {
    yield* createReadStream(file, { signal: options.signal }) as AsyncIterable<Uint8Array>;
  } catch (error) {
    if (options.signal.aborted) throw problemError('interrupted', `interrupted while reading ${what} from ${file}`);
    throw unreadable(file, what, error);
  }
}

/** All of stdin. */
export async function readStdin(what: string, options: ReadOptions): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of stdinChunks(what, options)) {
      bytes += chunk.length;
      if (bytes > options.bytesMax) throw tooMuch(what, options.bytesMax);
      chunks.push(chunk);
    }
  } catch (error) {
    if (!options.signal.aborted || !(error instanceof ProblemError)) throw error;
    const hint = `You stopped it before it had all of ${what}: nothing was done.\nmpreg --help`;
    throw new ProblemError({ ...error.problem, hint, outcome: 'did-not-happen' });
  }
  return Buffer.concat(chunks);
}

/** All of a file, or of stdin where its name is `-`. */
export async function readInput(file: string, what: string, options: ReadOptions): Promise<Uint8Array> {
  if (file === '-') return readStdin(what, options);
  try {
    const content = await readFile(file, { signal: options.signal });
    if (content.length > options.bytesMax) throw tooMuch(what, options.bytesMax);
    return content;
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    throw unreadable(file, what, error);
  }
}

function unreadable(file: string, what: string, error: unknown): ProblemError {
  return problemError('file-unreadable', `${what}: ${(error as Error).message}`, {
    hint: `Check its path and permissions.\nls -l ${file}`,
  });
}

export function tooMuch(what: string, bytesMax: number): ProblemError {
  return problemError('limit-exceeded', `${what} is larger than ${bytesMax / 2 ** 20} MiB`, {
    hint: 'Pass large data by name: give a path or an address that the function reads itself.\nmpreg call --help',
  });
}

/** Text, where the bytes are UTF-8; else undefined. */
export function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
