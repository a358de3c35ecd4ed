/** Topics as a program sees them, through real nodes of this process. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type Client,
  connect,
  createNode,
  type MpregNode,
  type SubscribeOptions,
  type Subscription,
  type TopicMessage,
} from '../../src/engine/index.ts';
import { until } from '../acceptance/until.ts';

const nodes: MpregNode[] = [];
const clients: Client[] = [];

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await Promise.all(nodes.splice(0).map((node) => node.kill()));
});

async function start(name: string, peers: readonly MpregNode[] = [], port = 0): Promise<MpregNode> {
  const node = await createNode({ discover: false, name, peers: peers.map(({ url }) => url), port, workers: 1 });
  nodes.push(node);
  if (peers.length > 0) await node.joined(60_000);
  return node;
}

async function clientOf(node: MpregNode): Promise<Client> {
  const client = await connect({ urls: [node.url] });
  clients.push(client);
  return client;
}

/** A client of a node, and what it hears. */
async function listener(node: MpregNode, patterns: string | string[], options: SubscribeOptions = {}) {
  const heard: TopicMessage[] = [];
  const client = await clientOf(node);
  const onMessage = (message: TopicMessage) => void heard.push(message);
  const subscription = await client.subscribe(patterns, { onMessage, ...options });
  return { client, heard, subscription };
}

async function take(subscription: Subscription, count: number): Promise<TopicMessage[]> {
  const taken: TopicMessage[] = [];
  for await (const message of subscription) if (taken.push(message) >= count) break;
  return taken;
}

const all = (count: number) => Array.from({ length: count }, (_, i) => i);

describe('a message', () => {
  it('arrives as it was published, with who, when and what it is known by', async () => {
    const alpha = await start('alpha');
    const publisher = await clientOf(alpha);
    const { heard } = await listener(alpha, ['order.#', 'order.*']);
    const published = await publisher.publish('order.eu', { total: 7n }, { headers: { user: '7' } });
    await until(
      'it is heard',
      () => heard.length,
      (n) => n > 0,
    );
    expect(published).toEqual({ id: heard[0]?.id, local: 1, nodes: 0 });
    expect(heard).toEqual([
      {
        attempt: 1,
        headers: { user: '7' },
        id: `${heard[0]?.publisher}/1`,
        interrupted: false,
        missed: 0,
        payload: { total: 7n },
        publisher: expect.stringMatching(/^[0-9A-Z]{16}$/),
        redelivered: false,
        retained: false,
        time: expect.any(Number),
        topic: 'order.eu',
      },
    ]);
    expect(Math.abs(Date.now() - (heard[0]?.time ?? 0))).toBeLessThan(10_000);
  });

  it('of any size keeps its place among those of its publisher, across nodes', async () => {
    const alpha = await start('alpha');
    const beta = await start('beta', [alpha]);
    const publisher = await clientOf(alpha);
    const { heard } = await listener(beta, 'sized', { everywhere: true });
    const sizes = [10, 900_000, 20, 70_000, 2_000_000, 30];
    for (const [i, size] of sizes.entries()) {
      void publisher.publish('sized', { bytes: new Uint8Array(size), i }, { confirm: false });
    }
    await until(
      'all are heard',
      () => heard.length,
      (n) => n === sizes.length,
    );
    const got = heard.map(({ payload }) => payload as { bytes: Uint8Array; i: number });
    expect(got.map(({ i, bytes }) => [i, bytes.length])).toEqual(sizes.map((size, i) => [i, size]));
  });

  it('without confirmation still has all that is asked for', async () => {
    const alpha = await start('alpha');
    const publisher = await clientOf(alpha);
    await publisher.publish('last', 'old', { confirm: false });
    await publisher.publish('last', 'newest', { confirm: false, headers: { user: '7' }, retain: true });
    await publisher.publish('last', 'older', { confirm: true });
    const { heard } = await listener(alpha, 'last');
    await until(
      'it is heard',
      () => heard.length,
      (n) => n > 0,
    );
    expect(heard).toMatchObject([{ headers: { user: '7' }, payload: 'newest' }]);
  });

  it('is refused where its topic is none, is the mesh’s own, or it cannot be encoded', async () => {
    const alpha = await start('alpha');
    const client = await clientOf(alpha);
    await expect(client.publish('order.*', 1)).rejects.toMatchObject({ code: 'topic-invalid' });
    await expect(client.publish('mpreg.member', 1)).rejects.toMatchObject({ code: 'not-allowed' });
    await expect(client.publish('order', () => 1)).rejects.toMatchObject({ code: 'result-unencodable' });
    await expect(client.subscribe('pre*')).rejects.toMatchObject({ code: 'topic-invalid' });
  });
});

