import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Problem } from '../../src/engine/core/base/problems.ts';
import type { Message } from '../../src/engine/core/node/inputs.ts';
import { systemDigest } from '../../src/engine/host/digest.ts';
import type { Connection, ConnectionEvents, Subprotocol } from '../../src/engine/host/ports.ts';
import { WireCounters } from '../../src/engine/host/wire-counters.ts';
import { WireLink } from '../../src/engine/host/wire-link.ts';
import { codecOf } from '../../src/engine/wire/codecs.ts';
import { Acceptor } from '../../src/engine/wire/handshake-sides.ts';
import { payloadOf } from '../../src/engine/wire/payload.ts';
import { DEFAULT_LIMITS, type WireMessage } from '../../src/engine/wire/wire.ts';
import { plain } from '../core/calls/values.ts';

/** A connection whose other end is the test. */
class HeldConnection implements Connection {
  readonly protocol: Subprotocol;
  readonly remote = 'test:1';
  buffered = 0;
  takes = Number.POSITIVE_INFINITY;
  paused = false;
  ended: string | undefined;
  readonly sent: WireMessage[] = [];
  #events: ConnectionEvents | undefined;

  constructor(protocol: Subprotocol) {
    this.protocol = protocol;
  }

  own(events: ConnectionEvents): void {
    this.#events = events;
  }

  limit(messageBytesMax: number): void {
    this.takes = messageBytesMax;
  }

