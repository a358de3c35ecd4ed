/** Topics over plain HTTP, against nodes of this process and real sockets. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createNode, type MpregNode, type TopicMessage } from '../../src/engine/index.ts';
import { until } from '../acceptance/until.ts';

const KEY = 'a key for topics';
let open: MpregNode;
let locked: MpregNode;

beforeAll(async () => {
  open = await createNode({ discover: false, name: 'open', workers: 1 });
  locked = await createNode({ discover: false, key: new TextEncoder().encode(KEY), name: 'locked', workers: 1 });
});
afterAll(() => Promise.all([open.kill(), locked.kill()]));

const urlOf = (node: MpregNode, path: string) => `${node.url.replace(/^ws/, 'http').replace(/\/$/, '')}${path}`;

async function publish(node: MpregNode, path: string, body?: string, headers: Record<string, string> = {}) {
  const type = { 'content-type': 'application/json' };
  const response = await fetch(urlOf(node, path), {
    body: body ?? '',
    headers: { ...type, ...headers },
    method: 'POST',
  });
  return { answer: (await response.json()) as Record<string, unknown>, status: response.status };
}

/** Reads server-sent events until it is told to stop. */
async function follow(node: MpregNode, query: string, headers: Record<string, string> = {}) {
  const stop = new AbortController();
  const response = await fetch(urlOf(node, `/v1/subscribe?${query}`), { headers, signal: stop.signal });
  let text = '';
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) text += decoder.decode(chunk, { stream: true });
  })().catch(() => undefined);
  const events = () =>
    [...text.matchAll(/^data: (.*)$/gm)].map(([, json = '']) => JSON.parse(json) as Record<string, unknown>);
  const end = async () => {
    stop.abort();
    await reading;
  };
  return { end, events, response };
}

