/** What every `QueueStore` promises, as tests. Each adapter's own test file runs it. */
import { describe, expect, test } from 'vitest';
import { Prng } from '../../src/engine/core/base/prng.ts';
import type { LoadAsk, Loaded, NewMessage, QueueWrite, StoredMessage } from '../../src/engine/core/queues/effects.ts';
import { defaultOptions, type Kind } from '../../src/engine/core/queues/options.ts';
import { QueueTables } from '../../src/engine/core/queues/tables.ts';
import type { QueueStore } from '../../src/engine/host/ports.ts';

/** `make` gives an empty store; `reopen`, where the adapter is durable, closes it and opens the same data again. */
export interface QueueStoreUnderTest {
  readonly store: QueueStore;
  readonly reopen?: () => Promise<QueueStore>;
}

const NO_COUNTS = { bytes: 0, dead: 0, done: 0, expired: 0, lost: 0, messages: 0, newestAt: 0 };

function queue(number: number, kind: Kind): readonly QueueWrite[] {
  const name = `q${number}`;
  const counts = { ...NO_COUNTS, next: 1, purged: 0, sent: 0, tokens: 0 };
  const options = { ...defaultOptions(name), kind };
  return [
    { changedAt: 5, createdAt: 5, kind: 'queue', name, options, queue: number },
    { counts, kind: 'counts', queue: number },
  ];
}

const content = (text: string) => new TextEncoder().encode(text);

function insert(number: number, message: Partial<NewMessage> & { readonly seq: number }): QueueWrite {
  const whole = { bytes: 3, rank: 0, sentAt: 100 + message.seq, ...message };
  return { content: content(`${number}/${message.seq}`), kind: 'insert', message: whole, queue: number };
}

export function queueStoreContract(name: string, make: () => Promise<QueueStoreUnderTest>): void {
  describe(`the store of queues ${name}`, () => {
    test('begins empty, and gives what was stored, contents and all', async () => {
      const { store } = await make();
      expect(await store.open()).toEqual({ ended: [], next: 1, queues: [] });
      await store.commit([...queue(1, 'standard'), insert(1, { seq: 1 }), insert(1, { group: 'g', seq: 2 })]);
      const { messages } = await store.load(1, { after: { rank: 0, seq: 0 }, limit: 9, what: 'ready' });
      expect(messages).toEqual([
        { bytes: 3, rank: 0, sentAt: 101, seq: 1 },
        { bytes: 3, group: 'g', rank: 0, sentAt: 102, seq: 2 },
      ]);
      const found = await store.contents(1, [2, 7, 1]);
      expect([...found].map(([seq, { content: bytes }]) => [seq, new TextDecoder().decode(bytes)]).sort()).toEqual([
        [1, '1/1'],
        [2, '1/2'],
      ]);
      expect(await store.oldestAt(1)).toBe(101);
      expect((await store.list(1, 1, 9)).map(({ message }) => message.seq)).toEqual([2]);
      await store.close();
    });

    test('answers in the order in which it was asked', async () => {
      const { store } = await make();
      const order: string[] = [];
      const note = (what: string) => () => void order.push(what);
      const asks = [
        store.commit([...queue(1, 'standard'), insert(1, { seq: 1 })]).then(note('a')),
        store.load(1, { after: { rank: 0, seq: 0 }, limit: 9, what: 'ready' }).then(note('b')),
        store.load(1, { after: { due: 0, seq: 0 }, limit: 9, to: 9, what: 'due' }).then(note('c')),
        store.contents(1, [1]).then(note('d')),
      ];
      await asks[0];
      const more = [store.commit([insert(1, { seq: 2 })]).then(note('e')), store.contents(1, [2]).then(note('f'))];
      await Promise.all([...asks, ...more]);
      expect(order.join('')).toBe('abcdef');
      await store.close();
    });

    test.each([7, 8, 9])('holds after anything what the plain tables hold (%i)', async (seed) => {
      const { store, reopen } = await make();
      let current = store;
      const tables = new QueueTables();
      const prng = new Prng(seed);
      const kinds = ['standard', 'fifo', 'priority'] as const;
      /** Each change knows of those before it; all are stored together. */
      const both = async (changes: readonly (() => readonly QueueWrite[])[]) => {
        const writes = changes.flatMap((make) => {
          const some = make();
          tables.apply(some);
          return some;
        });
        await current.commit(writes);
      };
      await both([() => kinds.flatMap((kind, i) => queue(i + 1, kind))]);
      let seq = 0;
      for (let round = 0; round < 60; round++) {
        const from = seq;
        seq += 8 * IDS;
        await both(Array.from({ length: 8 }, (_, i) => () => change(prng, tables, from + (i + 1) * IDS)));
        if (round % 20 === 19 && reopen !== undefined) current = await reopen();
        for (const number of [1, 2, 3]) {
          await sameMessages(prng, current, tables, number);
          for (const ask of asks(prng, number)) {
            const expected = tables.load(number, ask);
            const found = await current.load(number, ask);
            const { contents = [], ...whole } = found;
            const { next: _, ...rest } = whole;
            const { next: __, ...plain } = expected;
            if (ask.what === 'page') expect(pageOf(whole), JSON.stringify(ask)).toEqual(pageOf(expected));
            else if (ask.what === 'due') expect(rest, JSON.stringify(ask)).toEqual(plain);
            else if (ask.what === 'expired') expect(sorted(whole), JSON.stringify(ask)).toEqual(sorted(expected));
            else expect(whole, JSON.stringify(ask)).toEqual(expected);
            for (const [i, bytes] of contents.entries()) {
              const message = found.messages[i] as StoredMessage;
              if (bytes !== undefined)
                expect(new Uint8Array(bytes)).toEqual(tables.message(number, message.seq)?.content);
            }
          }
        }
      }
      await current.close();
    });
  });
}

