/** The queue commands, against two real nodes. */
import { writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../cli/mpreg.ts';
import { type Info, QueueWorld } from './queue-world.ts';

const mesh = new QueueWorld();
const { countsOf, json, mpreg } = mesh;

describe('a queue', () => {
  test('is made, listed, shown, changed and deleted', async () => {
    expect((await mpreg('queue', 'create', 'made', '--kind', 'priority', '--visibility', '5s')).stdout).toBe(
      'made\talpha\tpriority\tdisk\n',
    );
    const { code, stdout } = await mpreg('queue', 'create', 'made', '--kind', 'fifo', '--json');
    expect([code, (JSON.parse(stdout) as { error: { code: string } }).error.code]).toEqual([7, 'exists-already']);
    const listed = await mesh.at(mesh.beta, 'queue', 'list');
    expect(listed.stdout).toMatch(/^made\talpha\tpriority\t0\t0\t0\t0\t0\t\tdisk$/m);
    expect(
      await json('queue', 'edit', 'made', '--max-receives', 'none', '--ttl', '30d', '--tag', 'team=mail'),
    ).toMatchObject({
      kind: 'priority',
      options: { maxReceives: null, tags: { team: 'mail' }, ttlMs: 30 * 86_400_000, visibilityMs: 5_000 },
    });
    expect((await mpreg('queue', 'info', 'made')).stdout).toMatch(/^kind\tpriority$/m);
    expect((await mpreg('queue', 'delete', 'made')).stdout).toBe('made\tdeleted\t0\n');
    expect(await mpreg('queue', 'info', 'made')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('queue-unknown'),
    });
  });

  test('of a node without a data directory says wherever it shows that it is kept in memory', async () => {
    const created = await mesh.at(mesh.beta, 'queue', 'create', 'volatile');
    expect(created.stdout).toBe('volatile\tbeta\tstandard\tmemory\n');
    expect(created.stderr).toContain('kept in memory');
    expect((await mesh.at(mesh.beta, 'queue', 'list')).stdout).toMatch(/^volatile\t.*\tmemory$/m);
    expect((await mesh.at(mesh.beta, 'queue', 'info', 'volatile')).stdout).toContain(
      'memory: all that it holds is gone',
    );
    await mesh.at(mesh.beta, 'queue', 'delete', 'volatile');
  });

  test('is kept in memory on a node that has a data directory, too, where it is told so, and says it', async () => {
    const start = ['--no-discover', '--name', 'hasty', '--durability'];
    const refused = await mesh.world.mpreg(['node', 'start', ...start, 'disk']);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('--data-dir') });
    const node = await mesh.world.node([...start, 'memory', '--data-dir', mesh.world.path('hasty')]);
    const created = await mesh.at(node, 'queue', 'create', 'quick');
    expect(created.stdout).toBe('quick\thasty\tstandard\tmemory\n');
    node.child.kill('SIGTERM');
    expect((await node.ended).stderr).toContain('queues are kept in memory');
  });

  test('that holds messages is deleted, or purged, only by whoever says its name', async () => {
    await mpreg('queue', 'create', 'precious');
    await mpreg('queue', 'send', 'precious', 'one');
    for (const verb of ['delete', 'purge']) {
      const refused = await mpreg('queue', verb, 'precious', '--yes');
      expect([verb, refused.code]).toEqual([verb, 2]);
      expect(refused.stderr).toContain('--confirm precious');
      expect((await mpreg('queue', verb, 'precious', '--confirm', 'other')).code).toBe(2);
    }
    expect((await mpreg('queue', 'purge', 'precious', '--confirm', 'precious')).stdout).toBe('precious\t1\n');
    await mpreg('queue', 'send', 'precious', 'two');
    const terminal = await mesh.world.terminal(['queue', 'delete', 'precious'], {
      env: { MPREG_URL: mesh.alpha.url },
      input: 'precious\r',
    });
    expect(terminal.code).toBe(0);
    expect((await mpreg('queue', 'info', 'precious')).code).toBe(3);
  });

  test.each([
    ['Ctrl-C', '\u0003', 130],
    ['Ctrl-D', '\u0004', 2],
  ])('is still there when the question is answered with %s', async (_, input, code) => {
    const name = `doubtful-${code}`;
    await mpreg('queue', 'create', name);
    await mpreg('queue', 'send', name, 'one');
    const env = { MPREG_URL: mesh.alpha.url };
    const ended = await mesh.world.terminal(['queue', 'delete', name], { after: 'to go on: ', env, input });
    expect(ended.stdout).toContain('not confirmed: nothing was done');
    expect(ended.stdout).not.toContain('stack');
    expect(ended.code).toBe(code);
    expect((await mesh.countsOf(name))['ready']).toBe(1);
  });

  test('is told what it is other than asked for, and takes what it can be told to be', async () => {
    await mpreg('queue', 'create', 'plain');
    const other = await mpreg('queue', 'create', 'plain', '--kind', 'fifo');
    expect(other).toMatchObject({ code: 7, stderr: expect.stringContaining('its kind is "standard", not "fifo"') });
    expect((await mpreg('queue', 'create', 'tagged', '--tag', 'novalue')).stderr).toContain('--tag wants NAME=VALUE');
    const itself = await mpreg('queue', 'edit', 'plain', '--dead-letter', 'plain');
    expect(itself).toMatchObject({ code: 2, stderr: expect.stringContaining('its own dead letters') });
    const flaws = [
      ['--visibility', '100d', '--visibility must be from 0 ms to 7 d'],
      ['--retry-factor', '0.5', '--retry-factor must be a number from 1 to 100'],
      ['--retry-max', '1000000d', '--retry-max must be 7 d at most'],
      ['--message-bytes-max', '1gb', '--message-bytes-max must be from 1 B to 256 MB'],
      ['--ttl', '0', '--ttl must be from 1 ms to 36500 d, or none'],
      ['--place', '=', '--place must be any, the name or id of a node, or label=value'],
      ['--place', 'region=', '--place must be any, the name or id of a node, or label=value'],
    ] as const;
    for (const [flag, value, rule] of flaws) {
      const refused = await mpreg('queue', 'create', 'flawed', flag, value);
      expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining(`error: ${rule}`) });
      expect(refused.stderr).toContain('mpreg queue create --help');
    }
    const unnamed = await mpreg('queue', 'send', 'plain', 'x', '--dedupe-id', '');
    expect(unnamed.stderr).toContain('error: --dedupe-id must be a text');
    await mesh.at(mesh.beta, 'queue', 'create', 'far-letters');
    const listed = () => mpreg('queue', 'info', 'far-letters');
    await eventually(listed, ({ code }) => code === 0);
    const far = await mpreg('queue', 'edit', 'plain', '--dead-letter', 'far-letters');
    expect(far).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('plain is on alpha, and far-letters on beta'),
    });
  });
});

