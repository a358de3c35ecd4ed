import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import type { Client, FunctionDefinition, MpregNode } from '../../../src/engine/index.ts';
import { Clusters, reached, until, viewOf } from './two-clusters.ts';

const open: Clusters[] = [];
afterEach(async () => {
  for (const clusters of open.splice(0)) await clusters.close();
});

interface Two {
  readonly clusters: Clusters;
  readonly red: Client;
  readonly blue: Client;
  readonly redHub: MpregNode;
  readonly blueHub: MpregNode;
}

const DOUBLE: FunctionDefinition = { name: 'double', run: (n: number) => 2 * n };

/** Two clusters, each of a hub and a node; functions are on the nodes that are no hubs. */
async function twoClusters(ofBlue: readonly FunctionDefinition[] = []): Promise<Two> {
  const clusters = new Clusters();
  open.push(clusters);
  const blueHub = await clusters.node('blue', 'blue-hub', { hub: { mode: 'permissive', region: 'east' } });
  const redHub = await clusters.node('red', 'red-hub', {
    hub: { links: [{ addresses: [blueHub.url], cluster: 'blue' }], region: 'west' },
  });
  const blueNode = await clusters.node('blue', 'blue-node', { inline: [DOUBLE, ...ofBlue], peers: [blueHub.url] });
  const triple: FunctionDefinition = { name: 'triple', run: (n: number) => 3 * n };
  const redNode = await clusters.node('red', 'red-node', { inline: [triple], peers: [redHub.url] });
  const [red, blue] = [await clusters.client(redNode), await clusters.client(blueNode)];
  await redNode.joined(60_000);
  await blueNode.joined(60_000);
  await reached(red, 'blue', 'double');
  await reached(blue, 'red', 'triple');
  return { blue, blueHub, clusters, red, redHub };
}

