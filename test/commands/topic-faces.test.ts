/** publish --request and subscribe --exec, against two real nodes. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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

/** `mpreg subscribe`, once it listens and all nodes know. */
async function listen(node: RunningNode, ...args: string[]) {
  const child = world.spawn(['subscribe', ...args, '--everywhere'], { env: { MPREG_URL: node.url } });
  const all = ended(child);
  const listening = new Promise<void>((resolve) => {
    child.stderr.on('data', (text: string) => text.includes('listening on') && resolve());
  });
  await Promise.race([listening, all.then(({ stderr }) => Promise.reject(new Error(stderr)))]);
  return { all, child };
}

/** A file with a program for node, as the words of a command. */
function program(name: string, text: string): string {
  writeFileSync(world.path('work', `${name}.mjs`), text);
  return `'${process.execPath}' ${name}.mjs`;
}

const lines = (text: string): unknown[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);

const READ = "import { readFileSync } from 'node:fs'; const said = readFileSync(0, 'utf8');";

describe('subscribe --exec', () => {
  test('runs a command for each message, with its payload on stdin and all else in the environment', async () => {
    const command = program(
      'show',
      `${READ} const { MPREG_TOPIC: topic, MPREG_ID: id, MPREG_HEADER_USER_ID: user } = process.env;
       console.log(JSON.stringify({ said, topic, id, user }));`,
    );
    const { all } = await listen(beta, 'show.#', '--exec', command, '--count', '3');
    await at(alpha, 'publish', 'show.it', '$(touch hacked); `touch hacked`', '--header', 'user-id=7;touch hacked');
    await at(alpha, 'publish', 'show.it', '{"a": [1]}');
    await at(alpha, 'publish', 'show.it');
    const { code, stdout } = await all;
    const id = expect.stringMatching(/\/1$/) as string;
    expect(lines(stdout)).toEqual([
      { id, said: '$(touch hacked); `touch hacked`', topic: 'show.it', user: '7;touch hacked' },
      { id, said: '{"a":[1]}', topic: 'show.it' },
      { id, said: 'null', topic: 'show.it' },
    ]);
    expect([code, existsSync(world.path('work', 'hacked'))]).toEqual([0, false]);
  });

  test('says with which code a command failed, and ends with 1', async () => {
    const command = program('pick', `${READ} console.log(said); process.exit(said === 'bad' ? 3 : 0);`);
    const { all } = await listen(alpha, 'pick', '--exec', command, '--count', '2', '--json');
    await at(alpha, 'publish', 'pick', 'bad');
    await at(alpha, 'publish', 'pick', 'good');
    const { code, stdout, stderr } = await all;
    const [first, second, last] = lines(stdout);
    expect(first).toMatchObject({ code: 3, failure: 'exited with 3', replied: false, topic: 'pick' });
    expect(second).toMatchObject({ code: 0, failure: null });
    expect(last).toMatchObject({ error: { code: 'function-failed', message: '1 of 2 commands failed' } });
    expect(stderr).toMatch(/bad\n.*warning: pick \S+\/1: the command exited with 3\n.*good\n/s);
    expect(code).toBe(1);
  });

  test('gives back in a group what its command failed on: it comes again', async () => {
    const command = 'sh -c "exit $((2 - MPREG_ATTEMPT))"';
    const { all } = await listen(alpha, 'again', '--group', 'g', '--exec', command, '--count', '2', '--json');
    await at(beta, 'publish', 'again', 'x');
    const [first, second] = lines((await all).stdout) as { code: number; id: string }[];
    expect([first?.code, second?.code, first?.id === second?.id]).toEqual([1, 0, true]);
  });

  test('runs as many at once as it may', async () => {
    const command = program(
      'wait',
      `import { appendFileSync } from 'node:fs'; const say = (word) => appendFileSync('waits', word);
       say('<'); setTimeout(() => say('>'), 1500);`,
    );
    const { all } = await listen(alpha, 'wait', '--exec', command, '--count', '5', '--concurrency', '3');
    await at(alpha, 'publish', 'wait', 'x', '--count', '5');
    expect((await all).code).toBe(0);
    const depths = [...readIfThere('waits')].map((step) => (step === '<' ? 1 : -1));
    const running = depths.map((_, i) => depths.slice(0, i + 1).reduce((sum, by) => sum + by, 0));
    expect([Math.max(...running), running.length]).toEqual([3, 10]);
  });

  test('ends what runs when it is interrupted, also what ignores a polite word', async () => {
    const command = program(
      'stay',
      "import { writeFileSync } from 'node:fs'; process.on('SIGTERM', () => {}); writeFileSync('pid', String(process.pid)); setInterval(() => {}, 1e3);",
    );
    const { all, child } = await listen(alpha, 'stay', '--exec', command);
    await at(alpha, 'publish', 'stay', 'x');
    const pid = Number(
      await eventually(
        async () => readIfThere('pid'),
        (text) => text !== '',
      ),
    );
    child.kill('SIGINT');
    expect((await all).code).toBe(130);
    const lives = async () => {
      try {
        return process.kill(pid, 0);
      } catch {
        return false;
      }
    };
    expect(await eventually(lives, (there) => !there)).toBe(false);
  });

  test.each([
    ['--exec', 'nothing-of-that-name here'],
    ['--exec', "node 'no end"],
    ['--exec', ''],
    ['--concurrency', '2'],
  ])('%s "%s" is refused', async (...args) => {
    const listening = world.spawn(['subscribe', 'odd', ...args], { env: { MPREG_URL: alpha.url } });
    const all = ended(listening);
    const ran = all.then(() => true);
    const publish = async () => {
      await at(alpha, 'publish', 'odd', 'x');
      return Promise.race([ran, Promise.resolve(false)]);
    };
    await eventually(publish, (over) => over);
    expect((await all).code).toBe(2);
  });
});

