/** Whether a process of this machine runs, told apart from one that has ended and from another that has its number now. */
import { readFileSync } from 'node:fs';

/**
 * `start`: what `processStart` said of it; another number now means another process. One that has ended counts as gone, also
 * while its parent has not asked about it yet (a zombie).
 */
export function processRuns(pid: number, start?: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const found = statOf(pid);
  if (found === undefined) return true;
  return !/^[ZX]/.test(found.state) && (start === undefined || found.start === start);
}

/** Clock ticks from the machine's start to the process's; undefined where the system does not show it. */
export function processStart(pid: number): number | undefined {
  return statOf(pid)?.start;
}

/** Fields 3 and 22 of `/proc/PID/stat` (proc(5)). */
function statOf(pid: number): { readonly state: string; readonly start: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // the name before may hold anything
    return { start: Number(fields[19]), state: fields[0] ?? '' };
  } catch {
    return undefined;
  }
}
