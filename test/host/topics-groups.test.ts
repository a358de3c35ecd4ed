/** Groups whose members acknowledge, through real nodes of this process. */
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Client, MpregNode, SubscribeOptions, TopicMessage } from '../../src/engine/index.ts';
import { until } from '../acceptance/until.ts';
import { clientOf, start } from './nodes.ts';

/** A member of the group g that takes messages and does with them what `act` does. */
async function member(node: MpregNode, act: (message: TopicMessage) => void, options: SubscribeOptions = {}) {
  const heard: TopicMessage[] = [];
  const client = await clientOf(node, { reconnect: false });
  const onMessage = (message: TopicMessage) => {
    heard.push(message);
    act(message);
  };
  const asked = { ack: 'manual', everywhere: true, group: 'g', onMessage, ...options } as const;
  const subscription = await client.subscribe('job.#', asked);
  return { client, heard, subscription };
}

const ack = (message: TopicMessage) => message.ack();
const keep = () => undefined;
const payloads = (heard: readonly TopicMessage[]) => heard.map(({ payload }) => payload);
const all = (count: number) => Array.from({ length: count }, (_, i) => i);
const sorted = (values: readonly unknown[]) => [...values].sort((a, b) => Number(a) - Number(b));

async function counted(what: string, heard: () => number, count: number): Promise<void> {
  await until(what, heard, (n) => n >= count);
}

describe('a member that acknowledges', () => {
  it.each([
    ['on the same node', 0],
    ['on another node', 1],
  ])('leaves what it has not acknowledged to another, marked; %s', async (_, other) => {
    const alpha = await start('alpha');
    const where = other === 0 ? alpha : await start('beta', {}, [alpha]);
    const dying = await member(where, keep, { window: 4 });
    const publisher = await clientOf(alpha);
    for (const i of all(10)) await publisher.publish('job.x', i);
    await counted('its window is full', () => dying.heard.length, 4);
    await pause(50);
    expect(payloads(dying.heard)).toEqual([0, 1, 2, 3]);
    const heir = await member(alpha, ack);
    await counted('the rest is taken', () => heir.heard.length, 6);
    await dying.client.close();
    await counted('all is taken', () => heir.heard.length, 10);
    expect(sorted(payloads(heir.heard))).toEqual(all(10));
    const again = heir.heard.filter(({ redelivered }) => redelivered);
    expect(sorted(payloads(again))).toEqual([0, 1, 2, 3]);
    expect(again.every(({ attempt }) => attempt === 2)).toBe(true);
  });

  it('gets nothing twice while all are well, shared by those who have room', async () => {
    const alpha = await start('alpha');
    const beta = await start('beta', {}, [alpha]);
    const members = [await member(alpha, ack), await member(beta, ack), await member(beta, keep, { window: 2 })];
    const publisher = await clientOf(alpha);
    await Promise.all(all(300).map((i) => publisher.publish('job.x', i)));
    await counted('all are taken', () => members.flatMap(({ heard }) => heard).length, 300);
    expect(sorted(payloads(members.flatMap(({ heard }) => heard)))).toEqual(all(300));
    expect(members[2]?.heard).toHaveLength(2);
  });

  it('gets a message again that it refuses, when nobody else is there, and then not once it acknowledges', async () => {
    const alpha = await start('alpha');
    const attempts: number[] = [];
    const { heard } = await member(alpha, (message) => {
      attempts.push(message.attempt);
      if (message.attempt < 3) message.nack();
      else message.ack();
      message.nack();
    });
    const publisher = await clientOf(alpha);
    await publisher.publish('job.x', 'often');
    await counted('it is taken', () => heard.length, 3);
    await pause(500);
    expect(attempts).toEqual([1, 2, 3]);
  });

  it('loses what it lets lie for too long to another', async () => {
    const alpha = await start('alpha');
    const beta = await start('beta', {}, [alpha]);
    const idle = await member(beta, keep, { ackTimeoutMs: 400 });
    const publisher = await clientOf(alpha);
    await publisher.publish('job.x', 1);
    await counted('it is taken', () => idle.heard.length, 1);
    const heir = await member(alpha, ack);
    await counted('it is taken by another', () => heir.heard.length, 1);
    expect(heir.heard[0]).toMatchObject({ attempt: 2, payload: 1, redelivered: true });
  });

  it('acknowledges by asking for the next one, and not by leaving its loop', async () => {
    const alpha = await start('alpha');
    const client = await clientOf(alpha);
    const subscription = await client.subscribe('job.#', { group: 'g' });
    const publisher = await clientOf(alpha);
    for (const i of all(3)) await publisher.publish('job.x', i);
    const taken: unknown[] = [];
    for await (const { payload } of subscription) if (taken.push(payload) === 2) break;
    expect(taken).toEqual([0, 1]);
    const heir = await member(alpha, ack);
    await counted('the rest is taken', () => heir.heard.length, 2);
    await pause(300);
    expect(heir.heard.map(({ payload, redelivered }) => [payload, redelivered]).sort()).toEqual([
      [1, true],
      [2, true],
    ]);
  });
});

