import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { withProgress } from '../../cli/progress.ts';
import { queueArg } from '../../cli/queue-flags.ts';
import { queueDocument, warnOfMemory } from '../../cli/queues.ts';
import { type Client, problemError, type QueueInfo } from '../../engine/index.ts';

export default class QueueMove extends BaseCommand<typeof QueueMove> {
  static override summary = 'Have a queue live on another node; nothing of it is lost.';
  static override description = [
    'Its messages go there with their leases, delays, histories and ids; receipts stay good. While it moves, sends and ' +
      'receives wait. Queues that have the same dead letters move together.',
    'A node that dies in the middle goes on when it starts again. Where the other node cannot be reached for a minute, the ' +
      'queue stays. With --timeout it is waited for no longer than that; the move goes on. Prints its name and its node.',
    '--abandon takes a move back, at whatever moment, also where the new node is lost for good: the queue is served where it ' +
      'was, with all that it had. There is no risk in it: the new node serves nothing before the old one has let go, and drops what it ' +
      'has when it is back. Where the queue is given already it is queue-moving, exit code 1.',
    '--resume is for when the old node is lost for good, and the new one (--to) has the queue whole, but was not told any more that it is ' +
      'its own. From then on the new one serves it. Its risk: where the old node is not lost after all, and its move was ' +
      'abandoned, both serve the queue until they hear of each other; then the old one sets what it has aside, as NAME.aside. So it ' +
      'wants the name typed on a terminal, or --confirm NAME, and is refused while the new node hears the old one. An old node that ' +
      'comes back in the middle of the move yields.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> <%= command.id %> jobs --to beta',
    '<%= config.bin %> <%= command.id %> jobs --to region=eu --json',
    '<%= config.bin %> <%= command.id %> jobs --abandon',
    '<%= config.bin %> <%= command.id %> jobs --to beta --resume --confirm jobs',
  ];
  static override args = { queue: queueArg };
  static override flags = {
    to: Flags.string({
      exclusive: ['abandon'],
      helpValue: 'NODE|LABEL=VALUE',
      summary: 'The node on which it is to live: its name or id, or what it has.',
    }),
    abandon: Flags.boolean({ exclusive: ['resume'], summary: 'It stays where it is: take the move back.' }),
    resume: Flags.boolean({ summary: 'The old node is lost for good: serve it on the new one, which has it whole.' }),
    confirm: Flags.string({ helpValue: 'NAME', summary: 'With --resume: its name, where nobody can be asked.' }),
  };

  async run(): Promise<void> {
    const { abandon, to } = this.flags;
    const { queue } = this.args;
    if (to === undefined && !abandon)
      throw problemError('usage-invalid', 'say where it is to live with --to, or that it stays with --abandon');
    const info = await this.#done(to ?? '');
    await this.output.result(queueDocument(info), `${info.name}\t${info.node}`);
    warnOfMemory(info, this.output);
    this.output.note(`look at it: mpreg queue info ${queue}`);
  }

  async #done(to: string): Promise<QueueInfo> {
    const { abandon, confirm, resume } = this.flags;
    const { queue } = this.args;
    if (abandon) return this.ask('the queue', (client) => client.queue(queue).abandonMove());
    if (resume) {
      const what = `${queue} will be served by ${to}; if its old node has kept it and comes back, what that has is set aside`;
      await this.confirmByName(what, queue, confirm);
      return this.ask('the queue', (client) => client.queue(queue).resumeMove(to));
    }
    const { timeoutGiven } = await this.settings();
    const move = (client: Client) => client.queue(queue).move(to);
    // Why no limit where none is given: it takes as long as there are messages.
    const moving = timeoutGiven ? this.ask('the queue', move) : this.client().then(move);
    return withProgress(`moving ${queue} to ${to}`, this.output, moving);
  }
}
