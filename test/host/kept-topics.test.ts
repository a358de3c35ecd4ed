/** Kept topics over real nodes of this process: what is kept, who reads it, and what becomes of both when somebody goes. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { type Client, connect, createNode, type MpregNode, type TopicMessage } from '../../src/engine/index.ts';
import { until } from '../acceptance/until.ts';

const root = mkdtempSync(join(tmpdir(), 'mpreg-kept-'));
const clients: Client[] = [];
const nodes = new Set<MpregNode>();

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await Promise.all([...nodes].map((node) => node.kill()));
  nodes.clear();
});
afterAll(() => rmSync(root, { force: true, recursive: true }));

interface How {
  readonly peers?: readonly MpregNode[];
  /** In `root`. */
  readonly data?: string;
  readonly port?: number;
}

async function nodeOf(name: string, { data, peers = [], port = 0 }: How = {}): Promise<MpregNode> {
  const node = await createNode({
    discover: false,
    name,
    peers: peers.map(({ url }) => url),
    port,
    workers: 1,
    ...(data === undefined ? {} : { dataDir: join(root, data) }),
  });
  nodes.add(node);
  for (const peer of peers) await Promise.all([node.joined(60_000), peer.joined(60_000)]);
  return node;
}

async function clientOf(...of: readonly MpregNode[]): Promise<Client> {
  const client = await connect({ urls: of.map(({ url }) => url) });
  clients.push(client);
  return client;
}

const payloads = (messages: readonly TopicMessage[]) => messages.map(({ payload }) => payload);
const numbers = (from: number, through: number) => Array.from({ length: through - from + 1 }, (_, i) => from + i);

async function heard(messages: readonly TopicMessage[], count: number): Promise<void> {
  await until(
    `${count} messages`,
    () => messages.length,
    (length) => length >= count,
  );
}

describe.each([
  ['on disk', { data: 'disk' }],
  ['in memory', {}],
])('what is kept %s', (name, how) => {
  test('is read from where its reader says, and goes on with what comes', async () => {
    const alpha = await nodeOf('alpha', how);
    const client = await clientOf(alpha);
    const kept = await client.keep('order.#', { countMax: 6 });
    expect(kept).toMatchObject({ count: 0, durability: name.split(' ')[1], node: 'alpha', pattern: 'order.#' });
    for (const i of numbers(1, 4)) expect(await client.publish('order.eu', i)).toMatchObject({ kept: i });
    const all: TopicMessage[] = [];
    await client.subscribe('order.#', { from: 'first', onMessage: (message) => void all.push(message) });
    const two: TopicMessage[] = [];
    await client.subscribe('order.eu', { last: 2, onMessage: (message) => void two.push(message) });
    const fresh: TopicMessage[] = [];
    await client.subscribe('order.eu', { from: 'new', onMessage: (message) => void fresh.push(message) });
    await Promise.all(numbers(5, 9).map((i) => client.publish('order.eu', i, { headers: { user: '7' } })));
    await heard(all, 9);
    await heard(two, 7);
    await heard(fresh, 5);
    expect(payloads(all)).toEqual(numbers(1, 9));
    expect(all.map(({ sequence }) => sequence)).toEqual(numbers(1, 9));
    expect(payloads(two)).toEqual(numbers(3, 9));
    expect(fresh[0]).toMatchObject({ headers: { user: '7' }, missed: 0, payload: 5, sequence: 5, topic: 'order.eu' });
    const late: TopicMessage[] = [];
    await client.subscribe('order.#', { from: 2, onMessage: (message) => void late.push(message) });
    await heard(late, 6);
    expect([payloads(late), late[0]?.missed]).toEqual([numbers(4, 9), 2]);
  });
});

