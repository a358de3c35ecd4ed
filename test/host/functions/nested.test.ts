/** Functions that call others while they run: in worker threads, on the node's loop, in programs; here and elsewhere. */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { CallContext, Client, FunctionDefinition, MpregNode, NodeOptions } from '../../../src/engine/api.ts';
import { createNode } from '../../../src/engine/create-node.ts';
import { context } from '../../../src/engine/define-function.ts';
import { soon } from '../../soon.ts';
import { Modules, pause } from './harness.ts';

/** The same functions for all who run them; `call` and `signal` are what their context has. */
const SOURCE = `
import { context, defineFunction } from 'mpreg';
export async function asks(fun, ...args) { return await this.call(fun, ...args); }
export const arrow = async (fun, ...args) => context().call(fun, ...args);
export async function asksWith(options, fun, ...args) {
  return await this.call.with(options)(fun, ...args);
}
export async function many(count, fun) {
  return await Promise.all(Array.from({ length: count }, (_, i) => this.call(fun, i)));
}
export async function catches(fun, ...args) {
  try { return await this.call(fun, ...args); }
  catch (error) { const { name, code, problem } = error; return { name, code, node: problem.node, cause: problem.cause?.name, outcome: problem.outcome }; }
}
export async function leaves(fun) { void this.call(fun); return 'left'; }
export async function gives(fun) {
  const controller = new AbortController();
  setTimeout(() => controller.abort('changed my mind'), 100);
  return await this.call.with({ signal: controller.signal })(fun);
}
export const once = defineFunction({ name: 'once', concurrency: 1, async run(n) {
  return n === 0 ? 0 : 1 + (await this.call('once', n - 1));
} });
export const fib = defineFunction({ name: 'fib', concurrency: 1, async run(n) {
  if (n < 2) return n;
  const [a, b] = await Promise.all([this.call('fib', n - 1), this.call('fib', n - 2)]);
  return a + b;
} });
export const ping = defineFunction({ name: 'ping', concurrency: 1, async run(n) { return n === 0 ? ['end'] : ['ping', ...await this.call('pong', n - 1)]; } });
export const pong = defineFunction({ name: 'pong', concurrency: 1, async run(n) { return n === 0 ? ['end'] : ['pong', ...await this.call('ping', n - 1)]; } });
export async function forever() { return await this.call('forever'); }
`;

const PROGRAM = `
import { createInterface } from 'node:readline';
const say = (what) => process.stdout.write(JSON.stringify(what) + '\\n');
const waiting = new Map();
let last = 0;
const ask = (id, what) => new Promise((resolve) => { waiting.set(++last, resolve); say({ id, call: last, ...what }); });
const does = {
  asks: (id, [fun, ...args]) => ask(id, { fun, args }),
  asksWith: (id, [options, fun, ...args]) => ask(id, { fun, args, ...options }),
  catches: async (id, [fun, ...args]) => { const { error } = await ask(id, { fun, args });
    return { result: { code: error.code, node: error.node, cause: error.cause?.name } }; },
  many: async (id, [count, fun]) => ({ result: (await Promise.all(Array.from({ length: count }, (_, i) => ask(id, { fun, args: [i] })))).map(({ result }) => result) }),
  gives: (id, [fun]) => { setTimeout(() => say({ cancel: last }), 100); return ask(id, { fun }); },
  once: async (id, [n]) => n === 0 ? { result: 0 } : { result: 1 + (await ask(id, { fun: 'once', args: [n - 1] })).result },
  leaves: (id, [fun]) => { void ask(id, { fun }); return { result: 'left' }; },
  wrong: async (id, [what]) => { const { error } = await ask(id, JSON.parse(what)); return { result: error.code + ': ' + error.message }; },
  depth: (id, args, { depth }) => ({ result: depth ?? null }),
};
say({ hello: { functions: Object.keys(does).map((name) => ({ name, ...(name === 'once' && { concurrency: 1 }) })) } });
createInterface({ input: process.stdin }).on('line', async (line) => {
  const said = JSON.parse(line);
  if ('called' in said) { waiting.get(said.called)?.(said); waiting.delete(said.called); }
  if (!('id' in said)) return;
  const { result, error } = await does[said.fun](said.id, said.args, said);
  say(error ? { id: said.id, error } : { id: said.id, result });
}).on('close', () => process.exit(0));
`;

