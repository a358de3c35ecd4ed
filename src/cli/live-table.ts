/** A table that is drawn again and again: over itself on a terminal, below the last one elsewhere. */
import type { Output } from './output.ts';
import { formatTable, formatTabs, type Table } from './table.ts';

export class LiveTable {
  readonly #output: Output;
  #lines = 0;

  constructor(output: Output) {
    this.#output = output;
  }

  /** `at`: the time; before each line where there is no terminal. */
  async draw<Row>(table: Table<Row>, at: string): Promise<void> {
    if (!this.#output.tty) {
      const when = { name: 'at', value: () => at };
      const text = formatTabs({ ...table, columns: [when, ...table.columns] });
      if (text !== '') await this.#output.bytes(Buffer.from(`${text}\n`));
      return;
    }
    const text = formatTable(table, this.#output.hasColor);
    const up = this.#lines === 0 ? '' : `\u001b[${this.#lines}A\u001b[J`;
    this.#lines = text.split('\n').length;
    await this.#output.bytes(Buffer.from(`${up}${text}\n`));
  }
}
