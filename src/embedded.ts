/**
 * The commands of a bundle: they come from memory, where the command framework would read package.json, the manifest
 * and files.
 */
import { type Command, Config, type Interfaces, Plugin } from '@oclif/core';

export type CommandLoaders = Readonly<Record<string, () => Promise<{ default: Command.Class }>>>;

type Manifest = Plugin['manifest'];

class EmbeddedPlugin extends Plugin {
  readonly #loaders: CommandLoaders;

  constructor(pjson: Interfaces.PJSON, manifest: Manifest, loaders: CommandLoaders, root: string) {
    super({ isRoot: true, name: pjson.name, pjson, root, type: 'core' });
    this.#loaders = loaders;
    this.manifest = manifest;
  }

  override async load(): Promise<void> {
    const pjson = this.options.pjson as Interfaces.PJSON;
    this.alias = this.name = pjson.name;
    this.commandIDs = Object.keys(this.manifest.commands);
    this.commands = Object.entries(this.manifest.commands).map(([id, c]) => ({
      ...c,
      load: () => this.findCommand(id, { must: true }),
      pluginAlias: this.alias,
      pluginType: 'core',
    }));
    this.hasManifest = true;
    this.hooks = {};
    this.isRoot = true;
    this.moduleType = 'module';
    this.pjson = pjson;
    this.root = this.options.root;
    this.type = 'core';
    this.valid = true;
    this.version = pjson.version;
  }

  override findCommand(id: string, opts: { must: true }): Promise<Command.Class>;
  override findCommand(id: string, opts?: { must: boolean }): Promise<Command.Class | undefined>;
  override async findCommand(id: string): Promise<Command.Class | undefined> {
    const load = this.#loaders[id];
    if (!load) throw new Error(`command ${id} is not in this build`);
    const cmd = (await load()).default;
    cmd.id = id;
    cmd.plugin = this;
    return cmd;
  }
}

export async function embeddedConfig(
  pjson: Interfaces.PJSON,
  manifest: Manifest,
  loaders: CommandLoaders,
  root: string,
): Promise<Config> {
  const plugin = new EmbeddedPlugin(pjson, manifest, loaders, root);
  await plugin.load();
  return Config.load({ pjson, plugins: new Map([[plugin.name, plugin]]), root });
}
