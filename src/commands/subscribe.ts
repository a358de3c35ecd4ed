import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.ts';
import { durationOf, parseDuration } from '../cli/duration.ts';
import { type CommandEnd, MessageCommands } from '../cli/message-commands.ts';
import { dropEmpty } from '../cli/settings.ts';
import { textOf } from '../cli/values.ts';
import {
  problemError,
  type SubscribeOptions,
  type Subscription,
  type TopicMessage,
  valueToJson,
} from '../engine/index.ts';

export default class Subscribe extends BaseCommand<typeof Subscribe> {
  static override summary = 'Listen to topics, one line per message, until interrupted.';
  static override description = [
    'A pattern is a topic in which * stands for exactly one word and # for any number of words, also none; quote them. Each ' +
      'message comes once, however many of the patterns match it.',
    'Prints when its node took it, its topic and its payload, with tabs between; with --json an object with "id", "topic", ' +
      '"payload", "headers", "publisher", "time", "missed", "interrupted", "attempt", "redelivered" and "retained". What was dropped because this command was too ' +
      'slow, and a connection that was lost and made again, are told on stderr, and in the next message.',
    'Of a group each message goes to one member, which acknowledges it when it is printed, or its command has ended. What a ' +
      'member has not acknowledged when it ends or is killed goes to another, with "redelivered" true. With --key messages ' +
      'with the same value of a header stay with one member, in order.',
    'Of topics that are kept (topic keep), --since, --last and --from begin with what was; what comes follows without a gap ' +
      'and with nothing twice, also when the connection is lost and made again. --durable NAME goes on after the last message ' +
      'that was acknowledged under that name: printed, or dealt with by a command that ended with 0. A new name begins as ' +
      '--since, --last or --from say. With --json such messages have a "sequence" and a "position" as well. --kept-in CLUSTER ' +
      'reads what another cluster of the federation keeps.',
    'A command of --exec finds the payload on stdin, and MPREG_TOPIC, MPREG_ID, MPREG_PUBLISHER, MPREG_TIME, MPREG_ATTEMPT and ' +
      'MPREG_HEADER_NAME in its environment. No shell reads it: words are split and quotes taken off. Where the message wants a ' +
      'reply, what it prints is that. With --json an object for each with "id", "topic", "code", "failure", "replied", "tookMs". ' +
      'What fails is told on stderr, and makes the end one with 1; in a group it is given back, and comes again. Ctrl-C ends those that run.',
    'Ends with 0 after --count messages, with 130 after Ctrl-C.',
  ].join('\n\n');
  static override examples = [
    "<%= config.bin %> <%= command.id %> 'order.#'",
    "<%= config.bin %> <%= command.id %> 'order.*.paid' 'cart.#' --json --count 10",
    "<%= config.bin %> <%= command.id %> 'job.*' --group workers --raw",
    "<%= config.bin %> <%= command.id %> 'order.#' --group billing --key header:user --window 10 --json",
    "<%= config.bin %> <%= command.id %> 'order.#' --durable books --since 1h",
    "<%= config.bin %> <%= command.id %> 'sale.#' --from first --kept-in prod-eu",
    "<%= config.bin %> <%= command.id %> 'job.*' --group workers --exec 'python3 work.py' --concurrency 4",
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
    key: Flags.string({
      dependsOn: ['group'],
      helpValue: 'header:NAME',
      summary: 'Where the group finds the key of a message, as all its members say.',
    }),
    ack: Flags.option({ options: ['auto', 'manual', 'none'] as const })({
      summary:
        'auto, as without it: acknowledge what is printed. manual: nothing, so that it comes again. none: of a group, ' +
        'faster, and lost where this command is killed.',
    }),
    window: Flags.integer({
      dependsOn: ['group'],
      helpValue: 'N',
      min: 1,
      summary: 'Messages that may be on their way here unacknowledged: fewer are shared more evenly. 64 without it.',
    }),
    'ack-timeout': Flags.string({
      dependsOn: ['group'],
      helpValue: 'TIME',
      summary: 'What was not acknowledged for so long goes to another member; without it only when this one ends.',
    }),
    exec: Flags.string({
      exclusive: ['raw'],
      helpValue: 'COMMAND',
      summary: 'Run a command for each message, its payload on stdin, in place of printing it.',
    }),
    concurrency: Flags.integer({
      dependsOn: ['exec'],
      helpValue: 'N',
      min: 1,
      summary: 'Commands that run at once: more are faster, one keeps the order. 1 without it.',
    }),
    since: Flags.string({
      exclusive: ['last', 'from', 'group'],
      helpValue: 'WHEN',
      summary: 'Begin with what was kept since then: 5m or 7d ago, or 2027-01-31T18:00.',
    }),
    last: Flags.integer({
      exclusive: ['from', 'group'],
      helpValue: 'N',
      min: 0,
      summary: 'Begin with the newest so many that are kept; 0: with none of them, as --from new.',
    }),
    from: Flags.string({
      exclusive: ['group'],
      helpValue: 'SEQ',
      summary: 'Begin with that number, 1 or more, or with first, or new: what is kept from now on.',
    }),
    durable: Flags.string({
      exclusive: ['group'],
      helpValue: 'NAME',
      summary: 'Go on after what was acknowledged under that name.',
    }),
    'kept-in': Flags.string({
      exclusive: ['durable', 'everywhere', 'group', 'policy'],
      helpValue: 'CLUSTER',
      summary: 'Read what that cluster of the federation keeps, with --since, --last or --from.',
    }),
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
    this.#checkAck();
    const commands = this.#commands();
    const client = await this.client();
    const { timeoutMs } = await this.settings();
    const patterns = this.args.pattern as unknown as readonly string[];
    const subscription = await client.subscribe(patterns, {
      ...dropEmpty({ group, messagesMax: waiting, policy }),
      ...this.#membership(),
      ...this.#kept(),
      everywhere,
      signal,
      ...(timeoutMs > 0 ? { timeoutMs } : {}),
    });
    this.output.note(`listening on ${client.node.name}; Ctrl-C ends`);
    const take = async (message: TopicMessage) => {
      if (commands !== undefined) return commands.run(message);
      await this.#print(message);
      // Why not at once: what still waits in this process would be lost with it.
      if (this.flags.ack !== 'manual') this.output.handedOver(() => message.ack());
    };
    // Why before it is over: what is not acknowledged then goes to others.
    await this.#follow(subscription, count, take, async () => {
      await commands?.end();
      await new Promise<void>((resolve) => this.output.handedOver(resolve));
    });
    await commands?.end();
    if (commands === undefined || commands.failed === 0) return;
    throw problemError('function-failed', `${commands.failed} of ${commands.ran} commands failed`, EXEC_HINT);
  }

  #checkAck(): void {
    const { ack, durable, group } = this.flags;
    if (ack === undefined || group !== undefined || (durable !== undefined && ack !== 'none')) return;
    throw problemError(
      'usage-invalid',
      `--ack ${ack} goes with ${ack === 'none' ? '--group' : '--group or --durable'}`,
    );
  }

  #membership(): SubscribeOptions {
    const { ack, 'ack-timeout': ackTimeout, group, key, window } = this.flags;
    if (group === undefined) return {};
    return {
      ack: ack === 'none' ? 'none' : 'manual',
      ...dropEmpty({ key: key as SubscribeOptions['key'], window }),
      ...(ackTimeout === undefined ? {} : { ackTimeoutMs: parseDuration(ackTimeout, '--ack-timeout') }),
    };
  }

  /** Where to begin in what is kept. Acknowledged is by this command itself: when a message is printed or dealt with. */
  #kept(): SubscribeOptions {
    const { durable, from, 'kept-in': keptIn, last, since } = this.flags;
    return dropEmpty({
      keptIn,
      ack: durable === undefined ? undefined : ('manual' as const),
      durable,
      from: from === undefined ? undefined : numberOf(from),
      last,
      since: since === undefined ? undefined : sinceOf(since),
    });
  }

  #commands(): MessageCommands | undefined {
    const { concurrency = 1, exec, json } = this.flags;
    if (exec === undefined) return undefined;
    const stdout = json ? 'stderr' : 'stdout';
    const { signal } = this.interruption;
    return new MessageCommands(exec, { concurrency, ended: (end) => this.#ended(end), signal, stdout });
  }

  async #ended({ code, failure, message, replied, tookMs }: CommandEnd): Promise<void> {
    const { id, topic } = message;
    const isOver = this.interruption.signal.aborted || this.flags.ack === 'manual';
    if (!isOver && (failure === undefined || replied)) message.ack();
    else if (!isOver) message.nack();
    if (failure !== undefined) this.output.warn(`${topic} ${id}: the command ${failure}`);
    if (this.output.json) await this.output.event({ code, failure: failure ?? null, id, replied, tookMs, topic }, '');
  }

  async #follow(
    subscription: Subscription,
    count: number,
    take: (message: TopicMessage) => Promise<void>,
    end: () => Promise<void>,
  ): Promise<void> {
    let seen = 0;
    for await (const message of subscription) {
      if (message.interrupted) this.output.warn('the connection was lost and made again: nobody knows what was missed');
      if (message.missed > 0)
        this.output.warn(`${message.missed} messages ${message.sequence === undefined ? DROPPED : GONE}`);
      await take(message);
      if (++seen >= count) return end();
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

const DROPPED = 'were dropped: they came faster than printed';
const GONE = 'at most were missed: they had gone before they were read';
const EXEC_HINT = { hint: 'Each is told above, with its message.\nmpreg subscribe --help' } as const;

function numberOf(text: string): number | 'first' | 'new' {
  if (text === 'first' || text === 'new') return text;
  if (/^\d{1,15}$/.test(text) && Number(text) > 0) return Number(text);
  const why = `--from: "${text}" is no number of a message; write 1 or more, first or new`;
  throw problemError('usage-invalid', why, { hint: 'See which numbers there are.\nmpreg topic info' });
}

function sinceOf(text: string): Date | number {
  const date = new Date(text);
  const isDate = /^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(date.getTime());
  if (isDate) return date;
  const ms = durationOf(text);
  if (ms !== undefined) return ms;
  const why = `--since: "${text}" is neither a duration nor a time; write 5m, 7d or 2027-01-31T18:00`;
  throw problemError('usage-invalid', why, { hint: 'Or begin with the oldest.\nmpreg subscribe PATTERN --from first' });
}
