import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import type { CallOptions, RunOptions } from '../../src/engine/api.ts';
import type { Message } from '../../src/engine/core/node/inputs.ts';
import { LinkClient } from '../../src/engine/host/client.ts';
import type { WireLink } from '../../src/engine/host/wire-link.ts';
import { payloadFrom, payloadOf } from '../../src/engine/wire/payload.ts';

function clientOfTest() {
  const sent: Message[] = [];
  const link = { close: () => undefined, send: (message: Message) => void sent.push(message) };
  const client = new LinkClient(link as unknown as WireLink, { id: '', name: 'alpha', url: 'ws://a:1' });
  return { client, sent };
}

/** 0xc1 is the one byte that MessagePack never uses. */
const broken = () => payloadFrom(Uint8Array.of(0xc1));

describe('an answer that is no value', () => {
  test('comes from work that may have been done', async () => {
    const { client } = clientOfTest();
    const asked = client.ask('f', []);
    client.receive({ by: 'alpha', id: 1, kind: 'result', payload: broken() });
    await expect(asked).rejects.toMatchObject({ problem: { code: 'value-undecodable', outcome: 'unknown' } });
  });

  test('ends a stream in the place of an item, and has its function stopped', async () => {
    const { client, sent } = clientOfTest();
    const got: unknown[] = [];
    const stream = (async () => {
      for await (const item of client.stream('f', [])) got.push(item);
    })();
    for (const payload of [payloadOf('first'), broken(), payloadOf('third')])
      client.receive({ id: 1, kind: 'item', payload });
    await expect(stream).rejects.toMatchObject({ problem: { code: 'value-undecodable', outcome: 'unknown' } });
    expect(got).toEqual(['first']);
    expect(sent).toMatchObject([{ kind: 'call' }, { id: 1, kind: 'cancel' }]);
  });
});

describe('what a program without types may give', () => {
  const wrong = (options: unknown, path?: string) => [options, path] as const;

  test.each([
    wrong({ timeoutMs: -1 }, 'timeoutMs'),
    wrong({ timeoutMs: Number.NaN }, 'timeoutMs'),
    wrong({ timeoutMs: '5s' }, 'timeoutMs'),
    wrong({ timeoutMs: 2 ** 60 }, 'timeoutMs'),
    wrong({ locs: 'gpu' }, 'locs'),
    wrong({ locs: [5] }, 'locs'),
    wrong({ kwargs: 5 }, 'kwargs'),
    wrong({ kwargs: [1] }, 'kwargs'),
    wrong({ version: 2 }, 'version'),
    wrong({ idempotent: 1 }, 'idempotent'),
    wrong({ signal: {} }, 'signal'),
    wrong({ timeout: 5 }),
  ])('is refused before it is sent: %j', async (options, path) => {
    const { client, sent } = clientOfTest();
    const refused = { problem: { code: 'input-invalid', ...(path && { path }) } };
    await expect(client.call.with(options as CallOptions)('f')).rejects.toMatchObject(refused);
    const items = client.stream('f', [], options as CallOptions);
    await expect(items[Symbol.asyncIterator]().next()).rejects.toMatchObject(refused);
    expect(sent).toEqual([]);
  });

  test.each([undefined, null, 5, {}, ''])('as a function: %j is refused', async (fun) => {
    const { client, sent } = clientOfTest();
    await expect(client.call(fun as string)).rejects.toMatchObject({ problem: { code: 'input-invalid' } });
    expect(sent).toEqual([]);
  });

  test.each([
    [0.2, 1],
    [1500.5, 1501],
    [Number.POSITIVE_INFINITY, 0],
    [undefined, 0],
  ])('as a time: %j becomes %j whole milliseconds', async (timeoutMs, whole) => {
    const { client, sent } = clientOfTest();
    void client.call.with({ timeoutMs } as CallOptions)('f');
    void client.run([{ fun: 'f', name: 'a' }], { timeoutMs } as RunOptions);
    await new Promise(setImmediate);
    expect(sent).toMatchObject([
      { kind: 'call', timeoutMs: whole },
      { kind: 'plan', timeoutMs: whole },
    ]);
  });

  test('as the time of a plan is refused, too', async () => {
    const { client, sent } = clientOfTest();
    await expect(client.run([{ fun: 'f', name: 'a' }], { timeoutMs: -1 })).rejects.toMatchObject({
      problem: { code: 'input-invalid', path: 'timeoutMs' },
    });
    expect(sent).toEqual([]);
  });
});

test('a signal that outlives its calls is left alone by those that were given up', async () => {
  const { client } = clientOfTest();
  const { signal } = new AbortController();
  for (let i = 0; i < 3; i++) {
    const iterator = client.stream('f', [], { signal })[Symbol.asyncIterator]();
    const next = iterator.next();
    await iterator.return?.();
    await next;
  }
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

describe('a stream says what was taken', () => {
  const taken = (sent: readonly Message[]) =>
    sent.flatMap((message) => (message.kind === 'more' ? [message.items] : []));
  const turn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

  test('when nothing is left to take, and when it was much; what was not taken is not said', async () => {
    const { client, sent } = clientOfTest();
    const items = client.stream('f', [])[Symbol.asyncIterator]();
    expect(sent).toMatchObject([{ kind: 'call', paced: true }]);
    for (let i = 0; i < 100; i++) client.receive({ id: 1, kind: 'item', payload: payloadOf(i) });
    await items.next();
    await turn();
    expect(taken(sent)).toEqual([]);
    for (let i = 1; i < 70; i++) await items.next();
    await turn();
    expect(taken(sent)).toEqual([64]);
    for (let i = 70; i < 100; i++) await items.next();
    await turn();
    expect(taken(sent)).toEqual([64, 36]);
    void items.next();
    client.receive({ id: 1, kind: 'item', payload: payloadOf('awaited') });
    await turn();
    expect(taken(sent)).toEqual([64, 36, 1]);
  });

  test('but not where each is taken as it comes, and nothing waits for that', () => {
    const { client, sent } = clientOfTest();
    const got: unknown[] = [];
    void client.ask('f', [], { onItem: (item) => got.push(item) });
    client.receive({ id: 1, kind: 'item', payload: payloadOf(1) });
    expect(got).toEqual([1]);
    expect(sent.map((message) => 'paced' in message)).toEqual([false]);
  });

  test('but not after its end', async () => {
    const { client, sent } = clientOfTest();
    const items = client.stream('f', [])[Symbol.asyncIterator]();
    client.receive({ id: 1, kind: 'item', payload: payloadOf(1) });
    client.receive({ by: 'alpha', id: 1, kind: 'result', payload: payloadOf(null) });
    await items.next();
    await turn();
    expect(taken(sent)).toEqual([]);
  });
});
