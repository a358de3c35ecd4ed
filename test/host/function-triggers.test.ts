/** Functions that topics trigger, on real nodes of this process. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { type Client, defineFunction, type TopicMessage, type TriggerMessage } from '../../src/engine/index.ts';
import { until } from '../acceptance/until.ts';
import { clientOf, inline, start } from './nodes.ts';

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { force: true, recursive: true });
});

/** Resolves when so many subscriptions of functions are known to the client's node. */
async function triggered(client: Client, topic: string, count: number): Promise<void> {
  const members = async () => {
    const found = (await client.matches(topic)).flatMap((one) => one.found);
    return found.filter(({ client: name = '' }) => name.startsWith('function ')).length;
  };
  await until('functions listen', members, (n) => n === count);
}

async function heard(client: Client, pattern: string): Promise<TopicMessage[]> {
  const messages: TopicMessage[] = [];
  await client.subscribe(pattern, { onMessage: (message) => void messages.push(message) });
  return messages;
}

describe('a function with topics', () => {
  test('is called with the payload, and with what else is known of the message', async () => {
    const seen: unknown[] = [];
    const bill = defineFunction({ name: 'bill', on: ['order.#'], run: (...args: unknown[]) => void seen.push(args) });
    const alpha = await start('alpha', inline(bill));
    const client = await clientOf(alpha);
    await triggered(client, 'order.eu', 1);
    const { id } = await client.publish('order.eu', { total: 7 }, { headers: { user: '7' } });
    await until(
      'it was called',
      () => seen.length,
      (n) => n === 1,
    );
    const about = { attempt: 1, headers: { user: '7' }, id, publisher: id.split('/')[0], topic: 'order.eu' };
    expect(seen).toEqual([[{ total: 7 }, { ...about, time: expect.any(Number) as number }]]);
    expect(await client.call('mpreg.describe', 'bill')).toMatchObject({
      trigger: { group: 'bill', on: ['order.#'], retry: { attempts: 3 } },
    });
  });

  test('shares the messages with the same function on other nodes, and hears them from all', async () => {
    const counts = { alpha: 0, beta: 0 };
    const count = (name: 'alpha' | 'beta') =>
      defineFunction({ name: 'count', on: 'tick', run: () => void counts[name]++ });
    const alpha = await start('alpha', inline(count('alpha')));
    await start('beta', inline(count('beta')), [alpha]);
    const client = await clientOf(alpha);
    await triggered(client, 'tick', 2);
    await until(
      'alpha knows both',
      async () => {
        const before = counts.beta;
        await client.publish('tick', 0);
        await pause(20);
        return counts.beta > before;
      },
      (known) => known,
    );
    Object.assign(counts, { alpha: 0, beta: 0 });
    for (let i = 0; i < 20; i++) await client.publish('tick', i);
    await until(
      'all were counted',
      () => counts.alpha + counts.beta,
      (n) => n === 20,
    );
    expect(Math.min(counts.alpha, counts.beta)).toBeGreaterThan(0);
  });

  test('is called again where it fails, and what fails for good goes to the dead letters with the reason', async () => {
    const attempts: number[] = [];
    const bill = defineFunction({
      deadLetter: 'billing.dead',
      name: 'bill',
      on: 'order.*',
      retry: { attempts: 3, backoffMs: 5 },
      run: (order: { bad?: number }, { attempt }: { attempt: number }) => {
        attempts.push(attempt);
        if ((order.bad ?? 0) >= attempt) throw new RangeError(`no ${attempt}`);
        return 'fine';
      },
    });
    const alpha = await start('alpha', inline(bill));
    const client = await clientOf(alpha);
    const dead = await heard(client, 'billing.dead');
    await triggered(client, 'order.eu', 1);
    expect((await client.request('order.eu', { bad: 1 })).payload).toBe('fine');
    const { id } = await client.publish('order.eu', { bad: 9 }, { headers: { user: '7' } });
    await until(
      'it is dead',
      () => dead.length,
      (n) => n === 1,
    );
    expect(attempts).toEqual([1, 2, 1, 2, 3]);
    expect(dead[0]).toMatchObject({ payload: { bad: 9 }, topic: 'billing.dead' });
    expect(dead[0]?.headers).toEqual({
      'mpreg-attempts': '3',
      'mpreg-code': 'function-failed',
      'mpreg-function': 'bill',
      'mpreg-id': id,
      'mpreg-node': 'alpha',
      'mpreg-reason': expect.stringContaining('no 3') as string,
      'mpreg-topic': 'order.eu',
      user: '7',
    });
  });

  test('never runs more than it may, and misses nothing while others wait', async () => {
    const state = { done: 0, most: 0, running: 0 };
    const slow = defineFunction({
      concurrency: 2,
      name: 'slow',
      on: 'work',
      queue: 0,
      run: async () => {
        state.most = Math.max(state.most, ++state.running);
        await pause(2);
        state.running--;
        state.done++;
      },
    });
    const alpha = await start('alpha', inline(slow));
    const client = await clientOf(alpha);
    await triggered(client, 'work', 1);
    const publisher = client.publisher();
    for (let i = 0; i < 200; i++) await publisher.publish('work', i);
    await publisher.close();
    await until(
      'all are done',
      () => state.done,
      (n) => n === 200,
    );
    expect(state.most).toBe(2);
  });

  test('on a node that is killed leaves what it had not finished to another', async () => {
    const done: number[] = [];
    const stuck: number[] = [];
    const work = (run: (n: number, about: TriggerMessage) => unknown) =>
      inline(defineFunction({ concurrency: 4, name: 'work', on: 'work', run }));
    const alpha = await start('alpha');
    const beta = await start(
      'beta',
      work((n) => new Promise(() => stuck.push(n))),
      [alpha],
    );
    const client = await clientOf(alpha);
    await triggered(client, 'work', 1);
    await until(
      'alpha knows of it',
      async () => ((await client.publish('work', 0)).nodes ?? 0) + stuck.length,
      (known) => known > 0,
    );
    for (let n = 1; n < 10; n++) await client.publish('work', n);
    await until(
      'beta has as many as it may',
      () => stuck.length,
      (n) => n >= 4,
    );
    await start(
      'gamma',
      work((n, { attempt }) => done.push(attempt > 1 ? n : n + 100)),
      [alpha],
    );
    await beta.kill();
    const numbers = () => new Set(done.map((n) => n % 100));
    await until(
      'gamma has done all',
      () => numbers().size,
      (n) => n === 10,
    );
    expect(stuck).toHaveLength(4);
    expect(done.filter((n) => n < 100)).toEqual(expect.arrayContaining(stuck));
  });

  test('of a node that drains finishes what it has begun, and gives back the rest', async () => {
    const ran = { alpha: 0, beta: 0 };
    const work = (name: 'alpha' | 'beta') =>
      inline(
        defineFunction({
          concurrency: 1,
          name: 'work',
          on: 'work',
          run: async () => {
            ran[name]++;
            await pause(100);
          },
        }),
      );
    const alpha = await start('alpha', work('alpha'));
    await start('beta', work('beta'), [alpha]);
    const client = await clientOf(alpha);
    await triggered(client, 'work', 2);
    for (let n = 0; n < 12; n++) await client.publish('work', n);
    await client.drain('alpha');
    await until(
      'all was done',
      () => ran.alpha + ran.beta,
      (n) => n === 12,
    );
    await pause(300);
    expect(ran.alpha + ran.beta).toBe(12);
  });

  test('takes no messages on a node that drains, and takes them again', async () => {
    const alpha = await start('alpha', inline(defineFunction({ name: 'count', on: 'tick', run: () => null })));
    const client = await clientOf(alpha);
    await triggered(client, 'tick', 1);
    await client.drain();
    await triggered(client, 'tick', 0);
    await client.undrain();
    await triggered(client, 'tick', 1);
  });

  test('can be of a module, and of a program in any language', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mpreg-triggers-'));
    folders.push(folder);
    const module = join(folder, 'double.ts');
    const text =
      "import { defineFunction } from 'mpreg';\nexport const twice = defineFunction({ name: 'twice', on: 'twice.*', run: (n: number) => 2 * n });\n";
    writeFileSync(module, text);
    const program = join(folder, 'half.mjs');
    const hello = { hello: { functions: [{ deadLetter: 'half.dead', name: 'half', on: ['half.*'] }] } };
    writeFileSync(
      program,
      `import { createInterface } from 'node:readline';
       console.log(${JSON.stringify(JSON.stringify(hello))});
       for await (const line of createInterface({ input: process.stdin })) {
         const { id, args: [n, { topic }] } = JSON.parse(line);
         console.log(JSON.stringify({ id, result: [n / 2, topic] }));
       }`,
    );
    const exec = [`'${process.execPath}' '${program}'`];
    const alpha = await start('alpha', { exec, functions: [module] });
    const client = await clientOf(alpha);
    await triggered(client, 'twice.it', 1);
    await triggered(client, 'half.it', 1);
    expect((await client.request('twice.it', 21)).payload).toBe(42);
    expect((await client.request('half.it', 21)).payload).toEqual([10.5, 'half.it']);
  });
});

test.each([
  [{ on: 'pre*' }, 'on: the pattern "pre*" is refused'],
  [{ on: [] }, 'on must name a pattern'],
  [{ on: 7 }, 'on must be a pattern'],
  [{ group: 'g' }, 'group is for functions that topics trigger'],
  [{ deadLetter: 'a.#', on: 'a' }, 'deadLetter must be a topic'],
  [{ on: 'a', retry: { attempts: 0 } }, 'retry.attempts must be a whole number, 1 or more'],
  [{ on: 'a', retry: { times: 2 } }, 'retry has no field times'],
])('%j is no definition', (about, why) => {
  expect(() => defineFunction({ name: 'f', run: () => 1, ...(about as object) })).toThrow(why);
});