/** What others call: it tells what becomes of it. */
const seen: string[] = [];
const others: readonly FunctionDefinition[] = [
  { name: 'double', run: (n: number) => n * 2 },
  {
    name: 'throws',
    run() {
      throw new TypeError('not today');
    },
  },
  {
    name: 'holds',
    async run(this: CallContext) {
      seen.push('began');
      await new Promise((resolve) => this.signal.addEventListener('abort', resolve));
      seen.push('aborted');
    },
  },
  {
    name: 'left',
    run(this: CallContext) {
      return this.deadline === undefined ? 'for ever' : this.deadline - Date.now();
    },
  },
];

/** The machine may be busy. */
const eventually = (check: () => unknown) => vi.waitFor(check, soon);
const modules = new Modules();
const open: { stop(): Promise<unknown> }[] = [];
let file = '';
let program = '';
beforeAll(() => {
  file = modules.write('calls.ts', SOURCE);
  program = modules.write('calls.mjs', PROGRAM);
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.stop()));
  seen.length = 0;
});
afterAll(() => modules.remove());

async function node(options: NodeOptions): Promise<MpregNode> {
  const made = await createNode({ cluster: 'nested', discover: false, log: modules.log, ...options });
  open.push({ stop: () => made.kill() });
  return made;
}

async function clientOf(of: MpregNode): Promise<Client> {
  const client = await of.client();
  open.push({ stop: () => client.close() });
  return client;
}

/** The node `alpha` runs the functions that call; `beta` has those that are called. */
async function mesh(options: NodeOptions): Promise<{ alpha: MpregNode; beta: MpregNode; client: Client }> {
  const alpha = await node({ name: 'alpha', workers: 1, ...options });
  const beta = await node({ inline: others, name: 'beta', peers: [alpha.url] });
  await Promise.all([alpha.joined(60_000), beta.joined(60_000)]);
  const client = await clientOf(alpha);
  await eventually(async () => expect((await client.functions()).map(({ name }) => name)).toContain('holds'));
  return { alpha, beta, client };
}

const inThreads = () => ({ functions: [file] });
const inPrograms = () => ({ exec: [`'${process.execPath}' '${program}'`] });
const idle = async (client: Client) =>
  eventually(async () => expect((await client.info()).calls).toMatchObject({ running: 0, waiting: 0 }));

const KINDS = [
  ['a worker thread', inThreads],
  ['a program', inPrograms],
] as const;

