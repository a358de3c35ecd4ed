/**
 * Contexts: named ways to reach a cluster, kept in one file of the user's own (mode 0600), one of them current.
 *
 * They hold addresses and the paths of key files, never a key. `MPREG_CONFIG_DIR` moves the file; else it lies where
 * the system keeps configuration (XDG on Linux).
 *
 * Why two ways to the file: every command reads it and few write it. `conf` (atomic writes, file mode) takes 50 ms to
 * load; a read is one JSON.parse.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { problemError } from '../engine/index.ts';

export interface Context {
  readonly urls: readonly string[];
  readonly cluster?: string;
  readonly keyFile?: string;
  readonly timeout?: string;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

export interface Contexts {
  readonly current?: string;
  readonly contexts: Readonly<Record<string, Context>>;
}

export function configDirectory(env: NodeJS.ProcessEnv = process.env): string {
  if (env['MPREG_CONFIG_DIR']) return env['MPREG_CONFIG_DIR'];
  if (process.platform === 'win32') return join(env['APPDATA'] ?? join(homedir(), 'AppData', 'Roaming'), 'mpreg');
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Preferences', 'mpreg');
  return join(env['XDG_CONFIG_HOME'] || join(homedir(), '.config'), 'mpreg');
}

export function contextsFile(): string {
  return join(configDirectory(), 'contexts.json');
}

export function readContexts(): Contexts {
  const file = contextsFile();
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { contexts: {} };
    throw problemError('file-unreadable', `${file}: ${(error as Error).message}`);
  }
  try {
    const found = JSON.parse(text) as Partial<Contexts>;
    if (typeof found.contexts !== 'object' || found.contexts === null) throw new Error('it has no "contexts"');
    return { ...found, contexts: found.contexts };
  } catch (error) {
    const hint = `Correct it, or take it away to begin anew.\n${process.platform === 'win32' ? 'del' : 'rm'} ${file}`;
    throw problemError('input-invalid', `${file} is not what mpreg wrote: ${(error as Error).message}`, { hint });
  }
}

export async function writeContexts(next: Contexts): Promise<void> {
  const cwd = configDirectory();
  try {
    mkdirSync(cwd, { mode: 0o700, recursive: true });
    const { default: Conf } = await import('conf');
    const store = new Conf({
      accessPropertiesByDotNotation: false,
      configFileMode: 0o600,
      configName: 'contexts',
      cwd,
    });
    store.store = { ...next };
  } catch (error) {
    throw problemError('not-allowed', `${contextsFile()} cannot be written: ${(error as Error).message}`, {
      hint: 'Check who owns that folder, or keep the contexts elsewhere.\nexport MPREG_CONFIG_DIR=path/to/folder',
    });
  }
}

/** The context of that name, or the problem that lists those there are. */
export function findContext(name: string, all: Contexts): Context {
  const found = Object.hasOwn(all.contexts, name) ? all.contexts[name] : undefined;
  if (found !== undefined) return found;
  const names = Object.keys(all.contexts).sort();
  const known = names.length === 0 ? 'there are none yet' : `there are ${names.join(', ')}`;
  throw problemError('context-unknown', `no context is named "${name}"; ${known}`, {
    ...(names.length === 0 && { hint: 'Add it first.\nmpreg context add NAME --url ws://host:port' }),
  });
}
