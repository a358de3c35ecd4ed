import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codecOf } from '../../src/engine/wire/codecs.ts';
import { Lanes } from '../../src/engine/wire/lanes.ts';
import {
  Assembly,
  FRAMES_OPEN_MAX,
  PART_BYTES,
  type Part,
  STREAMS_MAX,
  WHOLE_BYTES_MAX,
} from '../../src/engine/wire/parts.ts';
import { payloadFrom } from '../../src/engine/wire/payload.ts';
import { DEFAULT_LIMITS, type FrameApart, type WireMessage } from '../../src/engine/wire/wire.ts';

const { batch: newBatch, decode } = codecOf('mpreg.v1');

/** A message whose payload has so many bytes, all of them `mark`: they are not looked into. */
function result(id: number, bytes: number, mark = id): WireMessage {
  return { by: 'a', id, kind: 'result', payload: payloadFrom(new Uint8Array(bytes).fill(mark)) };
}

function apart(message: WireMessage, wholeBytesMax = 0): FrameApart {
  const added = newBatch(DEFAULT_LIMITS).add(message, wholeBytesMax);
  if (!added.ok || added.value === undefined) throw new Error(`${message.kind} was not handed out`);
  return added.value;
}

function read(frame: Uint8Array): WireMessage {
  const decoded = decode(frame, DEFAULT_LIMITS);
  if (!decoded.ok || decoded.value.length !== 1) throw new Error('no frame');
  return decoded.value[0] as WireMessage;
}

const part = (stream: number, size: number, bytes: number): Part => ({
  kind: 'part',
  payload: payloadFrom(new Uint8Array(bytes)),
  size,
  stream,
});

const told = (message: WireMessage): unknown =>
  'payload' in message ? { ...message, payload: Buffer.from(message.payload.bytes()).toString('latin1') } : message;

describe('a frame apart', () => {
  it('is that which a batch would have written', () => {
    const sizes = fc.oneof(fc.nat(300), fc.integer({ max: WHOLE_BYTES_MAX + 100, min: WHOLE_BYTES_MAX - 100 }));
    const messages = fc.oneof(
      sizes.map((bytes) => result(7, bytes)),
      sizes.map((bytes): WireMessage => ({ id: 3, kind: 'cancel', reason: 'x'.repeat(bytes) })),
      sizes.map((bytes): WireMessage => ({ code: 99, frame: new Uint8Array(bytes + 4).fill(99), kind: 'unknown' })),
    );
    fc.assert(
      fc.property(messages, fc.constantFrom(0, WHOLE_BYTES_MAX), (message, wholeBytesMax) => {
        const batch = newBatch(DEFAULT_LIMITS);
        batch.add({ kind: 'beat', reply: false });
        const before = batch.size;
        const added = batch.add(message, wholeBytesMax);
        const whole = newBatch(DEFAULT_LIMITS);
        whole.add(message);
        const expected = Buffer.from((whole.take() ?? '') as Uint8Array);
        expect(added.ok && added.value !== undefined).toBe(expected.length > wholeBytesMax);
        if (!added.ok || added.value === undefined) return;
        const { head, body, size } = added.value;
        expect(Buffer.concat([head, body]).equals(expected)).toBe(true);
        expect([size, batch.size]).toEqual([expected.length, before]);
      }),
      { numRuns: 60 },
    );
  });

  it('is refused where it is over the limit of one frame, or cannot be encoded', () => {
    const batch = newBatch({ frameBytesMax: 100_000, framesMax: 10 });
    expect(batch.add(result(1, 100_000), WHOLE_BYTES_MAX)).toMatchObject({ problem: { code: 'limit-exceeded' } });
    expect(batch.add(result(1, 99_000), WHOLE_BYTES_MAX)).toMatchObject({
      ok: true,
      value: { size: expect.any(Number) },
    });
    expect([batch.size, batch.take()]).toEqual([0, undefined]);
  });
});

