/**
 * JSON documents out of a stream of bytes, each as soon as its last bracket has arrived: one document over many lines,
 * one document per line (NDJSON), or any mixture. A writer that never closes still gets its answers.
 *
 * Only objects and arrays are documents. Anything else is wrong, and told with its line and column; the documents behind
 * it are found again where a line begins:
 *
 *     [{"name":"a","fun":"echo"}]     a document
 *     hello                           wrong; its line is passed over
 *     [{"name":"b",}]                 wrong as a whole: all its brackets are there
 *     [{"name":"c","fun":             wrong: no value can begin where the next line begins, and that is a document again
 *     [{"name":"d","fun":"echo"}]     a document
 *
 * Limit: a line that was cut where a value in brackets could follow takes the next lines with it.
 */
import { type Problem, ProblemError, problemError } from '../engine/index.ts';
import { STDIN_BYTES_MAX, tooMuch } from './io.ts';

export interface JsonDocument {
  readonly value: unknown;
  /** Where it begins, from 1. */
  readonly line: number;
  /** Why it is none; there is no value then. */
  readonly wrong?: Problem;
}

/** `what` names the document in messages: "the plan". */
export async function* jsonDocuments(chunks: AsyncIterable<Uint8Array>, what: string): AsyncGenerator<JsonDocument> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const splitter = new Splitter(what);
  for await (const chunk of chunks) yield* splitter.push(decode(decoder, what, chunk));
  yield* splitter.push(decode(decoder, what));
  yield* splitter.end();
}

/** The same, for whom one that is wrong is the end. */
export async function* soundDocuments(documents: AsyncGenerator<JsonDocument>): AsyncGenerator<JsonDocument> {
  for await (const document of documents) {
    if (document.wrong !== undefined) throw new ProblemError(document.wrong);
    yield document;
  }
}

function decode(decoder: TextDecoder, what: string, chunk?: Uint8Array): string {
  try {
    return decoder.decode(chunk, { stream: chunk !== undefined });
  } catch {
    throw problemError('input-invalid', `${what} is not text: it holds bytes that are not UTF-8`);
  }
}

/** What may stand before a line that begins with a bracket, within a document. */
const BEFORE_VALUE = new Set(['[', ',', ':']);

/**
 * Invariants:
 * - `#parts` hold the text of the document that has begun, up to the characters that are being looked at;
 * - `#open` are its open brackets; none: no document has begun;
 * - `#line` and `#column` are where the next character stands, from 1.
 */
class Splitter {
  readonly #what: string;
  #parts: string[] = [];
  #length = 0;
  readonly #open: string[] = [];
  /** The last character of the document that is neither white space nor in a string. */
  #last = '';
  #inString = false;
  #escaped = false;
  /** What is passed over after a mistake: the rest of the line, or also the lines that go on with a broken document. */
  #skips: 'nothing' | 'line' | 'document' = 'nothing';
  #line = 1;
  #column = 1;
  #start = { column: 1, line: 1 };

  constructor(what: string) {
    this.#what = what;
  }

  *push(text: string): Generator<JsonDocument> {
    let from = 0;
    for (let i = 0; i < text.length; i++) {
      const char = text[i] ?? '';
      if (this.#open.length > 0 && this.#breaks(char)) {
        this.#keep(text.slice(from, i));
        yield this.#broken(char);
      }
      if (this.#open.length === 0) {
        const begins = this.#begins(text, i);
        if (begins !== true) {
          this.#step(char);
          if (begins !== false) yield begins;
          continue;
        }
        from = i;
      }
      this.#step(char);
      this.#look(char);
      if (this.#open.length === 0) yield this.#finish(text.slice(from, i + 1));
    }
    if (this.#open.length > 0) this.#keep(text.slice(from));
  }

  /** The input is over: a document that has begun is wrong. */
  *end(): Generator<JsonDocument> {
    if (this.#open.length === 0) return;
    const { line, column } = this.#start;
    const place = `line ${this.#line}, column ${this.#column}`;
    const says = `${place}: the input ends inside ${this.#what} that begins at line ${line}, column ${column}`;
    yield this.#wrong(problemError('input-invalid', says), line);
  }

  /** Whether a document begins with the character at `i`; or what stands there in the place of one. */
  #begins(text: string, i: number): JsonDocument | boolean {
    const char = text[i] ?? '';
    if (this.#skips === 'document' && this.#column === 1 && !/[\s\]},]/.test(char)) this.#skips = 'nothing';
    if (this.#skips === 'line' && char === '\n') this.#skips = 'nothing';
    if (this.#skips !== 'nothing' || /[\s\ufeff]/.test(char)) return false;
    if (char === '{' || char === '[') {
      this.#start = { column: this.#column, line: this.#line };
      return true;
    }
    this.#skips = 'line';
    const found = JSON.stringify(text.slice(i, i + 20).split('\n')[0]);
    const place = `line ${this.#line}, column ${this.#column}`;
    const says = `${place}: ${this.#what} is no JSON: it begins with { or [, not with ${found}`;
    return this.#wrong(problemError('input-invalid', says), this.#line);
  }

  /** Whether the document cannot go on with this character: a new line in a string, or one that begins another document. */
  #breaks(char: string): boolean {
    if (this.#inString) return char === '\n';
    if (this.#column !== 1 || (char !== '{' && char !== '[')) return false;
    return !BEFORE_VALUE.has(this.#last) || (this.#last === ',' && this.#open.at(-1) === '{');
  }

  /** The document that has begun, which `char` breaks off. */
  #broken(char: string): JsonDocument {
    const { start, text } = this.#taken();
    this.#open.length = 0;
    this.#inString = false;
    this.#escaped = false;
    this.#skips = 'document';
    return this.#wrong(misplaced(text + char, this.#what, start), start.line);
  }

  #step(char: string): void {
    if (char === '\n') {
      this.#line++;
      this.#column = 1;
    } else this.#column++;
  }

  /** Inside a document: strings, escapes and brackets; all else is for JSON.parse to judge. */
  #look(char: string): void {
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false;
      else if (char === '\\') this.#escaped = true;
      else if (char === '"') this.#inString = false;
      return;
    }
    if (char === ' ' || char === '\n' || char === '\r' || char === '\t') return;
    this.#last = char;
    if (char === '"') this.#inString = true;
    else if (char === '{' || char === '[') this.#open.push(char);
    else if (char === '}' || char === ']') this.#open.pop();
  }

  #keep(text: string): void {
    this.#length += text.length;
    if (this.#length > STDIN_BYTES_MAX) throw tooMuch(this.#what, STDIN_BYTES_MAX);
    this.#parts.push(text);
  }

  #taken() {
    const text = this.#parts.join('');
    this.#parts = [];
    this.#length = 0;
    return { start: this.#start, text };
  }

  #finish(last: string): JsonDocument {
    this.#keep(last);
    const { start, text } = this.#taken();
    try {
      return { line: start.line, value: JSON.parse(text) };
    } catch {
      this.#skips = 'line';
      return this.#wrong(misplaced(text, this.#what, start), start.line);
    }
  }

  #wrong({ problem }: ProblemError, line: number): JsonDocument {
    return { line, value: undefined, wrong: problem };
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
