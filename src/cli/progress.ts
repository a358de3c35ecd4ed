/** Says on a terminal's stderr what the command is waiting for, once that takes longer than a second. */
import type { Output } from './output.ts';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/** A line that is drawn again and again, always the last one of the terminal. */
export class Progress {
  readonly #output: Output;
  readonly #what: () => string | undefined;
  readonly #timer: NodeJS.Timeout | undefined;
  #frame = 0;
  #shown = false;
  #began = 0;

  /** `what`: what is being waited for, if anything; the seconds count from when that began. */
  constructor(output: Output, what: () => string | undefined) {
    this.#output = output;
    this.#what = what;
    if (!process.stderr.isTTY || output.quiet || process.env['TERM'] === 'dumb') return;
    this.#timer = setInterval(() => this.#draw(), 100).unref();
  }

  /** Takes the line away before something else is printed; it comes back by itself. */
  hide(): void {
    if (this.#shown) process.stderr.write('\r\u001b[K');
    this.#shown = false;
  }

  end(): void {
    clearInterval(this.#timer);
    this.hide();
  }

  #draw(): void {
    const what = this.#what();
    if (what === undefined) return this.hide();
    if (this.#began === 0) this.#began = performance.now();
    const seconds = Math.floor((performance.now() - this.#began) / 1000);
    if (seconds < 1) return;
    const wheel = this.#output.style('cyan', FRAMES[this.#frame++ % FRAMES.length] ?? '');
    process.stderr.write(`\r\u001b[K${wheel} ${what} … ${seconds} s`);
    this.#shown = true;
  }
}

/** Resolves or rejects as `work` does; the line is gone before anything else is printed. */
export async function withProgress<Value>(what: string, output: Output, work: Promise<Value>): Promise<Value> {
  const progress = new Progress(output, () => what);
  try {
    return await work;
  } finally {
    progress.end();
  }
}