describe('publish --request', () => {
  test('prints what somebody replies, wherever they listen', async () => {
    const command = program('price', `${READ} if (said === 'salt') process.exit(3); console.log('{"cents": 250}');`);
    const { all } = await listen(beta, 'price.get', '--exec', command, '--count', '3', '--json');
    expect(await at(alpha, 'publish', 'price.get', 'tea', '--request')).toMatchObject({
      code: 0,
      stdout: '{"cents":250}\n',
    });
    const { stdout } = await at(alpha, 'publish', 'price.get', 'tea', '--request', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      headers: { 'mpreg-of': expect.any(String) },
      payload: { cents: 250 },
      tookMs: expect.any(Number),
    });
    const refused = await at(alpha, 'publish', 'price.get', 'salt', '--request', '--json');
    expect([refused.code, JSON.parse(refused.stdout)]).toMatchObject([
      1,
      { error: { code: 'function-failed', message: 'its command exited with 3' } },
    ]);
    expect(lines((await all).stdout).slice(0, 3)).toMatchObject([{ replied: true }, { replied: true }, { code: 3 }]);
  });

  test('ends with 5 where nobody listens, with 6 where too few reply', async () => {
    expect((await at(alpha, 'publish', 'void', '--request')).code).toBe(5);
    const { child, all } = await listen(alpha, 'one', '--exec', 'cat');
    const two = await at(beta, 'publish', 'one', 'x', '--request', '--replies', '2', '--timeout', '1500ms');
    expect([two.code, two.stdout]).toEqual([6, 'x\n']);
    expect(two.stderr).toContain('1 of 2 replies came within 1500 ms');
    child.kill('SIGINT');
    await all;
  });
});

describe('publish', () => {
  test('--in and --at have the node publish it then; what waits is listed, and can be taken back', async () => {
    const { all } = await listen(beta, 'later.#', '--raw', '--count', '1');
    const soon = await at(alpha, 'publish', 'later.soon', 'now it is', '--in', '400ms');
    expect(soon.stdout).toMatch(
      /^to be published to later\.soon at \S+Z, \S+\/1: alpha keeps it in memory alone: it has no --data-dir\n$/,
    );
    const dated = ['publish', 'later.date', 'x', '--at', '2099-01-31T18:00Z', '--json'];
    const { id } = JSON.parse((await at(alpha, ...dated)).stdout) as { id: string };
    expect((await all).stdout).toBe('now it is\n');
    const listed = await at(beta, 'topic', 'scheduled');
    expect(listed.stdout).toBe(`2099-01-31T18:00:00.000Z\tlater.date\t${id}\talpha\t0\n`);
    expect(await at(beta, 'topic', 'unschedule', id)).toMatchObject({
      code: 0,
      stdout: `${id} will not be published by alpha\n`,
    });
    expect(JSON.parse((await at(alpha, 'topic', 'scheduled', '--json')).stdout)).toEqual([]);
    const again = await at(beta, 'topic', 'unschedule', id, '--json');
    expect([again.code, JSON.parse(again.stdout)]).toMatchObject([3, { error: { code: 'message-unknown' } }]);
  });

  test.each([
    ['--in', '5'],
    ['--in', 'soon'],
    ['--at', 'tomorrow'],
    ['--at', '2001-01-01T00:00Z'],
    ['--at', '25:00'],
  ])('%s %s is refused', async (...when) => {
    expect((await at(alpha, 'publish', 'a', 'x', ...when)).code).toBe(2);
  });

  test('ends by what its node refuses, though stdin stalls', async () => {
    const child = world.spawn(['publish', 'mpreg.member', '-', '--split', 'newline'], {
      env: { MPREG_URL: alpha.url },
    });
    child.stdin.write('one\n');
    expect((await ended(child)).code).toBe(4);
  });

  test('takes a line that comes in many pieces, and no line without end', async () => {
    const { all } = await listen(alpha, 'long', '--raw', '--count', '2');
    const env = { MPREG_URL: alpha.url };
    const input = `${'x'.repeat(3_000_000)}\nshort`;
    expect((await world.mpreg(['publish', 'long', '-', '--split', 'newline'], { env, input })).code).toBe(0);
    expect((await all).stdout).toBe(`${input}\n`);
    const child = world.spawn(['publish', 'long', '-', '--split', 'newline'], { env });
    const chunk = Buffer.alloc(2 ** 20, 'x');
    const timer = setInterval(() => child.stdin.writableNeedDrain || child.stdin.write(chunk), 1);
    const { code, stderr } = await ended(child);
    clearInterval(timer);
    expect([code, stderr]).toEqual([1, expect.stringContaining('a line is larger than 64 MiB')]);
  });

  test('never publishes faster than it is told, also after a pause', async () => {
    const { all } = await listen(alpha, 'paced', '--json', '--count', '12');
    const args = ['publish', 'paced', '-', '--split', 'newline', '--rate', '10/s'];
    const child = world.spawn(args, { env: { MPREG_URL: alpha.url } });
    child.stdin.write('first\n');
    await new Promise((done) => setTimeout(done, 1_500));
    child.stdin.end(`${'x\n'.repeat(11)}`);
    await ended(child);
    const times = lines((await all).stdout).map((line) => Date.parse((line as { time: string }).time));
    expect((times.at(-1) ?? 0) - (times[1] ?? 0)).toBeGreaterThanOrEqual(900);
  });
});

function readIfThere(name: string): string {
  const path = world.path('work', name);
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}
