/** What the mesh itself says over topics, on real nodes of this process; and that the document lists it. */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { SYSTEM_TOPICS, SystemTopics } from '../../src/engine/host/topics/system-topics.ts';
import { type Client, connect, createNode, type MpregNode, type TopicMessage } from '../../src/engine/index.ts';
import { until } from '../acceptance/until.ts';

const nodes: MpregNode[] = [];
const clients: Client[] = [];

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await Promise.all(nodes.splice(0).map((node) => node.kill()));
});

async function start(name: string, peers: readonly MpregNode[] = [], inline: (() => unknown)[] = []) {
  const functions = inline.map((run) => ({ name: run.name, run }));
  const about = { discover: false, inline: functions, name, peers: peers.map(({ url }) => url), workers: 1 };
  const node = await createNode(about);
  nodes.push(node);
  if (peers.length > 0) await node.joined(60_000);
  return node;
}

async function clientOf(node: MpregNode): Promise<Client> {
  const client = await connect({ urls: [node.url] });
  clients.push(client);
  return client;
}

async function listener(node: MpregNode, pattern: string, more: object = {}) {
  const heard: TopicMessage[] = [];
  const client = await clientOf(node);
  const onMessage = (message: TopicMessage) => void heard.push(message);
  const subscription = await client.subscribe(pattern, { everywhere: true, onMessage, ...more });
  return { client, heard, subscription };
}

const topics = (heard: readonly TopicMessage[]) => heard.map(({ topic }) => topic);

describe('the mesh', () => {
  test('says to listeners on a node, once, what that node sees of others', async () => {
    const alpha = await start('alpha');
    const beta = await start('beta', [alpha]);
    const { heard } = await listener(alpha, 'mpreg.#');
    const deaf = await listener(beta, 'order.#');
    function price() {
      return 1;
    }
    const gamma = await start('gamma.eu', [alpha], [price]);
    await until(
      'gamma is seen',
      () => topics(heard),
      (seen) => seen.includes('mpreg.function.added.price') && seen.includes('mpreg.member.alive.gamma.eu'),
    );
    await gamma.leave();
    await until(
      'it is gone',
      () => topics(heard),
      (seen) => seen.includes('mpreg.member.left.gamma.eu') && seen.includes('mpreg.link.down.gamma.eu'),
    );
    const [left, ...more] = heard.filter(({ topic }) => topic.startsWith('mpreg.member.left'));
    expect(left?.payload).toMatchObject({ by: 'alpha', name: 'gamma.eu', reason: expect.any(String), state: 'left' });
    expect([more, deaf.heard]).toEqual([[], []]);
    for (const { payload } of heard) expect(payload).toMatchObject({ by: 'alpha' });
  });

  test('says everywhere which calls failed on whose node', async () => {
    function fail() {
      throw new RangeError('no such price');
    }
    const alpha = await start('alpha', [], [fail]);
    const beta = await start('beta', [alpha]);
    const { heard } = await listener(beta, 'mpreg.call.#');
    const client = await clientOf(alpha);
    await client.call('fail').catch(() => undefined);
    await client.call('void').catch(() => undefined);
    await client.subscribe('pre*').catch(() => undefined);
    await until(
      'both are heard',
      () => heard.length,
      (n) => n >= 2,
    );
    await pause(50);
    expect(topics(heard)).toEqual(['mpreg.call.failed.fail', 'mpreg.call.failed.void']);
    expect(heard[0]?.payload).toMatchObject({ by: 'alpha', code: 'function-failed', fun: 'fail' });
    expect(heard[1]?.payload).toMatchObject({ by: 'alpha', code: 'function-unknown' });
  });

  test('says everywhere what is kept, and what no longer', async () => {
    const alpha = await start('alpha');
    const beta = await start('beta', [alpha]);
    const { heard } = await listener(beta, 'mpreg.topic.#');
    const client = await clientOf(alpha);
    await client.keep('order.#', { countMax: 7 });
    await client.unkeep('order.#');
    await until(
      'both are heard',
      () => heard.length,
      (n) => n >= 2,
    );
    expect(topics(heard)).toEqual(['mpreg.topic.kept.alpha', 'mpreg.topic.unkept.alpha']);
    const limits = { bytesMax: expect.any(Number) as number, countMax: 7, durability: 'memory' };
    expect(heard[0]?.payload).toEqual({ by: 'alpha', pattern: 'order.#', ...limits });
  });

  test('says everywhere whose messages were dropped', async () => {
    const alpha = await start('alpha');
    const beta = await start('beta', [alpha]);
    const { heard } = await listener(beta, 'mpreg.topic.*.alpha');
    const held = Promise.withResolvers<void>();
    const slow = await listener(alpha, 'flood', { messagesMax: 10, onMessage: () => held.promise });
    const publisher = await clientOf(alpha);
    for (let i = 0; i < 60; i++) await publisher.publish('flood', new Uint8Array(200_000));
    await until(
      'drops are told',
      () => heard.length,
      (n) => n > 0,
    );
    held.resolve();
    const { subscriptions, by, lost } = (heard[0]?.payload ?? {}) as Record<string, unknown>;
    expect([by, lost]).toEqual(['alpha', 0]);
    expect(subscriptions).toEqual([
      { client: expect.any(String), dropped: expect.any(Number), id: expect.any(Number), patterns: ['flood'] },
    ]);
    await slow.subscription.close();
  });
});

