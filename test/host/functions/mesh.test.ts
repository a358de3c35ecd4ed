/** Functions of all kinds on real nodes: what the mesh learns of them, and where their calls go. */
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import type { Client, FunctionDefinition, MpregNode, NodeOptions } from '../../../src/engine/api.ts';
import { createNode } from '../../../src/engine/create-node.ts';
import { soon } from '../../soon.ts';
import { Modules } from './harness.ts';

const modules = new Modules();
const open: { stop(): Promise<unknown> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.stop()));
});
afterAll(() => modules.remove());

async function node(options: NodeOptions): Promise<MpregNode> {
  const made = await createNode({ cluster: 'functions', discover: false, log: modules.log, ...options });
  open.push({ stop: () => made.kill() });
  return made;
}

async function clientOf(of: MpregNode): Promise<Client> {
  const client = await of.client();
  open.push({ stop: () => client.close() });
  return client;
}

/** Two nodes that know each other, and a client of the first. */
async function pair(first: NodeOptions, second: NodeOptions) {
  const alpha = await node({ name: 'alpha', ...first });
  const beta = await node({ name: 'beta', peers: [alpha.url], ...second });
  await Promise.all([alpha.joined(60_000), beta.joined(60_000)]);
  return { alpha, beta, client: await clientOf(alpha) };
}

const names = (of: MpregNode) => of.snapshot().record.functions.map(({ name }) => name);
const seenBy = (of: MpregNode, name: string) => {
  const record = of.snapshot().members.find((member) => member.name === name)?.record;
  return record?.functions.map((fn) => `${fn.name} ${fn.version}`) ?? [];
};

test('what a changed module offers is told to the mesh', async () => {
  const file = modules.write('told.ts', 'export const before = () => 1;');
  const { alpha, beta, client } = await pair({}, { functions: [file], watch: true, workers: 1 });
  await vi.waitFor(() => expect(seenBy(alpha, 'beta')).toContain('before 1.0.0'), soon);
  modules.write(
    'told.ts',
    "import { defineFunction } from 'mpreg'; export const f = defineFunction({ name: 'after', run: () => 2, version: '1.1.0' });",
  );
  await vi.waitFor(() => expect(seenBy(alpha, 'beta')).toContain('after 1.1.0'), soon);
  expect(seenBy(alpha, 'beta')).not.toContain('before 1.0.0');
  expect(names(beta)).toEqual(['after', 'echo', 'echos']);
  expect(await client.call('after')).toBe(2);
  await expect(client.call('before')).rejects.toMatchObject({ code: 'function-unknown' });
});

test('what a program declares when it runs already is told to the mesh', async () => {
  const program = modules.write(
    'late.mjs',
    `import { createInterface } from 'node:readline';
     setTimeout(() => console.log('{"hello":{"functions":[{"name":"late","version":"2.0.0"}]}}'), 500);
     createInterface({ input: process.stdin }).on('line', (line) => {
       const { id, fun } = JSON.parse(line);
       console.log(JSON.stringify({ id, result: fun }));
     });`,
  );
  const { alpha, client } = await pair({}, { exec: [`early='${process.execPath}' '${program}'`] });
  await vi.waitFor(() => expect(seenBy(alpha, 'beta')).toContain('late 2.0.0'), soon);
  expect(await Promise.all([client.call('early'), client.call('late')])).toEqual(['early', 'late']);
});

describe('a function that can bear one call', () => {
  const gate = Promise.withResolvers<string>();
  const busy = (answer: () => unknown): FunctionDefinition => ({ concurrency: 1, name: 'busy', queue: 0, run: answer });

  test('is called on the other node where this one is full, and nowhere where both are', async () => {
    const both = { inline: [busy(() => gate.promise)] };
    const { client } = await pair(both, both);
    await vi.waitFor(async () => {
      expect((await client.functions()).filter(({ name }) => name === 'busy')).toHaveLength(2);
    }, soon);
    const asked = [client.ask('busy', []), client.ask('busy', [])];
    await vi.waitFor(async () => {
      const running = ['alpha', 'beta'].map((name) => client.call.with({ node: name })('mpreg.describe', 'busy'));
      expect(await Promise.all(running)).toMatchObject([{ running: 1 }, { running: 1 }]);
    }, soon);
    await expect(client.call('busy')).rejects.toMatchObject({
      code: 'overloaded',
      message: expect.stringMatching(/^busy runs once on (alpha|beta) already, and 0 calls wait for it there$/),
    });
    gate.resolve('done');
    const replies = await Promise.all(asked);
    expect(replies.map((reply) => reply.node).sort()).toEqual(['alpha', 'beta']);
  });
});

test('a node tells of its functions what others need not know', async () => {
  const { client } = await pair({}, { inline: [{ concurrency: 2, name: 'mine', queue: 7, run: () => 1 }] });
  const describe = client.call.with({ node: 'beta' });
  expect(await describe('mpreg.describe', 'mine')).toEqual({
    argsSchema: null,
    concurrency: 2,
    feed: null,
    name: 'mine',
    queue: 7,
    resources: [],
    resultSchema: null,
    running: 0,
    trigger: null,
    version: '1.0.0',
    waiting: 0,
  });
  expect(await describe('mpreg.describe', 'absent')).toBeNull();
});

test('a call that its schema refuses says so through the mesh, and is tried nowhere else', async () => {
  const file = modules.write(
    'checked.ts',
    `import { defineFunction } from 'mpreg';
     import { z } from '${import.meta.resolve('zod')}';
     export const half = defineFunction({ name: 'half', args: z.tuple([z.number()]), result: z.int(), run: (n) => n / 2 });`,
  );
  const { alpha, client } = await pair({}, { functions: [file] });
  await vi.waitFor(() => expect(seenBy(alpha, 'beta')).toContain('half 1.0.0'), soon);
  expect(await client.call('half', 4)).toBe(2);
  const refused = { code: 'input-invalid', problem: { fun: 'half', node: 'beta', path: 'args[0]' } };
  await expect(client.call('half', 'four')).rejects.toMatchObject(refused);
  await expect(client.call('half', 3)).rejects.toMatchObject({ code: 'result-invalid', problem: { path: 'result' } });
  const [half] = (await client.functions()).filter(({ name }) => name === 'half');
  expect(half?.signature).toBe('(number) → integer');
});

test.each([
  ["f='python3", 'input-invalid'],
  ['f=/nowhere/at/all', 'module-invalid'],
])('a node with the program %s does not start, and says why', async (exec, code) => {
  const file = modules.write('beside.ts', 'export const f = () => 1;');
  await expect(createNode({ discover: false, exec: [exec], functions: [file] })).rejects.toMatchObject({ code });
});
