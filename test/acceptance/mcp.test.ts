/** The protocol's own client, talking over stdio to the real command, which talks to real nodes. */
import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BUILT, World } from '../cli/mpreg.ts';
import { until } from './until.ts';

const FUNCTIONS = `
import { appendFileSync } from 'node:fs';
import { defineFunction } from 'mpreg';
import { z } from 'zod';
export const add = defineFunction({
  name: 'add', description: 'Adds two numbers.', idempotent: true, resources: ['maths'], run: (a, b) => a + b,
});
export const person = (name, more) => ({ name, ...more });
export const fail = () => { throw new RangeError('out of cheese'); };
export const area = defineFunction({
  name: 'area', args: z.object({ width: z.number().positive(), height: z.number().default(1) }),
  run: ({ width, height }) => width * height,
});
export const repeat = defineFunction({
  name: 'repeat', args: z.tuple([z.string().describe('what'), z.int()]), result: z.string(), run: (text, times) => text.repeat(times),
});
export async function* count(to, file) {
  try {
    for (let i = 1; i <= to; i++) yield i;
  } finally {
    if (file) appendFileSync(file, 'stopped');
  }
}
export async function* slowly(to, ms = 100) {
  for (let i = 1; i <= to; i++) {
    yield i;
    await new Promise((done) => setTimeout(done, ms));
  }
}
export function patient(file) {
  return new Promise((_, reject) => this.signal.addEventListener('abort', () => {
    appendFileSync(file, 'aborted');
    reject(new Error('aborted'));
  }));
}
`;

let world: World;
let client: Client | undefined;

beforeEach(() => {
  world = new World(BUILT);
  writeFileSync(
    world.path('functions.mjs'),
    FUNCTIONS.replace("from 'mpreg'", `from '${library}'`).replace("from 'zod'", `from '${zod}'`),
  );
});

afterEach(async () => {
  await client?.close();
  client = undefined;
  await world.close();
});

const zod = import.meta.resolve('zod');
const library = new URL('../../dist/index.js', import.meta.url).href;

async function clientOf(...args: string[]): Promise<Client> {
  client = new Client({ name: 'test', version: '1.0.0' });
  await client.connect(
    new StdioClientTransport({ args: [BUILT, 'mcp', ...args], command: process.execPath, env: world.env() }),
  );
  return client;
}

const namesOf = async (from: Client) => (await from.listTools()).tools.map(({ name }) => name);

