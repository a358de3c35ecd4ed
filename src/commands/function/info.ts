import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { compareVersions, type FunctionView, nearest, problemError } from '../../engine/index.ts';

export default class FunctionInfo extends BaseCommand<typeof FunctionInfo> {
  static override summary = 'Show one function: what it does, its versions, and where each of them is.';
  static override description =
    'A call without --version goes to the highest version on offer, which stands first. With --json {"name", "versions"}, ' +
    'each version with its description, resources and nodes.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> echo',
    '<%= config.bin %> <%= command.id %> predict --json',
  ];
  static override args = {
    name: Args.string({ description: 'The name of the function.', ignoreStdin: true, required: true }),
  };

  async run(): Promise<void> {
    const { name } = this.args;
    const all = await this.ask('functions', (client) => client.functions());
    const offers = all.filter((offer) => offer.name === name);
    if (offers.length === 0) {
      const meant = nearest(name, [...new Set(all.map((offer) => offer.name))]);
      const hint = meant === undefined ? {} : { hint: `Did you mean this?\nmpreg function info ${meant}` };
      throw problemError('function-unknown', `no node in reach offers ${name}`, { fun: name, ...hint });
    }
    const versions = versionsOf(offers);
    await this.output.result({ name, versions }, [`name\t${name}`, ...versions.map(describe)].join('\n'));
  }
}

interface Version {
  readonly version: string;
  readonly functionId: string | null;
  readonly description: string | null;
  readonly signature: string | null;
  readonly idempotent: boolean;
  readonly timeoutMs: number | null;
  readonly nodes: readonly { readonly node: string; readonly id: string; readonly resources: readonly string[] }[];
}

/** Offers of the same version and id together, the highest version first. */
function versionsOf(offers: readonly FunctionView[]): readonly Version[] {
  const groups = Map.groupBy(offers, ({ version, functionId }) => `${version} ${functionId ?? ''}`);
  return [...groups.values()]
    .flatMap((group) => {
      const [first] = group;
      if (first === undefined) return [];
      const { description, functionId, idempotent, signature, timeoutMs, version } = first;
      return {
        version,
        functionId: functionId ?? null,
        description: description ?? null,
        signature: signature ?? null,
        idempotent: idempotent ?? false,
        timeoutMs: timeoutMs ?? null,
        nodes: group.map(({ allResources, id, node }) => ({ node, id, resources: allResources })),
      };
    })
    .sort((a, b) => compareVersions(b.version, a.version));
}

function describe(version: Version): string {
  const { description, functionId, idempotent, nodes, signature, timeoutMs } = version;
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['version', version.version],
    ['id', functionId ?? undefined],
    ['description', description ?? undefined],
    ['takes', signature ?? undefined],
    ['idempotent', idempotent ? 'yes: repeated where the outcome is unknown' : 'no'],
    ['limit', timeoutMs === null ? undefined : `${timeoutMs} ms`],
    ...nodes.map(({ node, resources }) => ['node', [node, ...resources].join(' ')] as const),
  ];
  return rows.flatMap(([name, value]) => (value === undefined ? [] : [`${name}\t${value}`])).join('\n');
}