describe('of what happened', () => {
  test('nothing is made where nobody listens, and beyond the limit only how much was left out', () => {
    let made = 0;
    let at = 0;
    let listens = false;
    const said: object[] = [];
    const system = new SystemTopics({
      by: 'alpha',
      counts: () => ({ dropped: 0, lost: 0 }),
      now: () => at,
      say: (_topic, _forAll, make) => {
        if (!listens) return false;
        made++;
        said.push(make());
        return true;
      },
      subscriptions: () => [],
    });
    const fail = () => system.callFailed({ code: 'overloaded', fun: 'price', message: 'too much' });
    for (let i = 0; i < 500; i++) fail();
    expect(made).toBe(0);
    listens = true;
    for (let i = 0; i < 500; i++) fail();
    expect(made).toBe(100);
    at = 1_000;
    fail();
    fail();
    expect(said.slice(-2)).toEqual([
      { by: 'alpha', code: 'overloaded', fun: 'price', leftOut: 400, message: 'too much' },
      { by: 'alpha', code: 'overloaded', fun: 'price', message: 'too much' },
    ]);
  });

  test.each([
    ['a..b', 'a._.b'],
    ['*', '_'],
    ['.#', '_._'],
  ])('a name like "%s" makes a topic all the same', (name, words) => {
    const said: string[] = [];
    const system = new SystemTopics({
      by: name,
      counts: () => ({ dropped: 0, lost: 0 }),
      now: () => 0,
      say: (topic) => said.push(topic) > 0,
      subscriptions: () => [],
    });
    system.event({ kind: 'paused', ms: 1 });
    expect(said).toEqual([`mpreg.node.paused.${words}`]);
  });

  test('what a hub sees of its federation has topics, too', () => {
    const said: unknown[] = [];
    const system = new SystemTopics({
      by: 'west-1',
      counts: () => ({ dropped: 0, lost: 0 }),
      now: () => 0,
      say: (topic, forAll, make) => said.push([topic, forAll, make()]) > 0,
      subscriptions: () => [],
    });
    system.federation({ cluster: 'eu.prod', kind: 'cluster', reason: 'no way', state: 'lost' });
    system.federation({ change: 'half-open', cluster: 'mid', kind: 'bridge', peer: 'mid-1', reason: 'tried again' });
    const about = { alert: 'slow:mid', at: 5, cluster: 'mid', rule: 'slow', says: '', value: 7 };
    system.alert({ ...about, by: 'ann', change: 'acknowledged', severity: 'warning' });
    expect(said).toEqual([
      [
        'mpreg.federation.cluster.lost.eu.prod',
        false,
        { by: 'west-1', cluster: 'eu.prod', reason: 'no way', state: 'lost' },
      ],
      [
        'mpreg.federation.bridge.half-open.mid',
        true,
        { by: 'west-1', change: 'half-open', cluster: 'mid', peer: 'mid-1', reason: 'tried again' },
      ],
      [
        'mpreg.federation.alert.acknowledged.slow',
        true,
        { acknowledgedBy: 'ann', by: 'west-1', change: 'acknowledged', severity: 'warning', ...about },
      ],
    ]);
  });

  test('the document lists all topics, with their fields', () => {
    const text = readFileSync(new URL('../../docs/topics.md', import.meta.url), 'utf8');
    const rows = [...text.matchAll(/^\| `(mpreg\.[^`]+)` \| (.*) \| (here|everywhere) \| (.*) \|$/gm)];
    const listed = rows.map(([, topic, when, heard, fields]) => ({
      fields: [...(fields ?? '').matchAll(/`([^`]+)`/g)].map(([, field]) => field),
      heard,
      topic,
      when,
    }));
    expect(listed).toEqual(SYSTEM_TOPICS);
  });
});
