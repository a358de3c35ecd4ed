/** Discovery against real places on loopback: files, a web server, a name server, multicast DNS, a mesh. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { createNode } from '../../../src/engine/create-node.ts';
import { discoverySource } from '../../../src/engine/discovery.ts';
import type { DiscoverySource, Sighting } from '../../../src/engine/host/discovery/discovery-source.ts';
import { fileSource } from '../../../src/engine/host/discovery/file-source.ts';
import { httpSource } from '../../../src/engine/host/discovery/http-source.ts';
import { announceMdns, mdnsSource } from '../../../src/engine/host/discovery/mdns-source.ts';
import { srvSource } from '../../../src/engine/host/discovery/srv-source.ts';
import { staticSource } from '../../../src/engine/host/discovery/static-source.ts';
import { until } from '../../acceptance/until.ts';
import { discoveryContract } from '../../contract/discovery.ts';
import { NameServer } from './name-server.ts';

const BOTH = [7101, 7102] as const;
const urlOf = (port: number): string => `ws://127.0.0.1:${port}`;
const find = async (source: DiscoverySource) => source.find(new AbortController().signal);

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function temporaryFile(name: string, content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'mpreg-discovery-'));
  cleanups.push(() => rmSync(folder, { force: true, recursive: true }));
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

async function webServer(answer: RequestListener): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  cleanups.push(close);
  return { close, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/nodes` };
}

discoveryContract('static list', async () => ({
  close: async () => undefined,
  ports: BOTH,
  source: staticSource('static', BOTH.map(urlOf)),
}));

discoveryContract('file', async () => {
  const path = temporaryFile('nodes.json', JSON.stringify(BOTH.map(urlOf)));
  return {
    close: async () => undefined,
    gone: 'file-unreadable',
    ports: BOTH,
    say: async (ports) => writeFileSync(path, JSON.stringify(ports.map(urlOf))),
    source: fileSource(`file:${path}`, path),
    vanish: async () => rmSync(path),
  };
});

discoveryContract('web', async () => {
  let ports: readonly number[] = BOTH;
  const { close, url } = await webServer((_, response) => {
    response.end(JSON.stringify(ports.map((port) => ({ url: urlOf(port) }))));
  });
  return {
    close: async () => undefined,
    gone: 'nobody-there',
    ports: BOTH,
    say: async (said) => {
      ports = said;
    },
    source: httpSource(url),
    vanish: close,
  };
});

discoveryContract('DNS SRV', async () => {
  const server = await NameServer.start();
  const service = '_mpreg._tcp.test';
  server.addresses.set('host.test', '127.0.0.1');
  const say = async (ports: readonly number[]): Promise<void> => {
    const records = ports.map((port) => ({ port, priority: 1, target: 'host.test', weight: 1 }));
    server.services.set(service, records);
  };
  await say(BOTH);
  return {
    close: () => server.close(),
    gone: 'nobody-there',
    ports: BOTH,
    say,
    source: srvSource(`${service}@${server.address}`, { timeoutMs: 100 }),
    vanish: async () => {
      server.mute = true;
    },
  };
});

discoveryContract('gossip', async () => {
  const cluster = `gossip-${process.pid}`;
  const options = { cluster, discover: false };
  const first = await createNode(options);
  const second = await createNode({ ...options, peers: [first.url] });
  await first.joined(60_000);
  await second.joined(60_000);
  return {
    close: async () => {
      await Promise.allSettled([first.kill(), second.kill()]);
    },
    gone: 'nobody-there',
    ports: [Number(new URL(first.url).port), Number(new URL(second.url).port)] as const,
    source: discoverySource(`gossip:${first.url}`),
    vanish: () => first.kill(),
  };
});

/** Whether a packet to the group comes back on the loopback interface: some machines and containers do not allow it. */
async function multicastWorks(): Promise<boolean> {
  try {
    const announced = await announceMdns('probe', { url: urlOf(1) }, { interface: '127.0.0.1' });
    const { sightings } = await find(mdnsSource({ interface: '127.0.0.1' }));
    await announced.close();
    return sightings.length > 0;
  } catch {
    return false;
  }
}

