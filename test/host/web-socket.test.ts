import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get, type IncomingHttpHeaders } from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { DialOptions, ListenOptions } from '../../src/engine/host/ports.ts';
import { webSocketTransport } from '../../src/engine/host/transports/web-socket.ts';
import { end, transportContract, until } from '../contract/transport.ts';

const pem = { ca: '', cert: '', clientCert: '', clientKey: '', key: '' };
const ended: (() => unknown)[] = [];

beforeAll(() => {
  const directory = mkdtempSync(join(tmpdir(), 'mpreg-tls-'));
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: directory, stdio: 'ignore' });
  const made = (name: string) => readFileSync(join(directory, name), 'utf8');
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  try {
    const names = 'subjectAltName=IP:127.0.0.1,DNS:localhost';
    writeFileSync(join(directory, 'names'), names);
    openssl('req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=test ca', '-days', '2');
    for (const name of ['server', 'client']) {
      openssl('req', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
      const by = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'names'];
      openssl('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.pem`, ...by);
    }
    pem.ca = made('ca.pem');
    pem.cert = made('server.pem');
    pem.key = made('server.key');
    pem.clientCert = made('client.pem');
    pem.clientKey = made('client.key');
  } finally {
    rmSync(directory, { force: true, recursive: true });
  }
});

afterEach(async () => {
  for (const one of ended.splice(0)) await one();
});

transportContract('WebSocket', () => ({ host: '127.0.0.1', transport: webSocketTransport }));
transportContract('WebSocket and TLS, with certificates on both sides', () => ({
  clientTls: { ca: pem.ca, cert: pem.clientCert, key: pem.clientKey },
  host: '127.0.0.1',
  serverTls: { ca: pem.ca, cert: pem.cert, clientCertificates: true, key: pem.key },
  transport: webSocketTransport,
}));

async function listening(options: Partial<ListenOptions> = {}) {
  const refused: string[] = [];
  const listener = await webSocketTransport.listen({
    accept: (connection) => {
      end(connection);
      ended.push(() => connection.destroy('the test is over'));
    },
    connectionsMax: 10,
    host: '127.0.0.1',
    messageBytesMax: 1_000,
    port: 0,
    refused: (reason) => refused.push(reason),
    upgradeMsMax: 150,
    ...options,
  });
  ended.push(() => listener.close());
  return { listener, refused };
}

const dialling: DialOptions = { messageBytesMax: 1_000, protocol: 'mpreg.v1', timeoutMs: 1_000 };

/** What an upgrade is answered with: `open`, or the status and the body of the refusal. */
function upgrade(port: number, protocols: string[], headers: Record<string, string> = {}): Promise<string> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, protocols, { headers });
  return new Promise((resolve) => {
    socket.on('error', (error) => resolve(`error: ${error.message}`));
    socket.on('unexpected-response', (_, response) => {
      void text(response).then((body) => resolve(`${response.statusCode} ${body}`));
    });
    socket.on('open', () => {
      socket.terminate();
      resolve('open');
    });
  });
}

function fetched(port: number, headers: IncomingHttpHeaders = {}): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    get({ agent: false, headers, host: '127.0.0.1', path: '/health', port }, (response) => {
      void text(response).then((body) => resolve({ body, status: response.statusCode ?? 0 }));
    }).on('error', reject);
  });
}

async function rawSocket(port: number): Promise<{ socket: Socket; gone: Promise<void> }> {
  const socket = connect(port, '127.0.0.1');
  ended.push(() => socket.destroy());
  socket.on('error', () => undefined);
  const gone = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  socket.resume();
  await new Promise((resolve) => socket.once('connect', resolve));
  return { gone, socket };
}

