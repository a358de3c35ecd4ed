/** A federation on one machine: `deploy --local` starts its clusters as processes, `down` ends them. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LocalNode } from '../../src/cli/federation/local-nodes.ts';
import { BUILT, World } from '../cli/mpreg.ts';
import { isRunning } from '../processes.ts';
import { until } from './until.ts';

let world: World;
let pids: number[];
beforeEach(() => {
  world = new World(BUILT);
  pids = [];
});
afterEach(async () => {
  for (const pid of pids) if (isRunning(pid)) process.kill(pid, 'SIGKILL');
  await world.close();
});

/** Ports that were free a moment ago. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      return new Promise<Server>((resolve) => {
        const server = createServer().listen(0, '127.0.0.1', () => resolve(server));
      });
    }),
  );
  return Promise.all(
    servers.map((server) => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      return new Promise<number>((resolve) => server.close(() => resolve(port)));
    }),
  );
}

/** Three clusters; the last one has two hubs. */
async function writeFile(): Promise<readonly number[]> {
  const ports = await freePorts(8);
  const hub = (at: number) => ({
    bridge_url: `ws://hub.example:${ports[at + 1]}`,
    server_url: `ws://hub.example:${ports[at]}`,
  });
  const clusters = ['us', 'eu', 'asia'].map((region, n) => ({
    cluster_id: `dev-${region}`,
    cluster_name: `In ${region}`,
    coordinates: { latitude: 10 * n, longitude: 20 * n },
    region,
    resources: [`${region}-data`],
    tags: ['dev'],
    ...hub(2 * n),
    ...(n === 2 && { hubs: [hub(6)] }),
  }));
  const federation = { resilience: { circuit_breaker: { timeout_seconds: 1 } } };
  writeFileSync(world.path('work', 'f.json'), JSON.stringify({ clusters, federation, version: '1.0' }));
  return ports;
}

async function federation(...args: string[]) {
  const { code, stderr, stdout } = await world.mpreg(['federation', ...args, '--json']);
  return { answer: stdout === '' ? undefined : JSON.parse(stdout), code, stderr };
}

async function deployHere(...args: string[]) {
  const done = await federation('deploy', 'f.json', '--local', ...args);
  const nodes: readonly LocalNode[] = done.answer?.nodes ?? [];
  pids.push(...nodes.map(({ pid }) => pid));
  return { ...done, nodes };
}

const statesOf = (answer: { clusters: { cluster: string; state: string }[] }) =>
  answer.clusters.map(({ cluster, state }) => `${cluster} ${state}`);

