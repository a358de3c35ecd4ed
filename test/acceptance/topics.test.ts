/** Topics over three real processes: patterns, order, and nodes that are killed and come back. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { TopicMessage } from '../../src/engine/index.ts';
import type { RunningNode } from '../cli/mpreg.ts';
import { again, clientOf, connected, start, startAll, world } from './nodes.ts';
import { until } from './until.ts';

/** A minute with MPREG_TEST_STOPPED_MS=60000. */
const STOPPED_MS = Number(process.env['MPREG_TEST_STOPPED_MS'] ?? 3_000);

async function listen(node: RunningNode, ...patterns: string[]): Promise<TopicMessage[]> {
  const heard: TopicMessage[] = [];
  const client = await clientOf(node);
  await client.subscribe(patterns, { everywhere: true, onMessage: (message) => void heard.push(message) });
  return heard;
}

const payloads = (heard: readonly TopicMessage[]) => heard.map(({ payload }) => payload);

describe('over three nodes', () => {
  test('each subscription gets what matches it, once and in each publisher’s order', async () => {
    const [alpha, beta, gamma] = await startAll('alpha', 'beta', 'gamma');
    const orders = await listen(gamma, 'order.#', 'order.*', '#.eu');
    const paid = await listen(beta, '*.*.paid');
    const publishers = [await clientOf(alpha), await clientOf(alpha), await clientOf(beta)];
    const topics = ['order.eu', 'order.eu.paid', 'order', 'cart.eu', 'cart.us'];
    await Promise.all(
      publishers.map(async (publisher, who) => {
        for (let i = 0; i < 400; i++) await publisher.publish(topics[i % topics.length] ?? '', { i, who });
      }),
    );
    const matching = Array.from({ length: 400 }, (_, i) => i).filter((i) => topics[i % topics.length] !== 'cart.us');
    await until(
      'all are heard',
      () => orders.length,
      (count) => count >= 3 * matching.length,
    );
    for (const who of [0, 1, 2]) {
      const from = orders.map(({ payload }) => payload as { i: number; who: number }).filter((one) => one.who === who);
      expect(from.map(({ i }) => i)).toEqual(matching);
    }
    expect(new Set(orders.map(({ id }) => id)).size).toBe(orders.length);
    await until(
      'all are heard',
      () => paid.length,
      (count) => count >= 240,
    );
    expect(new Set(paid.map(({ topic }) => topic))).toEqual(new Set(['order.eu.paid']));
    expect(paid).toHaveLength(240);
  });

  test('a subscription is effective again when the node that it was on was killed and came back', async () => {
    const [alpha, , gamma] = await startAll('alpha', 'beta', 'gamma');
    const heard = await listen(gamma, 'tick.*');
    const publisher = await clientOf(alpha);
    await publisher.publish('tick.1', 'before');
    await until(
      'it is heard',
      () => heard.length,
      (count) => count === 1,
    );
    await again(gamma);
    const publish = async () => {
      await publisher.publish('tick.2', 'after');
      return heard.length;
    };
    await until('it is heard again', publish, (count) => count >= 2);
    expect(payloads(heard).slice(0, 2)).toEqual(['before', 'after']);
    expect(heard[1]).toMatchObject({ interrupted: true });
    expect(heard.slice(2).every(({ interrupted }) => !interrupted)).toBe(true);
  });

  test('a node that was killed and came back hears again who listens on the others', async () => {
    const [alpha, , gamma] = await startAll('alpha', 'beta', 'gamma');
    const heard = await listen(gamma, 'tick.*');
    const publisher = await clientOf(alpha);
    await publisher.publish('tick.1', 'before');
    await again(alpha);
    const publish = async () => {
      await publisher.publish('tick.2', 'after');
      return heard.length;
    };
    await until('it is heard again', publish, (count) => count >= 2);
    expect(payloads(heard).slice(0, 2)).toEqual(['before', 'after']);
    expect(heard.every(({ interrupted, missed }) => !interrupted && missed === 0)).toBe(true);
  });

  test('a member of a group takes over when the node of another is gone', async () => {
    const [alpha, beta, gamma] = await startAll('alpha', 'beta', 'gamma');
    const heard: [node: string, payload: unknown][] = [];
    for (const node of [beta, gamma]) {
      const onMessage = ({ payload }: TopicMessage) => void heard.push([node.name, payload]);
      const member = await connected({ reconnect: false, urls: [node.url] });
      await member.subscribe('job', { ack: 'none', everywhere: true, group: 'workers', onMessage });
    }
    const publisher = await clientOf(alpha);
    for (let i = 0; i < 10; i++) await publisher.publish('job', i);
    await until(
      'all are heard',
      () => heard.length,
      (count) => count === 10,
    );
    expect(heard.filter(([node]) => node === 'beta')).toHaveLength(5);
    gamma.child.kill('SIGKILL');
    const alive = async () => (await publisher.members()).filter(({ state }) => state === 'alive').length;
    await until('alpha knows that gamma is gone', alive, (count) => count === 2);
    heard.length = 0;
    for (let i = 0; i < 10; i++) await publisher.publish('job', i);
    await until(
      'all are heard',
      () => heard.length,
      (count) => count === 10,
    );
    expect(heard).toEqual(Array.from({ length: 10 }, (_, i) => ['beta', i]));
  });
});