describe('mpreg mcp', () => {
  test('serves the functions of the mesh as tools, with their results and their errors', async () => {
    await world.node(['--name', 'alpha', '--functions', world.path('functions.mjs')]);
    const mcp = await clientOf();
    const { tools } = await mcp.listTools();
    const add = tools.find(({ name }) => name === 'add');
    expect(add).toMatchObject({ annotations: { idempotentHint: true, title: 'add' }, inputSchema: { type: 'object' } });
    expect(add?.description).toContain('Adds two numbers.');
    expect(add?.description).toContain('Has: maths.');
    expect(tools.some(({ name }) => name.startsWith('mpreg'))).toBe(false);
    const call = (name: string, given?: Record<string, unknown>) =>
      mcp.callTool({ name, ...(given && { arguments: given }) });
    expect(await call('add', { args: [1, 2] })).toEqual({ content: [{ text: '3', type: 'text' }] });
    expect(await call('person', { args: ['Ada'], kwargs: { born: 1815 } })).toEqual({
      content: [{ text: '{"name":"Ada","born":1815}', type: 'text' }],
      structuredContent: { born: 1815, name: 'Ada' },
    });
    expect(await call('fail')).toMatchObject({
      isError: true,
      structuredContent: {
        error: { cause: { message: 'out of cheese', name: 'RangeError' }, code: 'function-failed', node: 'alpha' },
      },
    });
    expect(await call('add', { args: 3 })).toMatchObject({
      isError: true,
      structuredContent: { error: { code: 'input-invalid' } },
    });
    await expect(call('nothing')).rejects.toThrow('no tool nothing');
  });

  test('a tool may take longer than commands wait, unless --timeout says otherwise', async () => {
    await world.node(['--name', 'alpha', '--functions', world.path('functions.mjs')]);
    const mcp = await clientOf();
    const { structuredContent } = await mcp.callTool({ arguments: { args: [12, 1_000] }, name: 'slowly' });
    expect(structuredContent).toEqual({ items: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] });
    await mcp.close();
    const hurried = await clientOf('--timeout', '300ms');
    const late = await hurried.callTool({ arguments: { args: [12, 1_000] }, name: 'slowly' });
    expect(late).toMatchObject({ isError: true, structuredContent: { error: { code: 'timed-out' } } });
  });

  test('tools take what the schemas of their functions say, also of functions on other nodes', async () => {
    const alpha = await world.node(['--name', 'alpha']);
    await world.node(['--name', 'beta', '--peer', alpha.url, '--functions', world.path('functions.mjs')]);
    const mcp = await clientOf('--url', alpha.url);
    await until(
      'area is there',
      () => namesOf(mcp),
      (names) => names.includes('area'),
    );
    const { tools } = await mcp.listTools();
    const inputOf = (name: string) => tools.find((tool) => tool.name === name)?.inputSchema;
    expect(inputOf('area')).toMatchObject({
      properties: { height: { default: 1, type: 'number' }, width: { exclusiveMinimum: 0, type: 'number' } },
      required: ['width'],
      type: 'object',
    });
    expect(inputOf('repeat')).toMatchObject({
      properties: {
        args: { prefixItems: [{ description: 'what', type: 'string' }, { type: 'integer' }], type: 'array' },
      },
      required: ['args'],
    });
    expect(inputOf('person')).toMatchObject({ properties: { args: { items: {} }, kwargs: {} } });
    const call = (name: string, given: Record<string, unknown>) => mcp.callTool({ arguments: given, name });
    expect(await call('area', { width: 6 })).toEqual({ content: [{ text: '6', type: 'text' }] });
    expect(await call('repeat', { args: ['ab', 2] })).toEqual({ content: [{ text: '"abab"', type: 'text' }] });
    expect(await call('area', { width: -1 })).toMatchObject({
      isError: true,
      structuredContent: { error: { code: 'input-invalid', node: 'beta' } },
    });
  });

  test('gives the items of a stream as its result, and each as progress; a stream without end is stopped', async () => {
    await world.node(['--name', 'alpha', '--functions', world.path('functions.mjs')]);
    const mcp = await clientOf();
    const progress: unknown[] = [];
    const call = { arguments: { args: [3] }, name: 'slowly' };
    expect(await mcp.callTool(call, undefined, { onprogress: (one) => progress.push(one) })).toEqual({
      content: [{ text: '[1,2,3]', type: 'text' }],
      structuredContent: { items: [1, 2, 3] },
    });
    // Why slowly: this client forgets the progress that comes in one piece with the result.
    expect(progress).toEqual([1, 2, 3].map((i) => ({ message: `${i}`, progress: i })));
    const file = world.path('stopped.txt');
    const endless = await mcp.callTool({ arguments: { args: [1e9, file] }, name: 'count' });
    expect(endless).toMatchObject({ structuredContent: { truncated: true } });
    expect((endless.structuredContent as { items: unknown[] }).items).toHaveLength(1_000);
    await until('the generator is stopped', () => existsSync(file), Boolean);
  });

  test('says when tools come and go, and survives the node that it is connected to', async () => {
    const alpha = await world.node(['--name', 'alpha']);
    const mcp = await clientOf('--url', alpha.url);
    let changes = 0;
    mcp.setNotificationHandler(ToolListChangedNotificationSchema, () => void changes++);
    expect(await namesOf(mcp)).not.toContain('add');
    await world.node(['--name', 'beta', '--peer', alpha.url, '--functions', world.path('functions.mjs')]);
    await until(
      'it says so',
      () => changes,
      (seen) => seen > 0,
    );
    await until(
      'add is there',
      () => namesOf(mcp),
      (names) => names.includes('add'),
    );
    const gamma = await world.node(['--name', 'gamma', '--peer', alpha.url]);
    const other = await clientOf('--url', gamma.url);
    await until(
      'add is there, too',
      () => namesOf(other),
      (names) => names.includes('add'),
    );
    await pause(1_500); // it asks who else is there after a second
    gamma.child.kill('SIGKILL');
    expect(await other.callTool({ arguments: { args: [2, 3] }, name: 'add' })).toEqual({
      content: [{ text: '5', type: 'text' }],
    });
    await mcp.close();
  });

  test('takes a call back that is cancelled', async () => {
    await world.node(['--name', 'alpha', '--functions', world.path('functions.mjs')]);
    const mcp = await clientOf();
    const file = world.path('aborted.txt');
    const taken = new AbortController();
    const call = mcp.callTool({ arguments: { args: [file] }, name: 'patient' }, undefined, { signal: taken.signal });
    setTimeout(() => taken.abort('no longer wanted'), 500);
    await expect(call).rejects.toThrow('no longer wanted');
    await until('the function is aborted', () => existsSync(file), Boolean);
  });

  test('answers what was piped into it, and ends with its input', async () => {
    await world.node(['--name', 'alpha']);
    const hello = {
      id: 1,
      jsonrpc: '2.0',
      method: 'initialize',
      params: { capabilities: {}, clientInfo: { name: 'pipe', version: '1' }, protocolVersion: '2025-06-18' },
    };
    const call = { id: 2, jsonrpc: '2.0', method: 'tools/call', params: { arguments: { args: ['hi'] }, name: 'echo' } };
    const input = [hello, { jsonrpc: '2.0', method: 'notifications/initialized' }, call];
    const ran = await world.mpreg(['mcp'], { input: input.map((line) => `${JSON.stringify(line)}\n`).join('') });
    expect(ran.code).toBe(0);
    const answers = ran.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: number; result: object });
    expect(answers.map(({ id }) => id)).toEqual([1, 2]);
    expect(answers[0]?.result).toMatchObject({
      capabilities: { tools: { listChanged: true } },
      serverInfo: { name: 'mpreg' },
    });
    expect(answers[1]?.result).toEqual({ content: [{ text: '"hi"', type: 'text' }] });
  });

  test('says in the usual way that there is no node', async () => {
    const { code, stderr, stdout } = await world.mpreg(['mcp'], { input: '' });
    expect({ code, stdout }).toEqual({ code: 5, stdout: '' });
    expect(stderr).toContain('nobody-there');
  });
});
