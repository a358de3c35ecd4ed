import type { Client } from '../../api.ts';
import { ProblemError, problemError } from '../../problem-error.ts';

/** One client for all requests, opened with the first and again where it has closed. */
export class SharedClient<Opened extends Pick<Client, 'closed'> = Client> {
  readonly #open: () => Promise<Opened>;
  #client: Promise<Opened> | undefined;

  constructor(open: () => Promise<Opened>) {
    this.#open = open;
  }

  /** Rejects with a `ProblemError`. */
  get(): Promise<Opened> {
    this.#client ??= this.#opened();
    return this.#client;
  }

  async #opened(): Promise<Opened> {
    try {
      const client = await this.#open();
      void client.closed.then(() => this.#forget());
      return client;
    } catch (error) {
      this.#forget();
      if (error instanceof ProblemError) throw error;
      throw problemError('nobody-there', `this node cannot be called now: ${(error as Error).message}`);
    }
  }

  #forget(): void {
    this.#client = undefined;
  }
}