describe('what a member of a group has not acknowledged', () => {
  const all = (count: number) => Array.from({ length: count }, (_, i) => i);

  /** Takes over, and says how often it got each message anew. */
  async function heir(node: RunningNode, count: number): Promise<TopicMessage[]> {
    const heard: TopicMessage[] = [];
    const client = await clientOf(node);
    await client.subscribe('job', { group: 'g', onMessage: (message) => void heard.push(message) });
    await until(
      'all are heard',
      () => new Set(payloads(heard)).size,
      (seen) => seen === count,
    );
    return heard;
  }

  test('goes to another when the member is killed', async () => {
    const [alpha, beta, gamma] = await startAll('alpha', 'beta', 'gamma');
    const args = ['subscribe', 'job', '--group', 'g', '--window', '4', '--everywhere', '--exec', 'sleep 600'];
    const member = world.spawn(args, { env: { MPREG_URL: beta.url } });
    await new Promise<void>((resolve) => {
      member.stderr.on('data', (text) => String(text).includes('listening on') && resolve());
    });
    const publisher = await clientOf(alpha);
    for (const i of all(20)) await publisher.publish('job', i);
    const taken = async () => (await publisher.subscriptions()).flatMap(({ found }) => found)[0]?.unacknowledged;
    await until('its window is full', taken, (count) => count === 4);
    member.kill('SIGKILL');
    const heard = await heir(gamma, 20);
    expect(heard.filter(({ redelivered }) => redelivered).map(({ payload }) => payload)).toEqual(all(4));
    expect(heard).toHaveLength(20);
  });

  test('goes to another when the node of the member is killed', async () => {
    const [alpha, beta, gamma] = await startAll('alpha', 'beta', 'gamma');
    const member = await connected({ reconnect: false, urls: [gamma.url] });
    const held: TopicMessage[] = [];
    const onMessage = (message: TopicMessage) => void held.push(message);
    await member.subscribe('job', { ack: 'manual', everywhere: true, group: 'g', onMessage, window: 10 });
    const publisher = await clientOf(alpha);
    for (const i of all(30)) await publisher.publish('job', i);
    await until(
      'its window is full',
      () => held.length,
      (count) => count === 10,
    );
    for (const message of held.slice(0, 5)) message.ack();
    await until(
      'more is taken',
      () => held.length,
      (count) => count === 15,
    );
    gamma.child.kill('SIGKILL');
    const heard = await heir(beta, 25);
    expect(payloads(heard).sort((a, b) => Number(a) - Number(b))).toEqual(all(30).slice(5));
  });
});

describe('a subscriber that is stopped', () => {
  test.runIf(process.platform === 'linux')(
    'costs its node no more than may wait for it, and nobody else a message',
    async () => {
      const alpha = await start('alpha');
      const stopped = world.spawn(['subscribe', 'flood', '--raw'], { env: { MPREG_URL: alpha.url } });
      await new Promise<void>((resolve) => {
        stopped.stderr.on('data', (text) => String(text).includes('listening on') && resolve());
      });
      let heard = 0;
      const other = await clientOf(alpha);
      await other.subscribe('flood', { onMessage: () => void heard++, policy: 'block' });
      stopped.kill('SIGSTOP');
      const publisher = await clientOf(alpha);
      const payload = new Uint8Array(16_000);
      const before = memoryOf(alpha.pid);
      const COUNT = 25_000; // 400 MB
      for (let i = 1; i <= COUNT; i++) {
        const publishing = publisher.publish('flood', payload, { confirm: i % 100 === 0 });
        if (i % 100 === 0) await publishing;
      }
      await until(
        'the other has heard all',
        () => heard,
        (count) => count === COUNT,
      );
      expect(memoryOf(alpha.pid) - before).toBeLessThan(160);
      stopped.kill('SIGCONT');
    },
  );

  test.runIf(process.platform === 'linux')(
    'leaves the memory of its node flat at full rate, for as long as it is stopped',
    { timeout: STOPPED_MS * 3 + 60_000 },
    async () => {
      const alpha = await start('alpha');
      const stopped = world.spawn(['subscribe', 'flood', '--raw'], { env: { MPREG_URL: alpha.url } });
      await new Promise<void>((resolve) => {
        stopped.stderr.on('data', (text) => String(text).includes('listening on') && resolve());
      });
      let heard = 0;
      const other = await clientOf(alpha);
      await other.subscribe('flood', { onMessage: () => void heard++, policy: 'block' });
      const publisher = await clientOf(alpha);
      const payload = new Uint8Array(64);
      let published = 0;
      /** Memory of the node, several times a second. */
      const flood = async (forMs: number) => {
        const seen: number[] = [];
        for (let turn = 0, until = Date.now() + forMs; Date.now() < until; turn++) {
          for (let i = 0; i < 499; i++) void publisher.publish('flood', payload, { confirm: false });
          await publisher.publish('flood', payload, { confirm: false });
          published += 500;
          await new Promise(setImmediate);
          if (turn % 200 === 0) seen.push(memoryOf(alpha.pid));
        }
        return seen;
      };
      const before = Math.max(...(await flood(1_500)));
      stopped.kill('SIGSTOP');
      const seen = await flood(STOPPED_MS);
      await until(
        'the other has heard all',
        () => heard,
        (count) => count === published,
      );
      stopped.kill('SIGCONT');
      expect(published).toBeGreaterThan(50_000);
      expect(Math.max(...seen) - before).toBeLessThan(80);
    },
  );
});

/** Resident, in MB. */
function memoryOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_000;
}
