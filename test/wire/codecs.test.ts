import { deepStrictEqual } from 'node:assert/strict'; // expect() is confused by a key named constructor
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CallMessage } from '../../src/engine/core/calls/messages.ts';
import { codecOf } from '../../src/engine/wire/codecs.ts';
import { CALL_FIELDS, KINDS } from '../../src/engine/wire/messages.ts';
import { payloadFrom, payloadOf } from '../../src/engine/wire/payload.ts';
import type { UnknownFrame, WireLimits, WireMessage } from '../../src/engine/wire/wire.ts';
import { DEFAULT_LIMITS } from '../../src/engine/wire/wire.ts';
import { valueBytes } from '../../src/engine/wire/write-value.ts';
import { anyMessage, kinds, messageOf, opened } from './arbitraries.ts';

type Protocol = 'mpreg.v1' | 'mpreg.v1.json';

function encoded(protocol: Protocol, messages: readonly WireMessage[], limits = DEFAULT_LIMITS): Uint8Array | string {
  const batch = codecOf(protocol).batch(limits);
  for (const message of messages) expect(batch.add(message)).toEqual({ ok: true });
  const data = batch.take();
  if (data === undefined) throw new Error('nothing was collected');
  return data;
}

function decoded(protocol: Protocol, data: Uint8Array | string, limits?: WireLimits): readonly WireMessage[] {
  const outcome = codecOf(protocol).decode(data, limits ?? DEFAULT_LIMITS);
  if (!outcome.ok) throw new Error(outcome.problem.message);
  return outcome.value;
}

function bytesOf(message: WireMessage): Buffer {
  return Buffer.from(encoded('mpreg.v1', [message]) as Uint8Array);
}

/** A frame of its parts; `header` is put in as MessagePack. */
function frame(code: number, header: readonly unknown[], payload: Uint8Array = new Uint8Array()): Buffer {
  const packed = valueBytes(header);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(packed.length + payload.length + 4);
  head.writeUInt32BE(packed.length, 4);
  head[4] = code;
  return Buffer.concat([head, packed, payload]);
}

