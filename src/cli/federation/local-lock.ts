/** One command at a time in a folder: two that start the same hubs would each find the other's in its way. */
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { problemError, processRuns } from '../../engine/index.ts';

export interface LockOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Hears that another command is waited for. */
  readonly note: (text: string) => void;
}

const LOOK_MS = 50;

/** Does it once no other command does anything there. What a command left behind that was killed is taken away. */
export async function alone<Value>(folder: string, options: LockOptions, what: () => Promise<Value>): Promise<Value> {
  const file = join(folder, 'lock');
  mkdirSync(folder, { mode: 0o700, recursive: true });
  const until = performance.now() + options.timeoutMs;
  for (let told = false; !taken(file); told = true) {
    const holder = holderOf(file);
    if (holder === undefined) continue;
    if (!told) options.note(`waiting for another command (process ${holder}) that works in ${folder}`);
    if (performance.now() > until) {
      throw problemError('exists-already', `process ${holder} works in ${folder} and has not ended in time`, {
        hint: `Wait for it, or end it.\nkill ${holder}`,
      });
    }
    if (options.signal?.aborted) throw problemError('interrupted', 'interrupted: nothing was done');
    await pause(LOOK_MS);
  }
  try {
    return await what();
  } finally {
    rmSync(file, { force: true });
  }
}

/** Why a link: the lock is never there without the number of its process. */
function taken(file: string): boolean {
  const own = `${file}.${process.pid}`;
  try {
    writeFileSync(own, String(process.pid), { mode: 0o600 });
    linkSync(own, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(own, { force: true });
  }
}

/** The process that has it; undefined where that is gone, and the lock with it. */
function holderOf(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, 'utf8'));
    if (pid > 0 && pid !== process.pid && processRuns(pid)) return pid;
    rmSync(file, { force: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return undefined;
}
