/**
 * The items of a streaming function, for a tool's result: the first of them, as many as fit, while each is also told as
 * progress to whoever asked for that.
 *
 * Limit: `ITEMS_MAX` items or `CHARS_MAX` characters of JSON; then the stream is stopped, and the result says so.
 */
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { valueToJson } from '../engine/index.ts';

export class CollectedItems {
  readonly #full: () => void;
  readonly #progress: (count: number, json: string) => void;
  readonly #items: string[] = [];
  #chars = 0;
  #isFull = false;

  /** `full` is called once, where nothing more fits; `progress` with each item, and how many there are by then. */
  constructor(full: () => void, progress: (count: number, json: string) => void) {
    this.#full = full;
    this.#progress = progress;
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  /** Whether there was any: only then it is a stream. */
  get any(): boolean {
    return this.#items.length > 0 || this.#isFull;
  }

  push(item: unknown): void {
    if (this.#isFull) return;
    const json = JSON.stringify(item === undefined ? null : valueToJson(item));
    this.#chars += json.length;
    if (this.#items.length < ITEMS_MAX && this.#chars <= CHARS_MAX) {
      this.#items.push(json);
      this.#progress(this.#items.length, json);
      return;
    }
    this.#isFull = true;
    this.#full();
  }

  result(): CallToolResult {
    const text = `[${this.#items.join(',')}]`;
    const items = JSON.parse(text) as unknown[];
    const note = `The stream was stopped after ${items.length} items: no more fit into a result.`;
    return {
      content: [{ text, type: 'text' }, ...(this.#isFull ? [{ text: note, type: 'text' as const }] : [])],
      structuredContent: { items, ...(this.#isFull && { truncated: true }) },
    };
  }
}

export const ITEMS_MAX = 1_000;
export const CHARS_MAX = 1 << 20;