test('a queue of dead letters says whose they are', async () => {
  await mpreg('queue', 'create', 'letters');
  await mpreg('queue', 'create', 'one', '--dead-letter', 'letters');
  await mpreg('queue', 'create', 'two', '--dead-letter', 'letters');
  expect((await mpreg('queue', 'info', 'letters')).stdout).toContain('dead letters of\tone two\n');
  expect(await json('queue', 'info', 'letters')).toMatchObject({ sources: ['one', 'two'] });
});

describe('what is sent', () => {
  beforeAll(async () => void (await mpreg('queue', 'create', 'jobs')));

  test('is printed once, with when, which and what, and is done then', async () => {
    const sent = await mpreg('queue', 'send', 'jobs', '{"mail": 7}', '--header', 'user=7', '--dedupe-id', 'a');
    expect(sent).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\n$/) });
    const again = await json<{ duplicate: boolean; id: number }>(
      'queue',
      'send',
      'jobs',
      '{"mail": 7}',
      '--dedupe-id',
      'a',
    );
    expect(again).toMatchObject({ duplicate: true, duplicates: 1, id: Number(sent.stdout), stored: 0 });
    expect((await mpreg('queue', 'receive', 'jobs')).stdout).toMatch(/^\S+Z\t\d+\t\{"mail":7\}\n$/);
    const empty = await mpreg('queue', 'receive', 'jobs');
    expect(empty).toMatchObject({ code: 0, stdout: '' });
    expect(empty.stderr).toContain('no message');
  });

  test('comes with all that is known of it under --json', async () => {
    await mpreg('queue', 'send', 'jobs', 'two\nlines', '--header', 'user=7');
    const { stdout } = await mpreg('queue', 'receive', 'jobs', '--json');
    expect(JSON.parse(stdout)).toEqual({
      queue: 'jobs',
      id: expect.any(Number),
      body: 'two\nlines',
      headers: { user: '7' },
      group: null,
      dedupeId: null,
      priority: 0,
      guarantee: 'at-least-once',
      sentAt: expect.stringMatching(/Z$/),
      receives: 1,
      firstReceivedAt: expect.stringMatching(/Z$/),
      leaseUntil: expect.stringMatching(/Z$/),
      receipt: expect.any(String),
      token: expect.any(Number),
      dead: null,
    });
  });

  test('may come from a file or a pipe, and is printed as it is under --raw', async () => {
    writeFileSync(mesh.world.path('work', 'body.bin'), new Uint8Array([0, 255, 10]));
    await mpreg('queue', 'send', 'jobs', '@body.bin');
    await mesh.world.mpreg(['queue', 'send', 'jobs', '-'], { env: { MPREG_URL: mesh.alpha.url }, input: '7' });
    expect((await mpreg('queue', 'receive', 'jobs', '--max', '2', '--json')).stdout).toMatch(
      /"\$bytes":"AP8K"[^\n]*\n.*"body":7/,
    );
    await mpreg('queue', 'send', 'jobs', 'as it is');
    expect((await mpreg('queue', 'receive', 'jobs', '--raw')).stdout).toBe('as it is\n');
  });

  test('may be a line each, many at once, and says how many are stored', async () => {
    const input = Array.from({ length: 5_000 }, (_, i) => `{"n": ${i}}\n`).join('');
    const env = { MPREG_URL: mesh.beta.url };
    const sent = await mesh.world.mpreg(['queue', 'send', 'jobs', '-', '--split', 'newline', '--json'], { env, input });
    expect(JSON.parse(sent.stdout)).toMatchObject({
      duplicates: 0,
      queue: 'jobs',
      refused: 0,
      stored: 5_000,
      unknown: 0,
    });
    const received = await mpreg('queue', 'receive', 'jobs', '--max', '5000', '--json');
    const numbers = received.stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { body: { n: number } }).body.n);
    expect(numbers).toEqual(Array.from({ length: 5_000 }, (_, i) => i));
    expect(await countsOf('jobs')).toMatchObject({ leased: 0, ready: 0 });
  });

  test('stops at the first that is refused, and says which', async () => {
    await mpreg('queue', 'create', 'small', '--messages-max', '3');
    const input = 'a\nb\nc\nd\ne\n';
    const ran = await mesh.world.mpreg(['queue', 'send', 'small', '-', '--split', 'newline'], {
      env: { MPREG_URL: mesh.alpha.url },
      input,
    });
    expect([ran.code, ran.stdout]).toEqual([1, '3\n']);
    expect(ran.stderr).toContain('queue-full');
    expect(ran.stderr).toMatch(/3 are stored, 2 refused, 0 unknown; line 4 is the first/);
    expect(await countsOf('small')).toMatchObject({ ready: 3, refused: 2 });
    expect((await mpreg('queue', 'send', 'small', 'one more')).code).toBe(1);
  });

  test('comes later where it is told to', async () => {
    await mpreg('queue', 'create', 'later');
    await mpreg('queue', 'send', 'later', 'soon', '--in', '6s');
    await mpreg('queue', 'send', 'later', 'next year', '--at', '2199-01-01T00:00:00Z');
    expect((await mpreg('queue', 'receive', 'later')).stdout).toBe('');
    expect((await mpreg('queue', 'peek', 'later', '--state', 'delayed')).stdout.split('\n')).toHaveLength(3);
    expect((await mpreg('queue', 'receive', 'later', '--wait', '20s', '--raw')).stdout).toBe('soon\n');
  });

  test('is looked at without being taken', async () => {
    await mpreg('queue', 'create', 'seen');
    for (const body of ['a', 'b', 'c']) await mpreg('queue', 'send', 'seen', body);
    const first = await json<{ id: number; state: string; body: string }[]>('queue', 'peek', 'seen', '--max', '2');
    expect(first.map(({ body, state }) => [body, state])).toEqual([
      ['a', 'ready'],
      ['b', 'ready'],
    ]);
    const rest = await mpreg('queue', 'peek', 'seen', '--after', `${first[1]?.id}`, '--raw');
    expect(rest.stdout).toBe('c\n');
    expect(await countsOf('seen')).toMatchObject({ leased: 0, ready: 3 });
  });
});

