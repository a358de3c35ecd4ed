import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { problemError } from '../../engine/index.ts';

export default class TopicUnschedule extends BaseCommand<typeof TopicUnschedule> {
  static override summary = 'Take back messages that are to be published later.';
  static override description =
    'By their ids, wherever they wait. Done when nothing of them is left. Ends with 3 where one does not wait anywhere: it was ' +
    'published, taken back, or never there. With --json {"unscheduled": […], "missing": […]}.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> QmFzZTY0LUlk/1',
    '<%= config.bin %> topic scheduled | cut -f3 | xargs <%= config.bin %> <%= command.id %>',
  ];
  static override args = {
    id: Args.string({
      description: 'As topic scheduled lists them.',
      ignoreStdin: true,
      multiple: true,
      required: true,
    }),
  };

  async run(): Promise<void> {
    const ids = [...new Set(this.args.id as unknown as readonly string[])];
    const answers = await this.ask('messages to be published', (client) => client.unschedule(ids));
    for (const { node, problem } of answers) if (problem !== undefined) this.output.warn(`${node}: ${problem}`);
    const found = new Map(answers.flatMap((answer) => answer.found.map((id) => [id, answer.node])));
    const missing = ids.filter((id) => !found.has(id));
    const unscheduled = [...found.keys()];
    if (missing.length > 0) {
      for (const id of unscheduled) this.output.note(`${id} will not be published`);
      throw problemError('message-unknown', `no node in reach keeps ${missing.join(', ')} to be published`);
    }
    const text = unscheduled.map((id) => `${id} will not be published by ${found.get(id)}`).join('\n');
    await this.output.result({ unscheduled, missing }, text);
  }
}
