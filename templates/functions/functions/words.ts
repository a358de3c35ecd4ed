/** Plain functions: what a module exports can be called by its name. */

/** Words with how often they occur, the most frequent first. */
export function countWords(text: string): [word: string, count: number][] {
  const counts = new Map<string, number>();
  for (const [word] of text.toLowerCase().matchAll(/[\p{L}\p{N}']+/gu)) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
}

/** A stream: `mpreg call words 'to be' --stream` prints one per line. */
export function* words(text: string): Generator<string> {
  for (const [word] of text.matchAll(/[\p{L}\p{N}']+/gu)) yield word;
}