/** One by one, and by ids of which some are gone. */
async function sameMessages(prng: Prng, store: QueueStore, tables: QueueTables, number: number): Promise<void> {
  const after = prng.below(200 * IDS);
  const limit = prng.pick([1, 20, 200]) ?? 1;
  const listed = await store.list(number, after, limit);
  const expected = tables.list(number, after, limit);
  expect(listed.map(({ message }) => message)).toEqual(expected.map(({ message }) => message));
  const there = tables.list(number, 0, 10_000).map(({ message }) => message.seq);
  expect(await store.oldestAt(number)).toBe(tables.list(number, 0, 1)[0]?.message.sentAt);
  const ids = [...there.filter(() => prng.chance(0.2)), ...Array.from({ length: 9 }, () => prng.below(300 * IDS))];
  const found = await store.contents(number, ids);
  expect([...found.keys()].sort((a, b) => a - b)).toEqual(
    [...new Set(ids.filter((id) => there.includes(id)))].sort((a, b) => a - b),
  );
  for (const [seq, one] of found) expect(textOf(one.content)).toBe(textOf(tables.message(number, seq)?.content));
}

/** For each change: more than what is stored in one piece. */
const IDS = 90;

/** Where a page ends by its size alone, another one may follow that is empty. */
function pageOf({ page }: Loaded) {
  return page?.writes.map((write) => ({
    ...write,
    content: 'content' in write ? textOf(write.content) : '',
    queue: 0,
  }));
}

function textOf(content: unknown): string {
  return new TextDecoder().decode(content as Uint8Array);
}

function sorted<Found extends { readonly messages: readonly { readonly seq: number }[] }>(found: Found): Found {
  return { ...found, messages: [...found.messages].sort((a, b) => a.seq - b.seq) };
}

