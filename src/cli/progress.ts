/** Says on a terminal's stderr what the command is waiting for, once that takes longer than a second. */
import type { Output } from './output.ts';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/** Resolves or rejects as `work` does; the line is gone before anything else is printed. */
export async function withProgress<Value>(what: string, output: Output, work: Promise<Value>): Promise<Value> {
  if (!process.stderr.isTTY || output.quiet || process.env['TERM'] === 'dumb') return work;
  const began = performance.now();
  let frame = 0;
  const timer = setInterval(() => {
    const seconds = Math.floor((performance.now() - began) / 1000);
    if (seconds < 1) return;
    process.stderr.write(
      `\r\u001b[K${output.style('cyan', FRAMES[frame++ % FRAMES.length] ?? '')} ${what} … ${seconds} s`,
    );
  }, 100).unref();
  try {
    return await work;
  } finally {
    clearInterval(timer);
    if (frame > 0) process.stderr.write('\r\u001b[K');
  }
}