  send(data: Uint8Array | string): boolean {
    const decoded = codecOf(this.protocol).decode(data, DEFAULT_LIMITS);
    if (decoded.ok) this.sent.push(...decoded.value);
    return this.buffered === 0;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  close(reason: string): void {
    this.destroy(reason);
  }

  destroy(reason: string): void {
    if (this.ended !== undefined) return;
    this.ended = reason;
    this.#events?.closed(reason);
  }

  drain(): void {
    this.#events?.drained();
  }

  bring(data: Uint8Array | string): void {
    this.#events?.message(data);
  }

  say(...messages: readonly WireMessage[]): void {
    const batch = codecOf(this.protocol).batch(DEFAULT_LIMITS);
    for (const message of messages) batch.add(message);
    this.bring(batch.take() as Uint8Array | string);
  }
}

function accepted(protocol: Subprotocol = 'mpreg.v1') {
  const connection = new HeldConnection(protocol);
  const counters = new WireCounters();
  const heard: Message[] = [];
  const ends: { readonly reason: string; readonly why: Problem | undefined }[] = [];
  const handshake = new Acceptor({
    cluster: 'c',
    digest: systemDigest,
    frameBytesMax: DEFAULT_LIMITS.frameBytesMax,
    json: protocol === 'mpreg.v1.json',
    node: { id: '01K0A3YQ8ZC5N7W2V4X6T9R1B0', name: 'alpha' },
    nonce: 'A'.repeat(43),
  });
  const options = { handshake, handshakeMsMax: 1_000, limits: DEFAULT_LIMITS, role: 'peer' } as const;
  const link = new WireLink(connection, options, counters, {
    closed: (_link, reason, why) => ends.push({ reason, why }),
    established: () => undefined,
    message: (_link, message) => heard.push(message),
  });
  return { connection, counters, ends, heard, link };
}

const join = (role: 'client' | 'peer'): WireMessage => ({
  cluster: 'c',
  frameBytesMax: DEFAULT_LIMITS.frameBytesMax,
  kind: 'join',
  nonce: 'B'.repeat(43),
  peer:
    role === 'client'
      ? { name: 'notebook', role }
      : { address: 'ws://b:1', id: '01K0A3YQ8ZC5N7W2V4X6T9R1B1', name: 'beta', role },
  version: 1,
});

describe('before the handshake is done', () => {
  test('a message of megabytes is refused before it is decoded', () => {
    const { connection, counters, ends } = accepted();
    const decode = vi.spyOn(codecOf('mpreg.v1'), 'decode');
    const data = new Uint8Array(64 * 1024);
    connection.bring(data);
    expect(decode.mock.calls.some(([decoded]) => decoded === data)).toBe(false);
    decode.mockRestore();
    expect(ends).toMatchObject([{ why: { code: 'protocol-violated' } }]);
    expect(counters.violations).toBe(1);
  });

  test('the transport takes little, and all that was agreed afterwards', () => {
    const { connection, heard } = accepted();
    expect(connection.takes).toBe(64 * 1024);
    connection.say(join('client'));
    expect(connection.takes).toBeGreaterThan(DEFAULT_LIMITS.frameBytesMax);
    connection.say({
      fun: 'f',
      id: 1,
      idempotent: false,
      kind: 'call',
      locs: [],
      payload: payloadOf({ args: [] }),
      routed: false,
      timeoutMs: 0,
    });
    expect(heard).toMatchObject([{ fun: 'f', kind: 'call' }]);
  });

  test('a message holds few frames', () => {
    const { connection, ends } = accepted();
    connection.say(...Array.from({ length: 17 }, (): WireMessage => ({ kind: 'beat', reply: false })));
    expect(ends).toMatchObject([{ why: { code: 'protocol-violated' } }]);
  });

  test('a client that speaks JSON may begin with a call of some size', () => {
    const { connection, heard } = accepted('mpreg.v1.json');
    connection.bring(JSON.stringify({ args: ['x'.repeat(60_000)], fun: 'f', id: 1, kind: 'call' }));
    expect(heard).toMatchObject([{ fun: 'f', kind: 'call' }]);
    const other = accepted('mpreg.v1.json');
    other.connection.bring(JSON.stringify({ args: ['x'.repeat(66_000)], fun: 'f', id: 1, kind: 'call' }));
    expect(other.ends).toMatchObject([{ why: { code: 'protocol-violated' } }]);
  });
});

describe('messages of one turn', () => {
  const sentAtOnce = async (role: 'client' | 'peer') => {
    const { connection, link } = accepted();
    connection.say(join(role));
    await Promise.resolve();
    const before = connection.sent.length;
    for (let i = 0; i < 40; i++) link.send({ id: i, kind: 'cancel', reason: '' });
    const during = connection.sent.length - before;
    await Promise.resolve();
    return [during, connection.sent.length - before];
  };

  test('leave for a client when the turn ends', async () => {
    expect(await sentAtOnce('client')).toEqual([0, 40]);
  });

  test('leave for a node in batches of 32, so that it can begin, and the rest when the turn ends', async () => {
    expect(await sentAtOnce('peer')).toEqual([32, 40]);
  });
});

describe('somebody who does not read', () => {
  const item: Message = { id: 1, kind: 'item', payload: payloadOf('more') };
  const mib = 1024 * 1024;
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  async function behind(role: 'client' | 'peer', bytes: number, ms: number) {
    const it = accepted();
    it.connection.say(join(role));
    await vi.advanceTimersByTimeAsync(0);
    it.connection.buffered = bytes;
    for (const passed of [0, ms]) {
      await vi.advanceTimersByTimeAsync(passed);
      it.link.send(item);
      await vi.advanceTimersByTimeAsync(0);
    }
    return it;
  }

  test('a client that stays more than eight MiB behind is cut off, counted, and the reason told', async () => {
    const { counters, ends } = await behind('client', 9 * mib, 5_001);
    expect(ends).toMatchObject([
      {
        why: {
          code: 'limit-exceeded',
          message: 'client notebook does not read: it is 9437184 bytes behind, and was cut off',
        },
      },
    ]);
    expect(counters.cutOff).toBe(1);
  });

  test('a client to which a large answer is on its way is not cut off, and not read meanwhile', async () => {
    const { connection, ends, link } = await behind('client', 16 * mib, 4_900);
    expect([ends, connection.paused]).toEqual([[], true]);
    connection.buffered = 0;
    connection.drain();
    await vi.advanceTimersByTimeAsync(500);
    connection.buffered = 16 * mib;
    link.send(item);
    await vi.advanceTimersByTimeAsync(0);
    expect(ends).toEqual([]);
  });

  test('nobody may be more than sixty-four MiB behind', async () => {
    for (const role of ['client', 'peer'] as const) {
      const { counters, ends } = await behind(role, 65 * mib, 0);
      expect([ends.length, counters.cutOff]).toEqual([1, 1]);
    }
    const { ends } = await behind('peer', 60 * mib, 60_000);
    expect(ends).toEqual([]);
  });
});

test('a value for which there is no memory is refused like any that is too large, and the link goes on', async () => {
  const { connection, link } = accepted();
  connection.say(join('peer'));
  const bytes = () => {
    throw new RangeError('Array buffer allocation failed');
  };
  const payload = { ...plain(null), bytes };
  expect(link.send({ id: 1, kind: 'item', payload })).toMatchObject({
    code: 'limit-exceeded',
    message: 'this item is too large to be encoded: Array buffer allocation failed',
  });
  expect(link.send({ id: 2, kind: 'item', payload: payloadOf('small') })).toBeUndefined();
  await Promise.resolve();
  expect(connection.sent).toMatchObject([{ kind: 'hello' }, { kind: 'welcome' }, { id: 2, kind: 'item' }]);
});
