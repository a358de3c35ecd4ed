/**
 * The cluster's shared key: from a file (`--key-file`, `MPREG_KEY_FILE`, context, project file) or from `MPREG_KEY`.
 * There is no flag for the key itself, because everybody on a machine can read every command line.
 *
 * White space around the key does not count, so that an editor's last newline does not make another key of it.
 */
import { readFileSync, statSync } from 'node:fs';
import { problemError } from '../engine/index.ts';

export interface KeySource {
  readonly file?: string;
  readonly text?: string;
}

/** Undefined where no key is given. `warn` hears of files that others can read. */
export function readKey(source: KeySource, warn: (message: string) => void): Uint8Array | undefined {
  if (source.file === undefined) return source.text === undefined ? undefined : bytes(source.text, 'MPREG_KEY');
  const content = readSecret(source.file, warn);
  return bytes(content, source.file);
}

/** The text of a file that nobody but its owner should be able to read. */
export function readSecret(file: string, warn: (message: string) => void): string {
  try {
    const content = readFileSync(file, 'utf8');
    const mode = statSync(file).mode & 0o777;
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      warn(`${file} can be read by others (mode ${mode.toString(8)}); run: chmod 600 ${file}`);
    }
    return content;
  } catch (error) {
    throw problemError('file-unreadable', `the key file ${file} cannot be read: ${(error as Error).message}`, {
      hint: `Check its path and permissions.\nls -l ${file}`,
    });
  }
}

/** Secrets by id, of `ID=FILE` each. White space around a secret does not count. */
export function readAccessKeys(pairs: readonly string[], warn: (message: string) => void): Record<string, string> {
  const keys = pairs.map((pair): [string, string] => {
    const [, id, file] = /^([^=]+)=(.+)$/.exec(pair) ?? [];
    if (id === undefined || file === undefined) {
      throw problemError('usage-invalid', `--sqs-key: "${pair}" is not ID=FILE`);
    }
    return [id, readSecret(file, warn).trim()];
  });
  return Object.fromEntries(keys);
}

function bytes(text: string, where: string): Uint8Array {
  const key = text.trim();
  if (key === '') {
    throw problemError('input-invalid', `${where} holds no key`, {
      hint: 'Make one of 32 random bytes.\nopenssl rand -hex 32 > key && chmod 600 key',
    });
  }
  return new TextEncoder().encode(key);
}
