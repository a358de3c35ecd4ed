/** Receiving from queues on the command line: printed, worked on by programs, and what fails. */
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { eventually } from '../cli/mpreg.ts';
import { QueueWorld } from './queue-world.ts';

const mesh = new QueueWorld();
const { countsOf, json, mpreg } = mesh;

describe('a command for each message', () => {
  const worker = () => {
    const file = mesh.world.path('work', 'worker.mjs');
    writeFileSync(
      file,
      `import { appendFileSync, readFileSync } from 'node:fs';
       const body = readFileSync(0, 'utf8');
       appendFileSync('seen.txt', [body, process.env.MPREG_QUEUE, process.env.MPREG_RECEIVES, process.env.MPREG_HEADER_USER].join(' ') + '\\n');
       process.exit(body === 'bad' ? 3 : 0);`,
    );
    return `${process.execPath} ${file}`;
  };

  test('acknowledges where it ends with 0, and gives the message again where it does not', async () => {
    await mpreg('queue', 'create', 'work', '--retry-base', '1ms', '--retry-max', '1ms', '--max-receives', '2');
    await mpreg('queue', 'send', 'work', 'good', '--header', 'user=7');
    await mpreg('queue', 'send', 'work', 'bad');
    const ran = await mpreg(
      'queue',
      'receive',
      'work',
      '--exec',
      worker(),
      '--max',
      '10',
      '--wait',
      '1s',
      '--concurrency',
      '2',
    );
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('exited with 3');
    const seen = readFileSync(mesh.world.path('work', 'seen.txt'), 'utf8').split('\n').sort();
    expect(seen).toEqual(['', 'bad work 1 ', 'bad work 2 ', 'good work 1 7']);
    expect(await countsOf('work')).toMatchObject({ dead: 1, done: 1, leased: 0, ready: 0 });
    expect((await mpreg('queue', 'peek', 'work.dead')).stdout).toMatch(/its command exited with 3\tbad\n$/);
  });

  test('keeps the lease for as long as it runs', async () => {
    await mpreg('queue', 'create', 'slow');
    await mpreg('queue', 'send', 'slow', 'x');
    const sleeping = ['receive', 'slow', '--exec', 'sleep 2', '--visibility', '600ms'];
    const all = mpreg('queue', ...sleeping);
    const other = await eventually(
      () => countsOf('slow'),
      ({ leased }) => leased === 1,
    );
    expect(other['ready']).toBe(0);
    expect((await mpreg('queue', 'receive', 'slow', '--wait', '1200ms')).stdout).toBe('');
    expect((await all).code).toBe(0);
    expect(await countsOf('slow')).toMatchObject({ done: 1 });
  });

  test('gives the message back where the command cannot be started', async () => {
    await mpreg('queue', 'create', 'absent');
    await mpreg('queue', 'send', 'absent', 'x');
    expect((await mpreg('queue', 'receive', 'absent', '--exec', 'no-such-program')).code).toBe(2);
    expect(await countsOf('absent')).toMatchObject({ leased: 0, ready: 1 });
  });

  test('is waited for after Ctrl-C, and what was not begun is given back', async () => {
    await mpreg('queue', 'create', 'stopped');
    for (const body of ['a', 'b', 'c']) await mpreg('queue', 'send', 'stopped', body);
    const { all, child } = mesh.spawned('queue', 'receive', 'stopped', '--follow', '--exec', 'sleep 1');
    await eventually(
      () => countsOf('stopped'),
      ({ leased }) => leased === 1,
    );
    child.kill('SIGINT');
    expect((await all).code).toBe(130);
    expect(await countsOf('stopped')).toMatchObject({ done: 1, leased: 0, ready: 2 });
  });
});

