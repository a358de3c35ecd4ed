/**
 * The laws of kept topics.
 *
 * Safety: a number of a keep stands for one message; what a publisher is told to be kept is in storage; storage lets go of
 * no more than its limits ask for; a reader gets what is in storage, each number once and in order, if a pattern of its own
 * matches, and is told of what has gone; a durable name goes on right after what it acknowledged, or before.
 * Liveness: whoever reads what a living node keeps has read all of it; no keeper has readers that nobody knows of.
 */
import type { KeptMessage, PublishedMessage } from '../../core/topics/messages.ts';
import type { LogBatch } from '../../flow/message-log.ts';
import type { KeepOnDisk } from '../message-log.ts';
import type { Publication } from '../topics-client.ts';
import type { SimReader } from '../topics-reader.ts';
import type { World } from '../world.ts';
import { Checker, law } from './checker.ts';
import type { TopicOracle } from './topic-oracle.ts';
import { tokenOf } from './topics.ts';

/** One keep, as storage has shown it. */
interface Book {
  /** By number: what was stored, whether or not it is there now. */
  readonly rows: Map<number, { readonly token: string; readonly topic: string }>;
  readonly tokens: Map<string, number>;
}

export class KeptChecker extends Checker {
  readonly #world: () => World;
  readonly #oracle: TopicOracle;
  readonly #books = new Map<string, Book>();
  /** Of numbers that a reader has been told to be gone and that nobody has come to yet. */
  readonly #told = new Map<SimReader, number>();
  /** `keep name` → the highest number that somebody has acknowledged. */
  readonly #acknowledged = new Map<string, number>();

  constructor(world: () => World, oracle: TopicOracle) {
    super();
    this.#world = world;
    this.#oracle = oracle;
  }

  override stored(keep: KeepOnDisk, { evict = 0, rows }: LogBatch): void {
    const { definition, next } = keep;
    const book = this.#bookOf(definition.id);
    for (const { payload, sequence, topic } of rows) {
      const token = tokenOf(payload);
      const known = book.rows.get(sequence)?.token;
      law(known === undefined || known === token, 'a number of a keep stands for one message', () => {
        return `number ${sequence} of ${definition.pattern} was ${known}, and is ${token}`;
      });
      book.rows.set(sequence, { token, topic });
      book.tokens.set(token, sequence);
    }
    const { countMax } = definition;
    law(evict <= Math.max(next - countMax, 1), 'storage lets go of no more than its limits ask for', () => {
      return `of ${definition.pattern}, at most ${countMax}, all below ${evict} are gone, and ${next} is next`;
    });
  }

  override published({ token }: Publication, { kept }: PublishedMessage): void {
    if (kept === undefined) return;
    const isStored = [...this.#books.values()].some(({ tokens }) => tokens.get(token) === kept);
    law(isStored, 'what is said to be kept is in storage', () => `${token} is not, as number ${kept}`);
  }

  override reading(reader: SimReader, next: number, resumed: boolean): void {
    const { durable } = reader.event;
    if (!resumed) this.#told.delete(reader);
    if (durable === undefined) return;
    const acknowledged = this.#acknowledged.get(`${reader.keep} ${durable}`) ?? 0;
    const late = !resumed && acknowledged > 0 && next > acknowledged + 1;
    law(!late, 'a durable name goes on after what it acknowledged', () => {
      return `${tell(reader)} begins with ${next}, after ${acknowledged}`;
    });
  }

  override acknowledged(reader: SimReader, sequence: number): void {
    const key = `${reader.keep} ${reader.event.durable}`;
    this.#acknowledged.set(key, Math.max(this.#acknowledged.get(key) ?? 0, sequence));
  }

  override skipped(reader: SimReader, count: number): void {
    this.#told.set(reader, (this.#told.get(reader) ?? 0) + count);
  }

  override kept(reader: SimReader, message: KeptMessage): void {
    const { sequence, topic } = message;
    const says = () => `${tell(reader)}, next ${reader.next}, got ${JSON.stringify(message)}`;
    const book = this.#bookOf(reader.keep);
    const row = book.rows.get(sequence);
    law(reader.attached, 'a reader is told what it reads before it gets anything', says);
    law(row?.token === tokenOf(message.payload), 'a reader gets what is in storage', says);
    law(row.topic === topic, 'a reader gets what is in storage', says);
    law(sequence >= reader.next, 'a reader gets each number once, in order', says);
    law(this.#oracle.anyMatches(reader.event.patterns, topic), 'a reader gets only what matches', says);
    let skipped = 0;
    for (let i = reader.next; i < sequence; i++) if (this.#isFor(reader, book, i)) skipped++;
    const told = this.#told.get(reader) ?? 0;
    law(skipped <= told, 'a reader is told what it has missed', () => `${says()}, without ${skipped}, told of ${told}`);
    this.#told.delete(reader);
  }

  override unsettled(): string | undefined {
    const world = this.#world();
    for (const client of world.topicsClients.values()) {
      if (!world.isInReach(client.where)) continue;
      for (const reader of client.readers) {
        const why = this.#whyBehind(reader);
        if (why !== undefined) return `${tell(reader)} ${why}`;
      }
    }
    return this.#readersLeft();
  }

  #whyBehind(reader: SimReader): string | undefined {
    const { patterns } = reader.event;
    const keeps = this.#living();
    const covering = keeps.filter(({ definition: { pattern } }) => patterns.every((one) => covers(pattern, one)));
    if (covering.length === 0) return undefined;
    if (!reader.attached) return 'is not told that it reads';
    const keep = covering.find(({ definition: { id } }) => id === reader.keep);
    if (keep === undefined) return `reads ${reader.keep}, which no living node keeps`;
    const book = this.#bookOf(reader.keep);
    const told = this.#told.get(reader) ?? 0;
    let missing = 0;
    for (let i = reader.next; i < keep.next; i++) if (this.#isFor(reader, book, i)) missing++;
    return missing > told ? `has not got ${missing} messages up to ${keep.next}` : undefined;
  }

  /** As many readers as clients have that are attached. */
  #readersLeft(): string | undefined {
    const world = this.#world();
    const attached = [...world.topicsClients.values()].flatMap(({ readers }) =>
      [...readers].filter((reader) => reader.attached),
    );
    const views = world.living.flatMap(({ topics }) => topics.flow.kept.keeper.views());
    const known = views.reduce((sum, { readers }) => sum + readers.length, 0);
    return known > attached.length ? `keepers have ${known} readers, where ${attached.length} read` : undefined;
  }

  /** What living nodes keep. */
  #living(): readonly KeepOnDisk[] {
    return this.#world().places.flatMap(({ log, process }) =>
      process?.alive ? [...log.keeps.values(), ...process.memory.keeps.values()] : [],
    );
  }

  #isFor(reader: SimReader, { rows }: Book, sequence: number): boolean {
    const row = rows.get(sequence);
    return row !== undefined && this.#oracle.anyMatches(reader.event.patterns, row.topic);
  }

  #bookOf(id: string): Book {
    let book = this.#books.get(id);
    if (book === undefined) {
      book = { rows: new Map(), tokens: new Map() };
      this.#books.set(id, book);
    }
    return book;
  }
}

/** What is drawn is simple: a keep holds a pattern that is the same, or everything. */
function covers(keep: string, pattern: string): boolean {
  return keep === '#' || keep === pattern;
}

function tell({ event, where }: SimReader): string {
  const name = event.durable === undefined ? '' : ` as ${event.durable}`;
  return `the reader of client ${where.client} on node ${where.node}, of ${event.patterns.join(' ')}${name},`;
}
