/** Queues that move between real nodes in this process, and whoever uses them meanwhile. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { Client, MpregNode, NodeOptions } from '../../src/engine/api.ts';
import type { QueueWrite } from '../../src/engine/core/queues/effects.ts';
import { createNode } from '../../src/engine/create-node.ts';
import { placeOf } from '../../src/engine/host/queues/places.ts';
import { SqliteQueues } from '../../src/engine/host/stores/sqlite-queues.ts';
import type { Queue, QueueInfo, QueueMessage } from '../../src/engine/queues-api.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function node(name: string, options: NodeOptions = {}): Promise<MpregNode> {
  const dataDir = mkdtempSync(join(tmpdir(), `mpreg-${name}-`));
  closing.push(async () => rmSync(dataDir, { force: true, recursive: true }));
  const made = await createNode({ dataDir, discover: false, name, ...options });
  closing.push(() => made.kill());
  return made;
}

async function clientOf(of: MpregNode): Promise<Client> {
  const made = await of.client();
  closing.push(() => made.close());
  return made;
}

async function until(what: string, is: () => Promise<boolean> | boolean): Promise<void> {
  for (let i = 0; i < 2_400; i++) {
    if (await is()) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`not within 60 s: ${what}`);
}

/** Two nodes that know each other, and a client of each. */
async function pair(options: NodeOptions = {}) {
  const alpha = await node('alpha');
  const beta = await node('beta', { peers: [alpha.url], ...options });
  const clients = { alpha: await clientOf(alpha), beta: await clientOf(beta), nodes: { alpha, beta } };
  const knows = async (client: Client) => {
    const { members } = (await client.call('mpreg.info')) as { members: { record?: object }[] };
    return members.filter(({ record }) => record !== undefined).length === 2;
  };
  await until('they know each other', async () => (await knows(clients.alpha)) && knows(clients.beta));
  return clients;
}

