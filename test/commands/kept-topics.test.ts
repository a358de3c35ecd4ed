/** topic keep, unkeep, info and bindings, and what publish and subscribe have to do with them, against two real nodes. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BUILT, ended, eventually, type Ran, type RunningNode, World } from '../cli/mpreg.ts';

const world = new World(BUILT);
let alpha: RunningNode;
let beta: RunningNode;

beforeAll(async () => {
  [alpha, beta] = await Promise.all([
    world.node(['--name', 'alpha', '--data-dir', world.path('alpha')]),
    world.node(['--name', 'beta']),
  ]);
  const members = async () => JSON.parse((await at(alpha, 'node', 'list', '--json')).stdout) as unknown[];
  await eventually(members, ({ length }) => length === 2);
});
afterAll(() => world.close());

function at(node: RunningNode, ...args: string[]): Promise<Ran> {
  return world.mpreg(args, { env: { MPREG_URL: node.url } });
}

describe('kept topics on the command line', () => {
  test('are kept, read, listed, and destroyed only where that is confirmed', async () => {
    const kept = await at(
      beta,
      'topic',
      'keep',
      'order.#',
      '--age',
      '7d',
      '--count',
      '500',
      '--bytes',
      '10mb',
      '--node',
      'alpha',
    );
    expect(kept.stdout).toBe('order.# is kept on alpha, on disk: at most 500 messages, 10 MB, 7 d\n');
    const published = await at(beta, 'publish', 'order.eu', '{"total": 7}', '--count', '3');
    expect(published.stdout).toMatch(
      /^published 3 messages to order\.eu: 0 .* on beta, 0 other nodes; the last kept as 3\n$/,
    );
    const one = JSON.parse((await at(alpha, 'publish', 'order.us', 'x', '--json')).stdout);
    expect(one).toMatchObject({ kept: 4, local: 0, nodes: 0, published: 1 });
    const read = await at(beta, 'subscribe', 'order.#', '--since', '1h', '--count', '4', '--json');
    const messages = read.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(messages.map(({ sequence, topic }) => `${sequence} ${topic}`)).toEqual([
      '1 order.eu',
      '2 order.eu',
      '3 order.eu',
      '4 order.us',
    ]);
    expect(messages[0]).toMatchObject({
      missed: 0,
      payload: { total: 7 },
      position: expect.stringMatching(/^1@alpha-/),
    });
    expect((await at(alpha, 'subscribe', 'order.us', '--from', '3', '--count', '1', '--raw')).stdout).toBe('x\n');
    expect((await at(alpha, 'subscribe', 'order.eu', '--last', '2', '--count', '1', '--raw')).stdout).toBe(
      '{"total":7}\n',
    );
    const info = await at(beta, 'topic', 'info', 'order.#');
    expect(info.stdout).toMatch(/^alpha\torder\.#\tdisk\t1\t4\t4\/500\t1\.\d kB\/10 MB\t7 d\t0\t0\n$/);
    expect((await at(beta, 'topic', 'unkeep', 'order.#', '--dry-run')).stdout).toMatch(
      /^would destroy 4 messages \(1\.\d kB\) of order\.# on alpha\n$/,
    );
    const refused = await at(beta, 'topic', 'unkeep', 'order.#');
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('Destroy 4 messages')]);
    const gone = await at(beta, 'topic', 'unkeep', 'order.#', '--yes', '--json');
    expect(JSON.parse(gone.stdout)).toMatchObject({ count: 4, node: 'alpha', pattern: 'order.#' });
    expect((await at(beta, 'topic', 'info')).stdout).toBe('');
  });

  test('a durable name goes on after what was printed, and shows how far it is', async () => {
    await at(alpha, 'topic', 'keep', 'bill.*', '--memory');
    await at(alpha, 'publish', 'bill.1', 'b', '--count', '5');
    const first = await at(
      beta,
      'subscribe',
      'bill.*',
      '--durable',
      'books',
      '--from',
      'first',
      '--count',
      '2',
      '--json',
    );
    expect(first.stdout.trim().split('\n')).toHaveLength(2);
    const bindings = () => at(alpha, 'topic', 'bindings', 'bill.*', '--json');
    const position = async () =>
      (JSON.parse((await bindings()).stdout) as { kind: string; position: number }[])[0]?.position;
    expect(await eventually(position, (seen) => seen === 2)).toBe(2);
    expect(JSON.parse((await bindings()).stdout)).toEqual([
      { behind: 3, client: null, kind: 'name', name: 'books', node: 'alpha', pattern: 'bill.*', position: 2 },
    ]);
    expect((await at(beta, 'topic', 'match', 'bill.7')).stdout).toBe(
      'alpha\tbill.*\tkeep\t\t\t\nalpha\tbill.*\tname\tbooks\t\t\n',
    );
    expect(JSON.parse((await at(beta, 'topic', 'match', 'bill.7', '--json')).stdout)).toContainEqual({
      client: null,
      kind: 'name',
      name: 'books',
      node: 'alpha',
      pattern: 'bill.*',
      subscription: null,
    });
    const peek = await at(
      beta,
      'subscribe',
      'bill.*',
      '--durable',
      'books',
      '--ack',
      'manual',
      '--count',
      '3',
      '--json',
    );
    const rest = await at(beta, 'subscribe', 'bill.*', '--durable', 'books', '--exec', 'cat', '--count', '3');
    expect([peek.stdout.match(/"sequence":\d/g), rest.stdout]).toEqual([
      ['"sequence":3', '"sequence":4', '"sequence":5'],
      'bbb',
    ]);
    expect(await eventually(position, (seen) => seen === 5)).toBe(5);
  });

  test('says what to do about what cannot be kept or read so', async () => {
    const told = async (...args: string[]) => (await at(beta, ...args)).stderr;
    expect(await told('topic', 'keep', 'mpreg.#')).toContain("mpreg subscribe 'mpreg.#'\n");
    expect(await told('subscribe', 'a', '--since', 'x')).toMatch(/"x" is neither a duration nor a time; write 5m, /);
    expect(await told('subscribe', 'a', '--from', '0')).toContain('write 1 or more, first or new');
  });

  test('an age of 0 is none, and the last 0 are none of those that there are', async () => {
    const kept = await at(alpha, 'topic', 'keep', 'zero', '--age', '0', '--memory', '--json');
    expect(JSON.parse(kept.stdout)).not.toHaveProperty('ageMaxMs');
    await at(alpha, 'publish', 'zero', 'before');
    const child = world.spawn(['subscribe', 'zero', '--last', '0', '--count', '1', '--raw'], {
      env: { MPREG_URL: alpha.url },
    });
    const all = ended(child);
    const reading = async () => (await at(alpha, 'topic', 'bindings', 'zero', '--json')).stdout;
    await eventually(reading, (text) => text.includes('"reader"'));
    await at(alpha, 'publish', 'zero', 'after');
    expect(await all).toMatchObject({ code: 0, stdout: 'after\n' });
  });

  test('readers are listed beside subscriptions while they read', async () => {
    await at(alpha, 'topic', 'keep', 'tick', '--memory');
    const child = world.spawn(['subscribe', 'tick', '--from', 'new'], { env: { MPREG_URL: beta.url } });
    const rows = async () =>
      JSON.parse((await at(alpha, 'topic', 'list', '--json')).stdout) as Record<string, unknown>[];
    const [row] = (await eventually(rows, (all) => all.some(({ keep }) => keep === 'tick'))).filter(
      ({ keep }) => keep === 'tick',
    );
    expect(row).toMatchObject({
      client: expect.stringMatching(/^pid \d+$/),
      delivered: 0,
      node: 'alpha',
      patterns: ['tick'],
    });
    child.kill('SIGINT');
    expect((await ended(child)).code).toBe(130);
    expect(await eventually(rows, (all) => all.every(({ keep }) => keep !== 'tick'))).toEqual([]);
  });

  test.each([
    [['subscribe', 'never.kept', '--last', '3'], 3, 'keep-unknown'],
    [['topic', 'info', 'never.kept'], 3, 'keep-unknown'],
    [['topic', 'unkeep', 'never.kept', '--yes'], 3, 'keep-unknown'],
    [['topic', 'keep', 'mpreg.#'], 4, 'not-allowed'],
    [['topic', 'keep', 'a', '--age', 'soon'], 2, 'usage-invalid'],
    [['topic', 'keep', 'a', '--bytes', 'many'], 2, 'usage-invalid'],
    [['topic', 'keep', 'pre*'], 2, 'topic-invalid'],
    [['subscribe', 'a', '--from', 'there'], 2, 'usage-invalid'],
    [['subscribe', 'a', '--from', '0'], 2, 'usage-invalid'],
    [['subscribe', 'a', '--since', 'then'], 2, 'usage-invalid'],
    [['publish', 'mpreg', 'x'], 4, 'not-allowed'],
  ])('%j ends with %i', async (args, code, problem) => {
    const ran = await at(beta, ...args, '--json');
    expect([ran.code, JSON.parse(ran.stdout || ran.stderr)]).toMatchObject([code, { error: { code: problem } }]);
  });
});