describe('over two nodes', () => {
  async function two(): Promise<[MpregNode, MpregNode]> {
    const alpha = await nodeOf('alpha', { data: 'two' });
    return [alpha, await nodeOf('beta', { peers: [alpha] })];
  }

  /** The node ends as in a crash, and starts anew where it was. */
  async function again(node: MpregNode, peers: readonly MpregNode[] = []): Promise<MpregNode> {
    nodes.delete(node);
    await node.kill();
    return nodeOf(node.name, { data: 'two', peers, port: Number(new URL(node.url).port) });
  }

  test('publishers and readers on either node get on with what one of them keeps', async () => {
    const [alpha, beta] = await two();
    const [there, here] = [await clientOf(alpha), await clientOf(beta)];
    await here.keep('cart.#', { node: 'alpha' });
    const plain: TopicMessage[] = [];
    await there.subscribe('cart.*', { everywhere: true, onMessage: (message) => void plain.push(message) });
    expect(await here.publish('cart.1', 'a')).toMatchObject({ kept: 1, local: 0, nodes: 1 });
    expect(await there.publish('cart.1', 'b')).toMatchObject({ kept: 2, local: 1, nodes: 0 });
    const read: TopicMessage[] = [];
    await here.subscribe('cart.#', { from: 'first', onMessage: (message) => void read.push(message) });
    await Promise.all(numbers(1, 500).map((i) => here.publish('cart.2', i)));
    for (const i of numbers(501, 1_000)) await here.publish('cart.2', i, { confirm: false });
    await heard(read, 1_002);
    expect(payloads(read)).toEqual(['a', 'b', ...numbers(1, 1_000)]);
    expect(read.map(({ sequence }) => sequence)).toEqual(numbers(1, 1_002));
    await heard(plain, 1_002);
    const [keeps] = await here.keeps();
    expect(keeps).toMatchObject({ found: [{ count: 1_002, first: 1, last: 1_002, pattern: 'cart.#' }], node: 'alpha' });
    await here.unkeep('cart.#');
  });

  test('who would get a message is told with its keep, its readers and the names whose readers are away', async () => {
    const alpha = await nodeOf('alpha');
    const beta = await nodeOf('beta', { peers: [alpha] });
    const client = await clientOf(beta);
    await client.keep('order.#', { node: 'alpha' });
    await client.keep('#', { memory: true, node: 'beta' });
    const gone = await client.subscribe('order.eu', { durable: 'books', from: 'new' });
    await gone.close();
    await client.subscribe(['order.us', 'order.*', 'order.eu.#'], { durable: 'bills', from: 'new' });
    await client.subscribe('order.#', { from: 'new' });
    await client.subscribe('order.eu');
    const seen = async (topic: string) => {
      const all = await client.matches(topic);
      return all.flatMap(({ node, found }) =>
        found.map(({ kind, name = '', pattern }) => `${node} ${kind} ${pattern} ${name}`),
      );
    };
    const all = [
      'alpha keep order.# ',
      'alpha name order.# books',
      'alpha reader order.# ',
      'alpha reader order.* bills',
      'alpha reader order.eu.# bills',
      'beta keep # ',
      'beta subscription order.eu ',
    ];
    await until(
      'the reader has gone',
      async () => (await seen('order.eu')).sort(),
      (now) => `${now}` === `${all}`,
    );
    expect(await seen('cart')).toEqual(['beta keep # ']);
    expect(await seen('mpreg.node.up')).toEqual([]);
    expect(await seen('_reply.nobody.there-that-anybody-knows')).toEqual([]);
  });

  test('a small message does not overtake a large one on its way to the keeper, nor on its way to a reader', async () => {
    const [, beta] = await two();
    const here = await clientOf(beta);
    await here.keep('mixed', { memory: true, node: 'alpha' });
    const large = 'x'.repeat(300_000);
    await Promise.all(numbers(1, 60).map((i) => here.publish('mixed', i % 7 === 0 ? [i, large] : [i])));
    const read: TopicMessage[] = [];
    await here.subscribe('mixed', { from: 'first', onMessage: (message) => void read.push(message) });
    await heard(read, 60);
    expect(read.map(({ payload }) => (payload as [number])[0])).toEqual(numbers(1, 60));
    expect(read.map(({ sequence }) => sequence)).toEqual(numbers(1, 60));
  });

  test('when the keeper comes back, what was confirmed is there, numbers go on, and readers notice nothing', async () => {
    const [alpha, beta] = await two();
    const here = await clientOf(beta);
    await here.keep('job.#', { node: 'alpha' });
    const read: TopicMessage[] = [];
    await here.subscribe('job.#', { from: 'first', onMessage: (message) => void read.push(message) });
    for (const i of numbers(1, 5)) await here.publish('job.a', i);
    const revived = await again(alpha, [beta]);
    await until(
      'alpha is seen',
      async () => (await here.members()).filter(({ state }) => state === 'alive').length,
      (n) => n === 2,
    );
    expect(await here.publish('job.a', 6)).toMatchObject({ kept: 6 });
    await heard(read, 6);
    expect([payloads(read), read.map(({ sequence }) => sequence)]).toEqual([numbers(1, 6), numbers(1, 6)]);
    expect(read.some(({ interrupted, missed }) => interrupted || missed > 0)).toBe(false);
    nodes.delete(revived);
    await revived.kill();
    await until(
      'alpha is gone',
      async () => (await here.members()).filter(({ state }) => state === 'alive').length,
      (n) => n === 1,
    );
    await expect(here.publish('job.a', 7)).rejects.toMatchObject({ problem: { code: 'keeper-away' } });
    await expect(here.subscribe('job.a', { last: 1 })).rejects.toMatchObject({ problem: { code: 'keeper-away' } });
    expect(await here.publish('other', 7)).toMatchObject({ local: 0, nodes: 0 });
  });

  test('a durable name goes on after what it acknowledged, and a second reader of it takes over', async () => {
    const [alpha, beta] = await two();
    const here = await clientOf(beta);
    await here.keep('bill.#', { node: 'alpha' });
    for (const i of numbers(1, 9)) await here.publish('bill.eu', i);
    const first = await here.subscribe('bill.#', { ack: 'manual', durable: 'books', from: 'first' });
    const reader = first[Symbol.asyncIterator]();
    for (const i of numbers(1, 6)) {
      const { value } = await reader.next();
      expect(value.payload).toBe(i);
      if (i !== 3 && i <= 5) value.ack();
    }
    const other = await clientOf(alpha);
    const second: TopicMessage[] = [];
    await other.subscribe('bill.#', { durable: 'books', onMessage: (message) => void second.push(message) });
    await expect(first.closed).rejects.toMatchObject({ problem: { code: 'exists-already' } });
    await heard(second, 7);
    expect(payloads(second)).toEqual(numbers(3, 9));
    const position = async () => (await here.keeps())[0]?.found.find(({ pattern }) => pattern === 'bill.#')?.names;
    await until('it is acknowledged', position, (names) => names?.[0]?.position === 9);
    expect(await here.forgetReader('bill.#', 'books')).toBe(true);
    expect(await here.forgetReader('bill.#', 'books')).toBe(false);
  });

  test('a reader whose node goes away goes on at the next one, with no gap and nothing twice', async () => {
    const [alpha, beta] = await two();
    const publisher = await clientOf(alpha);
    await publisher.keep('tick.#');
    const reader = await clientOf(beta, alpha);
    expect(reader.node.name).toBe('beta');
    const read: TopicMessage[] = [];
    await reader.subscribe('tick.#', { from: 'new', onMessage: (message) => void read.push(message) });
    for (const i of numbers(1, 3)) await publisher.publish('tick.1', i);
    await heard(read, 2);
    nodes.delete(beta);
    await beta.kill();
    for (const i of numbers(4, 9)) await publisher.publish('tick.1', i);
    await heard(read, 9);
    expect(payloads(read)).toEqual(numbers(1, 9));
    expect(read.some(({ interrupted, missed }) => interrupted || missed > 0)).toBe(false);
  });
});