describe('over HTTP', () => {
  test('a request is answered with what is replied, or with why it is not', async () => {
    const client = await open.client();
    const onMessage = ({ payload }: TopicMessage) => {
      if (payload === 'salt') throw new RangeError('no salt');
      return { at: new Date(0), cents: payload === 'tea' ? 250 : 0 };
    };
    const prices = await client.subscribe('price.get', { onMessage });
    const silent = await client.subscribe('silent', { onMessage: () => undefined });
    expect(await publish(open, '/v1/publish/price.get?request=true', '"tea"')).toEqual({
      answer: {
        headers: { 'mpreg-of': expect.any(String) },
        id: expect.any(String),
        payload: { at: { $date: '1970-01-01T00:00:00.000Z' }, cents: 250 },
        publisher: expect.any(String),
        time: expect.stringMatching(/Z$/),
      },
      status: 200,
    });
    const statuses = async (path: string, body = '1') => (await publish(open, `/v1/publish/${path}`, body)).status;
    expect(await statuses('price.get?request=true', '"salt"')).toBe(500);
    expect(await statuses('void?request=true')).toBe(503);
    expect(await statuses('silent?request=true&timeout=50ms')).toBe(504);
    expect(await statuses('price.get?request=perhaps')).toBe(400);
    expect(await statuses('price.get?request=true&in=5s')).toBe(400);
    await Promise.all([prices.close(), silent.close()]);
    await client.close();
  });

  test('a message is published later', async () => {
    const reader = await follow(open, 'pattern=later.%23');
    const { answer, status } = await publish(open, '/v1/publish/later.it?in=200ms', '{"a":1}');
    const later = { at: expect.stringMatching(/Z$/) as string, durable: false, node: 'open' };
    expect([status, answer]).toEqual([200, { id: expect.any(String), later }]);
    await until(
      'it is there',
      () => reader.events().length,
      (count) => count >= 1,
    );
    expect(reader.events()).toMatchObject([{ id: answer['id'], payload: { a: 1 }, topic: 'later.it' }]);
    await reader.end();
    const at = new Date(Date.now() + 60_000).toISOString();
    expect((await publish(open, `/v1/publish/a?at=${at}`, '1')).answer['later']).toMatchObject({ at });
    expect((await publish(open, '/v1/publish/a?at=soon', '1')).status).toBe(400);
    expect((await publish(open, '/v1/publish/a?in=5', '1')).status).toBe(400);
    expect((await publish(open, `/v1/publish/a?in=5s&at=${at}`, '1')).status).toBe(400);
  });

  test('messages are published as JSON and read as events, until the reader goes away', async () => {
    const reader = await follow(open, 'pattern=order.%23&pattern=cart.*');
    expect(reader.response.headers.get('content-type')).toBe('text/event-stream');
    const { answer, status } = await publish(
      open,
      '/v1/publish/order.eu?header=user=7',
      '{"at":{"$date":"2026-01-01T00:00:00.000Z"}}',
    );
    expect([status, answer]).toEqual([200, { id: expect.any(String), local: 1, nodes: 0 }]);
    await publish(open, '/v1/publish/cart.1');
    await publish(open, '/v1/publish/other', '1');
    await until(
      'both are there',
      () => reader.events().length,
      (count) => count >= 2,
    );
    expect(reader.events()).toEqual([
      {
        attempt: 1,
        headers: { user: '7' },
        id: answer['id'],
        interrupted: false,
        missed: 0,
        payload: { at: { $date: '2026-01-01T00:00:00.000Z' } },
        publisher: expect.any(String),
        redelivered: false,
        retained: false,
        time: expect.stringMatching(/Z$/),
        topic: 'order.eu',
      },
      expect.objectContaining({ headers: {}, payload: null, topic: 'cart.1' }),
    ]);
    await reader.end();
    const local = async () => (await publish(open, '/v1/publish/order.eu')).answer['local'];
    await until('the node knows that the reader is gone', local, (count) => count === 0);
  });

  test('members of a group share messages', async () => {
    const readers = [
      await follow(open, 'pattern=job&group=g'),
      await follow(open, 'pattern=job&group=g&policy=drop-newest'),
    ];
    for (let i = 0; i < 6; i++) await publish(open, '/v1/publish/job', `${i}`);
    await until(
      'all are there',
      () => readers.flatMap(({ events }) => events()).length,
      (count) => count === 6,
    );
    expect(readers.map(({ events }) => events().length)).toEqual([3, 3]);
    for (const { end } of readers) await end();
  });

  test.each([
    ['/v1/publish/order.*', 400, 'topic-invalid'],
    ['/v1/publish/mpreg.member', 403, 'not-allowed'],
    ['/v1/publish/a?color=red', 400, 'input-invalid'],
    ['/v1/publish/a?header=none', 400, 'input-invalid'],
    ['/v1/publish/%E0', 400, 'input-invalid'],
    ['/v1/subscribe', 405, 'input-invalid'],
  ])('POST %s is answered with %i, %s', async (path, status, code) => {
    expect(await publish(open, path, '1')).toMatchObject({ answer: { error: { code } }, status });
  });

  test.each([
    ['', 400, 'topic-invalid'],
    ['pattern=pre*', 400, 'topic-invalid'],
    ['pattern=a&policy=never', 400, 'input-invalid'],
    ['pattern=a&color=red', 400, 'input-invalid'],
  ])('GET /v1/subscribe?%s is answered with %i, %s', async (query, status, code) => {
    const response = await fetch(urlOf(open, `/v1/subscribe?${query}`));
    expect([response.status, await response.json()]).toMatchObject([status, { error: { code } }]);
  });

  test('a node with a key wants it, from publishers and from readers', async () => {
    const bearer = { authorization: `Bearer ${KEY}` };
    expect((await fetch(urlOf(locked, '/v1/subscribe?pattern=a'))).status).toBe(401);
    expect((await publish(locked, '/v1/publish/a', '1')).status).toBe(401);
    const reader = await follow(locked, 'pattern=a', bearer);
    expect((await publish(locked, '/v1/publish/a', '1', bearer)).answer).toMatchObject({ local: 1 });
    await until(
      'it is there',
      () => reader.events().length,
      (count) => count === 1,
    );
    await reader.end();
  });

  test('a page of another site reads nothing', async () => {
    const response = await fetch(urlOf(open, '/v1/subscribe?pattern=a'), {
      headers: { 'sec-fetch-site': 'cross-site' },
    });
    expect(response.status).toBe(403);
    await response.body?.cancel();
  });
});