describe('between two clusters', () => {
  it('a function that only the other one has is called as any other, and the answer says where it ran', async () => {
    const { blue, red } = await twoClusters();
    expect(await red.ask('double', [21])).toEqual({ cluster: 'blue', node: 'blue-node', value: 42 });
    expect(await blue.ask('triple', [5])).toEqual({ cluster: 'red', node: 'red-node', value: 15 });
    expect(await red.ask('triple', [5])).toEqual({ node: 'red-node', value: 15 });
    const { clusters } = await viewOf(red);
    expect(clusters.map(({ cluster, region, state }) => [cluster, region, state])).toEqual([
      ['blue', 'east', 'reachable'],
      ['red', 'west', 'self'],
    ]);
  });

  it('one is chosen by its id or its region, also for what the own cluster has', async () => {
    const { red } = await twoClusters();
    expect(await red.ask('echo', ['hi'], { cluster: 'blue' })).toMatchObject({ cluster: 'blue', value: 'hi' });
    expect(await red.ask('echo', ['hi'], { region: 'east' })).toMatchObject({ cluster: 'blue', value: 'hi' });
    expect(await red.ask('echo', ['hi'], { cluster: 'red' })).not.toHaveProperty('cluster');
    expect(await red.ask('mpreg.info', [], { cluster: 'blue', node: 'blue-node' })).toMatchObject({
      value: { record: { name: 'blue-node' } },
    });
    const refusal = (what: Promise<unknown>) => what.catch((error: unknown) => error);
    expect(await refusal(red.ask('echo', [1], { cluster: 'green' }))).toMatchObject({ code: 'cluster-unknown' });
    expect(await refusal(red.ask('echo', [1], { region: 'north' }))).toMatchObject({ code: 'cluster-unknown' });
    expect(await refusal(red.ask('double', [1], { cluster: 'red' }))).toMatchObject({ code: 'function-unknown' });
    expect(await refusal(red.ask('nothing', [1], { cluster: 'blue' }))).toMatchObject({ code: 'function-unknown' });
    expect(await refusal(red.ask('nothing', [1]))).toMatchObject({ code: 'function-unknown' });
  });

  it('what changes another cluster, or belongs to its nodes alone, is refused', async () => {
    const { red } = await twoClusters();
    for (const fun of ['mpreg.drain', 'mpreg.leave', 'mpreg.federation.apply', 'mpreg.queue.create']) {
      const refused = await red.ask(fun, [{}], { cluster: 'blue' }).catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: 'not-allowed', problem: { cluster: 'blue' } });
    }
  });

  it('what a function throws arrives with its node and cluster', async () => {
    const { red } = await twoClusters([
      {
        name: 'fail',
        run: () => {
          throw new RangeError('too blue');
        },
      },
    ]);
    await reached(red, 'blue', 'fail');
    const error = await red.ask('fail', []).catch((problem: unknown) => problem);
    expect(error).toMatchObject({
      code: 'function-failed',
      problem: { cause: { message: 'too blue', name: 'RangeError' }, cluster: 'blue', node: 'blue-node' },
    });
  });

  it('a stream crosses, and is made no faster than it is taken', async () => {
    let made = 0;
    const { red } = await twoClusters([
      {
        name: 'flood',
        async *run(count: number) {
          for (let i = 0; i < count; i++) {
            made++;
            yield 'x'.repeat(10_000);
          }
        },
      },
    ]);
    await reached(red, 'blue', 'flood');
    let taken = 0;
    for await (const item of red.stream('flood', [2_000])) {
      expect(item).toHaveLength(10_000);
      if (++taken === 1) await new Promise((resolve) => setTimeout(resolve, 300));
      expect(made - taken).toBeLessThan(500);
    }
    expect([taken, made]).toEqual([2_000, 2_000]);
  });

  it('who takes a call back ends it over there', async () => {
    const over = new EventTarget();
    const { red } = await twoClusters([
      {
        name: 'wait',
        run() {
          over.dispatchEvent(new Event('begun'));
          return new Promise((_, reject) => {
            this.signal.addEventListener('abort', () => {
              over.dispatchEvent(new Event('aborted'));
              reject(new Error('aborted'));
            });
          });
        },
      },
    ]);
    await reached(red, 'blue', 'wait');
    const abort = new AbortController();
    const begun = once(over, 'begun');
    const aborted = once(over, 'aborted');
    const call = red.ask('wait', [], { signal: abort.signal }).catch((error: unknown) => error);
    await begun;
    abort.abort(new Error('enough'));
    await aborted;
    expect(await call).toMatchObject({ code: 'cancelled' });
    expect(await red.ask('wait', [], { timeoutMs: 300 }).catch((error: unknown) => error)).toMatchObject({
      code: 'timed-out',
    });
  });

  it('a plan has steps in both, and values go from one to the other', async () => {
    const { red, blue } = await twoClusters();
    const plan = [
      { args: [7], fun: 'triple', name: 'a' },
      { args: ['a'], fun: 'double', name: 'b' },
      { args: ['b'], fun: 'triple', name: 'c' },
      { args: ['c'], cluster: 'blue', fun: 'echo', name: 'd' },
      { args: ['d'], fun: 'double', name: 'e' },
    ];
    for (const client of [red, blue]) {
      const reply = await client.run(plan);
      expect(reply.problem).toBeUndefined();
      expect(reply.results).toEqual({ e: 252 });
      expect(reply.steps.map(({ name, node }) => [name, node])).toEqual([
        ['a', 'red-node'],
        ['b', 'blue-node'],
        ['c', 'red-node'],
        ['d', expect.stringMatching(/^blue-/)],
        ['e', 'blue-node'],
      ]);
    }
  });

  it('a queue is found wherever it is', async () => {
    const { blue, red } = await twoClusters();
    await blue.queue('jobs').create({});
    await until('red hears of the queue', async () => {
      const { clusters } = await viewOf(red);
      return clusters.some(({ queues }) => queues.includes('jobs'));
    });
    await red.queue('jobs').send({ n: 1 });
    const [message] = await red.queue('jobs').receive({ waitMs: 5_000 });
    expect(message?.body).toEqual({ n: 1 });
    await message?.ack();
    const { counts } = await blue.queue('jobs').info();
    expect(counts).toMatchObject({ done: 1, leased: 0, ready: 0, sent: 1 });
    const stolen = await red
      .ask('mpreg.queue.send', [{ messages: [], queue: 'other' }], { cluster: 'blue', locs: ['queue:jobs'] })
      .catch((error: unknown) => error);
    expect(stolen).toMatchObject({ code: 'input-invalid' });
  });
});

describe('a cluster that cannot be reached any more', () => {
  it('is named as what has the function: nobody is there, which is not the same as that nobody has it', async () => {
    const { blueHub, red } = await twoClusters();
    await blueHub.kill();
    await until('blue is lost', async () => {
      const { clusters } = await viewOf(red);
      return clusters.some(({ cluster, state }) => cluster === 'blue' && state === 'lost');
    });
    await expect(red.call('double', 2)).rejects.toMatchObject({
      code: 'nobody-there',
      message: 'of other clusters only blue can take double, and no way leads there now',
    });
    await expect(red.call('unheard-of')).rejects.toMatchObject({ code: 'function-unknown' });
  });
});

describe('a cluster without a hub', () => {
  it('says so to whoever asks for another one, or for a hub', async () => {
    const clusters = new Clusters();
    open.push(clusters);
    const client = await clusters.client(await clusters.node('alone', 'alone'));
    for (const asked of [
      client.ask('echo', [1], { cluster: 'blue' }),
      client.ask('echo', [1], { region: 'east' }),
      client.ask('mpreg.federation.view', [], { locs: ['role:hub'] }),
      client.ask('mpreg.federation.view', []),
    ]) {
      expect(await asked.catch((error: unknown) => error)).toMatchObject({ code: 'hub-missing' });
    }
  });
});
