/**
 * A command for each message: its payload on stdin, what else is known of it in the environment.
 *
 *     MPREG_TOPIC  MPREG_ID  MPREG_PUBLISHER  MPREG_TIME  MPREG_ATTEMPT  MPREG_HEADER_USER (of the header "user")
 *
 * No shell has part in it: words are split, quotes taken off, nothing is expanded, so that no payload can become a command.
 * Each leads a process group of its own, and none outlives this process.
 *
 * What it prints goes where this process prints; of a message that wants a reply it is the reply, and a failure is its refusal.
 */
import { problemError, type TopicMessage } from '../engine/index.ts';
import { asArgument } from './arguments.ts';
import { decodeText } from './io.ts';
import { headerVariables, MessageProcesses } from './message-processes.ts';

export interface CommandEnd {
  readonly message: TopicMessage;
  /** Null where a signal ended it, or it could not be started. */
  readonly code: number | null;
  /** In words, to follow its name; undefined where it ended with 0. */
  readonly failure: string | undefined;
  readonly replied: boolean;
  readonly tookMs: number;
}

export interface MessageCommandsOptions {
  readonly concurrency: number;
  /** Where what a command prints goes, but for replies. */
  readonly stdout: 'stdout' | 'stderr';
  readonly signal: AbortSignal;
  readonly ended: (end: CommandEnd) => Promise<void>;
}

export class MessageCommands {
  ran = 0;
  failed = 0;
  readonly #processes: MessageProcesses;
  readonly #options: MessageCommandsOptions;
  readonly #running = new Set<Promise<void>>();

  /** Throws `usage-invalid`. */
  constructor(line: string, options: MessageCommandsOptions) {
    this.#processes = new MessageProcesses(line, options.stdout);
    this.#options = options;
    options.signal.addEventListener('abort', () => this.#processes.stop(), { once: true });
  }

  /** Resolves when there is room for another. Throws where the command cannot be started. */
  async run(message: TopicMessage): Promise<void> {
    const running = this.#run(message).finally(() => this.#running.delete(running));
    this.#running.add(running);
    while (this.#running.size >= this.#options.concurrency) await Promise.race(this.#running);
    if (this.#processes.hopeless !== undefined) throw this.#processes.hopeless;
  }

  /** Resolves when all have ended. */
  async end(): Promise<void> {
    await Promise.all(this.#running);
    if (this.#processes.hopeless !== undefined) throw this.#processes.hopeless;
  }

  async #run(message: TopicMessage): Promise<void> {
    const began = performance.now();
    const { wantsReply } = message;
    const run = { body: message.payload, captured: wantsReply, environment: environmentOf(message) };
    const { code, output, ...ended } = await this.#processes.run(run);
    const unsaid = wantsReply ? await this.#reply(message, ended.failure, output) : undefined;
    const failure = ended.failure ?? unsaid;
    this.ran++;
    if (failure !== undefined) this.failed++;
    const replied = wantsReply && unsaid === undefined;
    const tookMs = Math.round(performance.now() - began);
    await this.#options.ended({ code, failure, message, replied, tookMs });
  }

  /** Answers why it could not be said, where it could not. */
  async #reply(message: TopicMessage, failure: string | undefined, output: Uint8Array): Promise<string | undefined> {
    const text = decodeText(output);
    try {
      if (failure !== undefined) await message.refuse(problemError('function-failed', `its command ${failure}`));
      else await message.reply(text === undefined ? output : asArgument(text.replace(/\r?\n$/, ''), false));
      return undefined;
    } catch (error) {
      return `gave a reply that could not be sent: ${(error as Error).message}`;
    }
  }
}
function environmentOf({ attempt, headers, id, publisher, time, topic }: TopicMessage): Record<string, string> {
  const about = {
    ATTEMPT: `${attempt}`,
    ID: id,
    PUBLISHER: publisher,
    TIME: new Date(time).toISOString(),
    TOPIC: topic,
  };
  return { ...headerVariables(headers), ...about };
}
