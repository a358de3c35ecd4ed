import { type Problem, problem } from '../base/problems.ts';
import type { TopicsOptions } from './options.ts';
import { ANY, type Pattern } from './pattern.ts';

/** Why a node does not take a subscription, as it is asked for or beside those that it has. */
export function whyRefused(
  { patterns, group }: { readonly patterns: readonly Pattern[]; readonly group: string | undefined },
  held: { readonly subscriptions: number; readonly memberPatterns: number },
  { patternsMax, hashesMax, subscriptionsMax, memberPatternsMax }: TopicsOptions,
): Problem | undefined {
  const count = patterns.length;
  if (count === 0) return problem('topic-invalid', 'a subscription without patterns would never get anything');
  if (group !== undefined && !GROUP.test(group)) {
    return problem('topic-invalid', 'the name of a group has 1 to 255 characters, none of them control characters');
  }
  if (count > patternsMax) {
    return problem('limit-exceeded', `a subscription has at most ${patternsMax} patterns (patternsMax), not ${count}`);
  }
  const hashes = patterns.flatMap(({ segments }) => segments.slice(0, -1)).filter((segment) => segment === ANY);
  if (hashes.length > hashesMax) {
    const text = `a subscription's patterns hold at most ${hashesMax} # that something follows (hashesMax)`;
    return problem('limit-exceeded', `${text}, not ${hashes.length}`);
  }
  if (held.subscriptions >= subscriptionsMax) {
    return problem('overloaded', `this node has ${subscriptionsMax} subscriptions already (subscriptionsMax)`);
  }
  if (group !== undefined && held.memberPatterns + count > memberPatternsMax) {
    const text = `members of groups have ${held.memberPatterns} patterns on this node already`;
    return problem('overloaded', `${text}, at most ${memberPatternsMax} (memberPatternsMax)`);
  }
  return undefined;
}

/** Why: the separator of keys is a line's end. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const GROUP = /^[^\u0000-\u001f\u007f]{1,255}$/;
