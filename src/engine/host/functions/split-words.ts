/**
 * A command line into its words, as a POSIX shell would split it (Shell Command Language, §2.2): blanks separate words,
 * 'single quotes' keep everything, "double quotes" everything but \" \\ \$ \`, and elsewhere \ keeps the next character.
 *
 * What it refuses to do: expand anything. `$HOME`, `*`, `|`, `>` and `;` are ordinary characters.
 */
export function splitWords(line: string): { readonly words: readonly string[] } | { readonly misfit: string } {
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < line.length; at++) {
    const character = line.charAt(at);
    if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (character === "'" || character === '"') {
      const end = closing(line, at);
      if (end < 0) return { misfit: `the quote at character ${at + 1} has no end` };
      const quoted = line.slice(at + 1, end);
      word = (word ?? '') + (character === "'" ? quoted : quoted.replace(/\\(["\\$`])/g, '$1'));
      at = end;
    } else if (character === '\\') {
      if (++at === line.length) return { misfit: 'the \\ at its end keeps nothing' };
      word = (word ?? '') + line.charAt(at);
    } else {
      word = (word ?? '') + character;
    }
  }
  if (word !== undefined) words.push(word);
  return { words };
}

/** Where the quote that opens at `open` is closed, or -1. */
function closing(line: string, open: number): number {
  const quote = line.charAt(open);
  for (let at = open + 1; at < line.length; at++) {
    if (quote === '"' && line.charAt(at) === '\\') at++;
    else if (line.charAt(at) === quote) return at;
  }
  return -1;
}
