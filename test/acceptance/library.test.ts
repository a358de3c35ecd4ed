/** A program of somebody else's that imports the package by its name, as it is published: compiled, with its exports. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { World } from '../cli/mpreg.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
let world: World;

beforeAll(() => {
  world = new World();
  mkdirSync(world.path('node_modules'));
  symlinkSync(root, world.path('node_modules', 'mpreg'));
});

afterAll(() => world.close());

test('it starts nodes, connects, calls, runs plans, watches events and simulates', () => {
  writeFileSync(
    world.path('program.mjs'),
    `import { connect, createNode, defineFunction, ProblemError, simulate } from 'mpreg';
    const double = defineFunction({ name: 'double', resources: ['maths'], idempotent: true, run: (x) => 2 * x });
    const a = await createNode({ name: 'a' });
    const b = await createNode({ name: 'b', inline: [double] });
    await Promise.all([a.joined(60_000), b.joined(60_000)]);
    const client = await connect({ urls: [a.url] });
    while (!(await client.functions()).some(({ name }) => name === 'double')) await new Promise((r) => setTimeout(r, 20));
    const reply = await client.ask('double', [21], { locs: ['maths'] });
    const kept = await client.call('echo', [new Date(0), 10n ** 20n, new Map([['k', undefined]]), NaN, new Uint8Array([1])]);
    const plan = await client.run([{ name: 'x', fun: 'double', args: [4] }, { name: 'y', fun: 'double', args: ['x'] }]);
    const failure = await client.call('nothing').catch((error) => [error instanceof ProblemError, error.code]);
    const inside = await (await b.client()).call.with({ node: 'b' })('double', 5);
    const report = await simulate({ count: 1, seed: 1, durationMs: 5000 });
    console.log(JSON.stringify({ reply, plan: plan.results, failure, inside, report: typeof report,
      kept: [kept[0] instanceof Date, typeof kept[1], kept[2].has('k'), Number.isNaN(kept[3]), kept[4] instanceof Uint8Array] }));
    await client.close();
    await Promise.all([a.leave(), b.leave()]);`,
  );
  const out = execFileSync(process.execPath, [world.path('program.mjs')], {
    encoding: 'utf8',
    env: world.env(),
  });
  expect(JSON.parse(out)).toEqual({
    failure: [true, 'function-unknown'],
    inside: 10,
    kept: [true, 'bigint', true, true, true],
    plan: { y: 16 },
    reply: { node: 'b', value: 42 },
    report: 'object',
  });
});