describe('a queue that moves', () => {
  test('is followed by those who wait for its messages, and by the topics that go into it', async () => {
    const { alpha, beta } = await pair();
    const queue = alpha.queue('jobs');
    await queue.create();
    await queue.bind('order.*');
    const got: unknown[] = [];
    await until('it is known', () =>
      beta
        .queue('jobs')
        .info()
        .then(
          () => true,
          () => false,
        ),
    );
    const waiting = alpha.queue('jobs').receive({ waitMs: 20_000 });
    const consumption = beta.queue('jobs').consume();
    const consuming = (async () => {
      for await (const { body } of consumption) got.push(body);
    })();
    expect(await queue.move('beta')).toMatchObject({ bindings: ['order.*'], node: 'beta' });
    await Promise.all(['a', 'b', 'c'].map((body) => queue.send(body)));
    await until('all are received', async () => got.length + (await Promise.race([waiting, []])).length >= 3);
    await until('the binding is there', async () => {
      await alpha.publish('order.new', 'd');
      return got.includes('d');
    });
    await consumption.stop();
    await consuming;
  });

  test('brings large messages in parts, and all that is known of each', async () => {
    const { alpha, beta } = await pair();
    const queue = beta.queue('large');
    await queue.create({ kind: 'fifo', place: 'alpha' });
    await until('it is known', () =>
      queue.info().then(
        () => true,
        () => false,
      ),
    );
    const bodies = Array.from({ length: 12 }, (_, i) => `${i}`.repeat(400_000));
    for (const [i, body] of bodies.entries()) await queue.send(body, { group: `g${i % 2}`, headers: { i } });
    const [held] = await queue.receive();
    const [failed] = await queue.receive();
    await failed?.nack({ delayMs: 0, reason: 'too large' });
    expect((await alpha.queue('large').move('beta')).counts).toMatchObject({ leased: 1, ready: 11, sent: 12 });
    await held?.ack();
    const seen: Pick<QueueMessage, 'body' | 'headers' | 'receives'>[] = [];
    for await (const { body, headers, receives } of queue.consume({ idleMs: 0 }))
      seen.push({ body, headers, receives });
    const g = (group: number) => seen.filter(({ headers }) => Number(headers['i']) % 2 === group);
    expect([...g(1).map(({ body }) => body)]).toEqual(bodies.filter((_, i) => i % 2 === 1));
    expect([...g(0).map(({ body }) => body)]).toEqual(bodies.filter((_, i) => i % 2 === 0 && i > 0));
    expect(g(1)[0]?.receives).toBe(2);
  });

  test('stays where its new node is lost and somebody says so', async () => {
    const { alpha, nodes } = await pair();
    const queue = alpha.queue('jobs');
    await queue.create();
    await queue.send('one');
    await nodes.beta.kill();
    const moving = queue.move('beta').catch(({ code }: { code: string }) => code);
    await until('it moves', async () => (await queue.info()).moving === 'beta');
    const looked = queue.peek().catch(({ code }: { code: string }) => code);
    expect(await queue.abandonMove()).toMatchObject({ counts: { ready: 1 }, name: 'jobs', node: 'alpha' });
    expect([await moving, await looked]).toEqual(['cancelled', 'queue-moving']);
    const [message] = await queue.receive();
    await message?.ack();
    expect(await queue.abandonMove()).toMatchObject({ counts: { done: 1 }, node: 'alpha' }); // there is nothing to take back
  });

  test('is served where it is whole when its old node is lost and somebody says so', async () => {
    const { alpha, beta } = await pair();
    const take = (parcel: object) => alpha.call('mpreg.queue.take', { parcel: { move: 'm', ...parcel } });
    const queues = [{ changedAt: 1, createdAt: 1, name: 'jobs', options: {} }];
    const cursors = [
      { after: 0, index: 0, stage: 'messages' },
      { after: 0, index: 0, stage: 'deliveries' },
      { after: '', index: 0, stage: 'dedupe' },
      { after: 0, index: 1, stage: 'messages' },
    ];
    await take({ kind: 'offer', queues });
    for (const [i, next] of cursors.slice(1).entries()) await take({ at: cursors[i], kind: 'page', next, writes: [] });
    const none = { bytes: 0, dead: 0, done: 7, expired: 0, lost: 0, messages: 0 };
    const counts = { ...none, newestAt: 1, next: 8, purged: 0, sent: 7, tokens: 9 };
    const closing = { from: { id: 'nobody', name: 'gamma' }, kind: 'commit', queues: [{ consumers: [], counts }] };
    expect(await take(closing)).toEqual({ state: 'committed' });
    await expect(alpha.queue('jobs').resumeMove('alpha')).rejects.toMatchObject({ code: 'queue-moving' });
    await until('it is known what is wrong with it', async () => {
      const call = beta.call.with({ locs: ['queue:jobs'] })('mpreg.queue.info', { queue: 'jobs' });
      return call.then(
        () => false,
        ({ message }: Error) => message.includes('gamma has not said yet'),
      );
    });
    expect(await beta.queue('jobs').resumeMove('alpha')).toMatchObject({ counts: { done: 7 }, node: 'alpha' });
    await beta.queue('jobs').send('eight');
    await expect(beta.queue('none').resumeMove('alpha')).rejects.toMatchObject({ code: 'queue-unknown' });
  });

  test("that its old node has kept, and its new one serves, is the new one's, and what the old one had is set aside", async () => {
    const dirs = [0, 1].map(() => mkdtempSync(join(tmpdir(), 'mpreg-moves-'))) as [string, string];
    closing.push(async () => {
      for (const one of dirs) rmSync(one, { force: true, recursive: true });
    });
    const [dataDir, there] = dirs;
    const former = [await node('alpha', { dataDir }), await node('beta', { dataDir: there })] as const;
    const idOf = async (of: MpregNode) => ((await (await clientOf(of)).call('mpreg.info')) as { id: string }).id;
    const to = { id: await idOf(former[1]), name: 'beta' };
    for (const [i, one] of former.entries()) {
      const queue = (await clientOf(one)).queue('jobs');
      await queue.create();
      await queue.bind(`${i}.*`);
      await queue.send(`of ${i}`);
      await one.kill();
    }
    const write = async (where: string, what: QueueWrite) => {
      const store = new SqliteQueues(where);
      await store.open();
      await store.commit([what]);
      await store.close();
    };
    await write(dataDir, { kind: 'move', move: { index: 0, move: 'm', role: 'kept', to }, queue: 1 });
    await write(there, { kind: 'ended', move: 'm', queue: 1 });
    const alone = await node('alpha', { dataDir });
    expect(await (await clientOf(alone)).queue('jobs').info()).toMatchObject({ counts: { ready: 1 }, node: 'alpha' });
    await alone.kill();
    const beta = await node('beta', { dataDir: there });
    const alpha = await clientOf(await node('alpha', { dataDir, peers: [beta.url] }));
    const places = async () =>
      (await alpha.queues()).flatMap(({ found }) => found.map((one) => `${one.name} ${one.node}`));
    const want = 'jobs beta, jobs.aside alpha';
    await until('there is one owner', async () => (await places()).sort().join(', ') === want);
    const jobs = alpha.queue('jobs');
    const aside = alpha.queue('jobs.aside');
    const seen = (queue: Queue) => queue.info().catch(() => undefined);
    await until('both are known', async () => (await seen(jobs))?.node === 'beta' && (await seen(aside)) !== undefined);
    expect((await jobs.info()).options).toMatchObject({ notes: { bindings: ['1.*'] } });
    expect((await aside.info()).options).toMatchObject({ notes: {}, tags: { aside: 'jobs is served by beta' } });
    expect((await aside.info()).bindings ?? []).toEqual([]);
    await aside.move('beta');
    await aside.redrive({ to: 'jobs' });
    const got: unknown[] = [];
    for await (const { body } of jobs.consume({ max: 2 })) got.push(body);
    expect(got.sort()).toEqual(['of 0', 'of 1']);
  });

  test('is reached through its old node by whoever has not heard of it', async () => {
    const { alpha, beta } = await pair();
    await alpha.queue('jobs').create();
    await alpha.queue('jobs').move('beta');
    const atOld = alpha.call.with({ node: 'alpha' });
    await atOld('mpreg.queue.send', { messages: [{ body: 'late' }], queue: 'jobs' });
    expect(await atOld('mpreg.queue.info', { queue: 'jobs' })).toMatchObject({ counts: { ready: 1 }, node: 'beta' });
    expect(await atOld('mpreg.queue.create', { name: 'jobs', place: '=' })).toMatchObject({ node: 'beta' });
    const lists = await Promise.all(
      ['alpha', 'beta'].map((name) => beta.call.with({ node: name })('mpreg.queue.list') as Promise<QueueInfo[]>),
    );
    expect(lists.map((list) => list.map(({ name }) => name))).toEqual([[], ['jobs']]);
  });

  test('takes nothing from a stranger that is none of a move', async () => {
    const { alpha } = await pair();
    const take = (parcel: unknown) => alpha.call('mpreg.queue.take', { parcel });
    const cursor = { after: 0, index: 0, stage: 'messages' };
    for (const parcel of [
      null,
      { kind: 'offer', move: 'm', queues: [] },
      { kind: 'offer', move: 'm', queues: [{ changedAt: 1, createdAt: 1, name: '!', options: {} }] },
      { at: cursor, kind: 'page', move: 'm', next: cursor, writes: [{ kind: 'drop', queue: 1 }] },
      { at: cursor, kind: 'page', move: 'm', next: cursor, writes: [{ kind: 'state', seq: 1, state: {} }] },
      { kind: 'commit', move: 'm', queues: [{ consumers: [], counts: { sent: -1 } }] },
      { kind: 'something', move: 'm' },
    ]) {
      await expect(take(parcel)).rejects.toMatchObject({ problem: { code: 'input-invalid' } });
    }
    expect(await take({ at: cursor, kind: 'page', move: 'm', next: cursor, writes: [] })).toEqual({ state: 'unknown' });
  });
});

