import { hash32 } from '../base/hash.ts';
import { ANY, ONE, type Pattern } from './pattern.ts';

/**
 * Tells whether what was found out about a topic is still true, though subscriptions come and go all the time.
 *
 * A pattern that comes or goes concerns only topics that begin as it does. So there are counters for the first segment
 * and for the first two, picked by their hash, and one for patterns that begin with a wildcard:
 *
 *     #.paid      ──► wild             concerns every topic
 *     order.#     ──► first[order]     concerns order, order.eu, order.eu.paid …
 *     order.eu.*  ──► second[order.eu] concerns order.eu.…
 *
 * A topic's *mark* is the sum of its three counters. They only grow, so an equal sum means that none has changed. Two
 * beginnings with one hash share a counter: then something is found out again that was still true, and nothing worse.
 *
 * Why: clients that listen to an inbox of their own (`reply.7f3a`) come and go many times a second, and would otherwise
 * each undo what is known of all other topics.
 */
export class Epochs {
  #wild = 0;
  #all = 0;
  readonly #first = new Float64Array(COUNTERS);
  readonly #second = new Float64Array(COUNTERS + 1);

  /** How many changes there have been. */
  get generation(): number {
    return this.#all;
  }

  /** A pattern has come or gone. */
  changed({ segments }: Pattern): void {
    this.#all++;
    const [first = '', second] = segments;
    if (isWild(first)) this.#wild++;
    else if (second === undefined || isWild(second)) bump(this.#first, slot(first));
    else bump(this.#second, slot(second, hash32(first)));
  }

  mark(segments: readonly string[]): Mark {
    const [first = '', second] = segments;
    const mark = { first: slot(first), second: second === undefined ? COUNTERS : slot(second, hash32(first)) };
    return { ...mark, sum: this.#sum(mark) };
  }

  isCurrent(mark: Mark): boolean {
    return this.#sum(mark) === mark.sum;
  }

  #sum({ first, second }: Omit<Mark, 'sum'>): number {
    return this.#wild + (this.#first[first] ?? 0) + (this.#second[second] ?? 0);
  }
}

export interface Mark {
  readonly first: number;
  /** The counter that never moves where there is no second segment. */
  readonly second: number;
  readonly sum: number;
}

/** Twice 32 KiB. With n beginnings in use, a change undoes what is known of about n / 4096 others. */
const COUNTERS = 4_096;

function slot(segment: string, seed = 0): number {
  return hash32(segment, seed) % COUNTERS;
}

function bump(counters: Float64Array, at: number): void {
  counters[at] = (counters[at] ?? 0) + 1;
}

function isWild(segment: string): boolean {
  return segment === ONE || segment === ANY;
}
