import { setTimeout } from 'node:timers/promises';
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { within } from '../../cli/deadline.ts';
import { parseDuration } from '../../cli/duration.ts';

const LOOK_MS = 200;

export default class NodeLeave extends BaseCommand<typeof NodeLeave> {
  static override summary = 'Stop a node in good order, wherever it runs.';
  static override description =
    'It finishes its calls, tells the others and ends its process. Asks for confirmation on a terminal, wants --yes elsewhere.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> alpha',
    '<%= config.bin %> <%= command.id %> alpha --grace 5s --yes',
  ];
  static override args = {
    node: Args.string({ description: 'Name or id.', ignoreStdin: true, required: true }),
  };
  static override flags = {
    grace: Flags.string({
      default: '30s',
      helpValue: 'DURATION',
      summary: 'How long its calls may still take; what runs longer is cut off.',
    }),
  };

  async run(): Promise<void> {
    const { node } = this.args;
    const graceMs = parseDuration(this.flags.grace, '--grace');
    const { id, record } = await this.ask('info', (client) => client.info(node));
    await this.confirm(`Stop the node ${record.name} (${id}) and end its process`);
    await this.ask('leave', (client) => client.leave(id, { graceMs }));
    const { timeoutMs } = await this.settings();
    await within(timeoutMs === 0 ? 0 : graceMs + timeoutMs, `leaving of ${record.name}`, this.#gone(id));
    await this.output.result({ id, name: record.name, state: 'left' }, `${record.name}\tleft`);
    this.output.note('look at who is left: mpreg cluster status');
  }

  /** Resolves when the node is gone: in the eyes of the one that we are connected to, or with the connection itself. */
  async #gone(id: string): Promise<void> {
    const client = await this.client();
    for (;;) {
      const members = await client.members().catch(() => []); // no answer: it was the node that left
      const state = members.find((member) => member.id === id)?.state;
      if (state === undefined || state === 'left' || state === 'dead') return;
      await Promise.race([client.closed, setTimeout(LOOK_MS)]);
    }
  }
}
