/**
 * JSON documents out of a stream of bytes, each as soon as its last bracket has arrived: one document over many lines,
 * one document per line (NDJSON), or any mixture. A writer that never closes still gets its answers.
 *
 * Only objects and arrays are documents. Anything else is refused with its line and column.
 */
import { type ProblemError, problemError } from '../engine/index.ts';
import { STDIN_BYTES_MAX, tooMuch } from './io.ts';

export interface JsonDocument {
  readonly value: unknown;
  /** Where it begins, from 1. */
  readonly line: number;
}

/** `what` names the document in messages: "the plan". */
export async function* jsonDocuments(chunks: AsyncIterable<Uint8Array>, what: string): AsyncGenerator<JsonDocument> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const splitter = new Splitter(what);
  for await (const chunk of chunks) yield* splitter.push(decode(decoder, what, chunk));
  yield* splitter.push(decode(decoder, what));
  splitter.end();
}

function decode(decoder: TextDecoder, what: string, chunk?: Uint8Array): string {
  try {
    return decoder.decode(chunk, { stream: chunk !== undefined });
  } catch {
    throw problemError('input-invalid', `${what} is not text: it holds bytes that are not UTF-8`);
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const NEWLINE = 0x0a;

/**
 * Invariants:
 * - `#parts` hold the text of the document that has begun, up to the characters that are being looked at;
 * - `#depth` counts its open brackets; 0 means that none has begun;
 * - `#line` and `#column` are where the next character stands, from 1.
 */
class Splitter {
  readonly #what: string;
  #parts: string[] = [];
  #length = 0;
  #depth = 0;
  #inString = false;
  #escaped = false;
  #line = 1;
  #column = 1;
  #start = { column: 1, line: 1 };

  constructor(what: string) {
    this.#what = what;
  }

  *push(text: string): Generator<JsonDocument> {
    let from = 0;
    for (let i = 0; i < text.length; i++) {
      const char = text.charCodeAt(i);
      if (this.#depth === 0) {
        if (!this.#begins(text, i)) {
          this.#step(char);
          continue;
        }
        from = i;
      }
      this.#step(char);
      this.#look(char);
      if (this.#depth === 0) {
        yield this.#finish(text.slice(from, i + 1));
      }
    }
    if (this.#depth > 0) this.#keep(text.slice(from));
  }

  /** The input is over: a document that has begun is an error. */
  end(): void {
    if (this.#depth === 0) return;
    const { line, column } = this.#start;
    throw problemError(
      'input-invalid',
      `line ${this.#line}, column ${this.#column}: the input ends inside ${this.#what} that begins at line ${line}, column ${column}`,
    );
  }

  /** Whether a document begins with the character at `i`; refuses what is neither that nor white space. */
  #begins(text: string, i: number): boolean {
    const char = text[i] ?? '';
    if (char === '{' || char === '[') {
      this.#start = { column: this.#column, line: this.#line };
      return true;
    }
    if (/[\s\ufeff]/.test(char)) return false;
    const found = JSON.stringify(text.slice(i, i + 20).split('\n')[0]);
    throw problemError(
      'input-invalid',
      `line ${this.#line}, column ${this.#column}: ${this.#what} is no JSON: it begins with { or [, not with ${found}`,
    );
  }

  #step(char: number): void {
    if (char === NEWLINE) {
      this.#line++;
      this.#column = 1;
    } else this.#column++;
  }

  /** Inside a document: strings, escapes and brackets; all else is for JSON.parse to judge. */
  #look(char: number): void {
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false;
      else if (char === BACKSLASH) this.#escaped = true;
      else if (char === QUOTE) this.#inString = false;
    } else if (char === QUOTE) this.#inString = true;
    else if (char === 0x7b || char === 0x5b) this.#depth++;
    else if (char === 0x7d || char === 0x5d) this.#depth--;
  }

  #keep(text: string): void {
    this.#length += text.length;
    if (this.#length > STDIN_BYTES_MAX) throw tooMuch(this.#what, STDIN_BYTES_MAX);
    this.#parts.push(text);
  }

  #finish(last: string): JsonDocument {
    this.#keep(last);
    const text = this.#parts.join('');
    const start = this.#start;
    this.#parts = [];
    this.#length = 0;
    try {
      return { line: start.line, value: JSON.parse(text) };
    } catch {
      throw misplaced(text, this.#what, start);
    }
  }
}

function misplaced(
  text: string,
  what: string,
  start: { readonly line: number; readonly column: number },
): ProblemError {
  const at = firstMistake(text);
  const before = text.slice(0, at).split('\n');
  const column = (before.at(-1)?.length ?? 0) + (before.length === 1 ? start.column : 1);
  const found = JSON.stringify(text.slice(at, at + 20).split('\n')[0]);
  const where = `line ${start.line + before.length - 1}, column ${column}`;
  return problemError('input-invalid', `${where}: ${what} is no JSON: ${found} cannot stand there`);
}

const TOKEN =
  /\s*(?:([[{])|([\]}])|(,)|(:)|("(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null))/uy;

type Expected = 'value' | 'value-or-end' | 'key' | 'key-or-end' | 'colon' | 'comma-or-end';

/** The index of the first character that JSON does not allow where it stands; `JSON.parse` often does not tell. */
function firstMistake(text: string): number {
  const open: string[] = [];
  let expected: Expected = 'value';
  let at = 0;
  for (;;) {
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(text);
    const from = at + (/^\s*/.exec(text.slice(at, at + 10_000))?.[0].length ?? 0);
    if (token === null) return from;
    const [all, begin, end, comma, colon, string, scalar] = token;
    const inObject = open.at(-1) === '{';
    if (begin !== undefined && expected.startsWith('value')) {
      open.push(begin);
      expected = begin === '{' ? 'key-or-end' : 'value-or-end';
    } else if (end !== undefined && expected.endsWith('end') && end === (inObject ? '}' : ']')) {
      open.pop();
      expected = 'comma-or-end';
    } else if (comma !== undefined && expected === 'comma-or-end') expected = inObject ? 'key' : 'value';
    else if (colon !== undefined && expected === 'colon') expected = 'value';
    else if (string !== undefined && expected.startsWith('key')) expected = 'colon';
    else if ((string ?? scalar) !== undefined && expected.startsWith('value')) expected = 'comma-or-end';
    else return from;
    at += all.length;
    if (open.length === 0) return at;
  }
}
