/** Holds the model of the federation's screen: whoever listens hears of every change. */
import { type Input, type Model, update } from './model.ts';

export class FederationStore {
  readonly #listeners = new Set<() => void>();
  #model: Model;

  constructor(model: Model) {
    this.#model = model;
  }

  readonly get = (): Model => this.#model;

  readonly put = (input: Input): void => {
    const next = update(this.#model, input);
    if (next === this.#model) return;
    this.#model = next;
    for (const listener of this.#listeners) listener();
  };

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
}
