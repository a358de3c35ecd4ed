/** Which patterns match which topics, by the definition and nothing else: `*` is one segment, `#` any number. */

/** Remembers what it has found out: a run has few patterns and topics, and asks often. */
export class TopicOracle {
  readonly #known = new Map<string, boolean>();

  matches(pattern: string, topic: string): boolean {
    const key = `${pattern} ${topic}`;
    let known = this.#known.get(key);
    if (known === undefined) {
      known = matches(pattern.split('.'), topic.split('.'));
      this.#known.set(key, known);
    }
    return known;
  }

  anyMatches(patterns: readonly string[], topic: string): boolean {
    return patterns.some((pattern) => this.matches(pattern, topic));
  }
}

function matches(pattern: readonly string[], topic: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return topic.length === 0;
  if (first === '#') return matches(rest, topic) || (topic.length > 0 && matches(pattern, topic.slice(1)));
  return topic.length > 0 && (first === '*' || first === topic[0]) && matches(rest, topic.slice(1));
}
