import { afterEach, describe, expect, test } from 'vitest';
import { connect } from '../../src/engine/connect.ts';
import { createNode } from '../../src/engine/create-node.ts';
import { ClientFace } from '../../src/engine/host/client-face.ts';
import { type Lane, PooledClient } from '../../src/engine/host/pooled-client.ts';
import type {
  Client,
  MpregNode,
  PlanReply,
  Published,
  Reply,
  Subscription,
  TopicMessage,
} from '../../src/engine/index.ts';

/** A lane that answers when it is told to. */
class TestLane extends ClientFace implements Lane {
  readonly #over = Promise.withResolvers<string>();
  readonly closed = this.#over.promise;
  readonly node: Client['node'];
  readonly open: PromiseWithResolvers<Reply>[] = [];
  connected = true;
  stopped = 0;

  constructor(name: string) {
    super();
    this.node = { id: name, name, url: `ws://${name}` };
  }

  ask(): Promise<Reply> {
    const answer = Promise.withResolvers<Reply>();
    this.open.push(answer);
    return answer.promise;
  }

  async runDocument(): Promise<PlanReply> {
    await this.ask();
    return { results: {}, steps: [], tookMs: 0 };
  }

  stream(): AsyncIterable<unknown> {
    const next = async () => ({ done: false, value: await this.ask() });
    const stop = async () => {
      this.stopped++;
      return { done: true as const, value: undefined };
    };
    return { [Symbol.asyncIterator]: () => ({ next, return: stop }) };
  }

  async publishRequest(): Promise<Published> {
    return { id: this.node.name };
  }

  post(): boolean {
    return false;
  }

  room(): undefined {}

  async requestPayload(): Promise<TopicMessage> {
    throw new Error('nobody asks for it here');
  }

  requestsOf(): AsyncIterable<TopicMessage> {
    throw new Error('nobody asks for it here');
  }

  async subscribe(): Promise<Subscription> {
    throw new Error('nobody asks for it here');
  }

  answer(): void {
    this.open.shift()?.resolve({ node: this.node.name, value: 1 });
  }

  async close(): Promise<void> {
    this.#over.resolve(`${this.node.name} closed`);
  }
}

function poolOf(count: number) {
  const lanes = Array.from({ length: count }, (_, i) => new TestLane(`n${i}`));
  const [first, ...more] = lanes;
  const pool = new PooledClient([first as TestLane, ...more]);
  return { busy: () => lanes.map(({ open }) => open.length), lanes: lanes as [TestLane, TestLane, TestLane], pool };
}

const soon = () => new Promise((resolve) => setImmediate(resolve));

describe('a request goes to', () => {
  test('each lane in turn while all are equally busy, one after the other or all at once', async () => {
    const { busy, lanes, pool } = poolOf(3);
    const names: string[] = [];
    for (let i = 0; i < 6; i++) {
      const asked = pool.ask('f', []);
      for (const lane of lanes) lane.answer();
      names.push((await asked).node);
    }
    expect(names).toEqual(['n0', 'n1', 'n2', 'n0', 'n1', 'n2']);
    for (let i = 0; i < 7; i++) void pool.ask('f', []);
    expect(busy().toSorted()).toEqual([2, 2, 3]);
  });

  test('the lane with the fewest under way, plans and streams counted', async () => {
    const { busy, lanes, pool } = poolOf(3);
    void pool.run([{ fun: 'f', name: 'a' }]);
    void pool.stream('f', [])[Symbol.asyncIterator]().next();
    void pool.call('f');
    expect(busy()).toEqual([1, 1, 1]);
    lanes[1].answer(); // an item: the stream is still under way
    await soon();
    lanes[2].answer();
    await soon();
    void pool.call('f');
    expect(busy()).toEqual([1, 0, 1]);
  });

  test('an open lane, however busy it is, while there is one', () => {
    const { busy, lanes, pool } = poolOf(3);
    lanes[0].connected = false;
    lanes[2].connected = false;
    for (let i = 0; i < 5; i++) void pool.ask('f', []);
    expect([busy(), pool.node.name]).toEqual([[0, 5, 0], 'n1']);
    lanes[1].connected = false; // the next ones wait on the lanes
    void pool.ask('f', []);
    void pool.ask('f', []);
    expect(busy()).toEqual([1, 5, 1]);
  });

  test('no lane that is over', async () => {
    const { busy, lanes, pool } = poolOf(3);
    await lanes[0].close();
    await soon();
    for (let i = 0; i < 4; i++) void pool.ask('f', []);
    expect(busy()).toEqual([0, 2, 2]);
  });
});

