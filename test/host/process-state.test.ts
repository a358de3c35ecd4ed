import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { processRuns, processStart } from '../../src/engine/host/process-state.ts';
import { until } from '../acceptance/until.ts';
import { firstLine } from '../cli/mpreg.ts';

test('a process runs until it has ended, and is told apart from one that had its number before', async () => {
  const child = spawn('sleep', ['60']);
  const pid = child.pid ?? 0;
  try {
    expect(processRuns(pid)).toBe(true);
    const start = processStart(pid);
    expect(processRuns(pid, start)).toBe(true);
    if (start !== undefined) expect(processRuns(pid, start + 1)).toBe(false);
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  expect(processRuns(pid)).toBe(false);
});

test.runIf(process.platform === 'linux')('one that has ended counts as gone though its parent never asks', async () => {
  const parent = spawn('sh', ['-c', 'sleep 0.3 & echo $!; exec sleep 60']);
  try {
    const pid = Number(await firstLine(parent));
    await until(
      'it is gone',
      () => processRuns(pid),
      (runs) => !runs,
    );
    expect(() => process.kill(pid, 0)).not.toThrow(); // the system still knows its number
  } finally {
    parent.kill('SIGKILL');
    await once(parent, 'exit');
  }
});
