/**
 * How nodes and clients of one user on one machine find each other: a private directory in which each node keeps one
 * small file for as long as it runs.
 *
 * A file whose process is gone is stale; whoever meets it removes it. A process number that was given away again is
 * told apart by the time at which its process started, where the system shows it (`/proc`).
 *
 * What it refuses to do: trust a directory that somebody else owns or may write to, or a link in its place, for its
 * files say where to connect; fail over a file that it cannot read. Without a directory a node is not found, and runs.
 */
import { lstatSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { isNodeId, type NodeId } from '../core/base/ids.ts';
import { makeDirectory } from './make-directory.ts';
import { processRuns, processStart } from './process-state.ts';

/** What a node says of itself to its neighbours. */
export interface Announcement {
  readonly id: NodeId;
  readonly name: string;
  readonly cluster: string;
  readonly url: string;
  /** The version of mpreg. */
  readonly software: string;
  /** Milliseconds since 1970; what was announced when it is announced again. */
  readonly startedAt: number;
}

export interface RuntimeEntry extends Announcement {
  readonly pid: number;
  /** When that process started, in the system's own ticks; absent where the system does not show it. */
  readonly pidStart?: number;
}

/** Larger files are not ours, and no more files than this are looked at. */
const FILE_BYTES_MAX = 16 * 1024;
const FILES_MAX = 4_096;
const OTHERS_MAY_WRITE = 0o022;

/** `$MPREG_RUNTIME_DIR`, else `$XDG_RUNTIME_DIR/mpreg`, else a directory of this user among the temporary ones. */
export function runtimeDirectoryPath(env: NodeJS.ProcessEnv = process.env): string {
  if (env['MPREG_RUNTIME_DIR']) return resolve(env['MPREG_RUNTIME_DIR']);
  if (env['XDG_RUNTIME_DIR']) return join(env['XDG_RUNTIME_DIR'], 'mpreg');
  return join(tmpdir(), `mpreg-${process.getuid?.() ?? 'user'}`);
}

export class RuntimeDirectory {
  readonly path: string;

  constructor(path: string = runtimeDirectoryPath()) {
    this.path = path;
  }

  /** Why the directory cannot be trusted or used; undefined where it can be, or is not there yet. */
  get refusal(): string | undefined {
    try {
      const found = lstatSync(this.path);
      if (found.isSymbolicLink()) return `${this.path} is a symbolic link`;
      if (!found.isDirectory()) return `${this.path} is not a directory`;
      if (process.getuid === undefined) return undefined; // Limit: Windows keeps the user's temporary files private itself
      if (found.uid !== process.getuid()) return `${this.path} belongs to somebody else`;
      return found.mode & OTHERS_MAY_WRITE
        ? `others may write to ${this.path}; run: chmod 700 ${this.path}`
        : undefined;
    } catch (error) {
      return isAbsent(error) ? undefined : `${this.path} cannot be used: ${(error as Error).message}`;
    }
  }

  /** Makes a node findable, or says why it cannot be. Announcing again replaces what was said. */
  async announce(about: Announcement): Promise<string | undefined> {
    try {
      makeDirectory(this.path, 0o700);
      const refusal = this.refusal;
      if (refusal !== undefined) return refusal;
      const started = processStart(process.pid);
      const entry: RuntimeEntry = { ...about, pid: process.pid, ...(started !== undefined && { pidStart: started }) };
      const written = join(this.path, `${about.id}.${process.pid}.tmp`);
      writeFileSync(written, `${JSON.stringify(entry)}\n`, { mode: 0o600 });
      renameSync(written, this.#file(about.id));
      return undefined;
    } catch (error) {
      return `${this.path} cannot be written: ${(error as Error).message}`;
    }
  }

  async withdraw(id: NodeId): Promise<void> {
    this.withdrawSync(id);
  }

  /** For the last moments of a process. Never throws. */
  withdrawSync(id: NodeId): void {
    try {
      if (this.refusal === undefined) remove(this.#file(id));
    } catch {
      // The directory cannot even be looked at.
    }
  }

  /** All nodes that are running now, oldest first; removes what the dead left behind. */
  list(): readonly RuntimeEntry[] {
    if (this.refusal !== undefined) return [];
    const entries: RuntimeEntry[] = [];
    for (const name of this.#names()) {
      const file = join(this.path, name);
      const pid = /\.(\d+)\.tmp$/.exec(name)?.[1];
      if (pid !== undefined && !processRuns(Number(pid))) remove(file);
      const entry = name.endsWith('.json') ? readEntry(file) : undefined;
      if (entry === undefined || `${entry.id}.json` !== name) continue;
      if (processRuns(entry.pid, entry.pidStart)) entries.push(entry);
      else remove(file);
    }
    return entries.sort((a, b) => a.startedAt - b.startedAt || (a.id < b.id ? -1 : 1));
  }

  #names(): readonly string[] {
    try {
      return readdirSync(this.path).slice(0, FILES_MAX);
    } catch {
      return [];
    }
  }

  #file(id: NodeId): string {
    return join(this.path, `${id}.json`);
  }
}

/** Where it cannot be removed it stays, stale, and whoever meets it tries again. */
function remove(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // Read-only, somebody else's, or a folder.
  }
}

function readEntry(file: string): RuntimeEntry | undefined {
  try {
    const stat = lstatSync(file);
    if (!stat.isFile() || stat.size > FILE_BYTES_MAX) return undefined;
    const read: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return isEntry(read) ? read : undefined;
  } catch {
    return undefined;
  }
}

function isEntry(read: unknown): read is RuntimeEntry {
  if (typeof read !== 'object' || read === null) return false;
  const { id, name, cluster, url, software, startedAt, pid, pidStart } = read as Record<string, unknown>;
  const texts = [id, name, cluster, url, software];
  if (!texts.every((text) => typeof text === 'string') || !isNodeId(String(id))) return false;
  if (!/^wss?:\/\//.test(String(url)) || !URL.canParse(String(url))) return false;
  return [startedAt, pid, pidStart ?? 0].every(Number.isSafeInteger) && Number(pid) > 0;
}

function isAbsent(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