describe.each(KINDS)('a function in %s', (_, options) => {
  test('calls functions of other nodes and of its own, and their values keep their types', async () => {
    const { client } = await mesh(options());
    expect(await client.call('asks', 'double', 21)).toBe(42);
    const value = { at: new Date(0), big: 2n ** 70n, bytes: new Uint8Array([1, 2]), map: new Map([[1, NaN]]) };
    expect(await client.call('asks', 'echo', value)).toEqual(value);
    expect(await client.call('asks', 'asks', 'asks', 'double', 4)).toBe(8);
    expect(await client.call('asksWith', { kwargs: { a: 1 }, node: 'alpha' }, 'echos', 2)).toEqual([2, { a: 1 }]);
    await expect(client.call('asksWith', { version: '^9' }, 'double', 1)).rejects.toThrow('in version ^9');
    await expect(client.call('asksWith', { locs: ['moon'] }, 'double', 1)).rejects.toThrow('none with all of "moon"');
  });

  test('makes many at once', async () => {
    const { client } = await mesh(options());
    expect(await client.call('many', 500, 'double')).toEqual(Array.from({ length: 500 }, (_, i) => i * 2));
  });

  test('sees what went wrong, and where', async () => {
    const { client } = await mesh(options());
    const { code, node: where, cause } = (await client.call('catches', 'throws')) as Record<string, unknown>;
    expect({ cause, code, where }).toEqual({ cause: 'TypeError', code: 'function-failed', where: 'beta' });
    expect(await client.call('catches', 'nothing')).toMatchObject({ code: 'function-unknown' });
    await expect(client.call('asks', 'throws')).rejects.toMatchObject({
      code: 'function-failed',
      message: expect.stringContaining('throws threw TypeError: not today'),
      problem: { fun: 'asks', node: 'alpha' },
    });
  });

  test('gives what it calls no more time than it has itself', async () => {
    const { client } = await mesh(options());
    expect(await client.call('asks', 'left')).toBe('for ever');
    const left = Number(await client.call.with({ timeoutMs: 20_000 })('asks', 'left'));
    expect(left).toBeGreaterThan(10_000);
    expect(left).toBeLessThanOrEqual(20_050);
    const less = await client.call.with({ timeoutMs: 20_000 })('asksWith', { timeoutMs: 9_000 }, 'left');
    expect(less).toBeLessThanOrEqual(9_050);
  });

  test('takes what it calls with it when its caller goes away', async () => {
    const { client } = await mesh(options());
    const gone = new AbortController();
    const call = client.call.with({ signal: gone.signal })('asks', 'holds');
    await eventually(() => expect(seen).toEqual(['began']));
    gone.abort('went home');
    await expect(call).rejects.toMatchObject({ code: 'cancelled' });
    await eventually(() => expect(seen).toEqual(['began', 'aborted']));
    await idle(client);
  });

  test('takes what it calls with it when its time is up', async () => {
    const { client } = await mesh(options());
    await expect(client.call.with({ timeoutMs: 500 })('asks', 'holds')).rejects.toMatchObject({ code: 'timed-out' });
    await eventually(() => expect(seen).toEqual(['began', 'aborted']));
    await idle(client);
  });

  test('takes what it did not wait for with it when it ends', async () => {
    const { client } = await mesh(options());
    const ended = client.call('leaves', 'holds');
    expect(await ended).toBe('left');
    await pause(50);
    await eventually(() => expect([[], ['began', 'aborted']]).toContainEqual(seen));
    await idle(client);
  });

  test('takes back a call that it no longer wants', async () => {
    const { client } = await mesh(options());
    await expect(client.call('gives', 'holds')).rejects.toThrow(/cancelled/);
    await eventually(() => expect(seen).toEqual(['began', 'aborted']));
  });

  test('that runs once at a time may call itself', async () => {
    const { client } = await mesh(options());
    expect(await client.call('once', 20)).toBe(20);
    expect(await Promise.all([client.call('once', 9), client.call('once', 9), client.call('once', 9)])).toEqual([
      9, 9, 9,
    ]);
    expect(await client.call('mpreg.describe', 'once')).toMatchObject({ running: 0, waiting: 0 });
  });
});

