/** Who may speak to a node: neighbours with the key and a certificate, and strangers with neither. Real processes. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect as dial, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { connect } from '../../src/engine/index.ts';
import { BUILT, type RunningNode, World } from '../cli/mpreg.ts';
import { certificates } from './certificates.ts';
import { until } from './until.ts';

let world: World;
let node: RunningNode;

beforeAll(async () => {
  world = new World(BUILT);
  node = await world.node(['--name', 'alpha', '--no-discover']);
});

afterAll(() => world.close());

/** The node still answers, and its memory is where it was. */
async function isWell(): Promise<void> {
  const client = await connect({ urls: [node.url] });
  expect(await client.call('echo', 'well?')).toBe('well?');
  await client.close();
}

function socketTo(url: string): Socket {
  const { port } = new URL(url);
  return dial(Number(port), '127.0.0.1').on('error', () => undefined);
}

async function webSocketTo(
  url: string,
  protocol: string,
): Promise<{ readonly socket: WebSocket; readonly closed: Promise<unknown> }> {
  const socket = new WebSocket(url, protocol);
  const closed = once(socket, 'close');
  socket.on('error', () => undefined);
  await once(socket, 'open');
  return { closed, socket };
}

async function metricsOf({ url }: RunningNode): Promise<string> {
  return (await fetch(`${url.replace('ws', 'http')}/metrics`)).text();
}

function metric(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1]);
}

async function counter(name: string): Promise<number> {
  return metric(await metricsOf(node), `mpreg_wire_${name}_total`);
}

describe('strangers', () => {
  test('garbage on the port, and garbage on a WebSocket, are cut off and counted; the node goes on', async () => {
    const raw = socketTo(node.url);
    const ended = once(raw, 'close');
    raw.write(randomBytes(64 * 1024));
    raw.resume();
    await ended;
    const before = await counter('violations');
    const { socket, closed } = await webSocketTo(node.url, 'mpreg.v1');
    socket.send(randomBytes(10_000));
    await closed;
    expect(await counter('violations')).toBeGreaterThan(before);
    await isWell();
  });

  test('a frame that claims four gigabytes costs nothing', async () => {
    const { socket, closed } = await webSocketTo(node.url, 'mpreg.v1');
    socket.send(Buffer.from([0xff, 0xff, 0xff, 0xff, 0x01, 0, 0, 0]));
    await closed;
    await isWell();
  });

  test('many megabytes before the handshake cost nothing, from several at once', async () => {
    const before = await counter('bytes_in');
    const frame = Buffer.alloc(15 * 1024 * 1024, 0xc0);
    frame.writeUInt32BE(frame.length - 4, 0);
    frame[4] = 3; // a welcome
    const strangers = await Promise.all(Array.from({ length: 4 }, () => webSocketTo(node.url, 'mpreg.v1')));
    for (const { socket } of strangers) socket.send(frame);
    await isWell();
    await Promise.all(strangers.map(({ closed }) => closed));
    expect((await counter('bytes_in')) - before).toBeLessThan(1024 * 1024);
  });

  test('who connects and never says who it is is cut off, and counted', async () => {
    const before = await counter('cut_off');
    const { closed } = await webSocketTo(node.url, 'mpreg.v1');
    const slow = socketTo(node.url);
    slow.write('GET / HTTP/1.1\r\n');
    const ended = once(slow, 'close');
    slow.resume();
    await Promise.all([closed, ended]);
    expect(await counter('cut_off')).toBeGreaterThan(before);
    await isWell();
  });

  test("a page of somebody else's cannot speak to a node on this machine", async () => {
    const socket = new WebSocket(node.url, 'mpreg.v1.json', { origin: 'https://example.com' });
    const [error] = await once(socket, 'error');
    expect(String(error)).toMatch(/403/);
  });

  test('two hundred half-open connections do not keep a client out', async () => {
    const sockets = Array.from({ length: 200 }, () => socketTo(node.url));
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    await isWell();
    for (const socket of sockets) socket.destroy();
  });
});

