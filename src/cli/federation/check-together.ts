/**
 * What is wrong with a federation's configuration though each value by itself is right: names that stand twice, links to
 * clusters that are not there, a federation in pieces.
 *
 * Works on what was written, not on what the schema made of it, so that one mistake does not hide the others; what has not
 * the right form is passed over, since the schema tells of it.
 */
import { CLUSTER_ID, type ClusterIdentity, nearest, selects } from '../../engine/index.ts';
import { type Finding, type Path, pathText } from './findings.ts';
import { hintFor } from './hints.ts';
import { inPieces, weakPoints } from './plan-links.ts';

type Fields = Readonly<Record<string, unknown>>;

/** A text with its place. */
interface Named {
  readonly text: string;
  readonly path: Path;
}

export function checkTogether(document: unknown): readonly Finding[] {
  const file = fields(document);
  const clusters = list(file['clusters']).map(fields);
  const ids = clusters.flatMap((one, at) => named(one['cluster_id'], ['clusters', at, 'cluster_id']));
  const known = ids.map(({ text }) => text).filter((text) => CLUSTER_ID.test(text));
  const places = clusters.flatMap(placeOf);
  return [
    ...twice(ids, 'the cluster'),
    ...addresses(clusters),
    ...links(file['links'], known),
    ...apart(fields(file['federation']), list(file['links'])),
    ...policies(file['policies'], places),
    ...alerting(fields(file['alerting']), places),
    ...keys(fields(file['federation']), clusters),
    ...(known.length === 1 && clusters.length === 1
      ? [warning(['clusters'], 'one cluster alone has nobody to be linked with', 'Name a second cluster.')]
      : []),
  ];
}

function addresses(clusters: readonly Fields[]): Finding[] {
  const hubs = clusters.flatMap((cluster, at) => [
    { hub: cluster, path: ['clusters', at] as Path },
    ...list(cluster['hubs']).map((hub, n) => ({ hub: fields(hub), path: ['clusters', at, 'hubs', n] as Path })),
  ]);
  const urls = hubs.flatMap(({ hub, path }) => {
    const server = named(hub['server_url'], [...path, 'server_url']);
    const bridge = named(hub['bridge_url'], [...path, 'bridge_url']);
    return bridge[0] !== undefined && same(bridge[0].text) === same(server[0]?.text) ? server : [...server, ...bridge];
  });
  return twice(
    urls.map(({ path, text }) => ({ path, text: same(text) })),
    'the address',
  );
}

/** One spelling for each address. */
function same(text = ''): string {
  return URL.parse(text)?.href.replace(/\/$/, '') ?? text;
}

function links(given: unknown, known: readonly string[]): Finding[] {
  if (!Array.isArray(given)) return [];
  const all = given.map(fields);
  const findings: Finding[] = [];
  const pairs: { from: string; to: string }[] = [];
  for (const [at, link] of all.entries()) {
    const path = ['links', at];
    const { from, to } = link;
    for (const end of ['from', 'to']) findings.push(...unknownCluster(link[end], [...path, end], known));
    if (typeof from !== 'string' || typeof to !== 'string') continue;
    if (from === to) findings.push(error([...path, 'to'], `links ${from} with itself`));
    else if (pairs.some((pair) => (pair.from === from && pair.to === to) || (pair.from === to && pair.to === from))) {
      findings.push(error(path, `${from} and ${to} are linked already; a link has two ends and stands once`));
    } else pairs.push({ from, to });
  }
  return findings.length > 0 ? findings : reach(known, pairs);
}

/** Links that are named, and not made. */
function apart({ enabled, mode }: Fields, named: readonly unknown[]): Finding[] {
  const why = enabled === false ? 'with "enabled": false' : mode === 'strict' ? 'in mode strict' : undefined;
  if (why === undefined || named.length === 0) return [];
  return [warning(['links'], `${why} no link is made`, 'Leave "links" away, or write "mode": "explicit".')];
}

/** Whether all clusters reach each other, also when one is gone. */
function reach(known: readonly string[], pairs: readonly { readonly from: string; readonly to: string }[]): Finding[] {
  const hint = 'Name more links, or leave "links" away to have them planned.';
  const [first = [], ...others] = inPieces(known, pairs);
  if (others.length > 0) {
    const apart = others.map((piece) => piece.join(', ')).join('; ');
    return [warning(['links'], `no link leads from ${first.join(', ')} to ${apart}`, hint)];
  }
  const weak = weakPoints(known, pairs);
  return weak.length === 0
    ? []
    : [warning(['links'], `without ${weak.join(', or without ')}, others do not reach each other any more`, hint)];
}