describe('receive', () => {
  test('goes on until interrupted, and gives back what it has not printed', async () => {
    await mpreg('queue', 'create', 'flow');
    const { all, child } = mesh.spawned('queue', 'receive', 'flow', '--follow', '--raw');
    const twice = new Promise<void>((resolve) => {
      let text = '';
      child.stdout.on('data', (more: string) => {
        text += more;
        if (text === 'a\nb\n') resolve();
      });
    });
    await mpreg('queue', 'send', 'flow', 'a');
    await mesh.at(mesh.beta, 'queue', 'send', 'flow', 'b');
    await twice;
    await eventually(
      () => countsOf('flow'),
      ({ done }) => done === 2,
    );
    child.kill('SIGINT');
    expect(await all).toMatchObject({ code: 130, stdout: 'a\nb\n' });
    expect(await countsOf('flow')).toMatchObject({ done: 2, leased: 0, ready: 0 });
  });

  test('goes on, also with receipts, when the node of the queue died and is there again', async () => {
    const options = ['--name', 'mortal', '--data-dir', mesh.world.path('mortal'), '--peer', mesh.alpha.url];
    const mortal = await mesh.world.node(options);
    await eventually(
      () => mpreg('queue', 'create', 'revived', '--place', 'mortal'),
      ({ code }) => code === 0,
    );
    const { all, child } = mesh.spawned('queue', 'receive', 'revived', '--follow', '--ack', 'manual', '--max', '1');
    await eventually(
      () => json<{ waiting: number }>('queue', 'info', 'revived'),
      ({ waiting }) => waiting === 1,
    );
    const troubled = new Promise<void>((resolve) => child.stderr.once('data', () => resolve()));
    mortal.child.kill('SIGKILL');
    await troubled;
    const again = await mesh.world.node([...options, '--port', new URL(mortal.url).port]);
    await eventually(
      () => mpreg('queue', 'send', 'revived', 'at last'),
      ({ code }) => code === 0,
    );
    expect(await all).toMatchObject({ code: 0, stderr: expect.stringContaining('trying again') });
    expect((await all).stdout).toMatch(/\tat last\n$/);
    again.child.kill('SIGKILL');
  });

  test('leaves to others what nobody reads any more', async () => {
    await mpreg('queue', 'create', 'piped');
    const env = { MPREG_URL: mesh.alpha.url };
    const input = Array.from({ length: 20_000 }, (_, i) => `${i} ${'x'.repeat(100)}\n`).join('');
    await mesh.world.mpreg(['queue', 'send', 'piped', '-', '--split', 'newline'], { env, input });
    const { all, child } = mesh.spawned('queue', 'receive', 'piped', '--follow', '--raw');
    child.stdout.once('data', () => child.stdout.destroy());
    expect((await all).code).toBe(0);
    const { done = 0, leased, ready = 0 } = await countsOf('piped');
    expect(leased).toBe(0);
    expect(done + ready).toBe(20_000);
    expect(ready).toBeGreaterThan(0);
  });

  test('is not waited for longer than told where its node is away', async () => {
    const gone = await mesh.world.node(['--name', 'gone', '--peer', mesh.alpha.url]);
    await eventually(
      () => mesh.at(mesh.alpha, 'queue', 'create', 'away', '--place', 'gone'),
      ({ code }) => code === 0,
    );
    gone.child.kill('SIGKILL');
    await gone.ended;
    for (const more of [[], ['--exec', 'cat'], ['--ack', 'manual']]) {
      const ran = await mesh.at(mesh.alpha, 'queue', 'receive', 'away', '--timeout', '1s', ...more);
      expect([5, 6]).toContain(ran.code);
      expect(ran.stderr).toMatch(/nobody-there|link-lost/);
    }
  });

  test.each([
    [['queue', 'receive', 'nowhere'], 3, 'queue-unknown'],
    [['queue', 'send', 'nowhere', 'x'], 3, 'queue-unknown'],
    [['queue', 'peek', 'nowhere'], 3, 'queue-unknown'],
    [['queue', 'create', 'no spaces'], 2, 'input-invalid'],
    [['queue', 'send', 'jobs', 'x', '--in', '5'], 2, 'usage-invalid'],
    [['queue', 'send', 'jobs', 'x', '--at', 'tomorrow'], 2, 'usage-invalid'],
    [['queue', 'send', 'jobs', 'x', '--split', 'newline'], 2, 'usage-invalid'],
    [['queue', 'receive', 'jobs', '--ack', 'manual', '--exec', 'true'], 2, 'usage-invalid'],
    [['queue', 'edit', 'jobs'], 2, 'usage-invalid'],
    [['queue', 'edit', 'jobs', '--bytes-max', 'lots'], 2, 'usage-invalid'],
    [['queue', 'ack', 'flow', 'no-receipt'], 2, 'input-invalid'],
  ])('%j ends with %i, %s', async (args, code, problem) => {
    const ran = await mesh.at(mesh.alpha, ...args);
    expect([ran.code, ran.stdout.includes(problem) || ran.stderr.includes(problem)]).toEqual([code, true]);
  });
});

