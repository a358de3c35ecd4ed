/** Holds the model for the screen: whoever listens hears of every change. */
export class Store<Model, Input> {
  readonly #listeners = new Set<() => void>();
  readonly #update: (model: Model, input: Input) => Model;
  #model: Model;

  constructor({ update }: { update(model: Model, input: Input): Model }, model: Model) {
    this.#update = update;
    this.#model = model;
  }

  readonly get = (): Model => this.#model;

  readonly put = (input: Input): void => {
    const next = this.#update(this.#model, input);
    if (next === this.#model) return;
    this.#model = next;
    for (const listener of this.#listeners) listener();
  };

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
}
