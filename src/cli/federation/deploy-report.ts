/** What a deployment did, as lines for people and scripts. */
import type { ConfigChange } from '../../engine/index.ts';
import type { ClusterReport, DeployReport } from './deploy.ts';

/** A line for each cluster, below it what changed; then one for each link. */
export function reportLines({ clusters, dryRun, links }: DeployReport): readonly string[] {
  return [
    ...clusters.flatMap((cluster) => [lineOf(cluster, dryRun), ...cluster.changes.map(changeLine)]),
    ...links.map(({ from, reason, rttMs, state, to }) => {
      const more = reason ?? (rttMs === undefined ? '' : `${rttMs.toFixed(1)} ms`);
      return [`link ${from} – ${to}`, state, more].filter(Boolean).join('\t');
    }),
  ];
}

function lineOf({ cluster, hubs, problem, state, untold, version }: ClusterReport, dryRun: boolean): string {
  const says = state === 'changed' && dryRun ? 'would change' : state;
  const later = untold.length === 0 ? '' : `${untold.join(', ')} will be told later`;
  const by = hubs.length === 0 ? '' : `by ${hubs.join(', ')}`;
  const numbered = version === undefined ? '' : `version ${version}`;
  return [cluster, says, problem?.message ?? numbered, problem === undefined ? by : '', later]
    .filter(Boolean)
    .join('\t');
}

/** `  links[east]: nothing → {"cluster":"east"}`. */
export function changeLine({ after, before, path }: ConfigChange): string {
  return `  ${path}: ${shown(before)} → ${shown(after)}`;
}

function shown(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value, unsecret);
}

/** Lines like these stand in logs of pipelines: what lets one speak on a channel is left out of them. */
function unsecret(key: string, value: unknown): unknown {
  if (key === 'headers') return Object.fromEntries(Object.keys(Object(value)).map((name) => [name, '…']));
  const { kind, url } = Object(value) as { readonly kind?: unknown; readonly url?: unknown };
  if (kind !== 'slack' || typeof url !== 'string') return value;
  return { ...Object(value), url: `${URL.parse(url)?.origin ?? ''}/…` };
}

/** The whole in one sentence. */
export function summaryOf({ clusters, dryRun, links }: DeployReport): string {
  const count = (state: ClusterReport['state']): number => clusters.filter((one) => one.state === state).length;
  const up = links.filter(({ state }) => state !== 'waiting').length;
  const standing = dryRun ? '' : `; ${up} of ${links.length} links stand`;
  const [changed, left] = [count('changed'), count('missing') + count('failed')];
  const without = left === 0 ? '' : `; ${left} left out`;
  if (changed === 0) return `nothing ${dryRun ? 'would change' : 'changed'}${without}${standing}`;
  const clustersOf = changed === 1 ? '1 cluster' : `${changed} clusters`;
  return `${clustersOf} ${dryRun ? 'would change' : 'changed'}${without}${standing}`;
}