test('a message has pauses of its own after a failure, where its sender says so', async () => {
  await mpreg('queue', 'create', 'patient', '--retry-base', '10m', '--retry-max', '10m');
  await mpreg('queue', 'send', 'patient', 'hasty', '--retry-base', '0', '--retry-max', '0');
  await mpreg('queue', 'send', 'patient', 'usual');
  const ran = await mpreg('queue', 'receive', 'patient', '--exec', 'false', '--max', '3');
  expect(ran.stderr).toContain('mpreg queue info patient');
  const waiting = await json<{ body: string; state: string; receives: number }[]>('queue', 'peek', 'patient');
  expect(waiting.map(({ body, state }) => [body, state]).sort()).toEqual([
    ['hasty', 'ready'],
    ['usual', 'delayed'],
  ]);
});

describe('dead letters', () => {
  test('are not moved, nor counted for it, to a queue that is not on their node', async () => {
    await mpreg('queue', 'create', 'kept-letters');
    for (const more of [[], ['--dry-run']]) {
      const ran = await mpreg('queue', 'redrive', 'kept-letters', '--to', 'nowhere', ...more);
      expect(ran).toMatchObject({ code: 3, stderr: expect.stringContaining('cannot be moved to nowhere') });
    }
  });

  test('are not looked for in a queue that takes none, which names the one that has them', async () => {
    await mpreg('queue', 'create', 'no-letters');
    await mpreg('queue', 'send', 'no-letters', 'x');
    for (const more of [[], ['--dry-run'], ['--json']]) {
      const ran = await mpreg('queue', 'redrive', 'no-letters', ...more);
      expect([ran.code, ran.stdout + ran.stderr]).toEqual([
        2,
        expect.stringContaining('its own go to no-letters.dead'),
      ]);
    }
    await mpreg('queue', 'create', 'elsewhere');
    const moved = await mpreg('queue', 'redrive', 'no-letters', '--to', 'elsewhere');
    expect(moved).toMatchObject({ code: 0, stdout: 'elsewhere\t1\t1\tdone\n' });
  });

  test('are counted before they are moved, and then come back to where they were', async () => {
    await mpreg('queue', 'create', 'letters', '--max-receives', '1', '--retry-base', '1ms', '--retry-max', '1ms');
    for (const body of ['a', 'b', 'c']) await mpreg('queue', 'send', 'letters', body);
    await mpreg('queue', 'receive', 'letters', '--exec', 'false', '--max', '3');
    await eventually(
      () => countsOf('letters'),
      ({ dead }) => dead === 3,
    );
    expect((await mpreg('queue', 'redrive', 'letters.dead', '--dry-run')).stdout).toBe(
      'origin\t3\t3\twould be moved\n',
    );
    expect((await mpreg('queue', 'redrive', 'letters.dead', '--max', '2')).stdout).toMatch(/^origin\t2\t\d\tdone\n$/);
    expect(await countsOf('letters')).toMatchObject({ ready: 2 });
    const left = await json<{ body: string; dead: { queue: string; reason: string } }[]>(
      'queue',
      'peek',
      'letters.dead',
    );
    expect(left).toEqual([expect.objectContaining({ body: 'c' })]);
    expect(left[0]?.dead).toMatchObject({ queue: 'letters', reason: expect.stringContaining('exited with 1') });
    expect((await mpreg('queue', 'redrive', 'letters.dead', '--rate', '90/m')).stdout).toBe('origin\t1\t1\tdone\n');
    expect((await mpreg('queue', 'redrive', 'letters.dead', '--rate', '0.5/m', '--dry-run')).code).toBe(0);
  });
});
