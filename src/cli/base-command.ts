/**
 * What every command shares: the global flags, the settings behind them, output, interruption, and a client that is
 * opened when it is first asked for and closed when the command ends.
 *
 * A command declares its flags, asks `client()` for the mesh and hands its result to `output`. It never prints errors:
 * it throws, and `run.ts` tells them in one way.
 */
import { type Interfaces, Command as OclifCommand } from '@oclif/core';
import { type Client, connect, problemError } from '../engine/index.ts';
import { within } from './deadline.ts';
import { globalFlags } from './global-flags.ts';
import { type Interruption, interruption } from './interruption.ts';
import { Output } from './output.ts';
import { connectOptions, resolveSettings, type Settings } from './settings.ts';

type Flags<T extends typeof OclifCommand> = Interfaces.InferredFlags<typeof globalFlags & T['flags']>;
type Args<T extends typeof OclifCommand> = Interfaces.InferredArgs<T['args']>;

/** How long a node may take to say goodbye; the process ends anyway. */
const FAREWELL_MS = 500;

export abstract class BaseCommand<T extends typeof OclifCommand> extends OclifCommand {
  static override baseFlags = globalFlags;

  protected flags!: Flags<T>;
  protected args!: Args<T>;
  protected output!: Output;
  protected readonly interruption: Interruption = interruption;
  #settings: Promise<Settings> | undefined;
  #client: Promise<Client> | undefined;

  override async init(): Promise<void> {
    await super.init();
    const { args, flags } = await this.parse({
      args: this.ctor.args,
      baseFlags: globalFlags,
      flags: this.ctor.flags,
      strict: this.ctor.strict,
    });
    this.flags = settle(flags, { ...globalFlags, ...this.ctor.flags }) as Flags<T>;
    this.args = args as Args<T>;
    const { json, quiet, verbose, 'no-color': noColor } = this.flags as Interfaces.InferredFlags<typeof globalFlags>;
    this.output = new Output({ json, noColor, quiet, verbose });
  }

  /** Read once, and only by commands that reach for the mesh: a broken project file must not break `mpreg errors`. */
  protected settings(): Promise<Settings> {
    this.#settings ??= resolveSettings(this.flags as Interfaces.InferredFlags<typeof globalFlags>);
    return this.#settings;
  }

  /** The connection of this command. `survives`: it is made again when it breaks; counts where it is asked for first. */
  protected client({ survives = false }: { readonly survives?: boolean } = {}): Promise<Client> {
    this.#client ??= this.#connect(survives);
    return this.#client;
  }

  /** Asks the mesh, and gives up when the time is up. `what` is what was asked, for the message. */
  protected async ask<Value>(what: string, question: (client: Client) => Promise<Value>): Promise<Value> {
    const client = await this.client();
    const { timeoutMs } = await this.settings();
    return within(timeoutMs, `${what} of ${client.node.name}`, question(client));
  }

  /** How a connection is made, where that is not as everything else. */
  protected connection(settings: Settings): Settings | Promise<Settings> {
    return settings;
  }

  async #connect(survives: boolean): Promise<Client> {
    const settings = await this.connection(await this.settings());
    const options = connectOptions(settings, (message) => this.output.warn(message), survives);
    const waiting = setTimeout(() => {
      this.output.note(`no answer yet from ${settings.urls.join(', ') || 'the nodes of this machine'}`);
    }, 1000).unref();
    try {
      const client = await connect(options);
      this.output.detail(`connected to ${client.node.name} at ${client.node.url}`);
      return client;
    } finally {
      clearTimeout(waiting);
    }
  }

  /** Asks on a terminal; elsewhere `--yes` must have said so already. `what` is the question without its mark. */
  protected async confirm(what: string): Promise<void> {
    if ((this.flags as Interfaces.InferredFlags<typeof globalFlags>).yes) return;
    if (!process.stdin.isTTY || !process.stderr.isTTY) {
      throw problemError('confirmation-missing', `${what}? Nobody is here to ask`, {
        hint: `Say yes beforehand.\n${this.#again('--yes')}`,
      });
    }
    const answer = await this.#answerTo(`${what}? [y/N] `, '--yes');
    if (!/^y(es)?$/i.test(answer)) throw notConfirmed('--yes');
  }

  /** The command that was given, with one flag more. */
  #again(flag: string): string {
    const words = (this.id ?? '').split(':').concat(this.argv);
    const shown = words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`));
    return ['mpreg', ...shown, flag].join(' ');
  }

  /** Of what cannot be undone: wants its name typed on a terminal; elsewhere `given`, of --confirm, must be it. */
  protected async confirmByName(what: string, name: string, given: string | undefined): Promise<void> {
    if (given === name) return;
    if (given !== undefined) {
      throw problemError('confirmation-missing', `${what}: --confirm says "${given}", and its name is ${name}`);
    }
    if (!process.stdin.isTTY || !process.stderr.isTTY) {
      throw problemError('confirmation-missing', `${what}: this cannot be undone, and nobody is here to confirm it`, {
        hint: `Say its name to confirm it.\n${this.#again(`--confirm ${name}`)}`,
      });
    }
    const flag = `--confirm ${name}`;
    const question = `${what}: this cannot be undone. Type its name to go on: `;
    if ((await this.#answerTo(question, flag)) !== name) throw notConfirmed(flag);
  }

  /** Ctrl-C and Ctrl-D are a no: while a terminal is read by keys, the first is a key and no signal. */
  async #answerTo(question: string, flag: string): Promise<string> {
    const { createInterface } = await import('node:readline/promises');
    const prompt = createInterface({ input: process.stdin, output: process.stderr });
    prompt.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
    const ended = new Promise<never>((_, reject) => prompt.once('close', () => reject(notConfirmed(flag))));
    try {
      const { signal } = this.interruption;
      return (await Promise.race([prompt.question(question, { signal }), ended])).trim();
    } catch {
      process.stderr.write('\n');
      throw notConfirmed(flag);
    } finally {
      ended.catch(() => undefined);
      prompt.close();
    }
  }

  /** Errors are told by `run.ts`, all in one way. */
  protected override catch(error: Error): Promise<never> {
    return Promise.reject(error);
  }

  protected override async finally(): Promise<void> {
    const client = await this.#client?.catch(() => undefined);
    if (client !== undefined) await within(FAREWELL_MS, 'closing', client.close()).catch(() => {});
  }

  /** The command framework has its own --json, which this does not use. */
  override jsonEnabled(): boolean {
    return false;
  }
}

function notConfirmed(flag: string): Error {
  return problemError('confirmation-missing', 'not confirmed: nothing was done', {
    hint: `Answer yes another time, or say so beforehand.\nadd ${flag}`,
  });
}

/**
 * Makes good what the command framework leaves open: a boolean flag that was not given is false, and a variable of a
 * repeatable flag, which it hands over as one text, is a list.
 */
function settle(
  given: Readonly<Record<string, unknown>>,
  definitions: OclifCommand.Class['flags'],
): Record<string, unknown> {
  const settled: Record<string, unknown> = { ...given };
  for (const [name, flag] of Object.entries(definitions)) {
    const value = given[name];
    if (flag.type === 'boolean') settled[name] = value ?? false;
    else if (flag.multiple === true && typeof value === 'string') settled[name] = value.split(',').filter(Boolean);
  }
  return settled;
}
