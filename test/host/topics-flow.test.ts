/** Topics through real nodes, as a client in any language sees them: `mpreg.v1.json`, word for word. */
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createNode, type MpregNode } from '../../src/engine/index.ts';
import { until } from '../acceptance/until.ts';

type Frame = Record<string, unknown>;

/** A client without a library. */
class Plain {
  readonly got: Frame[] = [];
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.got.push(...([JSON.parse(String(data))].flat() as Frame[]));
  }

  static async to(node: MpregNode): Promise<Plain> {
    const socket = new WebSocket(node.url, 'mpreg.v1.json');
    const client = new Plain(socket);
    await once(socket, 'open');
    return client;
  }

  say(...frames: Frame[]): void {
    this.#socket.send(JSON.stringify(frames));
  }

  /** The frames of a kind, once there are as many. */
  async frames(kind: string, count: number): Promise<Frame[]> {
    const found = () => this.got.filter((frame) => frame['kind'] === kind);
    await until(
      `${count} ${kind}`,
      () => found().length,
      (n) => n >= count,
    );
    return found();
  }

  async values(count: number): Promise<unknown[]> {
    return (await this.frames('deliver', count)).map(({ value }) => value);
  }

  close(): void {
    this.#socket.close();
  }
}

describe('topics over two nodes', () => {
  let alpha: MpregNode;
  let beta: MpregNode;
  const clients: Plain[] = [];

  beforeAll(async () => {
    alpha = await createNode({ discover: false, name: 'alpha', workers: 1 });
    beta = await createNode({ discover: false, name: 'beta', peers: [alpha.url], workers: 1 });
    await beta.joined(60_000);
    await alpha.joined(60_000);
  });

  afterAll(async () => {
    for (const client of clients) client.close();
    await Promise.all([alpha?.kill(), beta?.kill()]);
  });

  async function client(node: MpregNode): Promise<Plain> {
    const made = await Plain.to(node);
    clients.push(made);
    return made;
  }

  /** Listens, and waits until all nodes know. */
  async function listener(node: MpregNode, more: Frame): Promise<Plain> {
    const made = await client(node);
    made.say({ everywhere: true, id: 1, kind: 'subscribe', ...more });
    await made.frames('subscribed', 1);
    return made;
  }

  it('a message reaches those whose patterns match, on both nodes, once each and in order', async () => {
    const here = await listener(alpha, { patterns: ['order.*', 'order.#', '#'] });
    const there = await listener(beta, { patterns: ['#.eu', 'order.eu'] });
    const other = await listener(beta, { patterns: ['cart.*'] });
    const publisher = await client(alpha);
    for (let i = 1; i <= 20; i++) publisher.say({ id: i, kind: 'publish', topic: 'order.eu', value: i });
    const published = await publisher.frames('published', 20);
    expect(published[0]).toEqual({ id: 1, kind: 'published', local: 1, nodes: 1 });
    const all = Array.from({ length: 20 }, (_, i) => i + 1);
    expect(await here.values(20)).toEqual(all);
    expect(await there.values(20)).toEqual(all);
    publisher.say({ kind: 'publish', topic: 'cart.7', value: 'last' });
    expect(await other.values(1)).toEqual(['last']);
    expect(await there.values(20)).toEqual(all);
  });

  it('a message says its topic, its publisher, its count, its time and its headers', async () => {
    const there = await listener(beta, { patterns: ['said.#'] });
    const publisher = await client(alpha);
    const before = Date.now();
    publisher.say(
      { by: 'ann', headers: { user: '7' }, kind: 'publish', seq: 41, topic: 'said.it', value: { deep: [1] } },
      { kind: 'publish', topic: 'said' },
    );
    const [first, second] = await there.frames('deliver', 2);
    expect(first).toEqual({
      at: expect.any(Number),
      by: 'ann',
      headers: { user: '7' },
      id: 1,
      kind: 'deliver',
      seq: 41,
      topic: 'said.it',
      value: { deep: [1] },
    });
    expect(first?.['at']).toBeGreaterThanOrEqual(before);
    expect(second).toMatchObject({ by: expect.stringMatching(/^alpha-\w+\/\d+$/), seq: 1, topic: 'said' });
  });

  it('each message goes to one member of a group, wherever it is; those of one key to the same', async () => {
    const members = [
      await listener(alpha, { group: 'billing', patterns: ['paid.*'] }),
      await listener(beta, { group: 'billing', patterns: ['paid.#'] }),
      await listener(beta, { group: 'billing', patterns: ['paid.eu', 'paid.us'] }),
    ];
    const publisher = await client(alpha);
    for (let i = 0; i < 30; i++) publisher.say({ kind: 'publish', topic: 'paid.eu', value: i });
    const got = () => members.map(({ got }) => got.filter(({ kind }) => kind === 'deliver').map(({ value }) => value));
    await until(
      'all are taken',
      () => got().flat().length,
      (n) => n === 30,
    );
    expect(
      got()
        .flat()
        .sort((a, b) => Number(a) - Number(b)),
    ).toEqual(Array.from({ length: 30 }, (_, i) => i));
    expect(got().every((values) => values.length === 10)).toBe(true);
    for (let i = 0; i < 12; i++) publisher.say({ key: 'user-7', kind: 'publish', topic: 'paid.us', value: `k${i}` });
    await until(
      'all are taken',
      () => got().flat().length,
      (n) => n === 42,
    );
    const keyed = got().map((values) => values.filter((value) => String(value).startsWith('k')));
    expect(keyed.map(({ length }) => length).sort()).toEqual([0, 0, 12]);
    expect(keyed.flat()).toEqual(Array.from({ length: 12 }, (_, i) => `k${i}`));
  });

  it('who no longer listens gets nothing, and neither does its node', async () => {
    const there = await listener(beta, { patterns: ['gone.*'] });
    const publisher = await client(alpha);
    there.say({ id: 1, kind: 'unsubscribe' });
    let last: Frame | undefined;
    await until(
      'alpha has heard',
      async () => {
        publisher.say({ id: 1, kind: 'publish', topic: 'gone.1' });
        await publisher.frames('published', 1);
        last = publisher.got.pop();
        return last?.['nodes'];
      },
      (nodes) => nodes === 0,
    );
    expect(last).toMatchObject({ nodes: 0 });
  });

  it.each([
    [{ kind: 'publish', topic: 'order.*' }, 'topic-invalid'],
    [{ kind: 'publish', topic: '' }, 'topic-invalid'],
    [{ kind: 'publish', topic: 'mpreg.member' }, 'not-allowed'],
    [{ kind: 'subscribe', patterns: ['pre*'] }, 'topic-invalid'],
    [{ kind: 'subscribe', patterns: [] }, 'topic-invalid'],
  ])('%j is refused as %s, and the connection goes on', async (frame, code) => {
    const some = await client(alpha);
    some.say({ id: 5, ...frame }, { id: 6, kind: 'publish', topic: 'fine' });
    expect((await some.frames('error', 1))[0]).toMatchObject({ id: 5, problem: { code } });
    expect((await some.frames('published', 1))[0]).toMatchObject({ id: 6 });
  });

  it('a client that says what only nodes may say is cut off', async () => {
    const some = await client(alpha);
    some.say({ at: 1, by: 'ann', kind: 'forward', plain: true, seq: 1, topic: 'order.eu' });
    expect((await some.frames('goaway', 1))[0]).toMatchObject({ problem: { code: 'protocol-violated' } });
  });
});
