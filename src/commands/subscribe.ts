import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.ts';
import { dropEmpty } from '../cli/settings.ts';
import { textOf } from '../cli/values.ts';
import { type Subscription, type TopicMessage, valueToJson } from '../engine/index.ts';

export default class Subscribe extends BaseCommand<typeof Subscribe> {
  static override summary = 'Listen to topics, one line per message, until interrupted.';
  static override description = [
    'A pattern is a topic in which * stands for exactly one word and # for any number of words, also none; quote them. Each ' +
      'message comes once, however many of the patterns match it.',
    'Prints when its node took it, its topic and its payload, with tabs between; with --json an object with "id", "topic", ' +
      '"payload", "headers", "publisher", "time", "missed" and "interrupted". What was dropped because this command was too ' +
      'slow, and a connection that was lost and made again, are told on stderr, and in the next message.',
    'Ends with 0 after --count messages, with 130 after Ctrl-C.',
  ].join('\n\n');
  static override examples = [
    "<%= config.bin %> <%= command.id %> 'order.#'",
    "<%= config.bin %> <%= command.id %> 'order.*.paid' 'cart.#' --json --count 10",
    "<%= config.bin %> <%= command.id %> 'job.*' --group workers --raw",
  ];
  static override args = {
    pattern: Args.string({
      description: 'Which topics: order.*, order.#.',
      ignoreStdin: true,
      multiple: true,
      required: true,
    }),
  };
  static override flags = {
    raw: Flags.boolean({ summary: 'Only payloads: text as it is, bytes as they are, all else as JSON.' }),
    count: Flags.integer({ helpValue: 'N', min: 1, summary: 'End after so many messages.' }),
    group: Flags.string({ helpValue: 'NAME', summary: 'Share the messages with all who name the same group.' }),
    everywhere: Flags.boolean({ summary: 'Say that it listens only when all nodes know of it.' }),
    policy: Flags.option({ options: ['drop-oldest', 'drop-newest', 'disconnect', 'block'] as const })({
      summary: 'What becomes of messages that come faster than they are printed; drop-oldest without it.',
    }),
    waiting: Flags.integer({
      helpValue: 'N',
      min: 1,
      summary: 'Messages that may wait on the node: more carries longer bursts. 10000 without it.',
    }),
  };

  async run(): Promise<void> {
    const { count = Number.POSITIVE_INFINITY, everywhere, group, policy, waiting } = this.flags;
    const { signal } = this.interruption;
    const client = await this.client();
    const { timeoutMs } = await this.settings();
    const patterns = this.args.pattern as unknown as readonly string[];
    const subscription = await client.subscribe(patterns, {
      ...dropEmpty({ group, messagesMax: waiting, policy }),
      everywhere,
      signal,
      ...(timeoutMs > 0 ? { timeoutMs } : {}),
    });
    this.output.note(`listening on ${client.node.name}; Ctrl-C ends`);
    await this.#follow(subscription, count);
  }

  async #follow(subscription: Subscription, count: number): Promise<void> {
    let seen = 0;
    for await (const message of subscription) {
      if (message.interrupted) this.output.warn('the connection was lost and made again: nobody knows what was missed');
      if (message.missed > 0)
        this.output.warn(`${message.missed} messages were dropped: they came faster than printed`);
      await this.#print(message);
      if (++seen >= count) return;
    }
  }

  async #print(message: TopicMessage): Promise<void> {
    const { payload, topic } = message;
    if (this.flags.raw) {
      if (payload instanceof Uint8Array) return this.output.bytes(payload);
      return this.output.bytes(Buffer.from(`${textOf(payload)}\n`));
    }
    const time = new Date(message.time).toISOString();
    const document = { ...message, payload: valueToJson(payload), time };
    await this.output.event(document, `${time}\t${topic}\t${textOf(payload)}`);
  }
}