describe.each<Protocol>(['mpreg.v1', 'mpreg.v1.json'])('in %s', (protocol) => {
  it.each(kinds)('a %s arrives as it was sent', (kind) => {
    fc.assert(
      fc.property(messageOf(kind), (message) => {
        const [arrived, ...more] = decoded(protocol, encoded(protocol, [message]));
        expect(more).toEqual([]);
        deepStrictEqual(opened(arrived as WireMessage), opened(message));
      }),
      { numRuns: 60 },
    );
  });

  it('many messages arrive in their order', () => {
    fc.assert(
      fc.property(fc.array(anyMessage, { maxLength: 12, minLength: 1 }), (messages) => {
        deepStrictEqual(decoded(protocol, encoded(protocol, messages)).map(opened), messages.map(opened));
      }),
      { numRuns: 40 },
    );
  });

  it('an empty batch gives nothing', () => {
    const batch = codecOf(protocol).batch(DEFAULT_LIMITS);
    expect([batch.size, batch.take()]).toEqual([0, undefined]);
  });

  it('what one batch handed out is not touched by the next', () => {
    const batch = codecOf(protocol).batch(DEFAULT_LIMITS);
    const taken: { readonly data: Uint8Array | string; readonly before: string }[] = [];
    for (let id = 0; id < 400; id++) {
      batch.add({ id, kind: 'cancel', reason: 'x'.repeat(id) });
      const data = batch.take() ?? '';
      taken.push({ before: Buffer.from(data as Uint8Array).toString('latin1'), data });
    }
    for (const { data, before } of taken) expect(Buffer.from(data as Uint8Array).toString('latin1')).toBe(before);
  });

  it('a message over the limit is refused and leaves the batch as it was', () => {
    const limits: WireLimits = { frameBytesMax: 200, framesMax: 10 };
    const batch = codecOf(protocol).batch(limits);
    const small: WireMessage = { id: 1, kind: 'cancel', reason: 'small' };
    batch.add(small);
    const before = batch.size;
    const large: readonly WireMessage[] = [
      { id: 2, kind: 'cancel', reason: 'x'.repeat(200) },
      { by: 'a', id: 3, kind: 'result', payload: payloadOf('x'.repeat(200)) },
      { by: 'a', id: 4, kind: 'result', payload: payloadFrom(valueBytes('x'.repeat(190))) },
    ];
    for (const message of large) {
      const outcome = batch.add(message);
      expect(outcome).toMatchObject({ ok: false, problem: { code: 'limit-exceeded' } });
      expect(batch.size).toBe(before);
    }
    batch.add({ kind: 'beat', reply: true });
    expect(decoded(protocol, batch.take() ?? '', limits)).toEqual([small, { kind: 'beat', reply: true }]);
  });

  it('a value that cannot be encoded is refused by its path and leaves the batch as it was', () => {
    const batch = codecOf(protocol).batch(DEFAULT_LIMITS);
    batch.add({ kind: 'beat', reply: false });
    const before = batch.size;
    const outcome = batch.add({ by: 'a', id: 3, kind: 'result', payload: payloadOf({ a: [() => 1] }) });
    expect(outcome).toMatchObject({ problem: { code: 'result-unencodable', path: 'value.a[0]' } });
    expect(batch.size).toBe(before);
    expect(decoded(protocol, batch.take() ?? '')).toEqual([{ kind: 'beat', reply: false }]);
  });

  it('no more frames than agreed go into a batch, or are taken out of one', () => {
    const limits: WireLimits = { frameBytesMax: 1000, framesMax: 3 };
    const batch = codecOf(protocol).batch(limits);
    const beat: WireMessage = { kind: 'beat', reply: false };
    const outcomes = [1, 2, 3, 4].map(() => batch.add(beat).ok);
    expect(outcomes).toEqual([true, true, true, false]);
    expect(decoded(protocol, batch.take() ?? '', limits)).toHaveLength(3);
    const four = encoded(protocol, [beat, beat, beat, beat]);
    expect(codecOf(protocol).decode(four, limits)).toMatchObject({ problem: { code: 'protocol-violated' } });
  });

  it('a frame over the limit is refused before it is read', () => {
    const data = encoded(protocol, [{ id: 1, kind: 'cancel', reason: 'x'.repeat(150_000) }]);
    const outcome = codecOf(protocol).decode(data, { frameBytesMax: 400, framesMax: 9 });
    expect(outcome).toMatchObject({ ok: false, problem: { code: 'protocol-violated' } });
  });
});

