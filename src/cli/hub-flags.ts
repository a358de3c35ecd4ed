import { Flags } from '@oclif/core';
import { type HubOptions, problemError } from '../engine/index.ts';
import { dropEmpty } from './settings.ts';
import { parseNodeUrl } from './url.ts';

const repeatable = { multiple: true, multipleNonGreedy: true } as const;
const ofHub = { dependsOn: ['hub'], helpGroup: 'HUB' };

/** What makes a node a hub, which links its cluster with others. */
export const hubFlags = {
  hub: Flags.boolean({
    env: 'MPREG_HUB',
    helpGroup: 'HUB',
    summary: 'Link this cluster with others: the node is a hub. Several per cluster stand in for each other.',
  }),
  'cluster-name': Flags.string({ ...ofHub, summary: 'What people call the cluster. Its id without it.' }),
  'bridge-port': Flags.integer({
    ...ofHub,
    env: 'MPREG_BRIDGE_PORT',
    max: 65_535,
    min: 0,
    summary: 'A second port, for hubs of other clusters. They use the port of the node without it.',
  }),
  'bridge-url': Flags.string({
    ...ofHub,
    helpValue: 'URL',
    summary: 'What hubs of other clusters dial, where that is not where it listens.',
  }),
  'bridge-mode': Flags.option({ options: ['strict', 'explicit', 'permissive'] as const })({
    ...ofHub,
    summary:
      'With whom it links: nobody, clusters that its links name (explicit, without it), or every hub that has the key.',
  }),
  link: Flags.string({
    ...ofHub,
    ...repeatable,
    helpValue: 'CLUSTER=URL',
    summary:
      'A cluster to link with, and where a hub of it is; repeatable. What was changed since with mpreg federation counts more.',
  }),
  tag: Flags.string({
    ...ofHub,
    ...repeatable,
    helpValue: 'TAG',
    summary: 'A word that policies know the cluster by; repeatable.',
  }),
  'alert-commands': Flags.boolean({
    ...ofHub,
    summary: 'Let rules for alerts run commands here: whoever may configure the hub may then run anything.',
  }),
};

interface HubGiven {
  readonly hub: boolean;
  readonly 'cluster-name': string | undefined;
  readonly 'bridge-port': number | undefined;
  readonly 'bridge-url': string | undefined;
  readonly 'bridge-mode': HubOptions['mode'] | undefined;
  readonly link: string[] | undefined;
  readonly tag: string[] | undefined;
  readonly 'alert-commands': boolean;
}

/** Undefined where the node is to be none. Throws `usage-invalid`. */
export function hubOf(flags: HubGiven): HubOptions | undefined {
  if (!flags.hub) return undefined;
  const url = flags['bridge-url'];
  return dropEmpty({
    alertCommands: flags['alert-commands'] || undefined,
    bridgePort: flags['bridge-port'],
    bridgeUrl: url === undefined ? undefined : parseNodeUrl(url, '--bridge-url'),
    clusterName: flags['cluster-name'],
    links: flags.link === undefined ? undefined : linksOf(flags.link),
    mode: flags['bridge-mode'],
    tags: flags.tag,
  });
}

function linksOf(given: readonly string[]): NonNullable<HubOptions['links']> {
  const links = new Map<string, string[]>();
  for (const text of given) {
    const [, cluster, url] = /^([^=]+)=(.+)$/.exec(text) ?? [];
    if (cluster === undefined || url === undefined) {
      throw problemError('usage-invalid', `--link: "${text}" is not CLUSTER=URL, as eu=ws://10.0.0.7:7400`);
    }
    links.set(cluster, [...(links.get(cluster) ?? []), parseNodeUrl(url, '--link')]);
  }
  return [...links].map(([cluster, addresses]) => ({ addresses, cluster }));
}
