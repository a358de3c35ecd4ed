/** What every `Transport` promises, as tests. Each adapter's own test file runs it. */
import { afterEach, describe, expect, test } from 'vitest';
import type {
  Connection,
  DialOptions,
  Listener,
  ListenOptions,
  Subprotocol,
  TlsOptions,
  Transport,
} from '../../src/engine/host/ports.ts';
import { BUFFERED_HIGH } from '../../src/engine/host/transports/buffering.ts';

export interface TransportUnderTest {
  readonly transport: Transport;
  readonly host: string;
  readonly serverTls?: TlsOptions;
  readonly clientTls?: TlsOptions;
}

/** One end of a connection with everything that its owner heard. */
export interface End {
  readonly connection: Connection;
  readonly messages: (Uint8Array | string)[];
  readonly closed: string[];
  drained: number;
}

export function end(connection: Connection): End {
  const heard: End = { closed: [], connection, drained: 0, messages: [] };
  connection.own({
    closed: (reason) => heard.closed.push(reason),
    drained: () => heard.drained++,
    message: (data) => heard.messages.push(data),
  });
  return heard;
}

/** Waits until `condition` holds; fails after two seconds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const end = performance.now() + 60_000;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

export function transportContract(name: string, make: () => TransportUnderTest): void {
  describe(`the transport over ${name}`, () => {
    const open: Connection[] = [];
    const listeners: Listener[] = [];

    afterEach(async () => {
      for (const connection of open.splice(0)) connection.destroy('the test is over');
      for (const listener of listeners.splice(0)) await listener.close();
    });

    async function listen(under: TransportUnderTest, options: Partial<ListenOptions> = {}) {
      const accepted: End[] = [];
      const refused: string[] = [];
      const listener = await under.transport.listen({
        accept: (connection) => {
          open.push(connection);
          accepted.push(end(connection));
        },
        connectionsMax: 10,
        host: under.host,
        messageBytesMax: 8 * 1024 * 1024,
        port: 0,
        refused: (reason) => refused.push(reason),
        upgradeMsMax: 1_000,
        ...(under.serverTls && { tls: under.serverTls }),
        ...options,
      });
      listeners.push(listener);
      return { accepted, listener, refused };
    }

    async function dial(under: TransportUnderTest, url: string, options: Partial<DialOptions> = {}) {
      const connection = await under.transport.dial(url, {
        messageBytesMax: 8 * 1024 * 1024,
        protocol: 'mpreg.v1',
        timeoutMs: 1_000,
        ...(under.clientTls && { tls: under.clientTls }),
        ...options,
      });
      open.push(connection);
      return connection;
    }

    async function pair(protocol: Subprotocol = 'mpreg.v1', options: Partial<ListenOptions> = {}) {
      const under = make();
      const { accepted, listener, refused } = await listen(under, options);
      const client = end(await dial(under, listener.url, { protocol }));
      await until(() => accepted.length === 1, 'the connection was accepted');
      return { client, listener, refused, server: accepted[0] as End, under };
    }

    test('a listener has a port and a url that can be dialled', async () => {
      const { client, listener, server } = await pair();
      expect(listener.port).toBeGreaterThan(0);
      expect(listener.url).toMatch(new RegExp(`^wss?://.+:${listener.port}$`));
      expect(client.connection.protocol).toBe('mpreg.v1');
      expect(server.connection.protocol).toBe('mpreg.v1');
      expect(server.connection.remote).toMatch(/:\d+$/);
    });

    test('bytes arrive whole, in order, both ways', async () => {
      const { client, server } = await pair();
      const sizes = [0, 1, 125, 126, 65_535, 65_536, 300_000, 3];
      for (const [i, size] of sizes.entries()) {
        client.connection.send(new Uint8Array(size).fill(i + 1));
        server.connection.send(new Uint8Array(size).fill(i + 101));
      }
      for (const [heard, first] of [
        [server, 1],
        [client, 101],
      ] as const) {
        await until(() => heard.messages.length === sizes.length, 'all messages came');
        expect(heard.messages.map((data) => data.length)).toEqual(sizes);
        for (const [i, data] of heard.messages.entries()) {
          expect((data as Uint8Array).every((byte) => byte === i + first)).toBe(true);
        }
      }
    });

    test('text arrives as text', async () => {
      const { client, server } = await pair('mpreg.v1.json');
      client.connection.send('{"é":"🜂"}');
      await until(() => server.messages.length === 1, 'the text came');
      expect(server.messages).toEqual(['{"é":"🜂"}']);
    });

    test('what arrived is not changed by what is sent later from the same buffer', async () => {
      const { client, server } = await pair();
      client.connection.send(Uint8Array.of(1, 2, 3));
      await until(() => server.messages.length === 1, 'the first came');
      for (let i = 0; i < 50; i++) client.connection.send(new Uint8Array(9_000).fill(9));
      await until(() => server.messages.length === 51, 'all came');
      expect(server.messages[0]).toEqual(Uint8Array.of(1, 2, 3));
    });

    test('a close sends the rest first and tells both owners once, with the reason', async () => {
      const { client, server } = await pair();
      for (let i = 0; i < 100; i++) client.connection.send(new Uint8Array(20_000));
      client.connection.close('work is done');
      client.connection.close('a second reason');
      await until(() => server.closed.length > 0 && client.closed.length > 0, 'both sides closed');
      expect(server.messages.length).toBe(100);
      expect(server.closed).toEqual(['work is done']);
      expect(client.closed).toEqual(['work is done']);
      client.connection.destroy('too late');
      expect(client.connection.send(Uint8Array.of(1))).toBe(true);
      expect(client.connection.buffered).toBe(0);
    });

    test('after its own close an owner hears no more messages', async () => {
      const { client, server } = await pair();
      client.connection.send(Uint8Array.of(7));
      server.connection.close('enough');
      await until(() => server.closed.length === 1, 'closed');
      expect(server.messages).toEqual([]);
    });

    test('a destroyed connection is gone for both at once', async () => {
      const { client, server } = await pair();
      client.connection.destroy('broken on purpose');
      await until(() => server.closed.length > 0 && client.closed.length > 0, 'both sides closed');
      expect(client.closed).toEqual(['broken on purpose']);
      expect(server.closed).toEqual(['the connection broke']);
    });

    test('a paused receiver makes its sender wait, and resuming lets it go on', async () => {
      const { client, server } = await pair();
      server.connection.pause();
      let sent = 0;
      while (sent < 400 && client.connection.send(new Uint8Array(64 * 1024).fill(sent++))) {
        if (sent % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      expect(sent).toBeLessThan(400); // 25 MB are more than sockets and high-water mark hold
      expect(client.connection.buffered).toBeGreaterThan(BUFFERED_HIGH);
      expect(client.drained).toBe(0);
      server.connection.resume();
      await until(() => server.messages.length === sent, 'all came after all');
      await until(() => client.drained === 1, 'the sender was told');
      expect(client.connection.send(Uint8Array.of(1))).toBe(true);
    });

    test('nothing that came before the owner is lost', async () => {
      const under = make();
      const connections: Connection[] = [];
      const { listener } = await listen(under, { accept: (connection) => void connections.push(connection) });
      const client = end(await dial(under, listener.url));
      client.connection.send(Uint8Array.of(4));
      await until(() => connections.length === 1, 'accepted');
      await new Promise((resolve) => setTimeout(resolve, 20));
      const server = end(connections[0] as Connection);
      await until(() => server.messages.length === 1, 'the early message came');
      client.connection.destroy('over');
      await until(() => server.closed.length === 1, 'closed');
    });

    test('a message over the limit ends the connection and is not delivered', async () => {
      const { client, server } = await pair('mpreg.v1', { messageBytesMax: 1_000 });
      client.connection.send(new Uint8Array(1_000));
      client.connection.send(new Uint8Array(1_001));
      await until(() => server.closed.length > 0 && client.closed.length > 0, 'both sides closed');
      expect(server.messages.length).toBe(1);
      expect(server.closed).toEqual(['the other side sent a message over the limit']);
      expect(client.closed).toEqual(['the other side refused a message over its limit']);
    });

    test('a limit can be lowered and raised while the connection is open', async () => {
      const { client, server } = await pair();
      server.connection.limit(1_000);
      client.connection.send(new Uint8Array(1_000));
      await until(() => server.messages.length === 1, 'the small one came');
      server.connection.limit(100_000);
      client.connection.send(new Uint8Array(100_000));
      await until(() => server.messages.length === 2, 'the large one came');
      server.connection.limit(1_000);
      client.connection.send(new Uint8Array(1_001));
      await until(() => server.closed.length > 0 && client.closed.length > 0, 'both sides closed');
      expect(server.messages.length).toBe(2);
      expect(server.closed).toEqual(['the other side sent a message over the limit']);
    });

    test('one connection too many is refused, and a place that became free is given again', async () => {
      const { client, listener, refused, server, under } = await pair('mpreg.v1', { connectionsMax: 1 });
      await expect(dial(under, listener.url)).rejects.toMatchObject({
        message: expect.stringContaining('all 1 connections of this node are taken'),
        name: 'DialError',
        refused: false,
      });
      expect(refused.length).toBe(1);
      client.connection.close('making room');
      await until(() => server.closed.length === 1, 'closed');
      await dial(under, listener.url);
    });

    test('where nobody listens, a dial is refused', async () => {
      const under = make();
      const { listener } = await listen(under);
      await listener.close();
      await expect(dial(under, listener.url)).rejects.toMatchObject({
        message: `nobody listens at ${listener.url}`,
        name: 'DialError',
        refused: true,
      });
    });

    test('a port that is taken is a problem with a name', async () => {
      const under = make();
      const { listener } = await listen(under);
      await expect(listen(under, { port: listener.port })).rejects.toMatchObject({
        problem: { code: 'address-in-use' },
      });
    });

    test('closing the listener leaves open connections to their owners, and the port can be used again', async () => {
      const { client, listener, server, under } = await pair();
      await listener.close();
      client.connection.send(Uint8Array.of(5));
      await until(() => server.messages.length === 1, 'the message came');
      await listen(under, { port: listener.port });
    });

    test('a dial that is given up rejects', async () => {
      const under = make();
      const { listener } = await listen(under);
      const given = new AbortController();
      const dialling = dial(under, listener.url, { signal: given.signal });
      given.abort();
      await expect(dialling).rejects.toMatchObject({ name: 'DialError', refused: false });
    });
  });
}
