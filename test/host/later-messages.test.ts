/** Messages that are published later, by real nodes of this process. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { MemoryStore } from '../../src/engine/host/stores/memory.ts';
import { LaterMessages, type LaterParts } from '../../src/engine/host/topics/later-messages.ts';
import {
  type Client,
  connect,
  createNode,
  type MpregNode,
  problemError,
  type TopicMessage,
} from '../../src/engine/index.ts';
import { payloadOf } from '../../src/engine/wire/payload.ts';
import { until } from '../acceptance/until.ts';

const nodes: MpregNode[] = [];
const clients: Client[] = [];
const folders: string[] = [];

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await Promise.all(nodes.splice(0).map((node) => node.kill()));
  for (const folder of folders.splice(0)) rmSync(folder, { force: true, recursive: true });
});

async function start(name: string, options: { dataDir?: string; peers?: readonly string[] } = {}): Promise<MpregNode> {
  const node = await createNode({ discover: false, name, workers: 1, ...options });
  nodes.push(node);
  if (options.peers !== undefined) await node.joined(60_000);
  return node;
}

async function clientOf(node: MpregNode): Promise<Client> {
  const client = await connect({ urls: [node.url] });
  clients.push(client);
  return client;
}

async function listener(node: MpregNode, pattern: string): Promise<TopicMessage[]> {
  const heard: TopicMessage[] = [];
  const client = await clientOf(node);
  await client.subscribe(pattern, { everywhere: true, onMessage: (message) => void heard.push(message) });
  return heard;
}

const count = (heard: readonly unknown[]) => heard.length;

describe('a message that is to be published later', () => {
  test('comes when it is due, under the id that it had from the beginning, on any node', async () => {
    const alpha = await start('alpha');
    const beta = await start('beta', { peers: [alpha.url] });
    const heard = await listener(beta, 'reminder.*');
    const client = await clientOf(alpha);
    const began = Date.now();
    const { id, later, local } = await client.publish(
      'reminder.tea',
      { cups: 2n },
      { headers: { user: '7' }, inMs: 300 },
    );
    expect([later?.node, later?.durable, local]).toEqual(['alpha', false, undefined]);
    expect(Math.abs((later?.at ?? 0) - began - 300)).toBeLessThan(10_000);
    await until(
      'it has come',
      () => count(heard),
      (n) => n > 0,
    );
    expect(heard).toMatchObject([{ headers: { user: '7' }, id, payload: { cups: 2n }, topic: 'reminder.tea' }]);
    expect(heard[0]?.time ?? 0).toBeGreaterThanOrEqual(began + 290);
    await until(
      'nothing waits',
      async () => (await client.scheduled()).flatMap(({ found }) => found),
      (left) => left.length === 0,
    );
  });

  test('is listed and can be taken back, through any node', async () => {
    const alpha = await start('alpha');
    const beta = await start('beta', { peers: [alpha.url] });
    const heard = await listener(alpha, '#');
    const client = await clientOf(alpha);
    const at = new Date(Date.now() + 3_600_000);
    const first = await client.publish('a', 1, { at });
    const second = await client.publish('b', 1, { inMs: 60_000 });
    const other = await clientOf(beta);
    const listed = async () => (await other.scheduled()).find(({ node }) => node === 'alpha')?.found ?? [];
    expect(await listed()).toMatchObject([
      { failures: 0, id: second.id, topic: 'b' },
      { at: at.getTime(), failures: 0, id: first.id, topic: 'a' },
    ]);
    const taken = await other.unschedule([first.id, 'unknown/1']);
    expect(taken).toEqual([
      { found: [first.id], node: 'alpha' },
      { found: [], node: 'beta' },
    ]);
    expect(await listed()).toMatchObject([{ id: second.id }]);
    expect(heard).toEqual([]);
  });

  test('outlives its node where that has a data directory: what fell due meanwhile comes at once', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'mpreg-later-'));
    folders.push(dataDir);
    const before = await start('alpha', { dataDir });
    const client = await clientOf(before);
    const soon = await client.publish('soon', 'due while it is away', { inMs: 200 });
    const date = await client.publish('date', 'due long after', { at: Date.now() + 3_600_000 });
    expect([soon.later?.durable, date.later?.durable]).toEqual([true, true]);
    await client.close();
    await before.kill();
    await until(
      'it is due',
      () => Date.now(),
      (now) => now > (soon.later?.at ?? 0),
    );
    const beta = await start('beta');
    const heard = await listener(beta, '#');
    const again = await start('alpha', { dataDir, peers: [beta.url] });
    await until(
      'it has come',
      () => count(heard),
      (n) => n > 0,
    );
    expect(heard.map(({ id, payload }) => [id, payload])).toEqual([[soon.id, 'due while it is away']]);
    const [own] = (await (await clientOf(again)).scheduled()).filter(({ node }) => node === 'alpha');
    expect(own?.found.map(({ id }) => id)).toEqual([date.id]);
  });

  test.each([
    ['mpreg.member', {}, 'not-allowed'],
    ['a.*', {}, 'topic-invalid'],
    ['a', { at: Number.NaN }, 'input-invalid'],
    ['a', { inMs: -1 }, 'input-invalid'],
    ['a', { at: 1, inMs: 1 }, 'input-invalid'],
    ['a', { inMs: 400 * 366 * 86_400_000 }, 'limit-exceeded'],
  ])('to %s at %j is refused', async (topic, when, code) => {
    const client = await clientOf(await start('alpha'));
    await expect(client.publish(topic, 1, { inMs: 1, ...when })).rejects.toMatchObject({ code });
  });
});

describe('the node', () => {
  const parts = (more: Partial<LaterParts>): LaterParts => ({
    durable: false,
    log: () => undefined,
    now: () => Math.floor(performance.now()),
    publish: async () => undefined,
    store: new MemoryStore(),
    wallClock: Date.now,
    ...more,
  });
  const payload = payloadOf('x').bytes();

  test('tries again what could not be published, and says so', async () => {
    const said: string[] = [];
    let tries = 0;
    const publish = async () => {
      if (++tries === 1) throw problemError('nobody-there', 'its keeper is away');
    };
    const later = new LaterMessages(parts({ log: (_, text) => void said.push(text), publish }));
    await later.accept({ id: 'a/1', inMs: 1, payload, topic: 't' });
    await until(
      'it was published',
      () => tries,
      (n) => n === 2,
    );
    expect(said).toEqual(['the message a/1 for t is due and could not be published: its keeper is away']);
    later.close();
  });

  test('accepts nothing that its store refuses', async () => {
    const store = new MemoryStore();
    const later = new LaterMessages(parts({ store }));
    await store.close();
    const accepting = later.accept({ id: 'a/1', inMs: 60_000, payload, topic: 't' });
    await expect(accepting).rejects.toMatchObject({ code: 'store-failed' });
    expect(later.list()).toEqual([]);
    later.close();
  });

  test('that ends without a data directory says what is lost', async () => {
    const said: string[] = [];
    const later = new LaterMessages(parts({ log: (_, text) => void said.push(text) }));
    await later.accept({ id: 'a/1', inMs: 60_000, payload, topic: 't' });
    later.close();
    expect(said).toEqual(['1 messages that were to be published later are lost: the node has no data directory']);
    await expect(later.cancel('a/1')).rejects.toMatchObject({ code: 'node-stopping' });
  });
});
