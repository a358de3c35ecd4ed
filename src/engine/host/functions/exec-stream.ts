/**
 * The items of one paced call of a program, on their way out: what its asker has no room for is held here.
 *
 *      item ──► room? ──yes──► passed on          taken ──► what is held is passed on; {"resume":id} when nothing is
 *                 │ no
 *                 └──► held, and {"pause":id} said ──► still more of it? ──► the program is not read any more
 *
 * Why the last: a program may not know the word. Not to be read stops it, and its other calls with it: it should know.
 *
 * Invariant: what ends the call comes after all its items.
 */
import type { Outcome } from '../../core/base/outcome.ts';
import type { Payload } from '../../core/base/payload.ts';
import { StreamWindow } from './stream-window.ts';
import { itemCost } from './worker-frames.ts';

/** What is held before the program is not read any more: room for what it says until it has heard that it should pause. */
const HELD_BYTES_MAX = 4 * 1024 * 1024;

export interface ExecStreamEvents {
  item(payload: Payload): void;
  /** All items are out, and this is the end. */
  end(outcome: Outcome<Payload>): void;
  /** Tells the program. */
  say(word: 'pause' | 'resume'): void;
  /** Whether the program may be read. */
  read(may: boolean): void;
}

export class ExecStream {
  readonly #events: ExecStreamEvents;
  readonly #window = new StreamWindow();
  #held: Payload[] = [];
  #heldCost = 0;
  #paused = false;
  #reading = true;
  #end: Outcome<Payload> | undefined;

  constructor(events: ExecStreamEvents) {
    this.#events = events;
  }

  /** Whether the program is done with it, though its asker is not. */
  get ended(): boolean {
    return this.#end !== undefined;
  }

  item(payload: Payload): void {
    if (this.#held.length > 0 || this.#window.full) this.#hold(payload);
    else this.#pass(payload);
    if (this.#paused || !this.#window.full) return;
    this.#paused = true;
    this.#events.say('pause');
  }

  end(outcome: Outcome<Payload>): void {
    this.#end = outcome;
    this.#finish();
  }

  taken(items: number): void {
    this.#window.taken(items);
    while (this.#held.length > 0 && !this.#window.full) {
      const next = this.#held.shift() as Payload;
      this.#heldCost -= itemCost(next.size);
      this.#pass(next);
    }
    this.#read(this.#heldCost < HELD_BYTES_MAX);
    if (this.#window.full) return;
    if (this.#paused && !this.ended) this.#events.say('resume');
    this.#paused = false;
    this.#finish();
  }

  /** Nobody waits for it any more: what is held is lost. */
  drop(): void {
    this.#held = [];
    this.#heldCost = 0;
    this.#read(true);
  }

  #pass(payload: Payload): void {
    this.#window.sent(payload);
    this.#events.item(payload);
  }

  #hold(payload: Payload): void {
    this.#held.push(payload);
    this.#heldCost += itemCost(payload.size);
    this.#read(this.#heldCost < HELD_BYTES_MAX);
  }

  #read(may: boolean): void {
    if (may === this.#reading) return;
    this.#reading = may;
    this.#events.read(may);
  }

  #finish(): void {
    if (this.#end !== undefined && this.#held.length === 0) this.#events.end(this.#end);
  }
}
