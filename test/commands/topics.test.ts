/** publish, subscribe and topic, against two real nodes. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../src/engine/index.ts';
import { BUILT, ended, eventually, type Ran, type RunningNode, World } from '../cli/mpreg.ts';

const world = new World(BUILT);
let alpha: RunningNode;
let beta: RunningNode;

beforeAll(async () => {
  [alpha, beta] = await Promise.all([world.node(['--name', 'alpha']), world.node(['--name', 'beta'])]);
  const members = async () => JSON.parse((await at(alpha, 'node', 'list', '--json')).stdout) as unknown[];
  await eventually(members, ({ length }) => length === 2);
});
afterAll(() => world.close());

function at(node: RunningNode, ...args: string[]): Promise<Ran> {
  return world.mpreg(args, { env: { MPREG_URL: node.url } });
}

interface Listener {
  readonly child: ChildProcessWithoutNullStreams;
  readonly all: Promise<Ran>;
}

/** `mpreg subscribe`, once it listens and all nodes know. */
async function listen(node: RunningNode, ...args: string[]): Promise<Listener> {
  const child = world.spawn(['subscribe', ...args, '--everywhere'], { env: { MPREG_URL: node.url } });
  const all = ended(child);
  const listening = new Promise<void>((resolve) => {
    child.stderr.on('data', (text: string) => text.includes('listening on') && resolve());
  });
  await Promise.race([listening, all.then(({ stderr }) => Promise.reject(new Error(stderr)))]);
  return { all, child };
}

describe('subscribe', () => {
  test('prints when, what and where, a line for each message, wherever it was published', async () => {
    const { all } = await listen(beta, 'order.#', '#.eu', '--count', '2');
    await at(alpha, 'publish', 'order.eu', '{"total": 7}');
    await at(beta, 'publish', 'cart.us');
    await at(alpha, 'publish', 'order', 'paid');
    const { code, stdout } = await all;
    expect(stdout).toMatch(/^\d{4}-[\d-]+T[\d:.]+Z\torder\.eu\t\{"total":7\}\n\S+Z\torder\tpaid\n$/);
    expect(code).toBe(0);
  });

  test('says all that is known of a message under --json', async () => {
    const { all } = await listen(beta, 'order.*', '--json', '--count', '1');
    await at(alpha, 'publish', 'order.eu', '[1]', '--header', 'user=7', '--header', 'empty=');
    const message = JSON.parse((await all).stdout) as Record<string, unknown>;
    expect(message).toEqual({
      attempt: 1,
      headers: { empty: '', user: '7' },
      id: `${message['publisher']}/1`,
      interrupted: false,
      missed: 0,
      payload: [1],
      publisher: expect.any(String),
      redelivered: false,
      retained: false,
      time: expect.stringMatching(/Z$/),
      topic: 'order.eu',
    });
  });

  test('prints nothing but payloads under --raw', async () => {
    const { all } = await listen(alpha, 'raw', '--raw', '--count', '3');
    await at(alpha, 'publish', 'raw', 'two\nlines');
    await at(alpha, 'publish', 'raw', '{"a": [1]}');
    await at(alpha, 'publish', 'raw', '7', '--string');
    expect((await all).stdout).toBe('two\nlines\n{"a":[1]}\n7\n');
  });

  test('shares messages within a group, and those of a key go to one of it', async () => {
    const members = [
      await listen(alpha, 'job', '--group', 'g', '--ack', 'none', '--raw'),
      await listen(beta, 'job', '--group', 'g', '--ack', 'none', '--raw'),
    ];
    await at(alpha, 'publish', 'job', 'any', '--count', '10');
    await at(alpha, 'publish', 'job', 'keyed', '--count', '10', '--key', 'user-7');
    const delivered = async () => {
      const rows = JSON.parse((await at(alpha, 'topic', 'list', '--json')).stdout) as { delivered: number }[];
      return rows.map((row) => row.delivered).sort((a, b) => a - b);
    };
    expect(await eventually(delivered, (counts) => counts.at(-1) === 15)).toEqual([5, 15]);
    for (const { child } of members) child.kill('SIGINT');
    for (const { all } of members) expect((await all).code).toBe(130);
  });

  test('acknowledges what it has printed: that comes to no other member, and what it was killed with does', async () => {
    const first = await listen(beta, 'work', '--group', 'w', '--key', 'header:user', '--raw', '--count', '2');
    await at(alpha, 'publish', 'work', 'a', '--header', 'user=7', '--key', 'header:user', '--count', '2');
    expect(await first.all).toMatchObject({ code: 0, stdout: 'a\na\n' });
    const killed = await listen(beta, 'work', '--group', 'w', '--key', 'header:user', '--exec', 'sleep 600');
    const { stdout } = await at(alpha, 'publish', 'work', 'b', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ local: 0, nodes: 1, waiting: 0 });
    await eventually(
      () => at(alpha, 'topic', 'list', '--json'),
      (ran) => ran.stdout.includes('"unacknowledged":1'),
    );
    killed.child.kill('SIGKILL');
    const heir = await listen(alpha, 'work', '--group', 'w', '--key', 'header:user', '--json', '--count', '1');
    expect(JSON.parse((await heir.all).stdout)).toMatchObject({ attempt: 2, payload: 'b', redelivered: true });
  });

  test('ends with 130 when it is interrupted, and nobody listens any more', async () => {
    const { all, child } = await listen(alpha, 'tick');
    child.kill('SIGINT');
    expect(await all).toMatchObject({ code: 130, stdout: '' });
    const rows = await eventually(
      () => at(alpha, 'topic', 'match', 'tick', '--json'),
      ({ stdout }) => stdout === '[]\n',
    );
    expect(rows.code).toBe(0);
  });

  test.each([
    [['subscribe', 'pre*'], 2, 'topic-invalid'],
    [['subscribe', ''], 2, 'topic-invalid'],
    [['publish', 'order.#', 'x'], 2, 'topic-invalid'],
    [['publish', 'mpreg.member', 'x'], 4, 'not-allowed'],
    [['publish', 'a', 'x', '--rate', 'often'], 2, 'usage-invalid'],
    [['publish', 'a', 'x', '--header', 'none'], 2, 'usage-invalid'],
    [['publish', 'a', 'x', '--split', 'newline'], 2, 'usage-invalid'],
    [['subscribe', 'a', '--group', 'g', '--key', 'user'], 2, 'input-invalid'],
    [['subscribe', 'a', '--group', 'g', '--ack-timeout', 'soon'], 2, 'usage-invalid'],
    [['publish', 'a', 'x', '--key', 'header:user'], 2, 'input-invalid'],
    [['topic', 'match', 'a.*'], 2, 'topic-invalid'],
  ])('%j ends with %i', async (args, code, problem) => {
    const ran = await at(alpha, ...args, '--json');
    expect([ran.code, JSON.parse(ran.stdout || ran.stderr)]).toMatchObject([code, { error: { code: problem } }]);
  });
});