describe('in any language', () => {
  test('a reader over another node gets frames of JSON, with their numbers, and acknowledges under its name', async () => {
    const alpha = await nodeOf('alpha');
    const beta = await nodeOf('beta', { peers: [alpha] });
    const client = await clientOf(alpha);
    await client.keep('log.#');
    for (const i of numbers(1, 3)) await client.publish('log.a', i, { headers: { n: `${i}` } });
    const socket = new WebSocket(beta.url, 'mpreg.v1.json');
    const got: Record<string, unknown>[] = [];
    socket.onmessage = ({ data }) => got.push(...([JSON.parse(String(data))].flat() as Record<string, unknown>[]));
    await once(socket, 'open');
    await heardFrames(got, 1); // its hello
    got.length = 0;
    const say = (...frames: object[]) => socket.send(JSON.stringify(frames));
    say({ durable: 'tail', from: 2, id: 1, kind: 'read', patterns: ['log.*'] });
    await heardFrames(got, 3);
    expect(got[0]).toMatchObject({ id: 1, kind: 'reading', next: 2 });
    expect(got[1]).toMatchObject({ headers: { n: '2' }, id: 1, kind: 'kept', sequence: 2, topic: 'log.a', value: 2 });
    say({ id: 1, kind: 'acknowledge', sequence: 2 });
    const position = async () => (await client.keeps())[0]?.found[0]?.names[0]?.position;
    await until('it is acknowledged', position, (seen) => seen === 2);
    say(
      { id: 1, kind: 'read', patterns: ['log.a'] },
      { id: 1, kind: 'unread' },
      { id: 2, kind: 'read', patterns: ['none'] },
    );
    await heardFrames(got, 5);
    expect(got.slice(3)).toMatchObject([
      { id: 1, kind: 'reading', problem: { code: 'protocol-violated' } },
      { id: 2, kind: 'reading', problem: { code: 'keep-unknown' } },
    ]);
    await until(
      'nobody reads',
      async () => (await client.keeps())[0]?.found[0]?.readers.length,
      (count) => count === 0,
    );
    socket.close();
  });

  test('a reader that takes nothing holds no more than its window, wherever it is, and misses nothing', async () => {
    const alpha = await nodeOf('alpha');
    const beta = await nodeOf('beta', { peers: [alpha] });
    const publisher = await clientOf(alpha);
    await publisher.keep('bulk', { bytesMax: 2 ** 30 });
    const reading = await (await clientOf(beta)).subscribe('bulk', { from: 'first' });
    const messages = reading[Symbol.asyncIterator]();
    const payload = 'x'.repeat(100_000);
    for (const i of numbers(1, 200)) await publisher.publish('bulk', `${i} ${payload}`);
    const [reader] = (await publisher.keeps())[0]?.found[0]?.readers ?? [];
    expect(reader?.sent).toBeLessThan(60);
    for (const i of numbers(1, 200)) {
      const { value } = await messages.next();
      expect([value.sequence, Number.parseInt(value.payload, 10)]).toEqual([i, i]);
    }
  });
});

