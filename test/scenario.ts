/**
 * Scenario scripts: commands and the transcript that they should give, in one text file that tells a story.
 *
 *     # A comment.
 *     crash b
 *     ----
 *     b: gone without a word
 *
 * Blocks are separated by an empty line; an output is everything between `----` and the next one, `ok` where there is
 * nothing to say. With `MPREG_REWRITE=1` the outputs are written anew, to be reviewed as a diff.
 * The precedent: etcd/raft's `testdata`, driven by cockroachdb/datadriven.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';

export interface Command {
  readonly name: string;
  /** The words after the name that are not `key=value`. */
  readonly words: readonly string[];
  readonly options: ReadonlyMap<string, string>;
  /** Lines between the command and `----`. */
  readonly input: readonly string[];
  /** `path:line`, for complaints. */
  readonly at: string;
}

/** Runs the script at `path` and compares, or rewrites. */
export function runScenario(path: string, run: (command: Command) => string): void {
  const script = readFileSync(path, 'utf8');
  const transcript = transcribe(script, path, run);
  if (process.env['MPREG_REWRITE'] === '1') writeFileSync(path, transcript);
  else expect(transcript).toBe(script);
}

/** The script with its outputs as they came now. */
export function transcribe(script: string, path: string, run: (command: Command) => string): string {
  const blocks: string[] = [];
  let line = 1;
  for (const block of script.split(/\n{2,}/)) {
    const lines = block.trim().split('\n');
    const end = lines.indexOf('----');
    const said = (end < 0 ? lines : lines.slice(0, end)).filter((text) => text !== '');
    const [first, ...input] = said.filter((text) => !text.startsWith('#'));
    if (first === undefined) {
      if (said.length > 0) blocks.push(said.join('\n'));
    } else {
      const output = run(parse(first, input, `${path}:${line}`)).trimEnd() || 'ok';
      if (/\n\n/.test(output)) throw new Error(`${path}:${line}: an output holds an empty line`);
      blocks.push([...said, '----', output].join('\n'));
    }
    line += block.split('\n').length + 1;
  }
  return `${blocks.join('\n\n')}\n`;
}

/** What a script says where it makes no sense. */
export function complain(command: Command, says: string): never {
  throw new Error(`${command.at}: ${command.name}: ${says}`);
}

/** Milliseconds of `250ms`, `3s` or `2m`. */
export function duration(text: string | undefined): number {
  const [, count, unit] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text ?? '') ?? [];
  if (count === undefined) throw new Error(`no duration: ${text}`);
  return Math.round(Number(count) * ({ ms: 1, s: 1_000, m: 60_000 }[unit as 'ms' | 's' | 'm'] as number));
}

function parse(line: string, input: readonly string[], at: string): Command {
  const [name = '', ...rest] = line.trim().split(/\s+/);
  const isOption = (word: string) => /^[a-zA-Z]+=/.test(word);
  const options = new Map(
    rest.filter(isOption).map((word): [string, string] => {
      const cut = word.indexOf('=');
      return [word.slice(0, cut), word.slice(cut + 1)];
    }),
  );
  return { name, words: rest.filter((word) => !isOption(word)), options, input, at };
}