describe('lanes', () => {
  const frames = fc.array(
    fc.record({
      lane: fc.nat(24),
      /** How many parts are sent before the next frame is given. */
      parts: fc.nat(6),
      size: fc.oneof(fc.nat(200), fc.integer({ max: PART_BYTES + 3, min: PART_BYTES - 30 }), fc.nat(400_000)),
    }),
    { maxLength: 40, minLength: 1 },
  );

  it('all arrives once, as it was, in the order of its lane, within what the other side takes', () => {
    fc.assert(
      fc.property(frames, (given) => {
        const frameBytesMax = 400_100;
        const lanes = new Lanes(frameBytesMax);
        const assembly = new Assembly(frameBytesMax);
        const arrived: WireMessage[] = [];
        const carry = (): boolean => {
          const next = lanes.next();
          if (next === undefined) return false;
          const taken = assembly.take(next);
          if (!taken.ok) throw new Error(taken.problem.message);
          expect(next.payload.size).toBeLessThanOrEqual(PART_BYTES);
          expect(assembly.bytes).toBeLessThanOrEqual(frameBytesMax * FRAMES_OPEN_MAX);
          if (taken.value !== undefined) arrived.push(read(taken.value));
          return true;
        };
        const sent = given.map(({ lane, size, parts }, i) => {
          const message = result(lane, size, i);
          lanes.add(message, apart(message));
          for (let n = 0; n < parts; n++) carry();
          return message;
        });
        while (carry());
        expect([lanes.frames, lanes.bytes, assembly.bytes]).toEqual([0, 0, 0]);
        const ofLane = (all: readonly WireMessage[], lane: number) =>
          all.filter((message) => 'id' in message && message.id === lane).map(told);
        for (let lane = 0; lane <= 24; lane++) expect(ofLane(arrived, lane)).toEqual(ofLane(sent, lane));
        for (const message of sent) expect(lanes.holds(message)).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  it('a frame of few parts is not held up by one of many', () => {
    const lanes = new Lanes(DEFAULT_LIMITS.frameBytesMax);
    const assembly = new Assembly(DEFAULT_LIMITS.frameBytesMax);
    const order: number[] = [];
    for (const [id, bytes] of [
      [1, 12_000_000],
      [2, 70_000],
      [3, 5_000_000],
    ] as const) {
      lanes.add(result(id, bytes), apart(result(id, bytes)));
    }
    for (let next = lanes.next(); next !== undefined; next = lanes.next()) {
      const taken = assembly.take(next);
      if (taken.ok && taken.value !== undefined) order.push((read(taken.value) as { id: number }).id);
    }
    expect(order).toEqual([2, 3, 1]);
  });

  it('a message waits behind its own number alone; one without a number behind none', () => {
    const lanes = new Lanes(DEFAULT_LIMITS.frameBytesMax);
    const large = result(7, 100_000);
    lanes.add(large, apart(large));
    const gossip: WireMessage = { kind: 'gossip', rumors: [] };
    lanes.add(gossip, apart(gossip));
    expect(lanes.holds({ id: 7, kind: 'cancel', reason: '' })).toBe(true);
    expect(lanes.holds({ id: 8, kind: 'cancel', reason: '' })).toBe(false);
    expect(lanes.holds(gossip)).toBe(false);
    lanes.clear();
    expect([lanes.next(), lanes.frames, lanes.bytes, lanes.holds(large)]).toEqual([undefined, 0, 0, false]);
  });
});

describe('of somebody who breaks the rules', () => {
  const LIMIT = 100_000;
  const cases: readonly (readonly [string, readonly Part[], string])[] = [
    ['a part of a stream on which nothing began', [part(3, 0, 10)], 'part of stream 3: no frame has begun there'],
    [
      'a frame over the limit',
      [part(0, LIMIT + 1, 1)],
      'part of stream 0: a frame of 100001 bytes is over the limit of 100000',
    ],
    [
      'a size of petabytes',
      [part(0, 2 ** 53 - 1, 1)],
      'part of stream 0: a frame of 9007199254740991 bytes is over the limit of 100000',
    ],
    ['more than was announced, at once', [part(0, 10, 11)], 'part of stream 0: 10 bytes were announced, 11 came'],
    [
      'more than was announced, later',
      [part(0, 10, 9), part(0, 0, 2)],
      'part of stream 0: 10 bytes were announced, more came',
    ],
    [
      'a frame that begins within another',
      [part(0, 10, 1), part(0, 10, 1)],
      'part of stream 0: it begins a frame, and the one before is not whole',
    ],
    ['empty parts', [part(0, 10, 1), part(0, 0, 0)], 'part of stream 0: it is empty'],
    ['a stream beyond the last', [part(STREAMS_MAX, 10, 1)], 'part of stream 16: streams are numbered from 0 to 15'],
    [
      'many frames that never end',
      Array.from({ length: 5 }, (_, stream) => part(stream, LIMIT, 1)),
      'part of stream 4: with it, frames of more than 400000 bytes are under way',
    ],
  ];
  it.each(cases)('%s: refused, with the reason', (_, parts, message) => {
    const assembly = new Assembly(LIMIT);
    const last = parts.map((one) => assembly.take(one)).at(-1);
    expect(last).toEqual({ ok: false, problem: { code: 'protocol-violated', message } });
  });

  it('whatever comes, no more is kept than agreed, and a frame has the size that was announced', () => {
    const any = fc.record({
      bytes: fc.nat(300),
      size: fc.oneof(fc.constant(0), fc.nat(1_200)),
      stream: fc.nat(STREAMS_MAX + 1),
    });
    fc.assert(
      fc.property(fc.array(any, { maxLength: 60 }), (parts) => {
        const assembly = new Assembly(1_000);
        const announced = new Map<number, number>();
        for (const { stream, size, bytes } of parts) {
          const taken = assembly.take(part(stream, size, bytes));
          expect(assembly.bytes).toBeLessThanOrEqual(1_000 * FRAMES_OPEN_MAX);
          if (!taken.ok) return;
          if (size > 0) announced.set(stream, size);
          if (taken.value !== undefined) expect(taken.value.length).toBe(announced.get(stream));
        }
      }),
      { numRuns: 500 },
    );
  });
});
