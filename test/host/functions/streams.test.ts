/** Streams whose consumer is slow: whoever makes the items waits for it, wherever it runs and however the items go. */
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Client, FunctionDefinition, MpregNode, NodeOptions } from '../../../src/engine/api.ts';
import { createNode } from '../../../src/engine/create-node.ts';
import { soon } from '../../soon.ts';
import { Modules, pause } from './harness.ts';

/** Each tells how far it has come. `size`: characters of an item. */
const SOURCE = `
const made = { count: 0, ended: 0 };
export async function* endless(size) {
  try { for (made.count = 0; ; ) { made.count++; yield 'x'.repeat(size); } }
  finally { made.ended++; }
}
export function* upTo(n) { for (let i = 0; i < n; i++) yield i; return 'end'; }
export const far = () => ({ ...made });
`;

/** A program that knows when to pause, and one that does not. */
const PROGRAM = `
import { createInterface } from 'node:readline';
const polite = process.argv[2] === 'polite';
const say = (what) => process.stdout.write(JSON.stringify(what) + '\\n');
let made = 0;
let ended = 0;
let words = [];
const running = new Map();
const step = (id) => {
  const stream = running.get(id);
  if (stream === undefined || stream.paused) return;
  made++;
  if (say({ id, item: 'x'.repeat(stream.size) })) setImmediate(step, id);
  else process.stdout.once('drain', () => step(id));
};
say({ hello: { functions: ['endless', 'upTo', 'far', 'echo'].map((name) => ({ name })) } });
createInterface({ input: process.stdin }).on('line', (line) => {
  const said = JSON.parse(line);
  const { id, fun, args } = said;
  if ('cancel' in said) { running.delete(said.cancel); ended++; say({ id: said.cancel, error: 'cancelled' }); }
  else if (id === undefined) {
    words.push(Object.keys(said)[0]);
    const stream = running.get(said.pause ?? said.resume);
    if (polite && stream) { stream.paused = 'pause' in said; if (!stream.paused) step(said.resume); }
  } else if (fun === 'far') say({ id, result: { count: made, ended, words } });
  else if (fun === 'upTo') { for (let i = 0; i < args[0]; i++) say({ id, item: i }); say({ id, result: 'end' }); }
  else { made = 0; running.set(id, { paused: false, size: args[0] }); step(id); }
}).on('close', () => process.exit(0));
`;

/** What a stream may have on its way. Of a program, what it said before it heard that it should pause comes to it. */
const WINDOW = 256 * 1024;

/** What is held of a program before it is not read any more. */
const HELD = 4 * 1024 * 1024;

let inlineMade = { count: 0, ended: 0 };
const inline: readonly FunctionDefinition[] = [
  {
    name: 'endless',
    async *run(size: number) {
      inlineMade.count = 0;
      try {
        for (;;) {
          inlineMade.count++;
          yield 'x'.repeat(size);
        }
      } finally {
        inlineMade.ended++;
      }
    },
  },
  {
    name: 'upTo',
    *run(n: number) {
      for (let i = 0; i < n; i++) yield i;
      return 'end';
    },
  },
  { name: 'far', run: () => inlineMade },
];

const modules = new Modules();
const open: { stop(): Promise<unknown> }[] = [];
let file = '';
let program = '';
beforeAll(() => {
  file = modules.write('streams.mjs', SOURCE);
  program = modules.write('program.mjs', PROGRAM);
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.stop()));
  inlineMade = { count: 0, ended: 0 };
});
afterAll(() => modules.remove());

async function node(options: NodeOptions): Promise<MpregNode> {
  const made = await createNode({ cluster: 'streams', discover: false, log: modules.log, ...options });
  open.push({ stop: () => made.kill() });
  return made;
}

/** `alpha` passes on what `beta` runs; the client is alpha's. */
async function mesh(options: NodeOptions): Promise<{ alpha: MpregNode; client: Client }> {
  const alpha = await node({ name: 'alpha' });
  const beta = await node({ name: 'beta', peers: [alpha.url], workers: 1, ...options });
  await Promise.all([alpha.joined(60_000), beta.joined(60_000)]);
  const client = await alpha.client();
  open.push({ stop: () => client.close() });
  await eventually(async () => expect((await client.functions()).map(({ name }) => name)).toContain('far'));
  return { alpha, client };
}

const eventually = (check: () => unknown) => vi.waitFor(check, soon);