describe('the door of a node', () => {
  test('who sends nothing, or a header now and then, is cut off in time and counted', async () => {
    const { listener, refused } = await listening();
    const silent = await rawSocket(listener.port);
    const slow = await rawSocket(listener.port);
    slow.socket.write('GET / HTTP/1.1\r\n');
    const drip = setInterval(() => slow.socket.write('x-a: b\r\n'), 20);
    ended.push(() => clearInterval(drip));
    await Promise.all([silent.gone, slow.gone]);
    expect(refused).toEqual(['too slow', 'too slow']);
  });

  test('over TLS too', async () => {
    const { listener, refused } = await listening({ tls: { cert: pem.cert, key: pem.key } });
    const silent = await rawSocket(listener.port);
    await silent.gone;
    await until(() => refused.length === 1, 'it was counted');
    expect(refused).toEqual([expect.stringContaining('handshake timeout')]);
  });

  test('garbage is answered and cut off', async () => {
    const { listener, refused } = await listening();
    const { socket, gone } = await rawSocket(listener.port);
    socket.write(Uint8Array.from({ length: 200 }, (_, i) => 255 - i));
    await gone;
    expect(refused).toEqual([expect.stringMatching(/^not HTTP/)]);
  });

  test('an unknown subprotocol, and none, get a readable refusal', async () => {
    const { listener, refused } = await listening();
    for (const offered of [['chat'], []]) {
      const said = await upgrade(listener.port, offered);
      expect(said).toMatch(/^400 .*speaks the WebSocket subprotocols mpreg\.v1 and mpreg\.v1\.json/);
    }
    expect(await upgrade(listener.port, ['mpreg.v9', 'mpreg.v1.json'])).toBe('open');
    expect(refused.length).toBe(2);
  });

  const pages: readonly (readonly [string, readonly string[], boolean])[] = [
    ['http://localhost:3000', [], true],
    ['http://127.0.0.1', [], true],
    ['http://[::1]:8080', [], true],
    ['https://evil.example', [], false],
    ['https://localhost.evil.example', [], false],
    ['null', [], false],
    ['https://ours.example', ['https://ours.example'], true],
    ['http://ours.example', ['https://ours.example'], false],
    ['https://any.example', ['*'], true],
  ];
  test.each(pages)('a page of %s, where %j are allowed: %s', async (origin, origins, allowed) => {
    const { listener } = await listening({ origins });
    expect(await upgrade(listener.port, ['mpreg.v1'], { origin })).toMatch(allowed ? /^open$/ : /^403 .*not-allowed/);
    expect((await fetched(listener.port, { origin })).status).toBe(allowed ? 404 : 403);
  });

  test('a foreign name for a loopback address is refused: DNS rebinding', async () => {
    const { listener, refused } = await listening();
    expect(await upgrade(listener.port, ['mpreg.v1'], { host: 'evil.example' })).toMatch(/^403/);
    expect((await fetched(listener.port, { host: `evil.example:${listener.port}` })).status).toBe(403);
    expect((await fetched(listener.port, { host: 'localhost' })).status).toBe(404);
    expect(refused.length).toBe(2);
  });

  test('HTTP on the same port goes to its handler; without one it is 404 in JSON', async () => {
    const { listener } = await listening();
    const missing = await fetched(listener.port);
    expect([missing.status, JSON.parse(missing.body)]).toEqual([
      404,
      { error: { code: 'input-invalid', message: 'nothing is served here' } },
    ]);
    const { listener: served } = await listening({ http: (_, response) => void response.end('well') });
    expect(await fetched(served.port)).toEqual({ body: 'well', status: 200 });
  });

  test('all names of the machine can be given to a wildcard; its url can be dialled', async () => {
    const { listener } = await listening({ host: '0.0.0.0' });
    expect(listener.url).not.toContain('0.0.0.0');
    const connection = await webSocketTransport.dial(listener.url, dialling);
    connection.destroy('over');
  });

  test('a certificate that is none is a problem with a name', async () => {
    await expect(listening({ tls: { cert: 'x', key: 'y' } })).rejects.toMatchObject({
      problem: { code: 'input-invalid' },
    });
  });

  test('an address of another machine is a problem with a name', async () => {
    await expect(listening({ host: '192.0.2.1' })).rejects.toMatchObject({ problem: { code: 'input-invalid' } });
  });

  test('who speaks text in mpreg.v1 is shown the way out', async () => {
    const { listener } = await listening();
    const socket = new WebSocket(listener.url, 'mpreg.v1');
    socket.on('open', () => socket.send('hello?'));
    const reason = await new Promise((resolve) => socket.on('close', (_, why) => resolve(why.toString())));
    expect(reason).toBe('mpreg.v1 wants bytes');
  });
});

describe('dialling', () => {
  const rejected = (url: string, options: Partial<DialOptions> = {}) =>
    webSocketTransport.dial(url, { ...dialling, ...options }).then(
      (connection) => {
        connection.destroy('not expected');
        throw new Error('it was accepted');
      },
      (error: Error) => error.message,
    );

  test('something that is no node, or no URL, is said to be so', async () => {
    const { listener } = await listening({ http: (_, response) => void response.end() });
    expect(await rejected(listener.url.replace('ws:', 'ftp:'))).toMatch(/cannot be dialled/);
    expect(await rejected('not a url')).toMatch(/cannot be dialled/);
    const plain = createServer((socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi'));
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
    ended.push(() => plain.close());
    const { port } = plain.address() as { port: number };
    expect(await rejected(`ws://127.0.0.1:${port}`)).toMatch(/answered 200 OK, so it is no mpreg node/);
  });

  test('silence ends after the time given', async () => {
    const mute = createServer((socket) => ended.push(() => socket.destroy()));
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    ended.push(() => mute.close());
    const { port } = mute.address() as { port: number };
    expect(await rejected(`ws://127.0.0.1:${port}`, { timeoutMs: 60 })).toMatch(/did not answer within 60 ms/);
  });

  test('a refusal says why', async () => {
    const { listener } = await listening({ connectionsMax: 0 });
    expect(await rejected(listener.url)).toBe(`${listener.url} refused: all 0 connections of this node are taken`);
  });

  test('an untrusted certificate, and a missing one of the client, are refused', async () => {
    const { listener } = await listening({
      tls: { ca: pem.ca, cert: pem.cert, clientCertificates: true, key: pem.key },
    });
    expect(await rejected(listener.url)).toMatch(/cannot be reached: .*certificate/);
    await expect(
      webSocketTransport.dial(listener.url, { ...dialling, tls: { ca: pem.ca } }).then((connection) => {
        connection.destroy('not expected');
      }),
    ).rejects.toMatchObject({ name: 'DialError', refused: false });
  });
});