describe('in mpreg.v1', () => {
  it('the frames of calls and of messages by hand are those of the table', () => {
    const calls = ['call', 'result', 'item', 'error', 'cancel'] as const;
    const messages = ['publish', 'published', 'forward', 'deliver', 'taken'] as const;
    const runs = ['publish-run', 'forward-run', 'deliver-run'] as const;
    const hot = [...calls, ...messages, ...runs];
    fc.assert(
      fc.property(fc.oneof(...hot.map(messageOf)), (message) => {
        const { code, header } = KINDS[message.kind];
        const packed = header.pack(message) as unknown[];
        const { rest } = message as { rest?: readonly unknown[] };
        const padded =
          rest === undefined ? packed : [...Array.from({ length: CALL_FIELDS }, (_, i) => packed[i] ?? null), ...rest];
        const payload = 'payload' in message ? message.payload.bytes() : undefined;
        expect(bytesOf(message).toString('hex')).toBe(frame(code, padded, payload).toString('hex'));
      }),
    );
  });

  it('a frame of an unknown kind survives a relay', () => {
    const strange = frame(200, ['new', { x: 1 }], Buffer.from('anything'));
    const [unknown] = decoded('mpreg.v1', strange);
    expect(unknown).toMatchObject({ code: 200, kind: 'unknown' });
    expect(bytesOf(unknown as UnknownFrame)).toEqual(strange);
  });

  it('fields of a newer version survive in a call that is passed on, and are passed over elsewhere', () => {
    const call = frame(16, [5, 'f', ...Array(CALL_FIELDS - 2).fill(null), 'new', { a: [1] }], valueBytes({ args: [] }));
    const [message] = decoded('mpreg.v1', call);
    expect(message).toMatchObject({ rest: ['new', { a: [1] }] });
    expect(bytesOf(message as WireMessage)).toEqual(call);
    const newer = [
      frame(18, [5, 'a', null, null, null, null, null, 'new'], valueBytes(1)),
      frame(33, [9, [], 'new']),
      frame(21, [4, 'why', null, null, 'new']),
    ];
    expect(decoded('mpreg.v1', Buffer.concat(newer)).map(({ kind }) => kind)).toEqual(['result', 'ack', 'cancel']);
  });

  it('a call passes through without its payload being looked at', () => {
    const noValue = Buffer.from('c1c1c1', 'hex');
    const call = frame(16, [5, 'f'], noValue);
    const [message] = decoded('mpreg.v1', call);
    expect(bytesOf(message as WireMessage)).toEqual(call);
    expect((message as { payload: ReturnType<typeof payloadOf> }).payload.value()).toMatchObject({
      problem: { code: 'value-undecodable' },
    });
  });

  it('names arrive as they were sent, more of them than are remembered', () => {
    const names = Array.from({ length: 3000 }, (_, i) => `${i % 3 === 0 ? 'é' : ''}f${(i * 7919) % 1500}`);
    const calls = names.map((fun, id): WireMessage => {
      return {
        fun,
        id,
        idempotent: false,
        kind: 'call',
        locs: [],
        payload: payloadOf({ args: [] }),
        routed: false,
        timeoutMs: 0,
      };
    });
    expect(decoded('mpreg.v1', encoded('mpreg.v1', calls)).map((call) => (call as CallMessage).fun)).toEqual(names);
  });

  it('a rumor of an unknown kind is left out, the others are heard', () => {
    const member = [0, 'A', 2, 7, 'ws://a', 'B'];
    const [gossip] = decoded('mpreg.v1', frame(36, [[[9, 'new'], member]]));
    expect(gossip).toEqual({
      kind: 'gossip',
      rumors: [{ about: 'A', address: 'ws://a', by: 'B', incarnation: 7, kind: 'member', state: 'dead' }],
    });
  });

  const record = {
    addresses: ['ws://a'],
    cluster: 'c',
    functions: [],
    id: 'A',
    load: 0,
    name: 'a',
    resources: [],
    software: '1',
    state: 'active',
    version: 3,
  };
  it.each<[string, number, readonly unknown[], string]>([
    ['a state that is none', 36, [[[0, 'A', 4, 7, 'ws://a', 'B']]], 'frames[0].gossip.rumors[0].state'],
    ['a record whose functions are no list', 36, [[[1, 'A', 3, { ...record, functions: 5 }]]], '.body.functions'],
    ['a record without a name', 36, [[[1, 'A', 3, { ...record, name: undefined }]]], '.body.name'],
    ['a negative number', 34, [-1], 'frames[0].nack.seq'],
    ['a problem without a message', 9, [{ code: 'internal' }], 'frames[0].goaway.problem.message'],
    ['an error whose problem has no message', 20, [1, { code: 'internal' }], 'frames[0].problem.message'],
    ['a function without a name', 16, [1, ''], 'byte'],
  ])('%s is refused where it is', (_, code, header, where) => {
    const outcome = codecOf('mpreg.v1').decode(frame(code, header), DEFAULT_LIMITS);
    if (where === 'nothing') expect(outcome.ok).toBe(true);
    else
      expect(outcome).toMatchObject({
        problem: { code: 'protocol-violated', message: expect.stringContaining(where) },
      });
  });

  it.each<[string, Buffer]>([
    ['bytes behind the last frame', Buffer.concat([frame(8, []), Buffer.from([1, 2, 3])])],
    ['a frame shorter than its own head', Buffer.from('0000000308000000', 'hex')],
    ['a header longer than its frame', Buffer.from('00000005080000ff90', 'hex')],
    ['a header that ends too early', Buffer.from('00000006080000029090', 'hex')],
    ['a payload where there is none', frame(8, [], Buffer.from([1]))],
    ['a payload of a cancel', frame(21, [1], Buffer.from([1]))],
    ['a number of fields that cannot be there', Buffer.from('0000000910000005dd7fffffff', 'hex')],
  ])('%s are a violation with its offset', (_, data) => {
    const outcome = codecOf('mpreg.v1').decode(data, DEFAULT_LIMITS);
    expect(outcome).toMatchObject({
      problem: { code: 'protocol-violated', message: expect.stringMatching(/byte \d+/) },
    });
  });
});