describe('keys', () => {
  it('in a header keep messages with one member, in order, and go on in order with another', async () => {
    const alpha = await start('alpha');
    const beta = await start('beta', {}, [alpha]);
    const key = 'header:user';
    const log: [who: string, user: string, n: unknown, again: boolean][] = [];
    const joined = new Map<string, Client>();
    for (const [who, node] of [
      ['ann', alpha],
      ['bob', beta],
      ['cy', beta],
    ] as const) {
      const act = (message: TopicMessage) => {
        log.push([who, message.headers['user'] ?? '', message.payload, message.redelivered]);
        if (Number(message.payload) < 5) message.ack();
      };
      joined.set(who, (await member(node, act, { key, window: 20 })).client);
    }
    const publisher = await clientOf(alpha);
    const users = ['u1', 'u2', 'u3', 'u4', 'u5'];
    for (const n of all(10))
      for (const user of users) await publisher.publish(`job.${n % 2}`, n, { headers: { user } });
    await counted('all are taken', () => log.length, 50);
    const holder = log.find(([who]) => who !== 'ann')?.[0] ?? 'ann';
    const firstOf = new Map(users.map((user) => [user, log.filter(([, u]) => u === user)]));
    for (const entries of firstOf.values()) {
      expect(new Set(entries.map(([who]) => who)).size).toBe(1);
      expect(entries.map(([, , n]) => n)).toEqual(all(10));
    }
    const moved = users.filter((user) => firstOf.get(user)?.[0]?.[0] === holder);
    log.length = 0;
    await joined.get(holder)?.close();
    await counted('what it had is taken', () => log.length, 5 * moved.length);
    for (const user of moved) {
      const entries = log.filter(([, u]) => u === user);
      expect(new Set(entries.map(([who]) => who)).size).toBe(1);
      expect(entries.map(([, , n, again]) => [n, again])).toEqual([5, 6, 7, 8, 9].map((n) => [n, true]));
    }
  });

  it('are found in one place by all members of a group: who says otherwise is told', async () => {
    const alpha = await start('alpha');
    const beta = await start('beta', {}, [alpha]);
    await member(alpha, ack, { key: 'header:user' });
    const client = await clientOf(beta);
    const joining = client.subscribe('job.x', { group: 'g', key: 'header:id' });
    await expect(joining).rejects.toMatchObject({
      code: 'exists-already',
      message: 'the members of the group g find keys in the header user, this one in the header id',
    });
    await expect(client.subscribe('job.x', { group: 'g' })).rejects.toMatchObject({ code: 'exists-already' });
    await expect(client.subscribe('job.x', { key: 'header:id' })).rejects.toMatchObject({ code: 'input-invalid' });
    const keyless = client.publish('job.x', 1, { headers: { id: '7' }, key: 'header:user' });
    await expect(keyless).rejects.toMatchObject({ code: 'input-invalid' });
    await client.publish('job.x', 1, { headers: { user: '7' }, key: 'header:user' });
    await expect(client.subscribe('job.x', { group: 'h', key: 'user' as never })).rejects.toMatchObject({
      code: 'input-invalid',
    });
  });
});

describe('what is owed', () => {
  it('waits while no member has room, and its publisher hears so', async () => {
    const alpha = await start('alpha');
    const slow = await member(alpha, keep, { window: 1 });
    const publisher = await clientOf(alpha);
    expect(await publisher.publish('job.x', 1)).toMatchObject({ local: 1, nodes: 0 });
    expect(await publisher.publish('job.x', 2)).toMatchObject({ local: 0, nodes: 0, waiting: 1 });
    slow.heard[0]?.ack();
    await counted('the next is taken', () => slow.heard.length, 2);
  });

  it('is not lost with the node of a member', async () => {
    const alpha = await start('alpha');
    const beta = await start('beta', {}, [alpha]);
    const gone = await member(beta, keep, { window: 5 });
    const publisher = await clientOf(alpha);
    for (const i of all(12)) await publisher.publish('job.x', i);
    await counted('some are taken', () => gone.heard.length, 5);
    await beta.kill();
    const heir = await member(alpha, ack, { everywhere: false });
    await counted('all are taken', () => heir.heard.length, 12);
    expect(sorted(payloads(heir.heard))).toEqual(all(12));
  });

  it('never: a message to a node whose last member has just left comes back, and another member gets it', async () => {
    const alpha = await start('alpha');
    const beta = await start('beta', {}, [alpha]);
    const leaving = await member(beta, keep, { ack: 'none' });
    const staying = await member(alpha, keep, { ack: 'none' });
    const publisher = await clientOf(alpha);
    void leaving.subscription.close();
    await leaving.client.members(); // beta has read that it left; alpha hears of it a moment later
    await Promise.all(all(40).map((i) => publisher.publish('job.x', i)));
    await counted('all are taken', () => staying.heard.length, 40);
    await pause(100);
    expect(sorted(payloads(staying.heard))).toEqual(all(40));
  });
});
