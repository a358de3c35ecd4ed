/**
 * Who would get a message of a topic from what this node keeps: the keep itself, who reads it now, and the durable names that
 * nobody reads under at the moment, each of which gets it when its reader comes back. For `topic match`; nothing is sent.
 *
 * A name remembers how far its reader is, not what it reads: so one is shown with the pattern of its keep.
 */
import { type Pattern, parsePattern } from '../core/topics/pattern.ts';
import { Trie } from '../core/topics/trie.ts';
import type { TopicMatch } from '../topics-api.ts';
import type { KeptTopics } from './kept-topics.ts';

/** Of the keeps that hold the topic. */
export function keptMatches(
  keeps: readonly { readonly pattern: Pattern; readonly topics: KeptTopics }[],
  topic: string,
): readonly TopicMatch[] {
  return keeps.flatMap(({ pattern: { text: pattern }, topics }) => {
    const readers = [...topics.readers].map(({ parts }) => parts);
    const read = new Set(readers.map(({ durable }) => durable));
    const reading = readers.flatMap(({ client, durable, patterns }) =>
      matching(patterns, topic).map((one): TopicMatch => {
        return { client, kind: 'reader', pattern: one, ...(durable === undefined ? {} : { name: durable }) };
      }),
    );
    const names = [...topics.positions.keys()].filter((name) => !read.has(name));
    return [
      { kind: 'keep', pattern },
      ...reading,
      ...names.map((name): TopicMatch => ({ kind: 'name', name, pattern })),
    ];
  });
}

function matching(patterns: readonly string[], topic: string): readonly string[] {
  const trie = new Trie<string>();
  for (const text of patterns) {
    const parsed = parsePattern(text);
    if (parsed.ok) trie.add(parsed.value, text);
  }
  return trie.match(topic.split('.'));
}
