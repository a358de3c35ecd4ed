import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { Client, MpregNode, NodeOptions } from '../../src/engine/api.ts';
import { createNode } from '../../src/engine/create-node.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function directory(): string {
  const made = mkdtempSync(join(tmpdir(), 'mpreg-queues-'));
  closing.push(async () => rmSync(made, { force: true, recursive: true }));
  return made;
}

async function node(options: NodeOptions = {}): Promise<MpregNode> {
  const made = await createNode({ discover: false, ...options });
  closing.push(() => made.kill());
  return made;
}

async function client(of: MpregNode): Promise<Client> {
  const made = await of.client();
  closing.push(() => made.close());
  return made;
}

interface Message {
  readonly id: number;
  readonly receipt: string;
  readonly body: unknown;
  readonly headers: unknown;
}

function on(through: Client, queue: string) {
  const call = through.call.with({ locs: [`queue:${queue}`] });
  return {
    call: (what: string, argument: object = {}) => call(`mpreg.queue.${what}`, { queue, ...argument }),
    receive: async (argument: object = {}) => {
      const { messages } = (await call('mpreg.queue.receive', { max: 10, queue, ...argument })) as {
        messages: Message[];
      };
      return messages;
    },
    send: (...messages: readonly object[]) =>
      call('mpreg.queue.send', { messages, queue }) as Promise<{ results: readonly unknown[] }>,
  };
}