describe('a federation on this machine', () => {
  test('starts, is linked, survives the loss of a hub, is completed again, and ends', async () => {
    await writeFile();
    const { answer, code, nodes, stderr } = await deployHere();
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('starting 4 hubs here') });
    expect(statesOf(answer)).toEqual(['dev-us changed', 'dev-eu changed', 'dev-asia changed']);
    expect(answer.links.map(({ state }: { state: string }) => state)).toEqual(['up', 'up', 'up']);
    expect(nodes.map(({ name }) => name)).toEqual(['dev-us-hub-1', 'dev-eu-hub-1', 'dev-asia-hub-1', 'dev-asia-hub-2']);

    const found = await federation('discover', '--cluster', 'dev-us');
    expect(found.answer.clusters).toMatchObject([
      {
        cluster: 'dev-asia',
        hubs: ['dev-asia-hub-1', 'dev-asia-hub-2'],
        name: 'In asia',
        nodes: 2,
        state: 'reachable',
      },
      { cluster: 'dev-eu', nodes: 1, region: 'eu', state: 'reachable' },
      { cluster: 'dev-us', state: 'self' },
    ]);

    const again = await deployHere();
    expect(statesOf(again.answer)).toEqual(['dev-us unchanged', 'dev-eu unchanged', 'dev-asia unchanged']);
    expect(again.nodes).toEqual(nodes);

    const eu = nodes[1]?.pid ?? 0;
    process.kill(eu, 'SIGKILL');
    await until(
      'it is gone',
      () => isRunning(eu),
      (runs) => !runs,
    );
    const file = JSON.parse(readFileSync(world.path('work', 'f.json'), 'utf8').replaceAll('hub.example', '127.0.0.1'));
    file.federation.resilience.circuit_breaker.timeout_seconds = 2;
    writeFileSync(world.path('work', 'g.json'), JSON.stringify(file));
    const refused = await federation('deploy', 'g.json');
    expect(refused.code).toBe(5);
    expect(refused.answer.error.message).toMatch(/^nothing was changed. dev-eu: /);
    const partial = await federation('deploy', 'g.json', '--partial');
    expect(statesOf(partial.answer)).toEqual(['dev-us changed', 'dev-eu missing', 'dev-asia changed']);
    expect(partial.code).toBe(0);

    const whole = await deployHere();
    expect({ code: whole.code, error: whole.answer.error }).toEqual({ code: 0, error: undefined });
    expect(whole.nodes.filter(({ pid }) => nodes.some((one) => one.pid === pid))).toHaveLength(3);
    // What was started anew has kept what it was given; the others go back to what this file says.
    expect(statesOf(whole.answer)).toEqual(['dev-us changed', 'dev-eu unchanged', 'dev-asia changed']);

    const down = await federation('down');
    expect(down.answer.map(({ name, state }: { name: string; state: string }) => `${name} ${state}`).sort()).toEqual([
      'dev-asia-hub-1 ended',
      'dev-asia-hub-2 ended',
      'dev-eu-hub-1 ended',
      'dev-us-hub-1 ended',
    ]);
    expect(whole.nodes.filter(({ pid }) => isRunning(pid))).toEqual([]);
    expect((await federation('down', 'f.json')).answer).toEqual([]);
  });

  test('leaves nothing behind where one hub cannot start, and says why', async () => {
    const ports = await writeFile();
    const taken = createServer();
    await new Promise<void>((resolve) => void taken.listen(ports[2], '127.0.0.1', resolve));
    try {
      const { answer, code } = await deployHere();
      expect(code).toBe(1);
      expect(answer.error).toMatchObject({ code: 'node-died', message: expect.stringContaining('dev-eu-hub-1') });
      expect(answer.error.message).toContain(String(ports[2]));
      expect(existsSync(world.path('work', '.mpreg', 'f', 'nodes.json'))).toBe(false);
      await until(
        'no hub runs',
        () => federation('discover', '--source', `ws://127.0.0.1:${ports[0]}`, '--timeout', '1s'),
        (found) => found.code === 5,
      );
    } finally {
      taken.close();
    }
  });

  test('is started once by two commands that begin at the same time', async () => {
    await writeFile();
    const [one, other] = await Promise.all([deployHere(), deployHere()]);
    expect([one.code, other.code]).toEqual([0, 0]);
    expect(one.nodes).toEqual(other.nodes);
    expect((await federation('down')).answer).toHaveLength(4);
  });

  test('ends also what was taken out of the file, and what a killed command left behind', async () => {
    await writeFile();
    const { nodes } = await deployHere();
    const file = JSON.parse(readFileSync(world.path('work', 'f.json'), 'utf8'));
    writeFileSync(world.path('work', 'f.json'), JSON.stringify({ ...file, clusters: file.clusters.slice(0, 2) }));
    writeFileSync(world.path('work', '.mpreg', 'f', 'nodes.json'), '[]');
    writeFileSync(world.path('work', '.mpreg', 'f', 'lock'), '1999999999');
    const fewer = await deployHere();
    expect({ code: fewer.code, nodes: fewer.nodes }).toEqual({ code: 0, nodes: nodes.slice(0, 2) });
    writeFileSync(world.path('work', '.mpreg', 'f', 'nodes.json'), JSON.stringify(nodes));
    const least = await deployHere();
    expect(least.nodes).toEqual(nodes.slice(0, 2));
    expect(least.stderr).toContain('dev-asia-hub-1, dev-asia-hub-2 are not in the file any more');
    expect((await federation('down')).answer).toHaveLength(4);
    expect(nodes.filter(({ pid }) => isRunning(pid))).toEqual([]);
  });

  test('says which federations it could mean', async () => {
    const { code, stderr } = await world.mpreg(['federation', 'down']);
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('none was started from here') });
  });

  test('says of a file that was never deployed that nothing of it runs', async () => {
    const { code, stderr } = await world.mpreg(['federation', 'down', 'never.json']);
    expect({ code, stderr }).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('has started nothing that runs'),
    });
  });
});
