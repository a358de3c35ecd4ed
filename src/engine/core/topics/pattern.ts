import { done, failed, type Outcome } from '../base/outcome.ts';
import { type Problem, problem } from '../base/problems.ts';

/**
 * Topics, and patterns over them: what they look like, and which are refused.
 *
 *     topic      order.eu.created      segments, split at the dots
 *     pattern    order.*.created       * is exactly one segment
 *                order.#               # is any number of segments, also none
 *
 * A pattern's segments are kept in one form among all that match the same topics: of neighbouring wildcards the `*` come
 * first and one `#` at most comes last (`#.#` is `#`, `a.#.*` is `a.*.#`). So a `#` is followed by a word or by nothing, on
 * which the trie relies.
 *
 * It refuses to match: that is the trie's work, and only the trie's.
 */
export interface Pattern {
  /** As it was written. */
  readonly text: string;
  /** In the one form. */
  readonly segments: readonly string[];
}

export const ONE = '*';
export const ANY = '#';
export const SEGMENTS_MAX = 255;
/** In UTF-8. */
export const TOPIC_BYTES_MAX = 1_024;

/** Topics that only the mesh itself publishes. */
const OWN = 'mpreg';
const SYSTEM = `${OWN}.`;

export function parsePattern(text: string): Outcome<Pattern> {
  const segments = text.split('.');
  const found = flawOf(text, segments) ?? partialWildcard(segments);
  return found === undefined ? done({ segments: inOneForm(segments), text }) : failed(refusal('pattern', text, found));
}

/** The segments of a topic, as one reads or publishes it. */
export function parseTopic(text: string): Outcome<readonly string[]> {
  const segments = text.split('.');
  const found = flawOf(text, segments) ?? wildcard(text);
  return found === undefined ? done(segments) : failed(refusal('topic', text, found));
}

/** Whether the topic is the mesh's own: everybody may read it, no user may publish it. */
export function isSystem(topic: string): boolean {
  return topic === OWN || topic.startsWith(SYSTEM);
}

/**
 * Of what matches a topic by its words, what hears it: the mesh's own are heard only by patterns that name them. Why: whoever
 * listens to everything means everything that users say (MQTT 5, §4.7.2, has the same rule for topics that begin with `$`).
 */
export function thatHear<Bound extends { readonly pattern: Pattern }>(
  bound: readonly Bound[],
  [first]: readonly string[],
): readonly Bound[] {
  if (first !== OWN) return bound;
  return bound.filter(({ pattern }) => pattern.segments[0] === OWN);
}

/** Why a user may not publish to a topic of the mesh's own. */
export function systemRefusal(topic: string): Problem {
  const hint = 'Choose a topic that begins otherwise.\nmpreg errors not-allowed';
  return problem(
    'not-allowed',
    `${quote(topic)} cannot be published: ${OWN} and topics in ${SYSTEM} are the mesh's own`,
    {
      hint,
    },
  );
}

/** The text of a pattern's one form: the same for all patterns that are the same but for how they are written. */
export function keyOf({ segments }: Pattern): string {
  return segments.join('.');
}

/** What is wrong, and at which character, counted from 1. */
interface Flaw {
  readonly at: number;
  readonly why: string;
}

function flawOf(text: string, segments: readonly string[]): Flaw | undefined {
  if (text === '') return { at: 1, why: 'it is empty' };
  return overlong(text) ?? tooMany(segments) ?? emptySegment(segments);
}

/** Counts UTF-8 bytes; finds what cannot be written in them, and what cannot stand on one line. */
function overlong(text: string): Flaw | undefined {
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.codePointAt(i) ?? 0;
    if (code < 0x20 || code === 0x7f) return { at: i + 1, why: 'it holds a control character' };
    if (code >= 0xd800 && code <= 0xdfff) return { at: i + 1, why: 'it holds half a character' };
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (bytes > TOPIC_BYTES_MAX) return { at: i + 1, why: `it is longer than ${TOPIC_BYTES_MAX} bytes` };
    if (code >= 0x10000) i++;
  }
  return undefined;
}

function tooMany(segments: readonly string[]): Flaw | undefined {
  if (segments.length <= SEGMENTS_MAX) return undefined;
  return { at: startOf(segments, SEGMENTS_MAX), why: `it has more than ${SEGMENTS_MAX} segments` };
}

/** Why: where a name is put between two dots and is missing, the message would go somewhere else without a word. */
function emptySegment(segments: readonly string[]): Flaw | undefined {
  const index = segments.indexOf('');
  return index < 0 ? undefined : { at: startOf(segments, index), why: 'a segment is empty' };
}

function partialWildcard(segments: readonly string[]): Flaw | undefined {
  const index = segments.findIndex((segment) => segment.length > 1 && /[*#]/.test(segment));
  if (index < 0) return undefined;
  const segment = segments[index] ?? '';
  const inside = segment.search(/[*#]/);
  return { at: startOf(segments, index) + inside, why: `${segment[inside]} is a wildcard only as a whole segment` };
}

function wildcard(text: string): Flaw | undefined {
  const at = text.search(/[*#]/);
  return at < 0 ? undefined : { at: at + 1, why: `${text[at]} belongs in patterns only` };
}

/** The character at which a segment begins. */
function startOf(segments: readonly string[], index: number): number {
  return segments.slice(0, index).reduce((at, segment) => at + segment.length + 1, 1);
}

function inOneForm(segments: readonly string[]): readonly string[] {
  const formed: string[] = [];
  let any = false;
  for (const segment of segments) {
    if (segment === ANY) {
      any = true;
      continue;
    }
    if (any && segment !== ONE) {
      formed.push(ANY);
      any = false;
    }
    formed.push(segment);
  }
  if (any) formed.push(ANY);
  // Why: no topic is empty, so that one or more segments are any number of them.
  return any && formed.length === 2 && formed[0] === ONE ? [ANY] : formed;
}

function refusal(what: 'pattern' | 'topic', text: string, { at, why }: Flaw): Problem {
  return problem('topic-invalid', `the ${what} ${quote(text)} is refused at character ${at}: ${why}`);
}

/** Safe to print, and not longer than a line. */
function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
