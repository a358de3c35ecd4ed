/** A log of kept messages that is opened when the first keep is defined: most nodes keep nothing, and need no thread for it. */
import { failed, type Outcome } from '../../core/base/outcome.ts';
import { type Problem, problem } from '../../core/base/problems.ts';
import type { KeepDefinition, LogBatch, LogRow, MessageLog } from '../../flow/message-log.ts';
import { ProblemError } from '../../problem-error.ts';

export class LateLog implements MessageLog {
  readonly #open: () => Promise<MessageLog & { close(): Promise<void> }>;
  #opening: Promise<MessageLog & { close(): Promise<void> }> | undefined;
  #log: MessageLog | undefined;

  constructor(open: () => Promise<MessageLog & { close(): Promise<void> }>) {
    this.#open = open;
  }

  define(keep: KeepDefinition, then: (refused: Problem | undefined) => void): void {
    if (this.#log !== undefined) return this.#log.define(keep, then);
    this.#opening ??= this.#open();
    this.#opening.then(
      (log) => {
        this.#log = log;
        log.define(keep, then);
      },
      (error: unknown) => {
        this.#opening = undefined; // the next one tries again
        then(error instanceof ProblemError ? error.problem : problem('store-failed', String(error)));
      },
    );
  }

  remove(id: string, then: (refused: Problem | undefined) => void): void {
    if (this.#log === undefined) queueMicrotask(() => then(undefined));
    else this.#log.remove(id, then);
  }

  commit(id: string, batch: LogBatch, then: (refused: Problem | undefined) => void): void {
    if (this.#log === undefined) queueMicrotask(() => then(NOT_OPEN));
    else this.#log.commit(id, batch, then);
  }

  read(id: string, from: number, through: number, bytesMax: number, then: (rows: Outcome<readonly LogRow[]>) => void) {
    if (this.#log === undefined) queueMicrotask(() => then(failed(NOT_OPEN)));
    else this.#log.read(id, from, through, bytesMax, then);
  }

  async close(): Promise<void> {
    await (await this.#opening?.catch(() => undefined))?.close();
  }
}

const NOT_OPEN = problem('store-failed', 'nothing is kept here yet');