function asks(prng: Prng, number: number): readonly LoadAsk[] {
  return [
    { what: 'open' },
    {
      after: { rank: number === 3 ? prng.below(4) : 0, seq: prng.below(300 * IDS) },
      limit: prng.between(1, 20),
      what: 'ready',
    },
    {
      after: { due: prng.below(200), seq: prng.below(300 * IDS) },
      limit: prng.between(1, 9),
      to: prng.below(400),
      what: 'due',
    },
    { groups: ['a', 'c', 'none'], limit: prng.between(1, 5), what: 'groups' },
    { after: prng.below(300 * IDS), bytes: prng.between(1, 40), limit: 1_000, stage: 'messages', what: 'page' },
    { after: prng.below(300 * IDS), bytes: 1, limit: prng.between(1, 5), stage: 'deliveries', what: 'page' },
    { after: `k${prng.below(9)}`, bytes: 1, limit: prng.between(1, 5), stage: 'dedupe', what: 'page' },
    { at: prng.below(400), limit: 1_000, sentBy: prng.chance(0.5) ? -1 : prng.below(400 * IDS), what: 'expired' },
  ];
}

/** A message and some that follow it, the last one first. */
function removes(queue: number, plain: readonly StoredMessage[], target: StoredMessage, count: number): QueueWrite[] {
  const from = plain.indexOf(target);
  return plain
    .slice(from, from + count)
    .reverse()
    .map(({ seq, group, state }) => ({
      kind: 'remove',
      queue,
      seq,
      ...(queue === 2 && group !== undefined && { group }),
      ...(state !== undefined && { hasState: true as const }),
    }));
}

/** Writes as a queue would make them. */
function change(prng: Prng, tables: QueueTables, seq: number): readonly QueueWrite[] {
  const number = prng.between(1, 3);
  const rows = tables.list(number, 0, 1_000).map(({ message }) => message);
  const plain = rows.filter(({ about }) => about?.guarantee === undefined);
  const target = prng.pick(plain);
  const what = target === undefined ? 0 : prng.below(12);
  if (what >= 4 && target !== undefined) {
    if (what < 6) return removes(number, plain, target, prng.pick([1, 2, 4, 30, 100]) ?? 1);
    if (what === 6) {
      const group = number === 2 ? { group: 'c' } : {};
      const dead = { at: 1, history: [], id: target.seq, queue: 'q', reason: 'why', receives: 3, sentAt: 2 };
      const message = { bytes: 3, dead, rank: 0, sentAt: 100 + seq, seq, ...group };
      return [{ contentSeq: target.seq, kind: 'copy', message, queue: number, to: number }];
    }
    if (what === 7) return [{ key: `k${prng.below(9)}`, kind: 'dedupe', queue: number, seq, until: seq }];
    if (what === 8) return [{ kind: 'forget', queue: number, through: prng.below(seq) }];
    if (what === 9 && prng.chance(0.1)) return [{ kind: 'purge', queue: number }];
    const due = prng.chance(0.5) ? { due: prng.below(400) } : {};
    const lease = prng.chance(0.2) ? { consumer: 'ann', firstAt: 3, leaseUntil: 9, token: 5 } : {};
    const history = prng.chance(0.3) ? [{ at: 1, endedAt: 2, how: 'nacked' as const }] : [];
    return [{ kind: 'state', queue: number, seq: target.seq, state: { history, receives: 1, ...due, ...lease } }];
  }
  if (number === 1 && prng.chance(0.2)) {
    const some = Array.from({ length: prng.between(1, IDS) }, (_, i) => insert(number, { seq: seq + i }));
    return prng.chance(0.9) ? some : [...some, { kind: 'purge', queue: number }];
  }
  if (number !== 2 && prng.chance(0.1)) {
    const copies = ['ann', 'bob'].map((consumer, i) => ({ consumer, seq: seq + 1 + i }));
    return [
      insert(number, { about: { guarantee: 'broadcast' }, seq }),
      { copies, kind: 'deliveries', needed: 2, of: seq, queue: number },
      { kind: 'consumer', name: 'ann', queue: number, subscribed: prng.chance(0.5) },
    ];
  }
  const expires = prng.chance(0.2) ? { expiresAt: prng.below(400) } : {};
  const group = number === 2 ? { group: prng.pick(['a', 'b', 'c']) as string } : {};
  return [insert(number, { rank: number === 3 ? prng.below(4) : 0, seq, ...expires, ...group })];
}
