/**
 * All that one node keeps: which of its keeps store a message, who reads them, and how keeps come and go.
 *
 *     store (from a publisher's node) ─┐
 *     publish on this node ────────────┴─► the keeps whose pattern matches ──► stored
 *     read (from a client, or from its node) ──► one keep ──► kept, kept, …
 *
 * Synchronous, and of no world: storage is `MessageLog`.
 */
import type { LinkId } from '../core/base/ids.ts';
import { failed, type Outcome } from '../core/base/outcome.ts';
import { type Problem, problem } from '../core/base/problems.ts';
import type { Start } from '../core/topics/backlog.ts';
import { KEEPS_MAX } from '../core/topics/keeps.ts';
import type { AcknowledgeMessage, ReadMessage, TakenMessage, UnreadMessage } from '../core/topics/messages.ts';
import { isSystem, keyOf, type Pattern, parsePattern } from '../core/topics/pattern.ts';
import { Trie } from '../core/topics/trie.ts';
import type { KeepOptions, KeepView, TopicMatch } from '../topics-api.ts';
import type { Delivery } from './delivery.ts';
import type { FlowLink } from './flow-link.ts';
import { keptMatches } from './kept-matches.ts';
import type { KeptReader } from './kept-reader.ts';
import { KeptCounters, KeptTopics, type Stored } from './kept-topics.ts';
import type { KeepDefinition, MessageLog, StoredKeep } from './message-log.ts';

export interface KeeperParts {
  /** Of a node that has one: survives it. */
  readonly disk?: MessageLog;
  readonly memory: MessageLog;
  /** What is on the disk when the node begins. */
  readonly stored: readonly StoredKeep[];
  readonly wallClock: () => number;
  readonly later: (ms: number, then: () => void) => void;
  /** Names this life of this node. */
  readonly life: string;
  /** Those whose messages were stored together have all been told. */
  readonly told: () => void;
  /** What this node keeps has changed. */
  readonly changed: (keeps: readonly { readonly pattern: string; readonly memory?: true }[]) => void;
}

interface Held {
  readonly pattern: Pattern;
  readonly log: MessageLog;
  readonly topics: KeptTopics;
}