/** How far the function has come, once it goes no further. */
async function standstill(client: Client): Promise<number> {
  let before = -1;
  for (;;) {
    const { count } = (await client.call('far')) as { readonly count: number };
    if (count === before) return count;
    before = count;
    await pause(250);
  }
}

vi.setConfig({ testTimeout: 30_000 });

const KINDS = [
  ['a worker thread', () => ({ functions: [file] }), 1],
  ['the loop of its node', () => ({ inline }), 1],
  ['a program', () => ({ exec: [`'${process.execPath}' '${program}' polite`] }), 4],
] as const;

describe.each(KINDS)('an endless stream of %s', (_, options, windows) => {
  test('is no step of a plan: it is stopped, and its items are not lost without a word', async () => {
    const { client } = await mesh(options());
    const { problem, steps } = await client.run([
      { args: [1_000], fun: 'endless', name: 'items' },
      { args: ['items'], fun: 'echo', name: 'after' },
    ]);
    expect(problem).toMatchObject({ code: 'usage-invalid', fun: 'endless', node: 'beta', step: 'items' });
    expect(problem?.message).toContain('endless gives a stream of items');
    expect(steps.map(({ state }) => state)).toEqual(['failed', 'skipped']);
    await eventually(async () => expect(await client.call('far')).toMatchObject({ ended: 1 }));
  });

  test('goes no further than its consumer has room for, and on when that has taken some', async () => {
    const { client } = await mesh(options());
    const items = client.stream('endless', [1_000])[Symbol.asyncIterator]();
    await items.next();
    const first = await standstill(client);
    expect(first).toBeGreaterThan(50);
    expect(first * 1_000).toBeLessThanOrEqual(WINDOW * windows);
    for (let i = 0; i < 3 * first; i++) expect((await items.next()).value).toHaveLength(1_000);
    const second = await standstill(client);
    expect(second).toBeGreaterThan(3 * first);
    expect((second - 3 * first) * 1_000).toBeLessThanOrEqual(WINDOW * windows);
    await items.return?.();
    await eventually(async () => expect(await client.call('far')).toMatchObject({ ended: 1 }));
  });

  test('of items larger than there is room for comes one by one', async () => {
    const { client } = await mesh(options());
    const items = client.stream('endless', [WINDOW + 1])[Symbol.asyncIterator]();
    for (let i = 0; i < 5; i++) expect((await items.next()).value).toHaveLength(WINDOW + 1);
    expect(await standstill(client)).toBeLessThanOrEqual(5 + 2 * windows);
    await items.return?.();
  });
});

describe.each(KINDS)('a stream of %s', (_, options) => {
  test('arrives whole and in order, then ends', async () => {
    const { client } = await mesh(options());
    let expected = 0;
    for await (const item of client.stream('upTo', [5_000])) expect(item).toBe(expected++);
    expect(expected).toBe(5_000);
  });

  test('that nobody paces arrives, too', async () => {
    const { client } = await mesh(options());
    const error = await client.call('upTo', 3_000).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'usage-invalid' });
  });
});

test('a program that does not know when to pause is not read while nobody takes what it makes', async () => {
  const { client } = await mesh({ exec: [`'${process.execPath}' '${program}' rude`], name: 'beta' });
  const items = client.stream('endless', [10_000])[Symbol.asyncIterator]();
  for (let i = 0; i < 200; i++) expect((await items.next()).value).toHaveLength(10_000);
  await pause(500);
  await items.return?.();
  const { count, ended, words } = (await client.call('far')) as { count: number; ended: number; words: string[] };
  expect(ended).toBe(1);
  expect(words).toContain('pause');
  expect((count - 200) * 10_000).toBeLessThanOrEqual(WINDOW + 2 * HELD);
});

test('an HTTP client that does not read stops the function, and one that leaves ends it', async () => {
  const { alpha, client } = await mesh({ functions: [file] });
  const url = new URL('/v1/call/endless', alpha.url.replace(/^ws/, 'http'));
  const asked = request(url, {
    headers: { accept: 'text/event-stream', 'content-type': 'application/json' },
    method: 'POST',
  });
  asked.end('[1000]');
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  response.pause();
  // The sockets of both sides hold some megabytes that the function cannot know of.
  const first = await standstill(client);
  await pause(500);
  expect(await standstill(client)).toBe(first);
  response.resume();
  await eventually(async () => expect(await client.call('far')).not.toMatchObject({ count: first }));
  asked.destroy();
  await eventually(async () => expect(await client.call('far')).toMatchObject({ ended: 1 }));
});