test('a stream that is stopped is stopped on its own lane, and no longer counts', async () => {
  const { busy, lanes, pool } = poolOf(3);
  const iterator = pool.stream('f', [])[Symbol.asyncIterator]();
  const first = iterator.next();
  lanes[0].answer();
  await first;
  await iterator.return?.();
  expect(lanes.map(({ stopped }) => stopped)).toEqual([1, 0, 0]);
  for (let i = 0; i < 3; i++) void pool.ask('f', []);
  expect(busy()).toEqual([1, 1, 1]);
});

test('what fails on a lane fails for the caller, and no longer counts', async () => {
  const { busy, lanes, pool } = poolOf(3);
  const asked = pool.ask('f', []);
  lanes[0].open.shift()?.reject(new Error('link-lost'));
  await expect(asked).rejects.toThrow('link-lost');
  for (let i = 0; i < 3; i++) void pool.ask('f', []);
  expect(busy()).toEqual([1, 1, 1]);
});

test('it is over with its last lane, and closes all of them', async () => {
  const { lanes, pool } = poolOf(3);
  const over: string[] = [];
  void pool.closed.then((reason) => over.push(reason));
  await lanes[1].close();
  await soon();
  expect(over).toEqual([]);
  await pool.close();
  expect(await pool.closed).toBe('n2 closed');
});

describe('over real sockets', () => {
  const nodes: MpregNode[] = [];
  let client: Client | undefined;
  afterEach(async () => {
    await client?.close();
    await Promise.all(nodes.splice(0).map((node) => node.leave({ graceMs: 0 })));
  });
  const start = async (...names: string[]) => {
    for (const name of names) nodes.push(await createNode({ cluster: `pool-${process.pid}`, discover: false, name }));
    return nodes.map(({ url }) => url);
  };

  test('the links are shared out among the seeds, and all are closed in the end', async () => {
    const urls = await start('alpha', 'beta');
    client = await connect({ pool: 5, urls });
    const clients = () => nodes.map((node) => node.snapshot().links.clients);
    expect(clients()).toEqual([3, 2]);
    const many = Array.from({ length: 50 }, (_, i) => (client as Client).call('echo', i));
    expect(await Promise.all(many)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    const answering = await Promise.all(Array.from({ length: 5 }, () => (client as Client).info()));
    expect(new Set(answering.map(({ record }) => record.name))).toEqual(new Set(['alpha', 'beta']));
    await client.close();
    expect(await client.closed).toBe('the client closes');
    await expect.poll(clients).toEqual([0, 0]);
  });

  test('when one node goes, calls go on over the other links, and the lost ones come back elsewhere', async () => {
    const urls = await start('alpha', 'beta');
    client = await connect({ pool: 4, urls });
    await nodes.splice(1, 1)[0]?.leave({ graceMs: 0 });
    const values = await Promise.all(
      Array.from({ length: 40 }, (_, i) => (client as Client).call.with({ idempotent: true })('echo', i)),
    );
    expect(values).toEqual(Array.from({ length: 40 }, (_, i) => i));
    await expect.poll(() => nodes[0]?.snapshot().links.clients).toBe(4);
  });

  test('none is left where they do not all come about', async () => {
    const [url = ''] = await start('alpha');
    await expect(connect({ pool: 3, reconnect: false, urls: ['ws://127.0.0.1:1'] })).rejects.toMatchObject({
      code: 'nobody-there',
    });
    for (const pool of [0, 65, 1.5]) {
      await expect(connect({ pool, urls: [url] })).rejects.toMatchObject({ code: 'input-invalid' });
    }
    expect(nodes[0]?.snapshot().links.clients).toBe(0);
  });
});
