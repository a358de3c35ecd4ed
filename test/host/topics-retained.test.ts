/** Retained messages, through real nodes of this process. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { SqliteStore } from '../../src/engine/host/stores/sqlite.ts';
import type { MpregNode, TopicMessage } from '../../src/engine/index.ts';
import { until } from '../acceptance/until.ts';
import { clientOf, start } from './nodes.ts';

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
  );
  await pause(50);
}

const retain = { retain: true } as const;

describe('a new subscriber', () => {
  it('gets the newest retained message of each matching topic first, once, then what comes; on every node', async () => {
    const alpha = await start('alpha');
    const beta = await start('beta', {}, [alpha]);
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
    const beta = await start('beta', {}, [alpha]);
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
    const beta = await start('beta', {}, [alpha]);
    const publisher = await clientOf(alpha);
    const heard = await listener(beta, 'price.tea');
    await publisher.publish('price.tea', 1, retain);
    expect(await publisher.publish('price.tea', null, { retain: 'clear' })).toMatchObject({ local: 0, nodes: 1 });
    await counted(heard, 1);
    expect(heard).toEqual([['price.tea', 1, false]]);
    const gamma = await start('gamma', {}, [alpha, beta]);
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
    const gamma = await start('gamma', {}, [alpha, beta]);
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

describe('what is retained on a node with a data directory', () => {
  it('is there again when all nodes have stopped, as it was last, and loses to what is newer elsewhere', async () => {
    const root = mkdtempSync(join(tmpdir(), 'mpreg-retained-'));
    try {
      const [dataDir, other] = [join(root, 'alpha'), join(root, 'beta')];
      const alpha = await start('alpha', { dataDir });
      const publisher = await clientOf(alpha);
      for (const i of [1, 2, 3]) await publisher.publish('price.tea', i, { ...retain, headers: { user: '7' } });
      await publisher.publish('price.milk', new Uint8Array([0, 255]), retain);
      await publisher.publish('price.salt', 4, retain);
      await publisher.publish('price.salt', null, { retain: 'clear' });
      await alpha.leave();
      const beta = await start('beta', { dataDir: other });
      await (await clientOf(beta)).publish('price.milk', 'newer', retain);
      const again = await start('alpha', { dataDir });
      const alone = await listener(again, '#');
      await counted(alone, 2);
      expect(alone).toEqual([
        ['price.tea', 3, true],
        ['price.milk', new Uint8Array([0, 255]), true],
      ]);
      const gamma = await start('gamma', {}, [again, beta]);
      const met = async () => (await heardOn(gamma)).sort();
      await until('gamma has what is newest', met, (all) => `${all}` === 'price.milk newer,price.tea 3');
      await Promise.all([again, beta].map((node) => node.leave()));
      const last = await start('alpha', { dataDir });
      expect((await heardOn(last)).sort()).toEqual(['price.milk newer', 'price.tea 3']);
    } finally {
      rmSync(root, { force: true, recursive: true });
    }
  });

  it('says which entry of its store cannot be read, and has the others', async () => {
    const root = mkdtempSync(join(tmpdir(), 'mpreg-retained-'));
    try {
      const alpha = await start('alpha', { dataDir: root });
      await (await clientOf(alpha)).publish('price.tea', 1, retain);
      await alpha.leave();
      const store = new SqliteStore({ directory: root });
      await store.commit([{ key: 'retained/price.milk', value: 'garbage' }]);
      await store.close();
      const lines: string[] = [];
      const again = await start('alpha', { dataDir: root, log: (_, text) => void lines.push(text) });
      expect(lines).toContainEqual(expect.stringContaining('retained/price.milk'));
      expect(await heardOn(again)).toEqual(['price.tea 1']);
    } finally {
      rmSync(root, { force: true, recursive: true });
    }
  });
});

/** What a new subscriber gets there, until nothing has come for a moment. */
async function heardOn(node: MpregNode): Promise<string[]> {
  const client = await clientOf(node);
  const found: string[] = [];
  for await (const { payload, topic } of await client.subscribe('#', { signal: AbortSignal.timeout(500) })) {
    found.push(`${topic} ${payload}`);
  }
  await client.close();
  return found;
}
