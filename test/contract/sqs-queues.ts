/** What every way to queues must keep that the SQS endpoint uses, whether they are in memory or in the mesh. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { QueueSettings, QueuesFace, Received } from '../../src/engine/host/gateway/sqs/queues-face.ts';
import { QueueMissing } from '../../src/engine/host/gateway/sqs/queues-face.ts';

export interface OpenQueues {
  readonly queues: QueuesFace;
  close(): Promise<void>;
}

const PLAIN: QueueSettings = {
  contentDedupe: false,
  dedupeScope: 'queue',
  delayMs: 0,
  fifo: false,
  leaseMs: 30_000,
  messageBytesMax: 1_048_576,
  notes: new Map(),
  retentionMs: 345_600_000,
  tags: new Map(),
};
const FIFO: QueueSettings = { ...PLAIN, fifo: true };
const NOBODY = new AbortController().signal;

export function sqsQueuesContract(name: string, open: () => Promise<OpenQueues>): void {
  describe(`queues for SQS, ${name}`, () => {
    let opened: OpenQueues;
    let queues: QueuesFace;
    beforeEach(async () => {
      opened = await open();
      queues = opened.queues;
    });
    afterEach(() => opened.close());

    const receive = (queue: string, max = 10, leaseMs = 30_000, waitMs = 2_000) =>
      queues.receive(queue, { leaseMs, max, waitMs }, NOBODY);
    const none = (queue: string) => receive(queue, 10, 30_000, 0);
    const send = (queue: string, ...bodies: string[]) =>
      queues.send(
        queue,
        bodies.map((body) => ({ body, headers: new Map([['name', body]]) })),
      );
    const inGroup = (group: string, body: string, key = body) => ({
      body,
      dedupe: { id: body, key },
      group,
      headers: new Map<string, string>(),
    });
    const bodies = (messages: readonly Received[]) => messages.map(({ body }) => body);
    const receipts = (messages: readonly Received[]) => messages.map(({ receipt }) => receipt);

    test('are made once, described, listed, changed and deleted', async () => {
      expect(await queues.describe('b')).toBeUndefined();
      const settings = { ...PLAIN, notes: new Map([['n', 'x']]), tags: new Map([['t', 'y']]) };
      expect(await queues.create('b', settings)).toBe(true);
      expect(await queues.create('b', { ...settings, delayMs: 7_000 })).toBe(false);
      expect(await queues.create('a.fifo', { ...FIFO, contentDedupe: true, dedupeScope: 'group' })).toBe(true);
      expect(await queues.describe('b')).toMatchObject({ delayed: 0, leased: 0, name: 'b', ready: 0, settings });
      const listed = await queues.list();
      expect(listed.map(({ name }) => name)).toEqual(['a.fifo', 'b']);
      expect(listed[0]?.settings).toMatchObject({ contentDedupe: true, dedupeScope: 'group', fifo: true });
      const changed = { ...settings, delayMs: 5_000, leaseMs: 0, notes: new Map(), retentionMs: 60_000 };
      await queues.edit('b', changed);
      const seen = (await queues.describe('b'))?.settings;
      expect({ ...seen, leaseMs: Math.round((seen?.leaseMs ?? 0) / 1_000) }).toEqual({
        ...changed,
        notes: seen?.notes,
      });
      await queues.edit('a.fifo', FIFO);
      expect((await queues.describe('a.fifo'))?.settings).toMatchObject({ contentDedupe: false, dedupeScope: 'queue' });
      await queues.delete('b');
      expect((await queues.list()).map(({ name }) => name)).toEqual(['a.fifo']);
    });

    test('that are missing are told', async () => {
      const asks: readonly (() => Promise<unknown>)[] = [
        () => queues.edit('nobody', PLAIN),
        () => queues.delete('nobody'),
        () => queues.purge('nobody'),
        () => send('nobody', 'x'),
        () => none('nobody'),
      ];
      for (const ask of asks) await expect(ask()).rejects.toBeInstanceOf(QueueMissing);
    });

    test('give what was sent, with all that is known of it', async () => {
      await queues.create('q', PLAIN);
      const before = Date.now();
      const [sent] = await send('q', 'ünï <&> 😀');
      const [message] = await receive('q');
      expect(sent).toMatchObject({ id: message?.id, kind: 'sent' });
      expect(message).toMatchObject({ body: 'ünï <&> 😀', headers: new Map([['name', 'ünï <&> 😀']]), receives: 1 });
      expect(message?.sentAt).toBeGreaterThanOrEqual(before - 1);
      expect(message?.firstReceivedAt).toBeGreaterThanOrEqual(message?.sentAt ?? 0);
      expect(message).not.toHaveProperty('sequence', expect.anything());
      expect(await queues.describe('q')).toMatchObject({ delayed: 0, leased: 1, ready: 0 });
    });

    test('wait for a message, or until nobody waits any more', async () => {
      await queues.create('q', PLAIN);
      const waiting = receive('q', 1, 30_000, 10_000);
      await pause(50);
      await send('q', 'late');
      expect(bodies(await waiting)).toEqual(['late']);
      const gone = new AbortController();
      const left = queues.receive('q', { leaseMs: 1_000, max: 1, waitMs: 10_000 }, gone.signal).catch(() => []);
      await pause(50);
      gone.abort('left');
      expect(await left).toEqual([]);
    });

    test('keep back what is delayed, drop what is old, and forget what is purged', async () => {
      await queues.create('q', { ...PLAIN, delayMs: 400 });
      await send('q', 'slow');
      await queues.send('q', [{ body: 'fast', delayMs: 0, headers: new Map() }]);
      expect(bodies(await receive('q'))).toEqual(['fast']);
      expect(await queues.describe('q')).toMatchObject({ delayed: 1, leased: 1, ready: 0 });
      expect(bodies(await receive('q'))).toEqual(['slow']);
      await send('q', 'more');
      await queues.purge('q');
      expect(await queues.describe('q')).toMatchObject({ delayed: 0, leased: 0, ready: 0 });
    });

    test('lease messages, and know whose they are', async () => {
      await queues.create('q', PLAIN);
      await send('q', 'a', 'b');
      const first = await receive('q', 10, 30_000);
      const [a = '', b = ''] = receipts(first);
      expect(await queues.extend('q', [{ leaseMs: 0, receipt: a }])).toEqual(['done']);
      const [again] = await receive('q');
      expect(again).toMatchObject({ body: 'a', receives: 2 });
      const stale = [a, b, 'nonsense', again?.receipt ?? ''];
      expect(await queues.acknowledge('q', stale)).toEqual(['lost', 'done', 'invalid', 'done']);
      expect(await queues.acknowledge('q', [b, again?.receipt ?? ''])).toEqual(['gone', 'gone']);
      expect(await queues.extend('q', [{ leaseMs: 1_000, receipt: b }])).toEqual(['gone']);
      expect(await none('q')).toEqual([]);
    });

    test('give back what is released as if it had never been received', async () => {
      await queues.create('q', PLAIN);
      await send('q', 'a');
      await queues.release('q', receipts(await receive('q')));
      expect((await receive('q'))[0]).toMatchObject({ body: 'a', receives: 1 });
    });

    test('prolong and acknowledge after a lease while nobody else has had the message; fifo ones do not', async () => {
      await queues.create('q', PLAIN);
      await queues.create('q.fifo', FIFO);
      await send('q', 'a', 'b');
      await queues.send('q.fifo', [inGroup('g', 'c')]);
      const [a = '', b = ''] = receipts(await receive('q', 10, 100));
      const [c = ''] = receipts(await receive('q.fifo', 10, 100));
      await pause(300);
      expect(await queues.extend('q', [{ leaseMs: 5_000, receipt: b }])).toEqual(['done']);
      expect(await queues.describe('q')).toMatchObject({ leased: 1, ready: 1 });
      expect(await queues.acknowledge('q', [a, b])).toEqual(['done', 'done']);
      expect(await none('q')).toEqual([]);
      expect(await queues.extend('q.fifo', [{ leaseMs: 5_000, receipt: c }])).toEqual(['expired']);
      expect(await queues.acknowledge('q.fifo', [c])).toEqual(['expired']);
    });

    test('do for an earlier receipt what takes the message from nobody; of fifo ones nothing', async () => {
      await queues.create('q', PLAIN);
      await queues.create('q.fifo', FIFO);
      await send('q', 'a');
      await queues.send('q.fifo', [inGroup('g', 'c')]);
      const twice = async (name: string) => [...(await receive(name, 1, 0)), ...(await receive(name, 1))];
      const [first = '', second = ''] = receipts(await twice('q'));
      const [stale = ''] = receipts(await twice('q.fifo'));
      const change = (name: string, receipt: string, leaseMs: number) => queues.extend(name, [{ leaseMs, receipt }]);
      expect(await change('q', first, 0)).toEqual(['done']);
      expect(await none('q'), 'it still is with who has it').toEqual([]);
      expect(await change('q.fifo', stale, 0)).toEqual(['lost']);
      expect(await queues.acknowledge('q', [first])).toEqual(['lost']);
      expect(await change('q', second, 0)).toEqual(['done']);
      expect(await change('q', first, 30_000)).toEqual(['done']);
      expect(await none('q'), 'it is kept back').toEqual([]);
      expect(await change('q', second, 0)).toEqual(['done']);
      expect(await queues.acknowledge('q', [first])).toEqual(['done']);
      expect(await queues.acknowledge('q', [second])).toEqual(['gone']);
      expect(await none('q')).toEqual([]);
    });

    test('of a group hold back those that come later, not those before', async () => {
      await queues.create('q.fifo', FIFO);
      await queues.send(
        'q.fifo',
        ['g1', 'g2', 'g3', 'g4'].map((body) => inGroup('g', body)),
      );
      const [g1 = '', g2 = '', g3 = ''] = receipts(await receive('q.fifo', 3));
      await queues.extend('q.fifo', [{ leaseMs: 0, receipt: g2 }]);
      expect(await none('q.fifo')).toEqual([]);
      await queues.extend('q.fifo', [{ leaseMs: 0, receipt: g1 }]);
      const again = await receive('q.fifo');
      expect(bodies(again)).toEqual(['g1', 'g2']);
      expect(await queues.acknowledge('q.fifo', [...receipts(again), g3])).toEqual(['done', 'done', 'done']);
      expect(bodies(await receive('q.fifo'))).toEqual(['g4']);
    });

    test('keep groups in order, one owner at a time, and tell duplicates', async () => {
      await queues.create('q.fifo', FIFO);
      const sent = await queues.send('q.fifo', [inGroup('g', 'g1'), inGroup('g', 'g2'), inGroup('h', 'h1')]);
      const [again] = await queues.send('q.fifo', [inGroup('other', 'other', 'g1')]);
      expect(again).toEqual(sent[0]);
      const numbers = sent.map((one) => (one.kind === 'sent' ? (one.sequence ?? 0) : 0));
      expect(numbers).toEqual([...numbers].sort((x, y) => x - y));
      const [g1] = await receive('q.fifo', 1);
      expect(g1).toMatchObject({ body: 'g1', dedupeId: 'g1', group: 'g', sequence: numbers[0] });
      expect(bodies(await receive('q.fifo'))).toEqual(['h1']);
      expect(await none('q.fifo')).toEqual([]);
      await queues.acknowledge('q.fifo', [g1?.receipt ?? '']);
      expect(bodies(await receive('q.fifo'))).toEqual(['g2']);
      const [late] = await queues.send('q.fifo', [inGroup('g', 'g1')]);
      expect(late).toEqual(sent[0]);
      await queues.purge('q.fifo');
      const [fresh] = await queues.send('q.fifo', [inGroup('g', 'g1')]);
      expect(fresh).not.toEqual(sent[0]);
    });

    test('give several of one group at once, next to each other', async () => {
      await queues.create('q.fifo', FIFO);
      await queues.send(
        'q.fifo',
        ['g1', 'h1', 'g2', 'h2', 'g3'].map((body) => inGroup(body.charAt(0), body)),
      );
      expect(bodies(await receive('q.fifo', 3))).toEqual(['g1', 'g2', 'g3']);
      expect(bodies(await receive('q.fifo'))).toEqual(['h1', 'h2']);
    });

    test('begin with the group that has waited longest since it was last received from', async () => {
      await queues.create('q.fifo', FIFO);
      await queues.send(
        'q.fifo',
        ['a1', 'a2', 'b1', 'c1'].map((body) => inGroup(body.charAt(0), body)),
      );
      const [a1 = ''] = receipts(await receive('q.fifo', 1));
      const [b1 = ''] = receipts(await receive('q.fifo', 1));
      const now = (receipt: string) => queues.extend('q.fifo', [{ leaseMs: 0, receipt }]);
      expect([await now(b1), await now(a1)]).toEqual([['done'], ['done']]);
      expect(bodies(await receive('q.fifo'))).toEqual(['c1', 'a1', 'a2', 'b1']);
    });

    test('tell a dead letter of a fifo queue by its own id', async () => {
      await queues.create('dead.fifo', FIFO);
      await queues.create('q.fifo', { ...FIFO, deadLetter: { maxReceives: 1, queue: 'dead.fifo' } });
      await queues.send('q.fifo', [inGroup('g', 'twice')]);
      const [first] = await receive('q.fifo', 1, 0);
      await queues.send('dead.fifo', [inGroup('h', 'twice')]);
      const dead = await Promise.all([receive('q.fifo', 1, 0, 200), receive('dead.fifo', 10, 30_000, 5_000)]);
      const letters = dead.flat();
      for (const end = Date.now() + 10_000; letters.length < 2 && Date.now() < end; ) {
        letters.push(...(await receive('q.fifo', 1, 0, 50)), ...(await receive('dead.fifo')));
      }
      const told = new Map(letters.map(({ dedupeId, group }) => [group, dedupeId]));
      expect(told).toEqual(
        new Map([
          ['g', first?.id],
          ['h', 'twice'],
        ]),
      );
    });

    test('bury what is received too often, and bring it back', async () => {
      await queues.create('dead', PLAIN);
      await queues.create('q', { ...PLAIN, deadLetter: { maxReceives: 1, queue: 'dead' } });
      expect((await queues.describe('q'))?.settings.deadLetter).toEqual({ maxReceives: 1, queue: 'dead' });
      await send('q', 'a', 'b');
      const first = await receive('q', 10, 0);
      await pause(50);
      expect(await none('q')).toEqual([]);
      const dead: Received[] = [];
      for (const end = Date.now() + 3_000; dead.length < 2 && Date.now() < end; ) dead.push(...(await receive('dead')));
      expect(dead.map(({ body, id, origin, sentAt }) => ({ body, id, origin, sentAt }))).toEqual(
        first.map(({ body, id, sentAt }) => ({ body, id, origin: 'q', sentAt })),
      );
      expect(dead.map(({ receives }) => receives)).toEqual([2, 2]);
      await queues.extend(
        'dead',
        dead.map(({ receipt }) => ({ leaseMs: 0, receipt })),
      );
      expect((await queues.redrive('dead', {})).state).not.toBe('failed');
      expect(bodies(await receive('q', 1))).toHaveLength(1);
      expect(bodies(await receive('q', 1))).toHaveLength(1);
      expect(await queues.describe('dead')).toMatchObject({ redrive: { moved: 2, state: 'done', total: 2 } });
    });
  });
}
