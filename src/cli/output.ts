/**
 * What a command says, and where. The result goes to stdout and nothing else does; notices, warnings and hints go to
 * stderr. The same result has two forms: `--json` prints the document, otherwise people and scripts get text.
 */
import { styleText } from 'node:util';
import { formatTable, formatTabs, type Style, type Table } from './table.ts';
import { visible, wantsColor } from './terminal.ts';

export interface OutputOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly noColor: boolean;
}

export class Output {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** Whether a person looks at stdout. */
  readonly tty: boolean;
  readonly #outColor: boolean;
  readonly #errColor: boolean;

  constructor(options: OutputOptions) {
    this.json = options.json;
    this.quiet = options.quiet;
    this.verbose = options.verbose;
    this.tty = process.stdout.isTTY === true;
    this.#outColor = wantsColor(process.stdout, options.noColor);
    this.#errColor = wantsColor(process.stderr, options.noColor);
  }

  /** Whether stdout may be coloured. */
  get hasColor(): boolean {
    return this.#outColor;
  }

  /** The result of the command: `document` under --json, else the text. */
  async result(document: unknown, text: string): Promise<void> {
    if (this.json) await this.document(document);
    else if (text !== '') await write(`${this.tty ? visible(text) : text}\n`);
  }

  /** Records: `document` under --json, an aligned table on a terminal, else lines with tabs. */
  async table<Row>(document: unknown, table: Table<Row>): Promise<void> {
    if (this.json) return this.document(document);
    const text = this.tty ? formatTable(table, this.#outColor) : formatTabs(table);
    if (text !== '') await write(`${text}\n`);
  }

  /** One event of a stream, on one line, at once. */
  async event(document: unknown, text: string): Promise<void> {
    await write(this.json ? `${toJson(document)}\n` : `${this.tty ? visible(text) : text}\n`);
  }

  async document(document: unknown): Promise<void> {
    await write(`${toJson(document, this.tty ? 2 : undefined)}\n`);
  }

  /** Like `event`, or bytes as they are; resolves when the operating system has taken it. */
  async handOver(what: { readonly document: unknown; readonly text: string } | Uint8Array): Promise<void> {
    const data = what instanceof Uint8Array ? what : `${this.json ? toJson(what.document) : what.text}\n`;
    await new Promise<void>((resolve, reject) => {
      const shown = typeof data === 'string' && this.tty && !this.json ? visible(data) : data;
      process.stdout.write(shown, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** Calls `then` once the operating system has all that was printed so far: at once, or when a slow reader has made room. */
  handedOver(then: () => void): void {
    if (process.stdout.writableLength === 0) then();
    else process.stdout.write('', (error) => error ?? then());
  }

  /** Bytes as they are. */
  async bytes(data: Uint8Array): Promise<void> {
    await write(data);
  }

  /** What one may want to know but need not. */
  note(text: string): void {
    if (!this.quiet) process.stderr.write(`${visible(text)}\n`);
  }

  detail(text: string): void {
    if (this.verbose) process.stderr.write(`${this.style('dim', visible(text))}\n`);
  }

  warn(text: string): void {
    process.stderr.write(`${this.style('yellow', 'warning:')} ${visible(text)}\n`);
  }

  /** Coloured for stderr, where it has colour. */
  style(style: Style, text: string): string {
    return this.#errColor ? styleText(style, text, { validateStream: false }) : text;
  }

  /** Coloured for stdout, where it has colour. */
  paint(style: Style, text: string): string {
    return this.#outColor ? styleText(style, text, { validateStream: false }) : text;
  }
}

/** Waits while the reader is slower than we are, so that a stream never piles up in memory. */
async function write(data: string | Uint8Array): Promise<void> {
  if (process.stdout.write(data)) return;
  await new Promise<void>((resolve) => process.stdout.once('drain', resolve));
}

/** Values of functions go through `valueToJson` first, which knows what JSON lacks. */
export function toJson(document: unknown, indent?: number): string {
  return JSON.stringify(document, undefined, indent) ?? 'null';
}

let farewell: (() => Promise<void>) | undefined;

/** What is to be done, in a second, before the process ends because nobody reads its output any more. */
export function beforeBrokenPipe(then: () => Promise<void>): void {
  farewell = then;
}

/** A reader that went away (`mpreg … | head -1`) ends the command without a word; what else fails is told. */
export function endQuietlyOnBrokenPipe(): void {
  process.stdout.removeAllListeners('error'); // the command framework's own goes on after a broken pipe
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' || error.code === 'EOF') return leave();
    process.stderr.write(`error: stdout cannot be written: ${error.message}\n`);
    process.exit(1);
  });
  process.stderr.on('error', () => {});
}

function leave(): void {
  if (farewell === undefined) process.exit(0);
  const go = () => process.exit(0);
  setTimeout(go, FAREWELL_MS);
  void farewell().finally(go);
}

const FAREWELL_MS = 1_000;
