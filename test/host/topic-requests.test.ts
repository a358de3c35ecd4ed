/** Requests and replies over topics, through real nodes of this process. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type Client,
  type ConnectOptions,
  connect,
  createNode,
  type MpregNode,
  ProblemError,
  problemError,
  type SubscribeOptions,
  type TopicMessage,
} from '../../src/engine/index.ts';
import { until } from '../acceptance/until.ts';

const nodes: MpregNode[] = [];
const clients: Client[] = [];

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await Promise.all(nodes.splice(0).map((node) => node.kill()));
});

async function start(name: string, peers: readonly MpregNode[] = []): Promise<MpregNode> {
  const node = await createNode({ discover: false, name, peers: peers.map(({ url }) => url), workers: 1 });
  nodes.push(node);
  if (peers.length > 0) await node.joined(60_000);
  return node;
}

async function clientOf(node: MpregNode, options: ConnectOptions = {}): Promise<Client> {
  const client = await connect({ urls: [node.url], ...options });
  clients.push(client);
  return client;
}

/** Somebody who answers on a node, known to all. */
async function responder(node: MpregNode, topic: string, onMessage: SubscribeOptions['onMessage'], group?: string) {
  const client = await clientOf(node);
  const shared = group === undefined ? {} : { group };
  return client.subscribe(topic, { everywhere: true, ...shared, ...(onMessage && { onMessage }) });
}

const doubled = ({ payload }: TopicMessage) => Number(payload) * 2;