export class Keeper {
  readonly counters = new KeptCounters();
  readonly #parts: KeeperParts;
  /** By the pattern's one form. */
  readonly #keeps = new Map<string, Held>();
  readonly #trie = new Trie<Held>();
  /** Topic → the keeps that store it. */
  readonly #found = new Map<string, readonly Held[]>();
  /** By link, then by the reader's number there. */
  readonly #readers = new Map<LinkId, Map<number, { readonly held: Held; readonly reader: KeptReader }>>();
  #made = 0;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
    const { disk } = parts;
    if (disk !== undefined) for (const keep of parts.stored) this.#add(keep.definition, disk, keep.stored);
  }

  get keeps(): readonly { readonly pattern: string; readonly memory?: true }[] {
    const { disk } = this.#parts;
    return [...this.#keeps.values()].map(({ log, pattern }) => {
      return log === disk ? { pattern: pattern.text } : { memory: true, pattern: pattern.text };
    });
  }

  /** Says what it keeps, where that is anything, before its node says its first word. */
  announce(): void {
    if (this.#keeps.size > 0) this.#parts.changed(this.keeps);
  }

  /** Stores a message in each keep that its topic belongs to. `stored` is called once, later or, where it is refused, now. */
  store(delivery: Delivery, stored: Stored): void {
    const held = this.#of(delivery.topic);
    const [only] = held;
    if (only === undefined) {
      this.counters.unstored++;
      stored(0, problem('keep-unknown', `${delivery.topic} is kept no more`), 0);
      this.#parts.told();
    } else if (held.length === 1) only.topics.offer(delivery, stored);
    else {
      // Where several keep it, the number is that of the first; it is stored when all have stored it.
      let left = held.length;
      let sequence = 0;
      let refused: Problem | undefined;
      let behind = 0;
      for (const [i, { topics }] of held.entries()) {
        topics.offer(delivery, (its, why, late) => {
          if (i === 0) sequence = its;
          refused ??= why;
          behind += late;
          if (--left === 0) stored(sequence, refused, behind);
        });
      }
    }
  }

  read(link: FlowLink, message: ReadMessage): void {
    const { id, patterns, durable, paced = false } = message;
    const ofLink = this.#readers.get(link.id) ?? new Map<number, { held: Held; reader: KeptReader }>();
    const held = this.#covering(patterns);
    const opened = this.#whyNot(message, ofLink, held) ?? this.#open(link, message, held as Held, { durable, paced });
    if (!opened.ok) {
      link.wire.send({ id, keep: '', kind: 'reading', next: 0, problem: opened.problem });
      return;
    }
    ofLink.set(id, { held: held as Held, reader: opened.value });
    this.#readers.set(link.id, ofLink);
  }

  taken(link: LinkId, { bytes, id }: TakenMessage): boolean {
    const found = this.#readers.get(link)?.get(id);
    found?.reader.taken(bytes);
    return found !== undefined;
  }

  acknowledge(link: LinkId, { id, sequence }: AcknowledgeMessage): boolean {
    const found = this.#readers.get(link)?.get(id);
    found?.held.topics.acknowledge(found.reader, sequence);
    return found !== undefined;
  }

  unread(link: LinkId, { id }: UnreadMessage): boolean {
    const found = this.#readers.get(link)?.get(id);
    found?.held.topics.unread(found.reader);
    return this.#readers.get(link)?.delete(id) === true;
  }

  closed(link: LinkId): void {
    for (const { held, reader } of this.#readers.get(link)?.values() ?? []) held.topics.unread(reader);
    this.#readers.delete(link);
  }

  /** Keeps a pattern, or changes the limits of one that is kept. `then` is called once that is stored. */
  keep(text: string, options: KeepOptions, then: (outcome: Outcome<KeepView>) => void): void {
    const parsed = parsePattern(text);
    if (!parsed.ok) return then(parsed);
    if (isSystem(text))
      return then(
        failed(
          problem('not-allowed', `${text} cannot be kept: mpreg and topics in mpreg. are the mesh's own`, OWN_HINT),
        ),
      );
    const key = keyOf(parsed.value);
    const known = this.#keeps.get(key);
    const { disk, memory, life } = this.#parts;
    const log = known?.log ?? (options.memory ? memory : (disk ?? memory));
    if (known !== undefined && options.memory !== undefined && (known.log === memory) !== options.memory) {
      const text = `${key} is kept ${known.log === memory ? 'in memory' : 'on disk'} already`;
      return then(failed(problem('exists-already', text, { hint: `Give it up first.\nmpreg topic unkeep '${key}'` })));
    }
    if (known === undefined && this.#keeps.size >= KEEPS_MAX) {
      return then(failed(problem('limit-exceeded', `a node keeps at most ${KEEPS_MAX} patterns`)));
    }
    const id = known?.topics.definition.id ?? `${life}.${++this.#made}`;
    const definition = definitionOf(id, parsed.value.text, options);
    log.define(definition, (refused) => {
      if (refused !== undefined) return then(failed(refused));
      // Why looked for again: it may have come or gone meanwhile.
      const now = this.#keeps.get(key);
      const held = now ?? this.#add(definition, log);
      if (now !== undefined) now.topics.redefine(definition);
      this.#parts.changed(this.keeps);
      then({ ok: true, value: this.#viewOf(held) });
    });
  }

  /** Keeps a pattern no more, and destroys what was kept. What is told is how it was. */
  unkeep(text: string, then: (outcome: Outcome<KeepView>) => void): void {
    const found = this.#held(text);
    if (!found.ok) return then(found);
    const held = found.value;
    held.log.remove(held.topics.definition.id, (refused) => {
      if (refused !== undefined) return then(failed(refused));
      const view = this.#viewOf(held);
      this.#keeps.delete(keyOf(held.pattern));
      this.#trie.remove(held.pattern, held);
      this.#found.clear();
      held.topics.end();
      for (const ofLink of this.#readers.values()) {
        for (const [id, reading] of ofLink) if (reading.held === held) ofLink.delete(id);
      }
      this.#parts.changed(this.keeps);
      then({ ok: true, value: view });
    });
  }

  /** Forgets a durable name. */
  forget(text: string, name: string): Outcome<boolean> {
    const found = this.#held(text);
    return found.ok ? { ok: true, value: found.value.topics.forget(name) } : found;
  }

  /** What all keeps hold together, and who reads them. */
  get totals(): {
    readonly messages: number;
    readonly bytes: number;
    readonly readers: number;
    readonly names: number;
  } {
    const totals = { bytes: 0, messages: 0, names: 0, readers: 0 };
    for (const { topics } of this.#keeps.values()) {
      const { bytes, count, names, readers } = topics.counts;
      totals.bytes += bytes;
      totals.messages += count;
      totals.names += names;
      totals.readers += readers;
    }
    return totals;
  }

  views(): readonly KeepView[] {
    return [...this.#keeps.values()].map((held) => this.#viewOf(held));
  }

  matches(topic: string): readonly TopicMatch[] {
    return keptMatches(this.#of(topic), topic);
  }

  #add(definition: KeepDefinition, log: MessageLog, stored?: StoredKeep['stored']): Held {
    const parsed = parsePattern(definition.pattern);
    if (!parsed.ok) throw new RangeError(parsed.problem.message);
    const { later, told, wallClock } = this.#parts;
    const topics = new KeptTopics(definition, stored, { counters: this.counters, later, log, told, wallClock });
    const held = { log, pattern: parsed.value, topics };
    this.#keeps.set(keyOf(parsed.value), held);
    this.#trie.add(parsed.value, held);
    this.#found.clear();
    return held;
  }

  #held(text: string): Outcome<Held> {
    const parsed = parsePattern(text);
    if (!parsed.ok) return parsed;
    const held = this.#keeps.get(keyOf(parsed.value));
    return held === undefined ? failed(problem('keep-unknown', `${text} is not kept here`)) : { ok: true, value: held };
  }

  #of(topic: string): readonly Held[] {
    let held = this.#found.get(topic);
    if (held === undefined) {
      const all = this.#trie.match(topic.split('.'));
      held = [...all].sort((a, b) => (isWithin(a, b, this.#trie) ? -1 : 1));
      if (this.#found.size >= FOUND_MAX) this.#found.clear();
      this.#found.set(topic, held);
    }
    return held;
  }

  /** The narrowest keep with all that matches any of the patterns. */
  #covering(patterns: readonly string[]): Held | undefined {
    let found: readonly Held[] | undefined;
    for (const text of patterns) {
      const parsed = parsePattern(text);
      const these = parsed.ok ? this.#trie.match(parsed.value.segments) : [];
      found = found === undefined ? these : found.filter((held) => these.includes(held));
    }
    return [...(found ?? [])].sort((a, b) => (isWithin(a, b, this.#trie) ? -1 : 1))[0];
  }

  #whyNot({ id, patterns }: ReadMessage, ofLink: ReadonlyMap<number, unknown>, held: Held | undefined) {
    if (ofLink.has(id)) return failed(problem('protocol-violated', `the number ${id} has a reader already`));
    if (ofLink.size >= READERS_MAX) {
      return failed(problem('overloaded', `one connection has at most ${READERS_MAX} readers of what is kept`));
    }
    if (held === undefined) return failed(problem('keep-unknown', `no keep here holds all of ${patterns.join(', ')}`));
    return undefined;
  }

  #open(
    link: FlowLink,
    message: ReadMessage,
    { topics, pattern }: Held,
    more: { readonly durable: string | undefined; readonly paced: boolean },
  ): Outcome<KeptReader> {
    const { client = link.peer.name, id, patterns } = message;
    const start = startOf(message, topics.definition.id, this.#parts.wallClock());
    return topics.read(start, { ...more, client, id, link, patterns, wants: filterOf(patterns, pattern) });
  }

  #viewOf({ log, topics, pattern }: Held): KeepView {
    const { ageMaxMs, bytesMax, countMax, id } = topics.definition;
    const { bytes, count, durable, first } = topics.counts;
    return {
      bytes,
      bytesMax,
      count,
      countMax,
      durability: log === this.#parts.disk ? 'disk' : 'memory',
      first,
      id,
      last: durable - 1,
      names: [...topics.positions].map(([name, position]) => ({ name, position })),
      pattern: pattern.text,
      readers: [...topics.readers].map(({ parts, sent }) => ({
        client: parts.client,
        patterns: parts.patterns,
        sent,
        ...(parts.durable === undefined ? {} : { durable: parts.durable }),
      })),
      ...(ageMaxMs === undefined ? {} : { ageMaxMs }),
    };
  }
}

/** Whether all that `a` holds is in `b` as well. */
function isWithin(a: Held, b: Held, trie: Trie<Held>): boolean {
  return trie.match(a.pattern.segments).includes(b);
}

function definitionOf(id: string, pattern: string, { ageMs, bytesMax, countMax }: KeepOptions): KeepDefinition {
  return {
    bytesMax: bytesMax ?? BYTES_DEFAULT,
    countMax: countMax ?? COUNT_DEFAULT,
    id,
    pattern,
    ...(ageMs === undefined ? {} : { ageMaxMs: ageMs }),
  };
}

function startOf({ ageMs, durable, from, last, resume }: ReadMessage, keep: string, now: number): Start {
  const first: Start =
    resume !== undefined && resume.keep !== keep
      ? { count: Number.MAX_SAFE_INTEGER, kind: 'last' } // of another keep, with other numbers: all that there is
      : from !== undefined
        ? { kind: 'from', sequence: from }
        : last !== undefined
          ? { count: last, kind: 'last' }
          : ageMs !== undefined
            ? { at: now - ageMs, kind: 'since' }
            : { kind: 'new' };
  const next = resume?.keep === keep ? resume.next : undefined;
  if (durable !== undefined) return { first, kind: 'name', name: durable, ...(next === undefined ? {} : { next }) };
  return next === undefined ? first : { kind: 'from', sequence: next };
}

/** Undefined where the patterns hold all that is kept. */
function filterOf(patterns: readonly string[], kept: Pattern): ((topic: string) => boolean) | undefined {
  const trie = new Trie<string>();
  for (const text of patterns) {
    const parsed = parsePattern(text);
    if (parsed.ok) trie.add(parsed.value, text);
  }
  if (trie.match(kept.segments).length > 0) return undefined;
  const known = new Map<string, boolean>();
  return (topic) => {
    let wanted = known.get(topic);
    if (wanted === undefined) {
      wanted = trie.match(topic.split('.')).length > 0;
      if (known.size >= FOUND_MAX) known.clear();
      known.set(topic, wanted);
    }
    return wanted;
  };
}

const OWN_HINT = { hint: "Listen to them while they are said.\nmpreg subscribe 'mpreg.#'" } as const;
/** Topics whose keeps are remembered. */
const FOUND_MAX = 10_000;
/** Limit: readers of one connection. */
const READERS_MAX = 10_000;
/** Trade-off: more reaches further back; less takes less of the disk. */
const COUNT_DEFAULT = 100_000;
const BYTES_DEFAULT = 2 ** 30;