async function until<Value>(what: () => Promise<Value>): Promise<Value> {
  for (let i = 0; ; i++) {
    try {
      return await what();
    } catch (error) {
      if (i > 2_400) throw error;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
}

describe('queues of a node', () => {
  test('keep bodies of every kind as they are, with headers and ids', async () => {
    const c = await client(await node());
    expect(await c.call('mpreg.queue.create', { name: 'jobs' })).toMatchObject({ durability: 'memory', name: 'jobs' });
    const jobs = on(c, 'jobs');
    const bytes = new Uint8Array([1, 2, 250]);
    const bodies = ['text', bytes, { a: [1, null] }, null, ''];
    await jobs.send(...bodies.map((body, i) => ({ body, ...(i > 1 && { dedupeId: `${i}`, headers: { i } }) })));
    const messages = await jobs.receive();
    expect(messages.map(({ body }) => (body instanceof Uint8Array ? new Uint8Array(body) : body))).toEqual(bodies);
    expect(messages[2]).toMatchObject({ dedupeId: '2', guarantee: 'at-least-once', headers: { i: 2 }, receives: 1 });
    expect(await jobs.call('ack', { receipts: messages.map(({ receipt }) => receipt) })).toMatchObject({
      results: bodies.map(() => ({ ok: true })),
    });
    expect(await jobs.call('info')).toMatchObject({ counts: { done: 5, ready: 0 }, oldestAt: null });
  });

  test('are there after a crash, with leases, dead letters and all', async () => {
    const dataDir = directory();
    const first = await node({ dataDir });
    const before = on(await client(first), 'jobs');
    await (await client(first)).call('mpreg.queue.create', { leaseWriteMs: 0, maxReceives: 1, name: 'jobs' });
    await before.send({ body: 'a' }, { body: 'b' }, { body: 'c' });
    const [a, b] = await before.receive({ max: 2 });
    await before.call('nack', { receipts: [{ reason: 'bad', receipt: b?.receipt }] });
    await first.kill();
    const c = await client(await node({ dataDir }));
    const jobs = on(c, 'jobs');
    expect((await jobs.receive()).map(({ body }) => body)).toEqual(['c']);
    expect(await jobs.call('ack', { receipts: [a?.receipt] })).toEqual({ results: [{ ok: true }] });
    expect(await on(c, 'jobs.dead').receive()).toMatchObject([{ body: 'b', dead: { queue: 'jobs', reason: 'bad' } }]);
    expect(await on(c, 'jobs.dead').call('sources')).toEqual(['jobs']);
  });

  test('keep their leases over a stop, however young', async () => {
    const dataDir = directory();
    const first = await node({ dataDir });
    const jobs = on(await client(first), 'jobs');
    await (await client(first)).call('mpreg.queue.create', { name: 'jobs' });
    await jobs.send({ body: 'a' }, { body: 'b' });
    const [held] = await jobs.receive({ max: 1, visibilityMs: 3_600_000 });
    await first.leave();
    const again = on(await client(await node({ dataDir })), 'jobs');
    expect(await until(() => again.receive())).toMatchObject([{ body: 'b' }]);
    expect(await again.call('ack', { receipts: [held?.receipt] })).toMatchObject({ results: [{ ok: true }] });
  });

  test('refuse what was received from a former queue of their name, also after a restart', async () => {
    const dataDir = directory();
    const first = await node({ dataDir });
    const c = await client(first);
    const jobs = c.queue('jobs');
    await jobs.create();
    await jobs.send('a');
    const [former] = await jobs.receive();
    await jobs.delete();
    await first.kill();
    const again = (await client(await node({ dataDir }))).queue('jobs');
    await again.create();
    await again.send('b');
    const [own] = await again.receive();
    const lost = { problem: { code: 'lease-lost' } };
    expect(await again.ack([former?.receipt ?? '', own?.receipt ?? ''])).toMatchObject([lost, {}]);
    expect((await again.info()).counts).toMatchObject({ done: 1, leased: 0 });
    expect([own?.id, own?.token]).toEqual([former?.id, former?.token]);
  });

  test('are reached from any node, and told unknown where there are none', async () => {
    const here = await node({ name: 'here' });
    const there = await node({ name: 'there', peers: [here.url], resources: ['disk=fast'] });
    await there.joined(60_000);
    const c = await client(here);
    await expect(c.call.with({ locs: ['queue:jobs'] })('mpreg.queue.info', { queue: 'jobs' })).rejects.toMatchObject({
      problem: { code: 'queue-unknown' },
    });
    await until(() => c.call('mpreg.queue.create', { name: 'jobs', place: 'disk=fast' }));
    const jobs = on(c, 'jobs');
    expect(await until(() => jobs.call('info'))).toMatchObject({ node: 'there' });
    await jobs.send({ body: 1 });
    const waits = on(await client(there), 'jobs').receive({ max: 2, waitMs: 5_000 });
    expect(await waits).toMatchObject([{ body: 1 }]);
    expect(await c.call('mpreg.queue.create', { name: 'jobs' })).toMatchObject({ node: 'there' });
    const named = await c.call('mpreg.queue.create', { name: 'more', place: 'there' });
    expect(named).toMatchObject({ name: 'more', node: 'there' });
    expect(await c.call('mpreg.queue.list', {})).toEqual([]);
  });

  test('let a receive wait, and swallow nothing when it is cancelled', async () => {
    const c = await client(await node());
    await c.call('mpreg.queue.create', { name: 'jobs' });
    const jobs = on(c, 'jobs');
    const abort = new AbortController();
    const cancelled = c.call.with({ locs: ['queue:jobs'], signal: abort.signal })('mpreg.queue.receive', {
      queue: 'jobs',
      waitMs: 60_000,
    });
    const waits = jobs.receive({ waitMs: 60_000 });
    abort.abort();
    await expect(cancelled).rejects.toMatchObject({ problem: { code: 'cancelled' } });
    await until(async () => expect(await jobs.call('info')).toMatchObject({ waiting: 1 }));
    await jobs.send({ body: 'x' });
    expect(await waits).toMatchObject([{ body: 'x', id: 1 }]);
  });

  test('can be looked at, purged, moved along and deleted', async () => {
    const c = await client(await node());
    await c.call('mpreg.queue.create', { dedupe: 'content', name: 'jobs' });
    const jobs = on(c, 'jobs');
    const sent = await jobs.send({ body: 'a' }, { body: 'a' }, { body: 'b', delayMs: 60_000 });
    expect(sent.results).toEqual([{ id: 1 }, { duplicate: true, id: 1 }, { id: 2 }]);
    await jobs.receive({ max: 1 });
    expect(await jobs.call('peek')).toMatchObject({
      messages: [
        { body: 'a', id: 1, state: 'leased' },
        { body: 'b', id: 2, state: 'delayed' },
      ],
    });
    expect(await jobs.call('edit', { options: { notes: { a: 1 }, visibilityMs: 5 } })).toMatchObject({
      options: { notes: { a: 1 }, visibilityMs: 5 },
    });
    expect(await jobs.call('purge')).toEqual({ purged: 2 });
    expect(await jobs.call('delete')).toBeNull();
    await expect(jobs.call('info')).rejects.toMatchObject({ problem: { code: 'queue-unknown' } });
    await expect(c.call('mpreg.queue.create', { name: 'x', odd: 1 })).rejects.toMatchObject({
      problem: { code: 'input-invalid' },
    });
  });
});
