/** What commands share that draw the federation on a whole terminal. */
import type { Command, Interfaces } from '@oclif/core';
import { type Client, connect } from '../../engine/index.ts';
import { BaseCommand } from '../base-command.ts';
import type { globalFlags } from '../global-flags.ts';
import { connectOptions } from '../settings.ts';
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
    const [client, settings] = await Promise.all([this.client(), this.settings()]);
    const { urls: named = [], ...options } = connectOptions(settings, (message) => this.output.detail(message));
    const { 'no-color': noColor } = this.flags as Interfaces.InferredFlags<typeof globalFlags>;
    return {
      client,
      color: wantsColor(process.stdout, noColor),
      open: (known) => {
        const urls = known.length > 0 ? known : named;
        return connect({ ...options, ...(urls.length > 0 && { urls }) });
      },
      signal: this.interruption.signal,
    };
  }
}