describe('publish', () => {
  test('says what became of the message', async () => {
    const { all } = await listen(beta, 'said', '--count', '2');
    expect((await at(alpha, 'publish', 'said', 'x')).stdout).toBe(
      'published 1 message to said: 0 subscriptions on alpha, 1 other node\n',
    );
    const { stdout } = await at(beta, 'publish', 'said', 'x', '--json');
    expect(JSON.parse(stdout)).toEqual({
      behind: 0,
      id: expect.stringMatching(/\/1$/),
      kept: null,
      local: 1,
      node: 'beta',
      nodes: 0,
      published: 1,
      tookMs: expect.any(Number),
      topic: 'said',
      unconfirmed: 0,
      waiting: 0,
    });
    await all;
  });

  test('retains the newest for those who come later, until it is cleared', async () => {
    await at(alpha, 'publish', 'state.a', '1', '--retain', '--count', '2');
    await at(alpha, 'publish', 'state.b', '2', '--retain');
    const { all } = await listen(beta, 'state.*', '--json', '--count', '2');
    const lines = (await all).stdout.trim().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { payload: 1, retained: true, topic: 'state.a' },
      { payload: 2, retained: true, topic: 'state.b' },
    ]);
    const cleared = await at(beta, 'publish', 'state.a', '--retain', '--clear');
    expect(cleared).toMatchObject({ code: 0, stdout: 'nothing is retained of state.a\n' });
    const late = await listen(alpha, 'state.*', '--raw', '--count', '1');
    expect((await late.all).stdout).toBe('2\n');
    expect((await at(alpha, 'publish', 'state.a', '--clear')).code).toBe(2);
  });

  test('makes a message of each line, in their order', async () => {
    const { all } = await listen(beta, 'line', '--raw', '--count', '2503');
    const lines = Array.from({ length: 2_500 }, (_, i) => `${i}`);
    const input = `${lines.join('\n')}\nwindows\r\n\n{"a":1}`;
    const env = { MPREG_URL: alpha.url };
    const { stdout } = await world.mpreg(['publish', 'line', '-', '--split', 'newline', '--json'], { env, input });
    expect(JSON.parse(stdout)).toMatchObject({ published: 2_503 });
    expect((await all).stdout).toBe(`${lines.join('\n')}\nwindows\n\n{"a":1}\n`);
  });

  test('publishes a payload from stdin, bytes too, as often and as fast as it is told', async () => {
    const { all } = await listen(alpha, 'often', '--raw', '--count', '3');
    const env = { MPREG_URL: alpha.url };
    const began = performance.now();
    const args = ['publish', 'often', '-', '--count', '3', '--rate', '20/s', '--json'];
    await world.mpreg(args, { env, input: Uint8Array.of(0xff, 10) });
    expect(performance.now() - began).toBeGreaterThan(100);
    expect((await all).stdout).toBe('\uFFFD\n'.repeat(3));
  });
});

