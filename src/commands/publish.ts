import { Args, Flags } from '@oclif/core';
import { asArgument, readArguments } from '../cli/arguments.ts';
import { BaseCommand } from '../cli/base-command.ts';
import { STDIN_BYTES_MAX, stdinChunks } from '../cli/io.ts';
import { laterOf } from '../cli/later.ts';
import { Progress } from '../cli/progress.ts';
import { linesOf, parseHeaders, parseRate, publishAll, repeated, type Sent } from '../cli/publishing.ts';
import { dropEmpty } from '../cli/settings.ts';
import { textOf } from '../cli/values.ts';
import { problemError, type RequestOptions, valueToJson } from '../engine/index.ts';

const repeatable = { multiple: true, multipleNonGreedy: true } as const;

export default class Publish extends BaseCommand<typeof Publish> {
  static override summary = 'Tell everybody who listens to a topic.';
  static override description = [
    'A payload that parses as JSON is JSON, any other is text; @file is what a file holds, - is stdin, @@ is an @. Without ' +
      'one the payload is null. Words that begin with a dash come after --.',
    'Done when the node has routed it to its own subscriptions and to the nodes where somebody listens; whether anybody ' +
      'does is no matter. Where the topic is kept (topic keep), done when it is stored, and the number is told that it has there; ' +
      'elsewhere who subscribes later does not get it, but with --retain: then whoever does gets the newest retained message ' +
      'of each topic first. --retain --clear forgets it.',
    'With --request it prints what is replied, as text or JSON; with --json {"headers", "id", "payload", "publisher", ' +
      '"time", "tookMs"} for each reply. Ends with 5 where nobody listens, with 6 where nobody replies in time, and as a ' +
      'call does where whoever listens refuses.',
    'With --at or --in the node publishes it then, as a message like any other; mpreg topic scheduled lists what waits, and mpreg ' +
      'topic unschedule takes it back. A node with a --data-dir keeps it over restarts. With --json {"topic", "published", "unconfirmed", ' +
      '"id", "at", "durable", "node", "tookMs"}.',
    'With --json {"topic", "published", "unconfirmed", "id", "local", "nodes", "waiting", "kept", "behind", "node", "tookMs"}: how many ' +
      'were published, how many were under way when it was interrupted and may have been, and of the last one its id, how ' +
      'many subscriptions of the node and other nodes it was passed to, how many groups get it as soon as a member has room, ' +
      'its number where it is kept, and how many queues bound to its topic have not stored it yet.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> <%= command.id %> order.eu \'{"total": 7}\' --header user=7',
    'tail -f orders.log | <%= config.bin %> <%= command.id %> log.orders - --split newline',
    '<%= config.bin %> <%= command.id %> tick --count 100 --rate 10/s --json',
    '<%= config.bin %> <%= command.id %> price.tea --request --timeout 2s',
    '<%= config.bin %> <%= command.id %> reminder.tea "it is ready" --in 5m',
    '<%= config.bin %> <%= command.id %> status.alpha up --retain',
    '<%= config.bin %> <%= command.id %> status.alpha --retain --clear',
  ];
  static override args = {
    topic: Args.string({ description: 'Words with dots between: order.eu.paid.', ignoreStdin: true, required: true }),
    payload: Args.string({ description: 'What it says, or - for stdin.', ignoreStdin: true }),
  };
  static override flags = {
    header: Flags.string({ ...repeatable, helpValue: 'NAME=VALUE', summary: 'Beside the payload; repeatable.' }),
    key: Flags.string({
      summary: 'Messages of one key go to the same member of a group; header:NAME: what that header says.',
    }),
    retain: Flags.boolean({
      exclusive: ['request'],
      summary: 'Keep it as the newest of its topic, for those who subscribe later; nodes with a --data-dir store it.',
    }),
    clear: Flags.boolean({
      dependsOn: ['retain'],
      exclusive: ['count', 'rate', 'split'],
      summary: 'Forget what was retained of the topic; nobody gets anything.',
    }),
    string: Flags.boolean({ summary: 'Take payloads as text, also what looks like JSON.' }),
    split: Flags.option({ options: ['newline'] as const })({
      summary: 'Each line of stdin is a message of its own, published as it comes.',
    }),
    count: Flags.integer({ helpValue: 'N', min: 1, summary: 'Publish it so many times, or so many lines.' }),
    request: Flags.boolean({
      exclusive: ['count', 'rate', 'split'],
      summary: 'Wait for a reply, and print it; --timeout says how long.',
    }),
    replies: Flags.integer({
      dependsOn: ['request'],
      helpValue: 'N',
      min: 1,
      summary: 'Replies to wait for, each on a line of its own. 1 without it.',
    }),
    at: Flags.string({
      exclusive: ['in', 'request'],
      helpValue: 'TIME',
      summary: 'Publish it then: 2027-01-31T18:00, 18:00, or with a zone, 2027-01-31T18:00Z.',
    }),
    in: Flags.string({
      exclusive: ['request'],
      helpValue: 'DURATION',
      summary: 'Publish it so long from now: 30s, 5m, 2h, 7d.',
    }),
    rate: Flags.string({ helpValue: 'RATE', summary: 'Not more than that: 1000/s, 30/m.' }),
  };

