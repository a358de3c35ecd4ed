import { fitsGlob, fitsPattern } from './globs.ts';
import type { PolicyRule } from './options.ts';
import type { ClusterIdentity } from './records.ts';

/**
 * What may cross between this cluster and others: to be used by them (export), or of them (import).
 *
 *     clusters: ["tag:partner"]   functions: ["price.*"]          partners: only these, no queue, no topic
 *     clusters: ["region:eu-*"]   functions: ["*"] queues: ["*"]  others in Europe: all but topics
 *     (none fits)                                                 all others: nothing
 *
 * The first rule whose `clusters` name the other counts, and no later one. Without rules everything crosses; with an empty list
 * nothing does.
 */
export type Crossing = 'functions' | 'queues' | 'topics';

/** What a rule asks of a cluster. */
export type Named = Pick<ClusterIdentity, 'cluster' | 'region' | 'tags'>;

export function mayCross(
  rules: readonly PolicyRule[] | undefined,
  other: Named,
  what: Crossing,
  name: string,
): boolean {
  if (rules === undefined) return true;
  const rule = rules.find(({ clusters }) => clusters.some((selector) => selects(selector, other)));
  return rule !== undefined && names(rule, what, name);
}

/**
 * For whom something is, as others can judge it that do not know the rules: an audience, of which the first entry that names a
 * cluster decides, and `!` before it means no. Undefined: for all. It says for each cluster what `mayCross` says.
 */
export function audienceOf(
  rules: readonly PolicyRule[] | undefined,
  what: Crossing,
  name: string,
): readonly string[] | undefined {
  if (rules === undefined) return undefined;
  const audience: string[] = [];
  for (const rule of rules) {
    const sign = names(rule, what, name) ? '' : '!';
    for (const selector of rule.clusters) {
      audience.push(sign + selector);
      if (selector === '*') return audience.every((entry) => !entry.startsWith('!')) ? undefined : thrifty(audience);
    }
  }
  return thrifty(audience);
}

/** Whether a cluster is of an audience. */
export function isMeant(audience: readonly string[] | undefined, cluster: Named): boolean {
  if (audience === undefined) return true;
  const entry = audience.find((each) => selects(each.startsWith('!') ? each.slice(1) : each, cluster));
  return entry !== undefined && !entry.startsWith('!');
}

/** Whether a selector names a cluster: by a glob over its id, `region:GLOB`, or `tag:GLOB` over each of its tags. */
export function selects(selector: string, { cluster, region, tags }: Named): boolean {
  if (selector.startsWith(REGION)) return fitsGlob(selector.slice(REGION.length), region);
  if (selector.startsWith(TAG)) return tags.some((tag) => fitsGlob(selector.slice(TAG.length), tag));
  return fitsGlob(selector, cluster);
}

const REGION = 'region:';
const TAG = 'tag:';

function names(rule: PolicyRule, what: Crossing, name: string): boolean {
  const fits = what === 'topics' ? fitsPattern : fitsGlob;
  return (rule[what] ?? []).some((glob) => fits(glob, name));
}

/** Without what changes nothing: refusals after which nobody is named. */
function thrifty(audience: readonly string[]): readonly string[] {
  const last = audience.findLastIndex((entry) => !entry.startsWith('!'));
  return audience.slice(0, last + 1);
}
