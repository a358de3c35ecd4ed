import { Args, Flags } from '@oclif/core';
import { asArgument, readArguments } from '../cli/arguments.ts';
import { BaseCommand } from '../cli/base-command.ts';
import { STDIN_BYTES_MAX, stdinChunks } from '../cli/io.ts';
import { Progress } from '../cli/progress.ts';
import { linesOf, parseHeaders, parseRate, publishAll, repeated, type Sent } from '../cli/publishing.ts';
import { dropEmpty } from '../cli/settings.ts';
import { problemError } from '../engine/index.ts';

const repeatable = { multiple: true, multipleNonGreedy: true } as const;

export default class Publish extends BaseCommand<typeof Publish> {
  static override summary = 'Tell everybody who listens to a topic.';
  static override description = [
    'A payload that parses as JSON is JSON, any other is text; @file is what a file holds, - is stdin, @@ is an @. Without ' +
      'one the payload is null. Words that begin with a dash come after --.',
    'Done when the node has routed it to its own subscriptions and to the nodes where somebody listens; whether anybody ' +
      'does is no matter. Nothing is kept: who subscribes later does not get it.',
    'With --json {"topic", "published", "id", "local", "nodes", "node", "tookMs"}: how many were published, and of the ' +
      'last one its id and how many subscriptions of the node and other nodes it was passed to.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> <%= command.id %> order.eu \'{"total": 7}\' --header user=7',
    'tail -f orders.log | <%= config.bin %> <%= command.id %> log.orders - --split newline',
    '<%= config.bin %> <%= command.id %> tick --count 100 --rate 10/s --json',
  ];
  static override args = {
    topic: Args.string({ description: 'Words with dots between: order.eu.paid.', ignoreStdin: true, required: true }),
    payload: Args.string({ description: 'What it says, or - for stdin.', ignoreStdin: true }),
  };
  static override flags = {
    header: Flags.string({ ...repeatable, helpValue: 'NAME=VALUE', summary: 'Beside the payload; repeatable.' }),
    key: Flags.string({ summary: 'Messages of one key go to the same member of a group.' }),
    string: Flags.boolean({ summary: 'Take payloads as text, also what looks like JSON.' }),
    split: Flags.option({ options: ['newline'] as const })({
      summary: 'Each line of stdin is a message of its own, published as it comes.',
    }),
    count: Flags.integer({ helpValue: 'N', min: 1, summary: 'Publish it so many times, or so many lines.' }),
    rate: Flags.string({ helpValue: 'RATE', summary: 'Not more than that: 1000/s, 30/m.' }),
  };

  async run(): Promise<void> {
    const { count, header = [], key, rate } = this.flags;
    const pace = rate === undefined ? undefined : parseRate(rate);
    const headers = header.length === 0 ? undefined : parseHeaders(header);
    const { signal } = this.interruption;
    const payloads = await this.#payloads(count);
    const client = await this.client();
    const { timeoutMs } = await this.settings();
    const began = performance.now();
    let published = 0;
    const progress = new Progress(this.output, () => `publishing to ${this.args.topic}: ${published}`);
    try {
      const sent = await publishAll(payloads, {
        client,
        options: { ...dropEmpty({ headers, key }), timeoutMs },
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

  async #payloads(count: number | undefined): Promise<Iterable<unknown> | AsyncIterable<unknown>> {
    const { payload } = this.args;
    const { split, string } = this.flags;
    const { signal } = this.interruption;
    const note = (text: string) => this.output.note(text);
    if (split === undefined) {
      const reading = { bytesMax: STDIN_BYTES_MAX, note, signal, string };
      const [value = null] = payload === undefined ? [] : await readArguments([payload], reading);
      return repeated(value, count ?? 1);
    }
    if (payload !== '-')
      throw problemError('usage-invalid', '--split is for what comes on stdin: mpreg publish TOPIC -');
    return first(linesOf(stdinChunks('messages', { note, signal })), count, (line) => asArgument(line, string));
  }

  async #tell({ last, published }: Sent, node: string, tookMs: number): Promise<void> {
    const { topic } = this.args;
    const { id = null, local = 0, nodes = 0 } = last ?? {};
    const what = `published ${published} ${published === 1 ? 'message' : 'messages'} to ${topic}`;
    const where = `${local} ${local === 1 ? 'subscription' : 'subscriptions'} on ${node}, ${nodes} other ${nodes === 1 ? 'node' : 'nodes'}`;
    const text = published === 0 ? what : `${what}: ${where}`;
    await this.output.result({ topic, published, id, local, nodes, node, tookMs }, text);
  }
}

async function* first(
  lines: AsyncIterable<string>,
  count = Number.POSITIVE_INFINITY,
  read: (line: string) => unknown,
): AsyncGenerator<unknown> {
  let taken = 0;
  for await (const line of lines) {
    yield read(line);
    if (++taken >= count) return;
  }
}