function policies(given: unknown, known: readonly Place[]): Finding[] {
  return list(given).flatMap((one, at) => {
    const policy = fields(one);
    const rules = ['exports', 'imports'].flatMap((side) =>
      list(policy[side]).flatMap((rule, n) =>
        audience(fields(rule)['clusters'], ['policies', at, side, n, 'clusters'], known),
      ),
    );
    return [...unknownSelector(policy['cluster'], ['policies', at, 'cluster'], known), ...rules];
  });
}

function alerting(given: Fields, known: readonly Place[]): Finding[] {
  const rules = list(given['rules']).map(fields);
  const channels = list(given['channels']).map(fields);
  const nameOf = (key: string) => (one: Fields, at: number) => named(one['name'], ['alerting', key, at, 'name']);
  const names = channels.flatMap(nameOf('channels'));
  const unknown = rules.flatMap((rule, at) =>
    list(rule['channels']).flatMap((name, n) => {
      if (typeof name !== 'string' || names.some(({ text }) => text === name)) return [];
      const path = ['alerting', 'rules', at, 'channels', n];
      return [
        error(
          path,
          `there is no channel "${name}"`,
          meant(
            name,
            names.map(({ text }) => text),
          ),
        ),
      ];
    }),
  );
  return [
    ...twice(rules.flatMap(nameOf('rules')), 'the rule'),
    ...twice(names, 'the channel'),
    ...unknown,
    ...rules.flatMap((rule, at) => audience(rule['clusters'], ['alerting', 'rules', at, 'clusters'], known)),
  ];
}

function keys(federation: Fields, clusters: readonly Fields[]): Finding[] {
  const all = [
    ...named(federation['key_env'], ['federation', 'key_env']),
    ...clusters.flatMap((one, at) => named(one['key_env'], ['clusters', at, 'key_env'])),
  ];
  return all
    .filter(({ text }) => /^[A-Za-z_]\w*$/.test(text) && !process.env[text])
    .map(({ path, text }) => warning(path, `${text} is not set here`, `Set it where deploy is run: export ${text}=…`));
}

function audience(given: unknown, path: Path, known: readonly Place[]): Finding[] {
  return list(given).flatMap((one, at) => unknownSelector(one, [...path, at], known));
}

/** An id that nobody has is an error; a glob, a region or a tag may be about clusters that are to come. */
function unknownSelector(given: unknown, path: Path, known: readonly Place[]): Finding[] {
  if (typeof given !== 'string' || given === '*' || known.some((place) => selects(given, place))) return [];
  const ids = known.map(({ cluster }) => cluster);
  if (!/^(region|tag):./.test(given) && !given.includes('*')) return unknownCluster(given, path, ids);
  return [warning(path, `"${given}" is about no cluster of this file`, hintFor(path))];
}

/** What selectors look at. */
type Place = Pick<ClusterIdentity, 'cluster' | 'region' | 'tags'>;

function placeOf({ cluster_id: cluster, region, tags }: Fields): Place[] {
  if (typeof cluster !== 'string' || !CLUSTER_ID.test(cluster)) return [];
  const names = list(tags).filter((tag) => typeof tag === 'string');
  return [{ cluster, region: typeof region === 'string' ? region : '', tags: names }];
}

function unknownCluster(given: unknown, path: Path, known: readonly string[]): Finding[] {
  if (typeof given !== 'string' || known.includes(given)) return [];
  return [error(path, `there is no cluster "${given}"`, meant(given, known))];
}

function meant(given: string, all: readonly string[]): string | undefined {
  const known = [...new Set(all)];
  const near = nearest(given, known);
  if (near !== undefined) return `Did you mean "${near}"?`;
  return known.length === 0 ? undefined : `There are ${known.slice(0, 8).join(', ')}${known.length > 8 ? ', …' : ''}.`;
}

function twice(all: readonly Named[], what: string): Finding[] {
  const first = new Map<string, Path>();
  return all.flatMap(({ path, text }) => {
    const before = first.get(text);
    if (before === undefined) first.set(text, path);
    return before === undefined ? [] : [error(path, `${what} "${text}" stands at ${pathText(before)} already`)];
  });
}

function error(path: Path, message: string, hint = hintFor(path)): Finding {
  return { hint, message, path, severity: 'error' };
}

function warning(path: Path, message: string, hint: string): Finding {
  return { hint, message, path, severity: 'warning' };
}

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function named(value: unknown, path: Path): Named[] {
  return typeof value === 'string' && value !== '' ? [{ path, text: value }] : [];
}
