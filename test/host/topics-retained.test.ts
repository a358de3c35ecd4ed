/** Retained messages, through real nodes of this process. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { type Client, connect, createNode, type MpregNode, type TopicMessage } from '../../src/engine/index.ts';
import { until } from '../acceptance/until.ts';

const nodes: MpregNode[] = [];
const clients: Client[] = [];

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await Promise.all(nodes.splice(0).map((node) => node.kill()));
});

async function start(name: string, ...peers: MpregNode[]): Promise<MpregNode> {
  const node = await createNode({ discover: false, name, peers: peers.map(({ url }) => url), workers: 1 });
  nodes.push(node);
  if (peers.length > 0) await Promise.all([node, ...peers].map((one) => one.joined(5_000)));
  return node;
}

async function clientOf(node: MpregNode): Promise<Client> {
  const client = await connect({ reconnect: false, urls: [node.url] });
  clients.push(client);
  return client;
}

type Heard = [topic: string, payload: unknown, retained: boolean];

async function listener(node: MpregNode, ...patterns: string[]): Promise<Heard[]> {
  const heard: Heard[] = [];
  const client = await clientOf(node);
  const onMessage = ({ payload, retained, topic }: TopicMessage) => void heard.push([topic, payload, retained]);
  await client.subscribe(patterns, { everywhere: true, onMessage });
  return heard;
}

async function counted(heard: readonly Heard[], count: number): Promise<void> {
  await until(
    `${count} are heard`,
    () => heard.length,
    (n) => n >= count,
    10_000,
  );
  await pause(50);
}

const retain = { retain: true } as const;

describe('a new subscriber', () => {
  it('gets the newest retained message of each matching topic first, once, then what comes; on every node', async () => {
    const alpha = await start('alpha');
    const beta = await start('beta', alpha);
    const publisher = await clientOf(alpha);
    await publisher.publish('price.tea', 1, retain);
    await publisher.publish('price.milk', 2, retain);
    await publisher.publish('price.tea', 3, retain);
    await publisher.publish('price.tea', 'not retained');
    await publisher.publish('cart.eu', 4, retain);
    for (const node of [alpha, beta]) {
      const heard = await listener(node, 'price.*', '#.tea');
      await counted(heard, 2);
      expect(heard).toEqual([
        ['price.milk', 2, true],
        ['price.tea', 3, true],
      ]);
      await publisher.publish('price.milk', node.name, retain);
      await counted(heard, 3);
      expect(heard.slice(2)).toEqual([['price.milk', node.name, false]]);
      await publisher.publish('price.milk', 2, retain);
      await publisher.publish('price.tea', 3, retain);
    }
  });

  it('on a node that joins later gets it as well, and after all others have gone', async () => {
    const alpha = await start('alpha');
    const publisher = await clientOf(alpha);
    for (let i = 0; i < 300; i++) await publisher.publish(`price.${i}`, i, retain);
    const beta = await start('beta', alpha);
    const early = await listener(beta, 'price.#');
    await counted(early, 300);
    expect(early).toHaveLength(300);
    expect(early.every(([topic, payload, retained]) => retained && topic === `price.${payload}`)).toBe(true);
    await alpha.kill();
    const late = await listener(beta, 'price.7');
    await counted(late, 1);
    expect(late).toEqual([['price.7', 7, true]]);
  });

  it('gets nothing of what was cleared, also on a node that was away', async () => {
    const alpha = await start('alpha');
    const beta = await start('beta', alpha);
    const publisher = await clientOf(alpha);
    const heard = await listener(beta, 'price.tea');
    await publisher.publish('price.tea', 1, retain);
    expect(await publisher.publish('price.tea', null, { retain: 'clear' })).toMatchObject({ local: 0, nodes: 1 });
    await counted(heard, 1);
    expect(heard).toEqual([['price.tea', 1, false]]);
    const gamma = await start('gamma', alpha, beta);
    await publisher.publish('price.milk', 2, retain);
    for (const node of [alpha, beta, gamma]) {
      const late = await listener(node, 'price.#');
      await counted(late, 1);
      expect(late).toEqual([['price.milk', 2, true]]);
    }
  });

  it('gets all of a great many, however little may wait for it', async () => {
    const alpha = await start('alpha');
    const publisher = await clientOf(alpha);
    await Promise.all(Array.from({ length: 3_000 }, (_, i) => publisher.publish(`n.${i}`, i, retain)));
    const client = await clientOf(alpha);
    const seen = new Set<unknown>();
    const onMessage = ({ payload }: TopicMessage) => void seen.add(payload);
    const subscription = await client.subscribe('n.*', { messagesMax: 10, onMessage });
    await until(
      'all are heard',
      () => seen.size,
      (n) => n === 3_000,
      10_000,
    );
    expect(subscription.missed).toBe(0);
  });
});

describe('what two nodes retained while they did not know of each other', () => {
  it('becomes the same on both, and whoever listens hears what was new, once', async () => {
    const alpha = await start('alpha');
    const beta = await start('beta');
    const [a, b] = [await clientOf(alpha), await clientOf(beta)];
    await a.publish('price.tea', 'older', retain);
    await a.publish('price.milk', 'of alpha', retain);
    const heard = await listener(alpha, 'price.#');
    await pause(5);
    await b.publish('price.tea', 'newer', retain);
    await b.publish('price.salt', 'of beta', retain);
    const gamma = await start('gamma', alpha, beta);
    await counted(heard, 4);
    expect(heard.slice(2).sort()).toEqual([
      ['price.salt', 'of beta', true],
      ['price.tea', 'newer', true],
    ]);
    for (const node of [alpha, beta, gamma]) {
      const late = await listener(node, 'price.#');
      await counted(late, 3);
      expect(late.map(([topic, payload]) => `${topic} ${payload}`).sort()).toEqual([
        'price.milk of alpha',
        'price.salt of beta',
        'price.tea newer',
      ]);
    }
    await pause(100);
    expect(heard).toHaveLength(4);
  });
});