describe('in mpreg.v1.json', () => {
  const one = (text: string): WireMessage => decoded('mpreg.v1.json', text)[0] as WireMessage;

  it('a call needs a kind, an id and a function', () => {
    expect(opened(one('{"kind":"call","id":1,"fun":"echo"}'))).toEqual({
      fun: 'echo',
      id: 1,
      idempotent: false,
      kind: 'call',
      locs: [],
      payload: { ok: true, value: { args: [] } },
      routed: false,
      timeoutMs: 0,
    });
  });

  it('an unknown kind survives a relay', () => {
    const text = '{"kind":"sing","melody":[1,{"$date":"no"}]}';
    expect(one(text)).toMatchObject({ code: 'sing', kind: 'unknown' });
    expect(encoded('mpreg.v1.json', [one(text)])).toBe(text);
  });

  it('unknown fields are passed over', () => {
    expect(one('{"kind":"beat","reply":true,"mood":"good"}')).toEqual({ kind: 'beat', reply: true });
  });

  it.each([
    ['nothing', ''],
    ['half an object', '{"kind":'],
    ['a number', '7'],
    ['a list of numbers', '[7]'],
    ['no kind', '{}'],
    ['a kind of the wrong type', '{"kind":7}'],
    ['a prototype for a kind', '{"kind":"call","id":"__proto__","fun":"f"}'],
    ['arguments that are no list', '{"kind":"call","id":1,"fun":"f","args":{"a":1}}'],
    ['named arguments that are a list', '{"kind":"call","id":1,"fun":"f","kwargs":[1]}'],
    ['a date that is none', '{"kind":"call","id":1,"fun":"f","args":[{"$date":"yesterday"}]}'],
    ['a map without pairs', '{"kind":"result","id":1,"by":"a","value":{"$map":[1]}}'],
    ['a depth without end', `{"kind":"result","id":1,"by":"a","value":${'['.repeat(5000)}${']'.repeat(5000)}}`],
  ])('%s is a violation', (_, text) => {
    const outcome = codecOf('mpreg.v1.json').decode(text, DEFAULT_LIMITS);
    expect(outcome).toMatchObject({ ok: false, problem: { code: 'protocol-violated' } });
  });

  it('a frame that came as bytes is not translated, nor the other way round', () => {
    const binary: WireMessage = { code: 200, frame: new Uint8Array([200, 0, 0, 0]), kind: 'unknown' };
    const text: WireMessage = { code: 'sing', frame: { kind: 'sing' }, kind: 'unknown' };
    expect(codecOf('mpreg.v1.json').batch(DEFAULT_LIMITS).add(binary).ok).toBe(false);
    expect(codecOf('mpreg.v1').batch(DEFAULT_LIMITS).add(text).ok).toBe(false);
  });
});
