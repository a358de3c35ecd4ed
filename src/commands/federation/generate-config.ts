import { writeFile } from 'node:fs/promises';
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { TEMPLATES } from '../../cli/federation/templates.ts';
import { problemError } from '../../engine/index.ts';

export default class FederationGenerateConfig extends BaseCommand<typeof FederationGenerateConfig> {
  static override summary = 'Write a configuration file of a federation to begin with.';
  static override description =
    'basic: two clusters on this machine. development: three, with coordinates and quick breakers, for "deploy --local". ' +
    'production: three regions with two hubs each, tiers, policies, alerts and discovery; replace its addresses. YAML where FILE ' +
    'ends with .yaml or .yml, else JSON. Without FILE it is printed.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> federation.json',
    '<%= config.bin %> <%= command.id %> federation.yaml --template production',
    '<%= config.bin %> <%= command.id %> --template development > federation.json',
  ];
  static override args = {
    file: Args.string({ description: 'Where to write it; - is stdout.', ignoreStdin: true }),
  };
  static override flags = {
    template: Flags.option({ options: ['basic', 'production', 'development'] as const, default: 'basic' })({
      summary: 'What to begin with.',
    }),
    force: Flags.boolean({ summary: 'Overwrite a file that is there.' }),
  };

  async run(): Promise<void> {
    const { file = '-' } = this.args;
    const config = TEMPLATES[this.flags.template];
    const yaml = /\.ya?ml$/.test(file);
    const text = yaml ? (await import('yaml')).stringify(config) : `${JSON.stringify(config, undefined, 2)}\n`;
    if (file === '-') return this.output.result(config, text.trimEnd());
    await writeFile(file, text, { flag: this.flags.force ? 'w' : 'wx' }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
      throw problemError('exists-already', `${file} is there already`, {
        hint: `Choose another name, or overwrite it.\nmpreg federation generate-config ${file} --force`,
      });
    });
    const { template } = this.flags;
    await this.output.result({ file, template, clusters: config.clusters.map((one) => one.cluster_id) }, file);
    this.output.note(`next: mpreg federation validate-config ${file}`);
  }
}
