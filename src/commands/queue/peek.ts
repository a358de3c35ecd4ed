import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { queueArg } from '../../cli/queue-flags.ts';
import { bodyText, isoOf, messageDocument, rawBody } from '../../cli/queues.ts';
import { dropEmpty } from '../../cli/settings.ts';

export default class QueuePeek extends BaseCommand<typeof QueuePeek> {
  static override summary = 'Look at messages of a queue without receiving any.';
  static override description =
    'Prints when each was sent, its id, its state, how often it was received and its body, with tabs between; of dead letters ' +
    'the reason before the body. With --json an array with all that is known of each.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> jobs',
    '<%= config.bin %> <%= command.id %> jobs.dead --max 3 --json',
    '<%= config.bin %> <%= command.id %> jobs --state delayed',
  ];
  static override args = { queue: queueArg };
  static override flags = {
    max: Flags.integer({ default: 10, helpValue: 'N', max: 1000, min: 1, summary: 'So many at most.' }),
    after: Flags.integer({ helpValue: 'ID', min: 0, summary: 'Only those after this id.' }),
    state: Flags.option({ options: ['ready', 'delayed', 'leased'] as const })({ summary: 'Only those in that state.' }),
    raw: Flags.boolean({ summary: 'Only bodies: text as it is, bytes as they are, all else as JSON.' }),
  };

  async run(): Promise<void> {
    const { after, max, raw, state } = this.flags;
    const { queue } = this.args;
    const options = { max, ...dropEmpty({ after, state }) };
    const messages = await this.ask('the queue', (client) => client.queue(queue).peek(options));
    if (raw) {
      for (const { body } of messages) await this.output.bytes(rawBody(body));
      return;
    }
    const documents = messages.map((message) => messageDocument(queue, message));
    const dead = messages.some((message) => message.dead !== undefined);
    await this.output.table(documents, {
      columns: [
        { name: 'sent', style: () => 'dim', value: ({ sentAt }) => isoOf(sentAt) ?? '' },
        { align: 'right', name: 'id', value: ({ id }) => `${id}` },
        { name: 'state', value: (message) => message.state },
        { align: 'right', name: 'receives', value: ({ receives }) => `${receives}` },
        ...(dead
          ? [{ name: 'reason', value: (message: (typeof messages)[number]) => message.dead?.reason ?? '' }]
          : []),
        { name: 'body', value: ({ body }) => bodyText(body) },
      ],
      empty: `${queue} holds no such message.`,
      rows: messages,
    });
  }
}