describe('in worker threads', () => {
  test('functions that run once at a time may call each other, from both sides at the same time', async () => {
    const { client } = await mesh(inThreads());
    const [a, b] = await Promise.all([client.call('ping', 6), client.call('pong', 5)]);
    expect(a).toEqual(['ping', 'pong', 'ping', 'pong', 'ping', 'pong', 'end']);
    expect(b).toEqual(['pong', 'ping', 'pong', 'ping', 'pong', 'end']);
  });

  test('a tree of calls of one function ends, though it runs once at a time on each of two nodes', async () => {
    const { alpha, client } = await mesh(inThreads());
    const gamma = await node({ functions: [file], name: 'gamma', peers: [alpha.url], workers: 1 });
    await gamma.joined(60_000);
    await eventually(async () =>
      expect((await client.functions()).filter(({ name }) => name === 'fib')).toHaveLength(2),
    );
    const both = [client.call('fib', 12), (await clientOf(gamma)).call('fib', 11)];
    expect(await Promise.all(both)).toEqual([144, 89]);
    await idle(client);
  });

  test('a function that calls itself without end is told so, with the way there', async () => {
    const { client } = await mesh(inThreads());
    const error = await client.call('forever').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'function-failed', message: expect.stringContaining('more than 64 deep') });
    await idle(client);
  });

  test('what nothing can be sent of, and what has no name, is refused where it is called', async () => {
    const { client } = await mesh(inThreads());
    expect(await client.call('catches', '')).toMatchObject({ code: 'input-invalid' });
    expect(await client.call('arrow', 'double', 3)).toBe(6);
  });

  test('a thread that dies takes the calls of its functions with it', async () => {
    const dying = modules.write(
      'dying.ts',
      'export async function dies() { setTimeout(() => process.exit(3), 300); return await this.call("holds"); }',
    );
    const { client } = await mesh({ functions: [dying] });
    await expect(client.call('dies')).rejects.toMatchObject({ code: 'worker-died' });
    await eventually(() => expect(seen).toEqual(['began', 'aborted']));
    await idle(client);
  });

  test('a node that leaves lets them call what they need to end', async () => {
    const late = modules.write(
      'late.ts',
      `export async function late() { await new Promise((resolve) => setTimeout(resolve, 400));
         return [await this.call('double', 2), await this.call('near', 1)]; }
       export const near = (n) => n + 1;`,
    );
    const { alpha, client } = await mesh({ functions: [late] });
    const answer = client.call('late');
    await pause(50);
    const gone = alpha.leave();
    expect(await answer).toEqual([4, 2]);
    await gone;
  });
});

describe('on the loop of a node', () => {
  const inline: readonly FunctionDefinition[] = [
    {
      name: 'asks',
      async run(this: CallContext, fun: string, ...args: readonly unknown[]) {
        return this.call(fun, ...args);
      },
    },
    { name: 'later', run: (fun: string) => Promise.resolve().then(() => context().call(fun, 4)) },
    {
      name: 'keeps',
      run(this: CallContext) {
        kept = this;
        return 'kept';
      },
    },
  ];
  let kept: CallContext | undefined;

  test('functions call others as well, through `this` and through the context', async () => {
    const { client } = await mesh({ inline });
    expect(await client.call('asks', 'double', 21)).toBe(42);
    expect(await client.call('later', 'double')).toBe(8);
  });

  test('a function that has ended calls nobody any more', async () => {
    const { client } = await mesh({ inline });
    await client.call('keeps');
    await expect(kept?.call('double', 1)).rejects.toMatchObject({
      code: 'cancelled',
      message: 'not called: keeps has ended, and did not wait for what it had called',
      problem: { outcome: 'did-not-happen' },
    });
  });
});

describe('a program', () => {
  test('is told what is wrong with a call that cannot be read', async () => {
    const { client } = await mesh(inPrograms());
    const wrong = async (what: object) => client.call('wrong', JSON.stringify(what));
    expect(await wrong({ fun: 7 })).toBe('input-invalid: this call cannot be read: fun must be the name of a function');
    expect(await wrong({ args: 7, fun: 'double' })).toMatch('args must be a list');
    expect(await wrong({ fun: 'double', kwargs: [] })).toMatch('kwargs must be an object');
    expect(await wrong({ fun: 'double', timeout: 1 })).toMatch('a call has no field timeout');
    expect(await wrong({ fun: 'double', timeoutMs: -1 })).toMatch('timeoutMs must be a whole number of milliseconds');
    expect(await wrong({ args: [{ $date: 'never' }], fun: 'double' })).toMatch('arguments[0]');
  });

  test('is told how deep a call is nested', async () => {
    const { client } = await mesh(inPrograms());
    expect([await client.call('depth'), await client.call('asks', 'asks', 'depth')]).toEqual([null, 2]);
  });
});
