/** How often what one cluster publishes goes over the lines between clusters: counted in bytes, by proxies in front of the hubs. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import type { Client, MpregNode } from '../../../src/engine/index.ts';
import { Clusters, reached, until } from './two-clusters.ts';

/** The only way to a hub for those of other clusters. */
class Line {
  bytes = 0;
  target = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor() {
    this.#server = createServer((near) => {
      const far = connect(this.target, '127.0.0.1');
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(from);
        from.on('data', (chunk: Buffer) => {
          this.bytes += chunk.length;
        });
        from.on('error', () => to.destroy());
        from.pipe(to);
      }
    });
  }

  async open(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `ws://127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

const clusters = new Clusters();
const lines: Line[] = [];
afterEach(async () => {
  await clusters.close();
  for (const line of lines) line.close();
});

/** A hub that others dial over a line, and the line. */
async function hub(cluster: string, name: string, to: Readonly<Record<string, string>>, peers: string[] = []) {
  const line = new Line();
  lines.push(line);
  const bridgeUrl = await line.open();
  const links = Object.entries(to).map(([other, address]) => ({ addresses: [address], cluster: other }));
  const node = await clusters.node(cluster, name, { hub: { bridgeUrl, links, mode: 'permissive' }, peers });
  line.target = Number(new URL(node.url).port);
  return { bridgeUrl, line, node };
}

async function ear(node: MpregNode, group?: string): Promise<{ counted: number; tried: number }> {
  const client = await clusters.client(node);
  const ear = { counted: 0, tried: 0 };
  const subscription = await client.subscribe('news.*', { everywhere: true, ...(group && { group }) });
  const listen = async () => {
    for await (const { topic } of subscription) ear[topic === 'news.counted' ? 'counted' : 'tried']++;
  };
  listen().catch(() => undefined); // its client closes at the end
  return ear;
}

const COUNT = 100;
const BYTES = 20_000;

it('a message goes once from each cluster to the next, whoever listens there, and nowhere else', async () => {
  const mid = await hub('mid', 'mid-1', {});
  const mid2 = await hub('mid', 'mid-2', {}, [mid.node.url]);
  const end = await hub('end', 'end-1', { mid: mid.bridgeUrl });
  const other = await hub('other', 'other-1', { mid: mid2.bridgeUrl });
  const start = await hub('start', 'start-1', { mid: mid.bridgeUrl });
  const far = await clusters.node('end', 'end-2', {
    inline: [{ name: 'of-end', run: () => 1 }],
    peers: [end.node.url],
  });
  await far.joined(20_000);
  const ears = await Promise.all([mid.node, mid2.node, end.node, far, far].map((node) => ear(node)));
  const members = await Promise.all([end.node, far].map((node) => ear(node, 'team')));
  const client: Client = await clusters.client(start.node);
  await reached(client, 'end', 'of-end');
  await until('all hear it', async () => {
    await client.publish('news.tried', 'is it there?');
    return ears.every(({ tried }) => tried > 0) && members.some(({ tried }) => tried > 0);
  });
  const total = () => lines.reduce((sum, { bytes }) => sum + bytes, 0);
  const bytes = total();
  const otherBytes = other.line.bytes;
  for (let i = 0; i < COUNT; i++) await client.publish('news.counted', 'x'.repeat(BYTES));
  for (let i = 0; i < COUNT; i++) await client.publish('nobody.listens', 'x'.repeat(BYTES));
  await until(
    'all have it',
    () =>
      members.reduce((sum, { counted }) => sum + counted, 0) >= COUNT && ears.every(({ counted }) => counted >= COUNT),
  );
  expect(ears.map(({ counted }) => counted)).toEqual(ears.map(() => COUNT));
  expect(members.reduce((sum, { counted }) => sum + counted, 0)).toBe(COUNT);
  // Over the line to mid, and over that between mid and end; a third time would be 3.
  const crossed = (total() - bytes) / (COUNT * BYTES);
  expect(crossed).toBeGreaterThan(2);
  expect(crossed).toBeLessThan(2.5);
  expect(other.line.bytes - otherBytes).toBeLessThan((COUNT * BYTES) / 2);
});