describe('a subscription', () => {
  it('is iterated, and is over when the loop is left', async () => {
    const alpha = await start('alpha');
    const client = await clientOf(alpha);
    const subscription = await client.subscribe('tick');
    for (const i of all(5)) await client.publish('tick', i);
    expect((await take(subscription, 3)).map(({ payload }) => payload)).toEqual([0, 1, 2]);
    await subscription.closed;
    await until(
      'the node has forgotten it',
      async () => (await client.subscriptions())[0]?.found,
      (found) => !found?.length,
    );
    expect(await client.publish('tick', 9)).toMatchObject({ local: 0 });
  });

  it('ends by what its onMessage throws, and says so', async () => {
    const alpha = await start('alpha');
    const onMessage = () => {
      throw new TypeError('no such order');
    };
    const { client, subscription } = await listener(alpha, 'tick', { onMessage });
    await client.publish('tick', 1);
    await expect(subscription.closed).rejects.toMatchObject({
      code: 'function-failed',
      problem: { cause: { message: 'no such order', name: 'TypeError' } },
    });
  });

  it('is made again on a node that comes back, and tells that nobody knows what was missed', async () => {
    const alpha = await start('alpha');
    const { heard, subscription } = await listener(alpha, 'tick');
    await (await clientOf(alpha)).publish('tick', 'before');
    await until(
      'it is heard',
      () => heard.length,
      (n) => n === 1,
    );
    await alpha.kill();
    const again = await start('alpha', [], Number(new URL(alpha.url).port));
    const publisher = await clientOf(again);
    const publish = async () => (await publisher.publish('tick', 'after')).local;
    await until('the subscription is effective again', publish, (local) => local === 1);
    await until(
      'it is heard',
      () => heard.length,
      (n) => n === 2,
    );
    expect(heard.map(({ interrupted, payload }) => [payload, interrupted])).toEqual([
      ['before', false],
      ['after', true],
    ]);
    expect(subscription.interruptions).toBe(1);
  });

  it('ends with the connection of a client that does not connect again', async () => {
    const alpha = await start('alpha');
    const client = await connect({ reconnect: false, urls: [alpha.url] });
    const subscription = await client.subscribe('tick');
    await alpha.kill();
    await expect(take(subscription, 1)).rejects.toMatchObject({ code: 'link-lost' });
    await expect(subscription.closed).rejects.toMatchObject({ code: 'link-lost' });
  });
});