describe('a publisher that is held', () => {
  test('does not say that it waits for stdin, and tells when it is interrupted what is confirmed and what is not', async () => {
    const reader = await connect({ urls: [alpha.url] });
    await reader.subscribe('held', { bytesMax: 10_000, messagesMax: 1, policy: 'block' }); // nobody takes anything
    const child = world.spawn(['publish', 'held', '-', '--split', 'newline', '--json'], {
      env: { MPREG_URL: alpha.url },
    });
    const all = ended(child);
    const line = `${'x'.repeat(10_000)}\n`;
    for (let i = 0; i < 3_000; i++) child.stdin.write(line); // stays open, and more waits in it
    const subscribed = async () => {
      const [one] = (await reader.subscriptions()).flatMap(({ found }) => found);
      return one?.delivered ?? 0;
    };
    let before = -1;
    await eventually(subscribed, (now) => {
      const still = now === before && now > 0;
      before = now;
      return still;
    });
    await new Promise((resolve) => setTimeout(resolve, 2_500)); // longer than the silence of stdin that would be told
    child.kill('SIGINT');
    const { code, stderr, stdout } = await all; // by itself: who is ended because it takes too long tells nothing
    expect([code, stderr]).toEqual([130, '']);
    const { published, unconfirmed } = JSON.parse(stdout) as { published: number; unconfirmed: number };
    expect(published).toBeGreaterThan(0);
    expect(unconfirmed).toBeGreaterThan(0);
    expect(published + unconfirmed).toBeLessThan(3_000);
    await reader.close();
  });
});

describe('topic', () => {
  test('list says who listens to what, match by which pattern a topic reaches whom', async () => {
    const plain = await listen(alpha, 'order.#', 'cart.*');
    const member = await listen(beta, '*.eu', '--group', 'billing', '--policy', 'drop-newest');
    const { stdout } = await at(alpha, 'topic', 'list');
    expect(stdout).toMatch(
      /^alpha\torder\.# cart\.\*\t\tpid \d+\t0\t0\t\t0\nbeta\t\*\.eu\tbilling\tpid \d+\t0\t0\t0\t0\n$/,
    );
    const [, second] = JSON.parse((await at(alpha, 'topic', 'list', '--json')).stdout) as object[];
    expect(second).toEqual({
      client: expect.stringMatching(/^pid \d+$/),
      delivered: 0,
      dropped: 0,
      durable: null,
      group: 'billing',
      id: expect.any(Number),
      keep: null,
      node: 'beta',
      patterns: ['*.eu'],
      policy: 'drop-newest',
      unacknowledged: 0,
      waiting: 0,
    });
    const match = await at(beta, 'topic', 'match', 'order.eu');
    expect(match.stdout).toMatch(
      /^alpha\torder\.#\tsubscription\t\tpid \d+\t\d+\nbeta\t\*\.eu\tmember\tbilling\tpid \d+\t\d+\n$/,
    );
    const completed = await at(alpha, 'complete', '--', 'subscribe', '');
    expect(completed.stdout).toContain('order.#');
    for (const { child } of [plain, member]) child.kill('SIGINT');
    await Promise.all([plain.all, member.all]);
  });

  test('list and completion leave out inboxes, unless all is asked for', async () => {
    const client = await connect({ urls: [alpha.url] });
    await client.subscribe('double', { group: 'd', onMessage: ({ payload }) => Number(payload) * 2 });
    expect((await client.request('double', 21)).payload).toBe(42);
    const listed = async (...args: string[]) =>
      JSON.parse((await at(beta, 'topic', 'list', '--json', ...args)).stdout) as { patterns: string[] }[];
    expect((await listed()).map(({ patterns }) => patterns)).toEqual([['double']]);
    const all = await listed('--all');
    expect(all.map(({ patterns }) => patterns)).toContainEqual([expect.stringMatching(/^_reply\.\w+\.…$/)]);
    expect((await at(alpha, 'complete', '--', 'subscribe', '')).stdout).not.toContain('_reply');
    await client.close();
  });
});