describe('a request', () => {
  it('is answered by what onMessage returns, on whichever node', async () => {
    const alpha = await start('alpha');
    const beta = await start('beta', [alpha]);
    await responder(beta, 'double', doubled);
    const client = await clientOf(alpha);
    const { payload, headers, topic } = await client.request('double', 21, { headers: { user: '7' } });
    expect([payload, headers['mpreg-of'], topic.split('.').slice(0, 2)]).toEqual([
      42,
      expect.stringMatching(/\/1$/),
      ['_reply', alpha.id],
    ]);
    expect((await client.request('double', 4)).payload).toBe(8);
    const [own] = (await client.subscriptions()).filter(({ node }) => node === 'alpha');
    expect(own?.found.map(({ patterns }) => patterns)).toEqual([[`_reply.${alpha.id}.…`]]);
  });

  it('is seen by a responder as a message like any other that wants a reply, once', async () => {
    const alpha = await start('alpha');
    const seen: unknown[] = [];
    await responder(alpha, 'ask', async (message) => {
      seen.push(message.payload, message.headers['user'], message.wantsReply);
      await message.reply({ ok: true });
      seen.push(message.wantsReply);
      return 'not this';
    });
    const client = await clientOf(alpha);
    expect((await client.request('ask', null, { headers: { user: '7' } })).payload).toEqual({ ok: true });
    expect(seen).toEqual([null, '7', true, false]);
  });

  it('fails at once where nobody listens, and by its time where nobody replies', async () => {
    const alpha = await start('alpha');
    const client = await clientOf(alpha);
    await expect(client.request('void', 1)).rejects.toMatchObject({ code: 'no-responders' });
    await responder(alpha, 'silent', () => undefined);
    await expect(client.request('silent', 1, { timeoutMs: 50 })).rejects.toMatchObject({ code: 'timed-out' });
    await expect(client.request('a.*', 1)).rejects.toMatchObject({ code: 'topic-invalid' });
    await expect(client.request('mpreg.member', 1)).rejects.toMatchObject({ code: 'not-allowed' });
  });

  it('is rejected with what its responder throws or refuses with, and the responder goes on', async () => {
    const alpha = await start('alpha');
    const subscription = await responder(alpha, 'picky', ({ payload }) => {
      if (payload === 'throw') throw new TypeError('no such price');
      if (payload === 'refuse') throw problemError('not-allowed', 'you may not ask');
      if (payload === 'odd') return () => 1;
      return 'fine';
    });
    const client = await clientOf(alpha);
    const failure = await client.request('picky', 'throw').catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ProblemError);
    expect(failure).toMatchObject({ code: 'function-failed', problem: { cause: { message: 'no such price' } } });
    await expect(client.request('picky', 'refuse')).rejects.toMatchObject({ code: 'not-allowed' });
    await expect(client.request('picky', 'odd')).rejects.toMatchObject({ code: 'result-unencodable' });
    expect((await client.request('picky', '')).payload).toBe('fine');
    expect(subscription.missed).toBe(0);
  });

  it('goes to one member of a group, and requestMany hears all others who listen', async () => {
    const alpha = await start('alpha');
    const beta = await start('beta', [alpha]);
    for (const name of ['one', 'two']) await responder(alpha, 'vote', () => name, 'jury');
    await responder(beta, 'vote', () => 'three');
    const client = await clientOf(alpha);
    const heard: unknown[] = [];
    for await (const { payload } of client.requestMany('vote', 1, { replies: 2, timeoutMs: 5_000 }))
      heard.push(payload);
    expect(heard.sort()).toEqual([expect.stringMatching(/^one|two$/), 'three'].sort());
    const late: unknown[] = [];
    for await (const { payload } of client.requestMany('vote', 1, { timeoutMs: 300 })) late.push(payload);
    expect(late).toHaveLength(2);
  });

  it('of thousands at once each gets its own reply, and leaves nothing behind', async () => {
    const alpha = await start('alpha');
    const beta = await start('beta', [alpha]);
    await responder(beta, 'double', doubled, 'workers');
    await responder(alpha, 'double', doubled, 'workers');
    const client = await clientOf(alpha);
    const numbers = Array.from({ length: 3_000 }, (_, i) => i);
    const replies = await Promise.all(numbers.map((n) => client.request('double', n)));
    expect(replies.map(({ payload }) => payload)).toEqual(numbers.map((n) => n * 2));
  });

  it('ends with its link, and is repeated on the next one only where it may be', async () => {
    const alpha = await start('alpha');
    const beta = await start('beta', [alpha]);
    await responder(beta, 'slow', () => pause(400).then(() => 'done'));
    const client = await clientOf(alpha, { urls: [alpha.url, beta.url] });
    const once = client.request('slow', 1);
    const again = client.request('slow', 1, { idempotent: true });
    once.catch(() => undefined);
    await pause(100);
    await alpha.kill();
    await expect(once).rejects.toMatchObject({ code: 'link-lost' });
    expect((await again).payload).toBe('done');
    expect((await client.request('slow', 2)).payload).toBe('done');
  });

  it('can be taken back', async () => {
    const alpha = await start('alpha');
    await responder(alpha, 'silent', () => undefined);
    const client = await clientOf(alpha);
    const asking = client.request('silent', 1, { signal: AbortSignal.timeout(30) });
    await expect(asking).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('is heard with its reply by nobody else, whatever they listen to', async () => {
    const alpha = await start('alpha');
    const spied: string[] = [];
    await responder(alpha, '#', (message) => void spied.push(message.topic));
    await responder(alpha, 'secret', () => 'told');
    const client = await clientOf(alpha);
    await client.request('secret', 1);
    await client.publish('after', 1);
    await until(
      'the spy has heard the last',
      () => spied,
      (topics) => topics.includes('after'),
    );
    expect(spied).toEqual(['secret', 'after']);
    await expect(client.subscribe(`_reply.${alpha.id}.*`)).rejects.toMatchObject({ code: 'not-allowed' });
  });
});

describe('a publisher', () => {
  it('publishes in order, with no more under way than may be, and says what became of it', async () => {
    const alpha = await start('alpha');
    const heard: unknown[] = [];
    await responder(alpha, 'line.#', ({ payload }) => void heard.push(payload));
    const client = await clientOf(alpha);
    const publisher = client.publisher({ openMax: 10 });
    const numbers = Array.from({ length: 500 }, (_, i) => i);
    let most = 0;
    for (const n of numbers) {
      await publisher.publish('line.n', n);
      most = Math.max(most, publisher.counts.open);
    }
    await publisher.close();
    expect([most < 10, publisher.counts]).toEqual([true, { failed: 0, open: 0, published: 500 }]);
    await until(
      'all are heard',
      () => heard.length,
      (count) => count === 500,
    );
    expect(heard).toEqual(numbers);
    await expect(publisher.publish('line.n', 1)).rejects.toMatchObject({ code: 'usage-invalid' });
  });

  it('takes a stream, and its bytes make its writer wait', async () => {
    const alpha = await start('alpha');
    const client = await clientOf(alpha);
    const publisher = client.publisher({ bytesMax: 100_000 });
    const chunks = Array.from({ length: 20 }, () => new Uint8Array(60_000));
    await ReadableStream.from(chunks).pipeTo(publisher.writable('bytes'));
    expect(publisher.counts).toEqual({ failed: 0, open: 0, published: 20 });
  });

  it('does without confirmations where it is told to, and still knows when all is routed', async () => {
    const alpha = await start('alpha');
    const heard: unknown[] = [];
    await responder(alpha, 'line', ({ payload }) => void heard.push(payload));
    const client = await clientOf(alpha);
    const publisher = client.publisher({ confirm: false });
    const numbers = Array.from({ length: 2_000 }, (_, i) => i);
    for (const n of numbers) await publisher.publish('line', n, n % 7 === 0 ? { headers: { seventh: 'yes' } } : {});
    await publisher.publish('line', 'never so soon', { inMs: 60_000 });
    await publisher.close();
    await until(
      'all are heard',
      () => heard.length,
      (count) => count === 2_000,
    );
    expect([heard, publisher.counts.published]).toEqual([numbers, 2_001]);
    expect((await client.scheduled()).flatMap(({ found }) => found)).toHaveLength(1);
    const odd = client.publisher({ confirm: false });
    await expect(odd.publish('line', () => 1)).rejects.toMatchObject({ code: 'result-unencodable' });
    await expect(odd.close()).rejects.toMatchObject({ code: 'result-unencodable' });
  });

  it('ends with the first failure, which whoever comes next is told', async () => {
    const alpha = await start('alpha');
    const client = await clientOf(alpha);
    const publisher = client.publisher();
    await publisher.publish('fine', 1);
    await publisher.publish('mpreg.member', 2);
    await expect(publisher.flush()).rejects.toMatchObject({ code: 'not-allowed' });
    await expect(publisher.publish('fine', 3)).rejects.toMatchObject({ code: 'not-allowed' });
    expect(publisher.counts).toEqual({ failed: 1, open: 0, published: 1 });
  });
});