describe('a subscriber that is slow', () => {
  const COUNT = 3_000;
  const payload = (i: number) => ({ bytes: new Uint8Array(4_000), i });
  const numbers = (messages: readonly TopicMessage[]) => messages.map(({ payload }) => (payload as { i: number }).i);

  /** Publishes far more than may wait anywhere, while the subscriber takes nothing; then it takes what is left. */
  async function flood(options: SubscribeOptions) {
    const alpha = await start('alpha');
    const gate = Promise.withResolvers<void>();
    const heard: TopicMessage[] = [];
    const onMessage = async (message: TopicMessage) => {
      await gate.promise;
      heard.push(message);
    };
    const { client, subscription } = await listener(alpha, 'flood', { messagesMax: 50, onMessage, ...options });
    const publisher = await clientOf(alpha);
    for (const i of all(COUNT)) await publisher.publish('flood', payload(i), { confirm: false });
    await publisher.publish('other', 1);
    const [seen] = (await client.subscriptions())[0]?.found ?? [];
    gate.resolve();
    return { heard, publisher, seen, subscription };
  }

  it('sees the newest with drop-oldest, and is told in its place how many it missed', async () => {
    const { heard, publisher, seen } = await flood({ policy: 'drop-oldest' });
    await until(
      'the last is heard',
      () => numbers(heard).at(-1),
      (last) => last === COUNT - 1,
    );
    expect(seen).toMatchObject({ policy: 'drop-oldest', waiting: 50 });
    const metrics = await (await fetch(`${publisher.node.url.replace('ws', 'http')}/metrics`)).text();
    expect(metrics).toContain(`\nmpreg_topics_dropped_total ${seen?.dropped}\n`);
    expect(metrics).toContain(`\nmpreg_topics_published_total ${COUNT + 1}\n`);
    expect(metrics).toContain(`\nmpreg_topics_delivered_total ${COUNT - (seen?.dropped ?? 0)}\n`);
    const dropped = heard.reduce((sum, { missed }) => sum + missed, 0);
    expect(heard.length + dropped).toBe(COUNT);
    expect(dropped).toBeGreaterThan(1_000);
    expect(seen?.dropped).toBe(dropped);
    const gap = heard.findIndex(({ missed }) => missed > 0);
    expect(numbers(heard)).toEqual([...all(gap), ...all(50).map((i) => COUNT - 50 + i)]);
  });

  it('sees what came first with drop-newest, and is told the rest was dropped', async () => {
    const { heard, publisher, subscription } = await flood({ policy: 'drop-newest' });
    await until(
      'all is accounted for',
      () => heard.length + subscription.missed,
      (sum) => sum === COUNT,
    );
    expect(numbers(heard)).toEqual(all(heard.length));
    await publisher.publish('flood', payload(-1));
    await until(
      'it is heard',
      () => numbers(heard).at(-1),
      (last) => last === -1,
    );
    expect(heard.at(-1)?.missed).toBe(COUNT - heard.length + 1);
  });

  it('ends with disconnect, and is told why', async () => {
    const { subscription } = await flood({ policy: 'disconnect' });
    await expect(subscription.closed).rejects.toMatchObject({ code: 'limit-exceeded' });
  });

  it.each([
    ['its publisher', 'alpha'],
    ['its publisher on another node', 'beta'],
  ])('holds %s with block, and misses nothing', async (_, where) => {
    const alpha = await start('alpha');
    const gate = Promise.withResolvers<void>();
    const heard: TopicMessage[] = [];
    const onMessage = async (message: TopicMessage) => {
      await gate.promise;
      heard.push(message);
    };
    await listener(alpha, 'flood', { messagesMax: 50, onMessage, policy: 'block' });
    const publisher = await clientOf(where === 'alpha' ? alpha : await start(where, [alpha]));
    const other = await clientOf(where === 'alpha' ? alpha : (nodes[1] as MpregNode));
    await until(
      'its node knows of the subscriber',
      async () => {
        const { local = 0, nodes: others = 0 } = await publisher.publish('flood', 'first');
        return local + others;
      },
      (count) => count > 0,
    );
    let published = 0;
    const publishing = (async () => {
      for (const i of all(COUNT)) {
        await publisher.publish('flood', payload(i));
        published++;
      }
    })();
    let before = -1;
    const stands = () => {
      const same = published > 0 && published === before;
      before = published;
      return pause(150).then(() => same);
    };
    await until('the publisher stands still', stands, (still) => still);
    expect(published).toBeLessThan(COUNT);
    await other.publish('elsewhere', 'is not held', { timeoutMs: 2_000 });
    gate.resolve();
    await publishing;
    await until(
      'all are heard',
      () => heard.length,
      (n) => n === COUNT + 1,
    );
    expect(heard.shift()?.payload).toBe('first');
    expect(numbers(heard)).toEqual(all(COUNT));
    expect(heard.every(({ missed }) => missed === 0)).toBe(true);
  });
});

describe('two that are slow subscribers of each other, on two nodes', () => {
  it('never wait for each other for good: each hears the other, or is told what it missed', async () => {
    const alpha = await start('alpha');
    const beta = await start('beta', [alpha]);
    const heard = [0, 0];
    const ends: Client[] = [await clientOf(alpha), await clientOf(beta)];
    const missed = [0, 0];
    const onMessage = (who: number) => async (message: TopicMessage) => {
      missed[who] = (missed[who] ?? 0) + message.missed;
      heard[who] = (heard[who] ?? 0) + 1;
      if ((heard[who] ?? 0) % 50 === 0) await pause(5);
    };
    for (const who of [0, 1]) {
      const options = { everywhere: true, messagesMax: 20, onMessage: onMessage(who), policy: 'block' } as const;
      await ends[who]?.subscribe(`to.${who}`, options);
    }
    const payload = new Uint8Array(64_000);
    await Promise.all(
      [0, 1].map(async (who) => {
        for (let i = 0; i < 500; i++) await ends[who]?.publish(`to.${1 - who}`, payload, { confirm: false });
      }),
    );
    for (const who of [0, 1]) {
      await until(
        'all are heard, or told as missed',
        () => (heard[who] ?? 0) + (missed[who] ?? 0),
        (n) => n === 500,
      );
    }
  });
});

describe('who asks', () => {
  it('sees the subscriptions of all nodes, and which of them a topic reaches', async () => {
    const alpha = await start('alpha');
    const beta = await start('beta', [alpha]);
    const { client } = await listener(alpha, ['order.#', 'cart']);
    await listener(beta, '*.eu', { group: 'billing' });
    const found = await client.subscriptions();
    expect(found.map(({ node, found }) => [node, found.map(({ patterns, group }) => [patterns, group])])).toEqual([
      ['alpha', [[['order.#', 'cart'], undefined]]],
      ['beta', [[['*.eu'], 'billing']]],
    ]);
    expect((await client.matches('order.eu')).map(({ found }) => found.map(({ pattern }) => pattern))).toEqual([
      ['order.#'],
      ['*.eu'],
    ]);
    await expect(client.matches('order.#')).rejects.toMatchObject({ code: 'topic-invalid' });
  });
});