async function heardFrames(frames: readonly unknown[], count: number): Promise<void> {
  await until(
    `${count} frames`,
    () => frames.length,
    (length) => length >= count,
  );
}

describe('what is refused', () => {
  test('is told with what to do about it', async () => {
    const alpha = await nodeOf('alpha');
    const client = await clientOf(alpha);
    const code = (code: string) => ({ problem: { code } });
    await expect(client.subscribe('order.eu', { last: 3 })).rejects.toMatchObject({
      problem: {
        code: 'keep-unknown',
        hint: expect.stringContaining("mpreg topic keep 'order.eu'"),
        message: expect.stringContaining('nothing is'),
      },
    });
    await client.keep('order.*');
    await expect(client.subscribe('order.#', { last: 3 })).rejects.toMatchObject(code('keep-unknown'));
    await expect(client.subscribe(['order.eu', 'cart'], { last: 3 })).rejects.toMatchObject(code('keep-unknown'));
    await expect(client.subscribe('order.eu', { from: 1, last: 3 })).rejects.toMatchObject(code('input-invalid'));
    await expect(client.subscribe('order.eu', { from: 0 })).rejects.toMatchObject(code('input-invalid'));
    await expect(client.subscribe('order.eu', { ack: 'manual' })).rejects.toMatchObject(code('input-invalid'));
    await expect(client.subscribe('order.eu', { group: 'g', last: 3 })).rejects.toMatchObject(code('input-invalid'));
    await expect(client.keep('order.pre*')).rejects.toMatchObject(code('topic-invalid'));
    await expect(client.keep('order.*', { countMax: 0 })).rejects.toMatchObject(code('input-invalid'));
    await expect(client.unkeep('cart')).rejects.toMatchObject(code('keep-unknown'));
    const beta = await nodeOf('beta', { peers: [alpha] });
    const other = await clientOf(beta);
    await expect(other.keep('order.*')).rejects.toMatchObject(code('exists-already'));
    const reading = await other.subscribe('order.eu', { from: 'new' });
    expect(await client.unkeep('order.*')).toMatchObject({ node: 'alpha', pattern: 'order.*' });
    await expect(reading.closed).rejects.toMatchObject(code('keep-unknown'));
  });
});