const multicast = await multicastWorks();
if (multicast) {
  discoveryContract('multicast DNS', async () => {
    let announced: { close(): Promise<void> }[] = [];
    const silence = async (): Promise<void> => {
      await Promise.all(announced.map((one) => one.close()));
    };
    const say = async (ports: readonly number[]): Promise<void> => {
      await silence();
      const on = { interface: '127.0.0.1' };
      announced = await Promise.all(ports.map((port) => announceMdns(`n${port}`, { url: urlOf(port) }, on)));
    };
    await say(BOTH);
    return { close: silence, ports: BOTH, say, source: mdnsSource({ interface: '127.0.0.1', listenMs: 300 }) };
  });

  test('multicast DNS says of a node what it says of itself', async () => {
    const about: Sighting = { bridge: urlOf(2), cluster: 'a', hub: true, name: 'x=y', region: 'eu', url: urlOf(1) };
    const announced = await announceMdns('one', about, { interface: '127.0.0.1' });
    cleanups.push(() => announced.close());
    expect((await find(mdnsSource({ interface: '127.0.0.1' }))).sightings).toEqual([about]);
  });
} else {
  test('multicast DNS', ({ skip }) => skip('this machine passes no multicast on its loopback interface'));
}

describe('what people write in lists', () => {
  const cases: readonly (readonly [string, string, readonly Sighting[], number])[] = [
    ['addresses, one a line', 'ws://a:1\nb:2\n', [{ url: 'ws://a:1' }, { url: 'ws://b:2' }], 0],
    [
      'YAML with what is known',
      '- url: ws://a:1\n  cluster: x\n  region: eu\n',
      [{ cluster: 'x', region: 'eu', url: 'ws://a:1' }],
      0,
    ],
    [
      'the same address twice',
      '["ws://a:1", {"url": "ws://a:1/", "cluster": "x"}]',
      [{ cluster: 'x', url: 'ws://a:1' }],
      0,
    ],
    ['entries that are of no use', '["ws://a:1", 7, {"url": "http://b"}, "ws://me:pw@c:1"]', [{ url: 'ws://a:1' }], 3],
    ['nothing', '', [], 0],
    [
      'the configuration of a federation, with all its hubs',
      JSON.stringify({
        clusters: [
          {
            bridge_url: 'ws://a:2',
            cluster_id: 'x',
            hubs: [{ server_url: 'ws://b:1' }],
            region: 'eu',
            server_url: 'ws://a:1',
          },
        ],
      }),
      [
        { bridge: 'ws://a:2', cluster: 'x', hub: true, region: 'eu', url: 'ws://a:1' },
        { cluster: 'x', hub: true, region: 'eu', url: 'ws://b:1' },
      ],
      0,
    ],
  ];
  test.each(cases)('%s', async (_, content, sightings, complaints) => {
    const found = await find(discoverySource(`file:${temporaryFile('list', content)}`));
    expect(found.sightings).toEqual(sightings);
    expect(found.complaints).toHaveLength(complaints);
  });

  test.each([
    ['no list', '{"a": 1}'],
    ['broken', '[1, 2'],
  ])('%s is refused', async (_, content) => {
    const source = discoverySource(`file:${temporaryFile('list', content)}`);
    await expect(find(source)).rejects.toMatchObject({ problem: { code: 'input-invalid' } });
  });
});

describe('a file', () => {
  test.each([
    ['is a folder', 'file-unreadable', 'no file', (path: string) => mkdirSync(path)],
    ['never ends', 'file-unreadable', 'no file', (path: string) => symlinkSync('/dev/zero', path)],
    [
      'is a pipe to which nobody writes',
      'file-unreadable',
      'no file',
      (path: string) => execFileSync('mkfifo', [path]),
    ],
    ['is too large', 'input-invalid', 'larger than', (path: string) => writeFileSync(path, ' '.repeat(2 ** 20 + 1))],
  ])('that %s is a problem that says so', async (_, code, says, make) => {
    const path = temporaryFile('nodes', '');
    rmSync(path);
    make(path);
    const problem = { code, message: expect.stringContaining(says) };
    await expect(find(fileSource('it', path))).rejects.toMatchObject({ problem });
  });
});

