import { BloomFilter } from './bloom.ts';
import type { Interest } from './records.ts';

/**
 * What a cluster listens to, in a filter that others ask before they send a topic there.
 *
 * A pattern goes in by what is literal before its first wildcard, together with the number of segments that a topic must have,
 * or `#` where it may have any:
 *
 *     order.eu.paid   3:order.eu.paid          order.#      #:order
 *     order.*.paid    3:order                  #            #:
 *
 * A topic is asked for by all its beginnings, with its number of segments and with `#`: of `order.eu` these are `2:`, `2:order`,
 * `2:order.eu`, `#:`, `#:order`, `#:order.eu`. So what comes after a first wildcard does not count: `order.*.paid` makes
 * `order.eu.lost` come, too, and is published there to nobody.
 *
 * Invariant: a topic that some pattern matches is affirmed.
 */
export function interestOf(patterns: Iterable<string>, rate?: number): Interest | undefined {
  const keys = new Set<string>();
  for (const pattern of patterns) keys.add(keyOf(pattern));
  if (keys.size === 0) return undefined;
  const filter = BloomFilter.sized(keys.size, rate);
  for (const key of keys) filter.add(key);
  return filter.toInterest();
}

/** Whether some pattern in it may match the topic. */
export function mayHear(filter: BloomFilter, topic: string): boolean {
  const count = `${topic.split('.').length}:`;
  for (let end = 0; end !== -1; end = end === topic.length ? -1 : nextEnd(topic, end)) {
    const beginning = topic.slice(0, end);
    if (filter.has(`#:${beginning}`) || filter.has(count + beginning)) return true;
  }
  return false;
}

/** What any of several clusters listens to. What cannot be read hears nothing. */
export function unionOf(interests: Iterable<Interest | undefined>): Interest | undefined {
  const filters = [...interests].flatMap((interest) => (interest && BloomFilter.read(interest)) ?? []);
  return BloomFilter.union(filters)?.toInterest();
}

function keyOf(pattern: string): string {
  const segments = pattern.split('.');
  const wild = segments.findIndex((segment) => segment === '*' || segment === '#');
  const literal = wild < 0 ? segments : segments.slice(0, wild);
  return `${segments.includes('#') ? '#' : segments.length}:${literal.join('.')}`;
}

/** Where the next beginning of a topic ends, by whole segments. */
function nextEnd(topic: string, end: number): number {
  const dot = topic.indexOf('.', end + 1);
  return dot < 0 ? topic.length : dot;
}