describe('by its receipt', () => {
  test('a message is extended, given back, refused and acknowledged, once', async () => {
    await mpreg('queue', 'create', 'manual', '--visibility', '60s', '--retry-base', '1ms', '--retry-max', '1ms');
    await mpreg('queue', 'send', 'manual', 'work');
    const receive = async () => {
      const { stdout } = await mpreg('queue', 'receive', 'manual', '--ack', 'manual', '--wait', '5s');
      return stdout.split('\t')[2] ?? '';
    };
    const first = await receive();
    expect((await mpreg('queue', 'extend', 'manual', '2m', first)).stdout).toBe(`${first}\textended\t\n`);
    expect((await mpreg('queue', 'release', 'manual', first)).code).toBe(0);
    const second = await receive();
    expect((await mpreg('queue', 'nack', 'manual', second, '--reason', 'not today')).code).toBe(0);
    const third = await receive();
    const { code, stdout } = await mpreg('queue', 'ack', 'manual', second, '--json');
    expect(code).toBe(7);
    expect(JSON.parse(stdout)).toEqual([
      { done: false, error: expect.objectContaining({ code: 'lease-lost' }) as unknown, receipt: second },
    ]);
    const env = { MPREG_URL: mesh.alpha.url };
    expect((await mesh.world.mpreg(['queue', 'ack', 'manual', '-'], { env, input: `${third}\n` })).code).toBe(0);
    expect(await countsOf('manual')).toMatchObject({ done: 1, leased: 0, ready: 0 });
  });
});

