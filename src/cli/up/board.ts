/**
 * The stderr of a command with many voices: lines of several nodes, each with its name and colour before it, and, on a
 * terminal, one line of status that stays at the bottom.
 */
import type { WriteStream } from 'node:tty';
import { styleText } from 'node:util';
import { visible } from '../terminal.ts';

const COLOURS = ['cyan', 'magenta', 'yellow', 'green', 'blue', 'red'] as const;

export interface BoardOptions {
  readonly stream: Pick<WriteStream, 'write'> & { readonly columns?: number | undefined };
  /** The names that will speak. */
  readonly names: readonly string[];
  readonly color: boolean;
  /** Whether the status may be drawn again and again; elsewhere each new one is a line. */
  readonly live: boolean;
}

export class Board {
  readonly #options: BoardOptions;
  readonly #width: number;
  #status = '';

  constructor(options: BoardOptions) {
    this.#options = options;
    this.#width = Math.max(0, ...options.names.map(({ length }) => length));
  }

  /** One line that a node said. */
  line(name: string, text: string): void {
    const { color, names } = this.#options;
    const colour = COLOURS[Math.max(0, names.indexOf(name)) % COLOURS.length] ?? 'cyan';
    const prefix = `${name.padEnd(this.#width)} │`;
    this.#write(`${color ? styleText(colour, prefix, { validateStream: false }) : prefix} ${visible(text)}\n`);
  }

  /** What all of them together are doing. */
  status(text: string): void {
    if (text === this.#status) return;
    this.#status = text;
    this.#write(this.#options.live ? '' : `${text}\n`);
  }

  /** Takes the status line away: what is printed next stands where it stood. */
  clear(): void {
    if (this.#options.live && this.#status !== '') this.#options.stream.write('\r\u001b[K');
    this.#status = '';
  }

  #write(text: string): void {
    const { color, live, stream } = this.#options;
    if (!live) return void stream.write(text);
    const cut = visible(this.#status).slice(0, Math.max(0, (stream.columns || 80) - 1));
    const drawn = color ? styleText('dim', cut, { validateStream: false }) : cut;
    stream.write(`\r\u001b[K${text}${drawn}`);
  }
}
