/** What commands share that watch the federation: on a whole terminal, or line by line. */
import type { Command, Interfaces } from '@oclif/core';
import { type Client, connect } from '../../engine/index.ts';
import { BaseCommand } from '../base-command.ts';
import type { globalFlags } from '../global-flags.ts';
import { connectOptions } from '../settings.ts';
import { Steady } from '../steady.ts';
import { wantsColor } from '../terminal.ts';

/** To give the terminal back. */
const WATCH_END_MS = 2_000;

export interface Watching {
  readonly client: Client;
  /** Connects to the first of these that answers, or as the command line says where there are none. */
  readonly open: (urls: readonly string[]) => Promise<Client>;
  readonly color: boolean;
  readonly signal: AbortSignal;
}

export abstract class WatchingCommand<T extends typeof Command> extends BaseCommand<T> {
  protected async watching(): Promise<Watching> {
    this.interruption.endsGracefully(WATCH_END_MS);
    const { 'no-color': noColor } = this.flags as Interfaces.InferredFlags<typeof globalFlags>;
    const [client, open] = await Promise.all([this.client(), this.#open()]);
    return { client, color: wantsColor(process.stdout, noColor), open, signal: this.interruption.signal };
  }

  /** For what goes on line by line, over the loss of nodes. */
  protected async steady(): Promise<Steady> {
    const [client, open, { timeoutMs }] = await Promise.all([this.client(), this.#open(), this.settings()]);
    const note = (text: string): void => this.output.warn(text);
    return new Steady({ client, note, open, signal: this.interruption.signal, timeoutMs });
  }

  async #open(): Promise<Watching['open']> {
    const settings = await this.settings();
    const { urls: named = [], ...options } = connectOptions(settings, (message) => this.output.detail(message));
    return (known) => {
      const urls = known.length > 0 ? known : named;
      return connect({ ...options, ...(urls.length > 0 && { urls }) });
    };
  }
}
