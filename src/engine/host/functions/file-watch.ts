/**
 * Tells when files are others than they were, and have been at rest for a moment.
 *
 * Why by looking, not by the system's notices: editors replace files, checkouts replace folders, and network file systems
 * tell nothing; a look costs a few microseconds per file.
 */
import { stat } from 'node:fs/promises';

/** How often it looks, in milliseconds; a change is told at the second look that finds it the same. */
const LOOK_MS = 200;

type Marks = ReadonlyMap<string, string>;

export class FileWatch {
  readonly #files: () => readonly string[];
  readonly #changed: () => Promise<void>;
  /** As they were when they were last used. */
  #used: Marks = new Map();
  /** As the last look found them. */
  #last: Marks = new Map();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /** `files`: those that count now. `changed` uses them anew, and may make them others. */
  constructor(files: () => readonly string[], changed: () => Promise<void>) {
    this.#files = files;
    this.#changed = changed;
  }

  /** From now on. */
  async start(): Promise<void> {
    this.#used = await marksOf(this.#files());
    this.#again();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #again(): void {
    if (!this.#closed) this.#timer = setTimeout(() => void this.#look(), LOOK_MS).unref();
  }

  async #look(): Promise<void> {
    const now = await marksOf(this.#files());
    if (!same(now, this.#used) && same(now, this.#last) && !this.#closed) {
      await this.#changed();
      // Those that changed while they were used must be used again; what was not known before is taken as it is.
      this.#used = new Map([...(await marksOf(this.#files())), ...onlyOf(now, this.#files())]);
    }
    this.#last = now;
    this.#again();
  }
}

async function marksOf(files: readonly string[]): Promise<Marks> {
  const mark = async (file: string): Promise<string> => {
    try {
      const { ino, mtimeMs, size } = await stat(file);
      return `${ino} ${mtimeMs} ${size}`;
    } catch {
      return 'absent';
    }
  };
  return new Map(await Promise.all(files.map(async (file) => [file, await mark(file)] as const)));
}

function onlyOf(marks: Marks, files: readonly string[]): Iterable<readonly [string, string]> {
  const wanted = new Set(files);
  return [...marks].filter(([file]) => wanted.has(file));
}

function same(a: Marks, b: Marks): boolean {
  return a.size === b.size && [...a].every(([file, mark]) => b.get(file) === mark);
}
