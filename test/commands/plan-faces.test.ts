/** The same plan in JSON means the same on every way that takes JSON: files, HTTP, frames of `mpreg.v1.json`. */
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { eventually, type RunningNode, World } from '../cli/mpreg.ts';
import { soon } from '../soon.ts';

const world = new World();
let alpha: RunningNode;

beforeAll(async () => {
  const functions = world.path('work', 'functions.ts');
  writeFileSync(functions, 'export const kind = (value: unknown): string => Object.prototype.toString.call(value);');
  alpha = await world.node(['--name', 'alpha', '--functions', functions, '--workers', '1']);
  await eventually(
    () => world.mpreg(['function', 'list'], { env: { MPREG_URL: alpha.url } }),
    ({ stdout }) => stdout.includes('kind'),
  );
});
afterAll(() => world.close());

const step = (name: string, fun: string, ...args: unknown[]) => ({ args, fun, name });

async function fromFile(plan: object): Promise<unknown> {
  const path = world.path('work', 'plan.json');
  writeFileSync(path, JSON.stringify(plan));
  const { stdout } = await world.mpreg(['plan', 'run', path], { env: { MPREG_URL: alpha.url } });
  return JSON.parse(stdout);
}

const date = { $date: '2026-01-01T00:00:00.000Z' };
const IN_JSON: readonly (readonly [string, unknown, string, unknown])[] = [
  ['a tag is the value that it means', date, 'Date', date],
  ['a literal is taken as it stands, a text', { $lit: 'x' }, 'String', 'x'],
  ['a literal is taken as it stands, a list with what looks like a reference', { $lit: ['x'] }, 'Array', ['x']],
  ['a literal is taken as it stands, tags alike', { $lit: date }, 'Object', { $lit: date }],
  ['a literal in a literal', { $lit: { $lit: 'x' } }, 'Object', { $lit: { $lit: 'x' } }],
  ['a literal inside a tag is the tag of values', { $set: [{ $lit: date }] }, 'Set', { $set: [{ $lit: date }] }],
  ['a name beside $lit makes it an ordinary object', { $lit: 1, a: 'x' }, 'Object', { $lit: 1, a: 'the x' }],
  ['a reference is the value of its step', { $ref: 'x' }, 'String', 'the x'],
  ['what has an unknown tag is an object, with its references', { $mine: 'x' }, 'Object', { $mine: 'the x' }],
];

test.each(['a file', 'HTTP', 'mpreg.v1.json'])('means the same from %s, whatever stands in its JSON', async (face) => {
  const steps = IN_JSON.flatMap(([, arg], i) => [step(`kind${i}`, 'kind', arg), step(`echo${i}`, 'echo', arg)]);
  const plan = {
    done: { given: { $lit: date } },
    return: 'all',
    steps: [...steps, step('x', 'echo', 'the x'), step('given', 'echo')],
  };
  const results = (await resultsFrom(face, plan)) as Record<string, unknown>;
  const found = IN_JSON.map(([name], i) => [name, results[`kind${i}`], results[`echo${i}`]]);
  expect(found).toEqual(IN_JSON.map(([name, , kind, value]) => [name, `[object ${kind}]`, value]));
  expect(results['given']).toEqual({ $lit: date });
});

/** The results of a plan, as JSON has them, over one of the ways that take JSON. */
async function resultsFrom(face: string, plan: object): Promise<unknown> {
  if (face === 'a file') return await fromFile(plan);
  if (face === 'HTTP') {
    const headers = { 'content-type': 'application/json' };
    const url = `${alpha.url.replace('ws', 'http')}/v1/plan`;
    const answer = await fetch(url, { body: JSON.stringify(plan), headers, method: 'POST' });
    return ((await answer.json()) as { readonly results: unknown }).results;
  }
  const socket = new WebSocket(alpha.url, 'mpreg.v1.json');
  try {
    const frames: Record<string, unknown>[] = [];
    socket.onmessage = ({ data }) => frames.push(...[JSON.parse(String(data))].flat());
    const frame = (kind: string) =>
      vi.waitFor(() => frames.find((one) => one['kind'] === kind) ?? Promise.reject(new Error(kind)), soon);
    await new Promise((resolve) => socket.addEventListener('open', resolve));
    socket.send(JSON.stringify({ id: 1, kind: 'plan', plan }));
    return ((await frame('result'))['value'] as { readonly results: unknown }).results;
  } finally {
    socket.close();
  }
}
