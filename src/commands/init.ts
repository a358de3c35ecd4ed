import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.ts';
import { TEMPLATES, type TemplateName, templateFiles } from '../cli/init/templates.ts';
import { problemError } from '../engine/index.ts';

const NAMES = Object.keys(TEMPLATES) as TemplateName[];

export default class Init extends BaseCommand<typeof Init> {
  static override summary = 'Write a small project that runs: functions, nodes to run them, and a plan.';
  static override description = [
    `Templates: ${NAMES.map((name) => `${name} (${TEMPLATES[name]})`).join('; ')}.`,
    'Prints the files that it wrote. Writes nothing where one of them is there already, unless --force says to overwrite.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> weather --template workflow',
  ];
  static override args = {
    folder: Args.string({ default: '.', description: 'Where to; made if it is not there.', ignoreStdin: true }),
  };
  static override flags = {
    template: Flags.option({ options: NAMES })({
      default: 'functions' as TemplateName,
      summary: 'What to begin with.',
    }),
    force: Flags.boolean({ summary: 'Overwrite files that are there.' }),
  };

  async run(): Promise<void> {
    const { force, template } = this.flags;
    const folder = resolve(this.args.folder);
    const files = templateFiles(template);
    const paths = [...files.keys()];
    const there = paths.filter((path) => existsSync(join(folder, path)));
    if (there.length > 0 && !force) {
      const some = there.length > 3 ? `${there.slice(0, 3).join(', ')} and ${there.length - 3} more` : there.join(', ');
      throw problemError('exists-already', `${folder} has ${some} already; nothing was written`, {
        hint: `Choose another folder, or overwrite them.\nmpreg init ${this.args.folder} --template ${template} --force`,
      });
    }
    for (const [path, text] of files) {
      const file = join(folder, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text, { flag: force ? 'w' : 'wx' });
    }
    const shown = relative(process.cwd(), folder) || '.';
    await this.output.result({ files: paths, folder, template }, paths.map((path) => join(shown, path)).join('\n'));
    const enter = shown === '.' ? '' : `cd ${/^[\w@%+=:,./-]+$/.test(shown) ? shown : `'${shown}'`} && `;
    this.output.note(`start it:        ${enter}mpreg up`);
    this.output.note(`then, elsewhere: ${enter}mpreg call - < workflow.json`);
  }
}
