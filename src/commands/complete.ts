import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.ts';
import { complete } from '../cli/completion.ts';

/** What the shells' completion scripts call; not for people. */
export default class Complete extends BaseCommand<typeof Complete> {
  static override hidden = true;
  static override summary = 'Print what could stand in place of the last word.';
  static override examples = ['<%= config.bin %> <%= command.id %> -- node st'];
  static override args = {
    words: Args.string({
      description: 'The words after mpreg, the last as far as it is typed.',
      ignoreStdin: true,
      multiple: true,
    }),
  };
  static override flags = {
    next: Flags.boolean({ summary: 'A new word begins: for shells that drop empty arguments.' }),
  };

  async run(): Promise<void> {
    const words = [...((this.args.words as string[] | undefined) ?? []), ...(this.flags.next ? [''] : [])];
    // Why: whatever is wrong, the user is typing, and the command itself will say it in a moment.
    const found = await complete(words, this.config).catch(() => []);
    await this.output.result(
      found,
      found.map(({ description, value }) => (description ? `${value}\t${description}` : value)).join('\n'),
    );
  }
}