  async run(): Promise<void> {
    const { clear, count, header = [], key, rate, retain } = this.flags;
    const pace = rate === undefined ? undefined : parseRate(rate);
    const headers = header.length === 0 ? undefined : parseHeaders(header);
    const { signal } = this.interruption;
    if (this.flags.request) return this.#request({ ...dropEmpty({ headers, key }), signal });
    const later = laterOf(this.flags);
    const payloads = await this.#payloads(count);
    const client = await this.client();
    const { timeoutMs } = await this.settings();
    const began = performance.now();
    let published = 0;
    this.interruption.takes(GRACE_MS);
    const progress = new Progress(this.output, () => `publishing to ${this.args.topic}: ${published}`);
    try {
      const sent = await publishAll(payloads, {
        client,
        options: { ...dropEmpty({ headers, key }), ...later, retain: clear ? 'clear' : retain, timeoutMs },
        progress: (so) => {
          published = so;
        },
        rate: pace,
        signal,
        topic: this.args.topic,
      });
      progress.end();
      await this.#tell(sent, client.node.name, Math.round(performance.now() - began));
    } catch (error) {
      progress.end();
      if (published > 0) this.output.note(`${published} were published before`);
      throw error;
    }
  }

  /** A line for each reply. */
  async #request(about: RequestOptions): Promise<void> {
    const { replies = 1 } = this.flags;
    const payload = await this.#payload();
    const client = await this.client();
    const { timeoutMs } = await this.settings();
    const began = performance.now();
    const options = { ...about, replies, timeoutMs };
    let seen = 0;
    for await (const reply of client.requestMany(this.args.topic, payload, options)) {
      const { headers, id, payload: value, publisher, time } = reply;
      const tookMs = Math.round(performance.now() - began);
      const document = {
        headers,
        id,
        payload: valueToJson(value),
        publisher,
        time: new Date(time).toISOString(),
        tookMs,
      };
      await this.output.event(document, textOf(value));
      seen++;
    }
    if (seen < replies) throw problemError('timed-out', `${seen} of ${replies} replies came within ${timeoutMs} ms`);
  }

  async #payload(): Promise<unknown> {
    const { payload } = this.args;
    const { signal } = this.interruption;
    const note = (text: string) => this.output.note(text);
    const reading = { bytesMax: STDIN_BYTES_MAX, note, signal, string: this.flags.string };
    const [value = null] = payload === undefined ? [] : await readArguments([payload], reading);
    return value;
  }

  async #payloads(count: number | undefined): Promise<Iterable<unknown> | AsyncIterable<unknown>> {
    const { split, string } = this.flags;
    const { signal } = this.interruption;
    const note = (text: string) => this.output.note(text);
    if (split === undefined) return repeated(await this.#payload(), count ?? 1);
    if (this.args.payload !== '-')
      throw problemError('usage-invalid', '--split is for what comes on stdin: mpreg publish TOPIC -');
    return first(linesOf(stdinChunks('messages', { note, signal })), count, (line) => asArgument(line, string));
  }

  async #tell({ last, published, unconfirmed }: Sent, node: string, tookMs: number): Promise<void> {
    const { topic } = this.args;
    const { id = null, kept = null, later, local = 0, nodes = 0, waiting = 0, behind = 0 } = last ?? {};
    const doubt =
      unconfirmed === 0 ? '' : `; ${unconfirmed} more were under way, and nobody knows whether they were published`;
    if (later !== undefined) {
      const at = new Date(later.at).toISOString();
      const stored = later.durable
        ? `${later.node} keeps it`
        : `${later.node} keeps it in memory alone: it has no --data-dir`;
      const text = `to be published to ${topic} at ${at}, ${id}: ${stored}${doubt}`;
      const { durable } = later;
      return this.output.result({ topic, published, unconfirmed, id, at, durable, node: later.node, tookMs }, text);
    }
    const what = `published ${published} ${published === 1 ? 'message' : 'messages'} to ${topic}`;
    const where = `${local} ${local === 1 ? 'subscription' : 'subscriptions'} on ${node}, ${nodes} other ${nodes === 1 ? 'node' : 'nodes'}`;
    const full = waiting === 0 ? '' : `; ${waiting} ${waiting === 1 ? 'group has' : 'groups have'} no room for it yet`;
    const stored = kept === null ? '' : published === 1 ? `; kept as ${kept}` : `; the last kept as ${kept}`;
    const late = behind === 0 ? '' : `; ${behind} ${behind === 1 ? 'queue has' : 'queues have'} not stored it yet`;
    const said = `${published === 0 ? what : `${what}: ${where}${full}${stored}${late}`}${doubt}`;
    const text = this.flags.clear ? `nothing is retained of ${topic}` : said;
    await this.output.result(
      { topic, published, unconfirmed, id, local, nodes, waiting, kept, behind, node, tookMs },
      text,
    );
  }
}

/** For what is under way to be confirmed, after an interruption. */
const GRACE_MS = 4_000;

async function* first(
  lines: AsyncIterable<string | Uint8Array>,
  count = Number.POSITIVE_INFINITY,
  read: (line: string | Uint8Array) => unknown,
): AsyncGenerator<unknown> {
  let taken = 0;
  for await (const line of lines) {
    yield read(line);
    if (++taken >= count) return;
  }
}