describe('the place of a queue', () => {
  test('is the same one for every node, and has a disk where any has', async () => {
    const { alpha, beta } = await pair({ resources: ['region=eu'] });
    const names = Array.from({ length: 12 }, (_, i) => `q${i}`);
    const places = [];
    for (const [i, name] of names.entries()) {
      places.push((await (i % 2 === 0 ? alpha : beta).queue(name).create({ place: 'any' })).node);
    }
    expect(new Set(places)).toEqual(new Set(['alpha', 'beta']));
    expect((await alpha.queue('eu').create({ place: 'region=eu' })).node).toBe('beta');
    expect((await alpha.queue('here').create()).node).toBe('alpha');
    await expect(alpha.queue('moon').create({ place: 'region=moon' })).rejects.toMatchObject({
      problem: { code: 'resource-unknown' },
    });
  });

  test('is that of its dead letters', async () => {
    const { alpha } = await pair();
    await alpha.queue('letters').create({ place: 'beta' });
    await until('it is known', () =>
      alpha
        .queue('letters')
        .info()
        .then(
          () => true,
          () => false,
        ),
    );
    expect((await alpha.queue('mails').create({ deadLetter: 'letters' })).node).toBe('beta');
    const elsewhere = alpha.queue('others').create({ deadLetter: 'letters', place: 'alpha' });
    await expect(elsewhere).rejects.toMatchObject({ problem: { code: 'input-invalid' } });
  });

  test('is spread over all nodes that have a disk, and moves little when one comes', () => {
    const member = (id: string, durable: boolean) =>
      ({ id, name: id, record: { durable, resources: [] }, state: 'alive' }) as never;
    const nodes = ['a', 'b', 'c'].map((id) => member(id, true));
    const names = Array.from({ length: 3_000 }, (_, i) => `queue-${i}`);
    const before = names.map((name) => placeOf(name, 'any', { members: [...nodes, member('x', false)] }).id);
    const after = names.map((name) => placeOf(name, 'any', { members: [...nodes, member('d', true)] }).id);
    for (const id of ['a', 'b', 'c']) expect(before.filter((one) => one === id).length).toBeGreaterThan(800);
    expect(after.every((id, i) => id === before[i] || id === 'd')).toBe(true);
  });
});