describe('clients', () => {
  test('one that never reads its stream is cut off, and costs the node a bounded memory', async () => {
    const source = 'export async function* flood() { for (;;) yield new Uint8Array(100_000); }';
    writeFileSync(world.path('flood.mjs'), source);
    const flooded = await world.node(['--name', 'flooded', '--no-discover', '--functions', world.path('flood.mjs')]);
    const count = async (name: string) => metric(await metricsOf(flooded), name);
    const { socket } = await webSocketTo(flooded.url, 'mpreg.v1.json');
    socket.send(JSON.stringify({ fun: 'flood', id: 1, kind: 'call' }));
    await once(socket, 'message');
    socket.pause();
    await until(
      'it was cut off',
      () => count('mpreg_wire_cut_off_total'),
      (cut) => cut === 1,
    );
    expect(await count('mpreg_wire_bytes_out_total')).toBeLessThan(100_000_000);
    await until(
      'its function ended',
      () => count('mpreg_calls_running'),
      (running) => running === 0,
    );
    socket.terminate();
  });

  test('one that asked for much before the node is told to stop gets all of it', async () => {
    const stopping = await world.node(['--name', 'omega', '--no-discover']);
    const client = await connect({ reconnect: false, urls: [stopping.url] });
    const value = new Uint8Array(15_000_000).fill(7);
    const asked = Promise.all(Array.from({ length: 4 }, () => client.call('echo', value)));
    await until(
      'all of it has arrived',
      async () => metric(await metricsOf(stopping), 'mpreg_wire_part_bytes_in_total'),
      (bytes) => bytes > 4 * value.length,
    );
    stopping.child.kill('SIGTERM');
    expect((await asked).map((answer) => (answer as Uint8Array).length)).toEqual([
      15_000_000, 15_000_000, 15_000_000, 15_000_000,
    ]);
    expect((await stopping.ended).code).toBe(0);
    await client.close();
  });

  test('one whose plan nests values too deep gets a problem, and the node goes on', async () => {
    writeFileSync(
      world.path('deep.mjs'),
      "export const same = (value) => value; export const deep = () => JSON.parse('['.repeat(100) + ']'.repeat(100));",
    );
    const deep = await world.node(['--name', 'deep', '--no-discover', '--functions', world.path('deep.mjs')]);
    const client = await connect({ reconnect: false, urls: [deep.url] });
    const nested = (depth: number, core: unknown) =>
      JSON.parse(`${'['.repeat(depth)}${JSON.stringify(core)}${']'.repeat(depth)}`);
    const steps = [
      { args: [], fun: 'deep', name: 'a' },
      { args: [nested(50, 'a')], fun: 'same', name: 'b' },
    ];
    const why = { code: 'result-unencodable', outcome: 'did-not-happen' };
    const told = (await client.run(steps)).steps;
    expect(told).toMatchObject([{ state: 'done' }, { name: 'b', problem: why, state: 'failed' }]);
    expect(await client.call('same', 'well?')).toBe('well?');
    await client.close();
  });
});

describe('JSON', () => {
  test('twenty lines of any language can talk to a node: a call, a plan, an error', async () => {
    const { socket } = await webSocketTo(node.url, 'mpreg.v1.json');
    const answers = new Map<number, Record<string, unknown>>();
    socket.on('message', (data) => {
      for (const message of [JSON.parse(String(data))].flat()) answers.set(message.id, message);
    });
    const steps = [{ args: ['hi'], fun: 'echo', name: 'a' }];
    socket.send(JSON.stringify({ args: ['hi'], fun: 'echo', id: 1, kind: 'call' }));
    socket.send(JSON.stringify({ fun: 'nowhere', id: 2, kind: 'call' }));
    socket.send(JSON.stringify({ id: 3, kind: 'plan', plan: steps }));
    await until(
      'three answers',
      () => [...answers.keys()],
      (ids) => [1, 2, 3].every((id) => ids.includes(id)),
    );
    socket.close();
    expect(answers.get(1)).toMatchObject({ by: 'alpha', kind: 'result', value: 'hi' });
    expect(answers.get(2)).toMatchObject({ kind: 'error', problem: { code: 'function-unknown' } });
    expect(answers.get(3)).toMatchObject({ kind: 'result', value: { results: { a: 'hi' } } });
  });
});

describe('a mesh with a key, TLS and client certificates', () => {
  test('joins whoever has all three, and tells everybody else what is missing', async () => {
    const files = certificates(world.folder);
    writeFileSync(world.path('key'), 'a shared secret of this test', { mode: 0o600 });
    writeFileSync(world.path('other-key'), 'another secret', { mode: 0o600 });
    const tls = ['--tls-cert', files.cert, '--tls-key', files.key, '--tls-ca', files.ca];
    const keyed = ['--key-file', world.path('key')];
    const start = ['--no-discover', '--tls-client-certs', ...tls, ...keyed];
    const first = await world.node(['--name', 'k1', ...start]);
    expect(first.url).toMatch(/^wss:/);
    const second = await world.node(['--name', 'k2', '--peer', first.url, '--join-timeout', '10s', ...start]);
    const at = ['--url', first.url, '--json'];
    const status = await world.mpreg(['cluster', 'status', ...at, ...tls, ...keyed]);
    expect(JSON.parse(status.stdout).map(({ name, state }: { name: string; state: string }) => [name, state])).toEqual([
      ['k1', 'alive'],
      ['k2', 'alive'],
    ]);
    const noKey = await world.mpreg(['call', 'echo', 'hi', ...at, ...tls]);
    expect([noKey.code, JSON.parse(noKey.stdout).error.code]).toEqual([4, 'key-missing']);
    const wrongKey = await world.mpreg(['call', 'echo', 'hi', ...at, ...tls, '--key-file', world.path('other-key')]);
    expect([wrongKey.code, JSON.parse(wrongKey.stdout).error.code]).toEqual([4, 'key-wrong']);
    const noCertificate = await world.mpreg(['call', 'echo', 'hi', ...at, '--tls-ca', files.ca, ...keyed]);
    expect(noCertificate.code).toBe(5);
    const wrongPeer = await world.mpreg([
      'node',
      'start',
      '--peer',
      first.url,
      '--join-timeout',
      '3s',
      '--no-discover',
      ...tls,
      '--key-file',
      world.path('other-key'),
    ]);
    expect(wrongPeer.code).toBe(4);
    expect(second.child.exitCode).toBeNull();
    const logs = wrongPeer.stderr + noKey.stderr + wrongKey.stderr;
    expect(logs).not.toContain('secret');
    await pause(0);
  });
});
