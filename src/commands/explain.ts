import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.ts';
import { tellWhere, wishFlags, wishOf } from '../cli/explanation.ts';
import { dropEmpty } from '../cli/settings.ts';

export default class Explain extends BaseCommand<typeof Explain> {
  static override summary = 'Say where a call would go, and why not elsewhere, without calling.';
  static override description = [
    'Every node that has the function, with a verdict: chosen, eligible, or the first reason against it (other-node, ' +
      'other-function-id, other-version, lacks-resources, draining, tried, suspect, lower-version). The share says how ' +
      'likely the next call goes there; calls in flight and latency are those that the asked node has seen itself.',
    'Exits with 3 where nobody has what is asked for, and with 5 where nobody takes work now. With --json {"fun", ' +
      '"seenBy", "candidates"}, and "problem" where there is one.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> <%= command.id %> echo',
    `<%= config.bin %> <%= command.id %> predict --loc gpu --version '^2' --by beta --json`,
  ];
  static override args = {
    fun: Args.string({ description: 'The function.', ignoreStdin: true, required: true }),
  };
  static override flags = {
    ...wishFlags,
    by: Flags.string({ helpValue: 'NODE', summary: 'Ask this node (name or id) how it sees it.' }),
    tried: Flags.string({
      helpValue: 'NODE',
      multiple: true,
      multipleNonGreedy: true,
      summary: 'As if this node had had the call already; repeatable.',
    }),
  };

  async run(): Promise<void> {
    const { by: seenBy, tried } = this.flags;
    const options = { ...wishOf(this.flags), ...dropEmpty({ seenBy, tried }) };
    await tellWhere((what, question) => this.ask(what, question), this.args.fun, options, this.output);
  }
}
