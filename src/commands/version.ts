import { BaseCommand } from '../cli/base-command.ts';

export default class Version extends BaseCommand<typeof Version> {
  static override summary = 'Print the version of mpreg and of what it runs on.';
  static override description = 'The short form, `mpreg --version`, prints one line and loads nothing.';
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --json'];

  async run(): Promise<void> {
    const document = {
      mpreg: this.config.version,
      protocols: ['mpreg.v1', 'mpreg.v1.json'],
      node: process.versions.node,
      platform: `${process.platform}-${process.arch}`,
    };
    const rows = [
      ['mpreg', document.mpreg],
      ['protocols', document.protocols.join(', ')],
      ['node', document.node],
      ['platform', document.platform],
    ];
    await this.output.result(document, rows.map(([name, value]) => `${name}\t${value}`).join('\n'));
  }
}