describe('the web', () => {
  test('that refuses, talks nonsense, never ends or says nothing is a problem that says so', async () => {
    const problemOf = async (answer: RequestListener) => {
      const { url } = await webServer(answer);
      return find(httpSource(url, { timeoutMs: 500 })).then(
        () => 'found',
        (error: Error) => error.message.replace(url, 'it'),
      );
    };
    expect(await problemOf((_, response) => response.writeHead(503).end('no'))).toContain('503');
    expect(await problemOf((_, response) => response.end('<html>'))).toContain('no JSON');
    expect(await problemOf((_, response) => response.end('{"a":1}'))).toContain('no list');
    expect(await problemOf(() => undefined)).toBe('it: no answer within 500 ms');
    const endless: RequestListener = (_, response) => {
      const more = (): void => {
        while (response.write('x'.repeat(65_536)) && !response.destroyed);
      };
      response.on('drain', more);
      more();
    };
    expect(await problemOf(endless)).toContain('larger than 1048576 bytes');
  });
});

describe('DNS', () => {
  test('orders by priority, then weight, and knows TLS by the name of the service', async () => {
    const server = await NameServer.start();
    cleanups.push(() => server.close());
    const records = [
      { port: 1, priority: 20, target: 'c.test', weight: 0 },
      { port: 2, priority: 10, target: 'b.test', weight: 1 },
      { port: 3, priority: 10, target: 'a.test', weight: 9 },
    ];
    server.addresses.set('a.test', '10.0.0.3');
    server.services.set('_mpreg._tcp.test', records);
    server.services.set('_mpregs._tcp.test', records);
    const plain = await find(discoverySource(`srv:_mpreg._tcp.test@${server.address}`));
    expect(plain.sightings.map(({ url }) => url)).toEqual(['ws://10.0.0.3:3', 'ws://b.test:2', 'ws://c.test:1']);
    const secure = await find(discoverySource(`srv:_mpregs._tcp.test@${server.address}`));
    expect(secure.sightings[0]?.url).toBe('wss://a.test:3');
    const nothing = await find(discoverySource(`srv:_other._tcp.test@${server.address}`));
    expect(nothing).toEqual({ complaints: ['DNS knows no SRV records of _other._tcp.test'], sightings: [] });
  });
});

test('DNS whose answers nobody can read is a problem that says so', async () => {
  const server = await NameServer.start();
  cleanups.push(() => server.close());
  server.services.set('_mpreg._tcp.test', [{ port: 1, priority: 1, target: 'a.test', weight: 1 }]);
  server.garbles = true;
  const source = srvSource(`_mpreg._tcp.test@${server.address}`, { timeoutMs: 100 });
  await expect(find(source)).rejects.toMatchObject({ problem: { code: 'nobody-there' } });
  server.garbles = false;
  expect((await find(source)).sightings).toEqual([{ url: 'ws://a.test:1' }]);
});

test('multicast DNS on an interface that is not there is a problem, and not a silence', async () => {
  const source = mdnsSource({ interface: '192.0.2.1' });
  await expect(find(source)).rejects.toMatchObject({
    problem: { code: 'nobody-there', message: expect.stringContaining('192.0.2.1') },
  });
});

test.each(['consul:x', 'file:', 'ftp://a/b', 'gossip:nowhere', 'ws://'])('"%s" is no source', (word) => {
  expect(() => discoverySource(word)).toThrow('is no source of discovery');
});

test('a node that is given a source joins whom it finds there, also who is written down later', async () => {
  const cluster = `found-${process.pid}`;
  const path = temporaryFile('nodes', '');
  const first = await createNode({ cluster, discover: false });
  cleanups.push(() => first.kill());
  const second = await createNode({ cluster, discover: false, sources: [`file:${path}`] });
  cleanups.push(() => second.kill());
  expect(second.snapshot().members).toHaveLength(1);
  writeFileSync(path, first.url);
  await second.joined(60_000);
  await until(
    'the first knows the second',
    () => first.snapshot().members.filter(({ state }) => state === 'alive').length,
    (count) => count === 2,
  );
});