describe('over HTTP', () => {
  /** Events until there are `count` of them; then it hangs up. */
  async function events(url: string, count: number, lastEventId?: string) {
    const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
    const hangUp = new AbortController();
    const response = await fetch(url, { headers, signal: hangUp.signal });
    if (response.status !== 200) return { found: [], response };
    let text = '';
    const found = () =>
      [...text.matchAll(/id: (\S+)\ndata: (.*)\n\n/g)].map(([, id = '', data = '']) => ({ data, id }));
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      if (found().length >= count) break;
    }
    hangUp.abort();
    return { found: found().slice(0, count), response };
  }

  test('events of what is kept have ids, with which a reader that comes back goes on', async () => {
    const alpha = await nodeOf('alpha');
    const url = alpha.url.replace(/^ws/, 'http');
    const client = await clientOf(alpha);
    await client.keep('price.#');
    const published = await fetch(`${url}/v1/publish/price.tea`, {
      body: '1',
      headers: { 'content-type': 'application/json' },
      method: 'POST',
    });
    expect(await published.json()).toMatchObject({ kept: 1, local: 0, nodes: 0 });
    for (const i of numbers(2, 5)) await client.publish('price.tea', i);
    const first = await events(`${url}/v1/subscribe?pattern=price.%23&last=4`, 2);
    expect(first.found.map(({ data }) => (JSON.parse(data) as { payload: number }).payload)).toEqual([2, 3]);
    const [, last] = first.found;
    expect(last?.id).toMatch(/^3@alpha-/);
    const second = await events(`${url}/v1/subscribe?pattern=price.%23&last=4`, 2, last?.id);
    expect(second.found.map(({ data }) => (JSON.parse(data) as { sequence: number }).sequence)).toEqual([4, 5]);
    expect((await events(`${url}/v1/subscribe?pattern=cart&last=4`, 1)).response.status).toBe(404);
    expect((await events(`${url}/v1/subscribe?pattern=price.tea&last=few`, 1)).response.status).toBe(400);
    const lost = await fetch(`${url}/v1/subscribe?pattern=price.tea`, { headers: { 'last-event-id': 'garbage' } });
    expect([lost.status, await lost.json()]).toMatchObject([
      400,
      {
        error: {
          hint: expect.stringContaining('&last=10'),
          message: expect.stringContaining('Last-Event-ID: "garbage"'),
        },
      },
    ]);
    expect((await events(`${url}/v1/subscribe?pattern=price.tea`, 1, 'nonsense')).response.status).toBe(400);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toMatch(/mpreg_kept_stored_total 5\n/);
    expect(metrics).toMatch(/mpreg_kept\{what="messages"\} 5\n/);
  });
});
