import { setTimeout as pause } from 'node:timers/promises';
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { parseDuration } from '../../cli/duration.ts';
import { LiveTable } from '../../cli/live-table.ts';
import { type QueueDocument, queueDocument, queueTable } from '../../cli/queues.ts';

export default class QueueWatch extends BaseCommand<typeof QueueWatch> {
  static override summary = 'Show what queues hold, again and again, until interrupted.';
  static override description =
    'On a terminal a table that is drawn anew; elsewhere the lines of "queue list" each time, after the time. With --json a ' +
    'line for each queue each time: what "queue info" says, with the time as "at".';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> jobs jobs.dead --every 5s',
    '<%= config.bin %> <%= command.id %> jobs --json --count 1',
  ];
  static override args = {
    queue: Args.string({ description: 'Only these; without one, all.', ignoreStdin: true, multiple: true }),
  };
  static override flags = {
    every: Flags.string({ default: '1s', helpValue: 'DURATION', summary: 'How often.' }),
    count: Flags.integer({ helpValue: 'N', min: 1, summary: 'End after so many times.' }),
  };

  async run(): Promise<void> {
    const { count = Number.POSITIVE_INFINITY } = this.flags;
    const everyMs = Math.max(50, parseDuration(this.flags.every, '--every'));
    const { signal } = this.interruption;
    const table = new LiveTable(this.output);
    for (let times = 1; !signal.aborted; times++) {
      const rows = await this.#rows();
      const at = new Date().toISOString();
      if (this.output.json) for (const row of rows) await this.output.event({ at, ...row }, '');
      else await table.draw(queueTable(rows), at);
      if (times >= count) return;
      await pause(everyMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #rows(): Promise<readonly QueueDocument[]> {
    const names = this.args.queue as unknown as readonly string[] | undefined;
    if (names !== undefined) {
      const infos = await this.ask('the queues', (client) =>
        Promise.all(names.map((name) => client.queue(name).info())),
      );
      return infos.map(queueDocument);
    }
    const answers = await this.ask('queues', (client) => client.queues());
    return answers.flatMap(({ found }) => found.map(queueDocument)).sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}