test("what was received from a queue that was deleted is nobody's in the next one of its name, wherever that is", async () => {
  const receive = async () => {
    const { stdout } = await mpreg('queue', 'receive', 'anew', '--ack', 'manual', '--wait', '5s');
    return stdout.split('\t')[2] ?? '';
  };
  await mpreg('queue', 'create', 'anew');
  await mpreg('queue', 'send', 'anew', 'a');
  const former = await receive();
  expect((await mpreg('queue', 'delete', 'anew', '--confirm', 'anew')).code).toBe(0);
  await eventually(
    () => json<{ node?: string }>('queue', 'create', 'anew', '--place', 'beta'),
    ({ node }) => node === 'beta',
  );
  await mpreg('queue', 'send', 'anew', 'b');
  const own = await receive();
  const { code, stdout } = await mpreg('queue', 'ack', 'anew', former, '--json');
  expect([code, JSON.parse(stdout)]).toMatchObject([7, [{ done: false, error: { code: 'lease-lost' } }]]);
  expect((await mpreg('queue', 'ack', 'anew', own)).code).toBe(0);
});

describe('a broadcast', () => {
  test('is done when every consumer that was named has acknowledged it', async () => {
    await mpreg('queue', 'create', 'news', '--guarantee', 'broadcast');
    await mpreg('queue', 'subscribe', 'news', 'mailer');
    expect((await mpreg('queue', 'subscribe', 'news', 'archive')).stdout.split('\n').sort()).toEqual([
      '',
      'archive',
      'mailer',
    ]);
    const sent = await json<{ readonly id: number }>('queue', 'send', 'news', 'extra');
    for (const consumer of ['mailer', 'archive']) {
      const received = await json<object>('queue', 'receive', 'news', '--consumer', consumer);
      expect(received).toMatchObject({ body: 'extra', id: sent.id });
    }
    expect((await mpreg('queue', 'receive', 'news', '--consumer', 'mailer')).stdout).toBe('');
    const few = await mpreg('queue', 'send', 'news', 'x', '--quorum', '3');
    expect([few.code, few.stderr]).toEqual([5, expect.stringContaining('consumers-too-few')]);
    expect((await mpreg('queue', 'unsubscribe', 'news', 'mailer')).stdout).toBe('archive\n');
  });
});

describe('a binding', () => {
  test('stores messages of topics in the queue, once each, wherever they are published, until it is ended', async () => {
    await mpreg('queue', 'create', 'orders');
    expect((await mpreg('queue', 'bind', 'orders', 'order.*.created', '#.created')).stdout).toBe(
      'order.*.created\n#.created\n',
    );
    const seen = async () => (await mesh.at(mesh.beta, 'topic', 'match', 'order.7.created', '--json')).stdout;
    await eventually(seen, (text) => text.includes('queue orders'));
    await mesh.at(mesh.beta, 'publish', 'order.7.created', '{"total": 7}', '--header', 'user=7');
    await mesh.at(mesh.alpha, 'publish', 'order.8.created', '8');
    await mesh.at(mesh.alpha, 'publish', 'order.8.paid', '8');
    await eventually(
      () => countsOf('orders'),
      ({ ready }) => ready === 2,
    );
    const messages = await json<{ body: unknown; headers: Record<string, unknown> }[]>('queue', 'peek', 'orders');
    expect(messages.map(({ body }) => body)).toEqual([{ total: 7 }, 8]);
    expect(messages[0]?.headers).toMatchObject({ 'mpreg-topic': 'order.7.created', user: '7' });
    expect((await json<Info>('queue', 'info', 'orders')).bindings).toEqual(['order.*.created', '#.created']);
    expect((await mpreg('queue', 'unbind', 'orders', '#.created', 'order.*.created')).stdout).toBe('');
    await eventually(seen, (text) => text === '[]\n');
    expect((await mpreg('queue', 'bind', 'orders', 'pre*')).code).toBe(2);
  });
});

describe('watch', () => {
  test('prints the counts so many times', async () => {
    await mpreg('queue', 'create', 'watched');
    await mpreg('queue', 'send', 'watched', 'x');
    const ran = await mpreg('queue', 'watch', 'watched', '--every', '50ms', '--count', '3');
    expect(ran.stdout).toMatch(/^(\S+Z\twatched\talpha\tstandard\t1\t0\t0\t0\t0\t\d+ m?s\tdisk\n){3}$/);
    const { stdout } = await mpreg('queue', 'watch', 'watched', '--count', '1', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      at: expect.any(String) as string,
      counts: { ready: 1 },
      name: 'watched',
    });
  });
});

test('completion offers the names of queues', async () => {
  const ran = await mesh.at(mesh.alpha, 'complete', '--', 'queue', 'info', 'watch');
  expect(ran.stdout).toContain('watched');
});

describe('a queue that moves', () => {
  test('takes all that it holds to another node, and says where it is', async () => {
    await mpreg('queue', 'create', 'moving');
    for (const body of ['a', 'b', 'c']) await mpreg('queue', 'send', 'moving', body);
    const held = await mpreg('queue', 'receive', 'moving', '--ack', 'manual', '--visibility', '1m');
    const moved = await mpreg('queue', 'move', 'moving', '--to', 'beta');
    expect(moved).toMatchObject({ code: 0, stdout: 'moving\tbeta\n' });
    expect(moved.stderr).toContain('kept in memory');
    expect((await mpreg('queue', 'ack', 'moving', held.stdout.split('\t')[2] ?? '')).stdout).toContain('acknowledged');
    expect((await mpreg('queue', 'receive', 'moving', '--max', '2', '--raw')).stdout).toBe('b\nc\n');
    expect(await countsOf('moving')).toMatchObject({ done: 3, ready: 0, sent: 3 });
    expect((await mpreg('queue', 'list')).stdout).toMatch(/^moving\tbeta\t/m);
    expect(await json('queue', 'move', 'moving', '--to', 'alpha')).toMatchObject({ name: 'moving', node: 'alpha' });
    expect((await mpreg('queue', 'move', 'moving', '--to', 'alpha')).stdout).toBe('moving\talpha\n');
  });

  test('stays where it is when it is sent to nowhere', async () => {
    await mpreg('queue', 'create', 'staying');
    expect((await mpreg('queue', 'move', 'staying', '--to', 'nowhere')).code).toBe(3);
    expect((await mpreg('queue', 'move', 'staying', '--to', 'region=moon')).code).toBe(3);
    expect((await mpreg('queue', 'move', 'nothing', '--to', 'beta')).code).toBe(3);
    expect((await mpreg('queue', 'move', 'staying')).code).toBe(2);
    expect((await mpreg('queue', 'move', 'staying', '--to', 'beta', '--abandon')).code).toBe(2);
    const abandoned = await mpreg('queue', 'move', 'staying', '--abandon');
    expect(abandoned).toMatchObject({ code: 0, stdout: 'staying\talpha\n' });
    const unconfirmed = await mpreg('queue', 'move', 'gone', '--to', 'beta', '--resume');
    expect(unconfirmed).toMatchObject({ code: 2, stderr: expect.stringContaining('--confirm gone') });
    const resumed = await mpreg('queue', 'move', 'gone', '--to', 'beta', '--resume', '--confirm', 'gone');
    expect(resumed).toMatchObject({ code: 3, stderr: expect.stringContaining('queue-unknown') });
    expect((await json<Info & { node: string }>('queue', 'info', 'staying')).node).toBe('alpha');
  });

  test('can be made anywhere, on one node, or on one that has a label', async () => {
    const made = async (...place: string[]) => {
      const name = `placed-${place[1] ?? 'here'}`.replace('=', '-');
      return (await mesh.at(mesh.beta, 'queue', 'create', name, ...place)).stdout.split('\t')[1];
    };
    expect(await made()).toBe('beta');
    expect(await made('--place', 'alpha')).toBe('alpha');
    expect(await made('--place', 'any')).toBe('alpha'); // the only one with a disk for queues
    expect((await mesh.at(mesh.beta, 'queue', 'create', 'lost', '--place', 'gamma')).code).toBe(3);
  });
});
