/** Several messages in one piece: cut where they meet, and refused where they do not. */
import { deepStrictEqual } from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { COST_BYTES } from '../../src/engine/core/topics/messages.ts';
import { codecOf } from '../../src/engine/wire/codecs.ts';
import { payloadFrom, payloadOf } from '../../src/engine/wire/payload.ts';
import { RUN_MESSAGES_MAX, type Run, runFrom, runOf } from '../../src/engine/wire/run.ts';
import { DEFAULT_LIMITS, type WireMessage } from '../../src/engine/wire/wire.ts';
import { anyValue } from './arbitraries.ts';

const SEED = 20_261_123;

/** The list that a run is, in any form that MessagePack has for it. */
const encodings = fc
  .array(fc.tuple(fc.uint8Array({ maxLength: 40 }), fc.constantFrom(1, 2, 4)), { maxLength: 20, minLength: 1 })
  .chain((values) => fc.record({ head: fc.constantFrom(1, 2, 4), values: fc.constant(values) }))
  .map(({ head, values }) => {
    const count = values.length;
    const list = head === 1 && count < 16 ? [0x90 | count] : head === 2 ? [0xdc, 0, count] : [0xdd, 0, 0, 0, count];
    const parts = values.flatMap(([value, width]) => [
      Uint8Array.from(
        width === 1 ? [0xc4, value.length] : width === 2 ? [0xc5, 0, value.length] : [0xc6, 0, 0, 0, value.length],
      ),
      value,
    ]);
    return { bytes: Buffer.concat([Uint8Array.from(list), ...parts]), values: values.map(([value]) => value) };
  });

const held = (run: Run) => [...run.payloads()].map((payload) => [...payload.bytes()]);

describe('a run', () => {
  it('holds its values, whichever form they come in, and costs what they cost one by one', () => {
    fc.assert(
      fc.property(encodings, ({ bytes, values }) => {
        const run = runFrom(bytes);
        expect(held(run)).toEqual(values.map((value) => [...value]));
        expect(run.cost).toBe(values.reduce((sum, { length }) => sum + length + COST_BYTES, 0));
        expect(payloadFrom(run.bytes()).value()).toMatchObject({
          ok: true,
          value: values.map((v) => new Uint8Array(v)),
        });
        expect(run.size).toBe(run.bytes().length);
      }),
      { seed: SEED },
    );
  });

  it('is cut anywhere between its values, also what was cut or kept', () => {
    fc.assert(
      fc.property(encodings, fc.nat(), fc.nat(), ({ bytes, values }, a, b) => {
        const [from = 0, to = 0] = [a % (values.length + 1), b % (values.length + 1)].sort((x, y) => x - y);
        const wanted = values.map((value) => [...value]).slice(from, to);
        const run = runFrom(bytes);
        expect(held(run.cut(from, to))).toEqual(wanted);
        expect(
          held(
            run
              .kept()
              .cut(from, values.length)
              .cut(0, to - from),
          ),
        ).toEqual(wanted);
        expect(run.cut(from, to).cost).toBe(wanted.reduce((sum, { length }) => sum + length + COST_BYTES, 0));
      }),
      { seed: SEED },
    );
  });

  it('knows how many of its first messages cost no more than so much', () => {
    fc.assert(
      fc.property(encodings, fc.integer({ max: 6_000, min: -10 }), ({ bytes, values }, most) => {
        let left = most;
        const beyond = values.findIndex(({ length }) => {
          left -= length + COST_BYTES;
          return left < 0;
        });
        expect(runFrom(bytes).within(most)).toBe(beyond < 0 ? values.length : beyond);
      }),
      { seed: SEED },
    );
  });

  it('is none where anything of it is missing, too much or no bytes, and says so', () => {
    const verdicts = { refused: 0, taken: 0 };
    const change = fc.tuple(fc.nat(), fc.nat(255));
    fc.assert(
      fc.property(encodings, fc.array(change, { maxLength: 3 }), fc.nat(3), ({ bytes }, changes, cut) => {
        const frame = Buffer.from(bytes.subarray(0, bytes.length - cut));
        for (const [at, byte] of changes) frame[at % frame.length] = byte;
        const run = runOf(payloadFrom(frame));
        verdicts[run === undefined ? 'refused' : 'taken']++;
        if (run === undefined) return;
        const value = payloadFrom(frame).value();
        expect(value).toMatchObject({ ok: true });
        deepStrictEqual(held(run), value.ok && (value.value as Uint8Array[]).map((bytes) => [...bytes]));
      }),
      { numRuns: 2_000, seed: SEED },
    );
    expect(Math.min(verdicts.refused, verdicts.taken)).toBeGreaterThan(200);
  });

  it.each([
    ['no message', 0],
    ['more messages than may be', RUN_MESSAGES_MAX + 1],
    ['more messages than there are bytes', 0xffff_ffff],
  ])('of %s breaks the protocol before anything is made of it', (_, count) => {
    const header = payloadOf(['t', 'ann', 1]).bytes();
    const frame = Buffer.alloc(8 + header.length + 5 + 2 * Math.min(count, RUN_MESSAGES_MAX + 1));
    frame.writeUInt32BE(frame.length - 4);
    frame.writeUInt32BE(header.length, 4);
    frame[4] = 59;
    frame.set(header, 8);
    frame[8 + header.length] = 0xdd;
    frame.writeUInt32BE(count, 9 + header.length);
    for (let at = 13 + header.length; at < frame.length; at += 2) frame[at] = 0xc4;
    const outcome = codecOf('mpreg.v1').decode(frame, DEFAULT_LIMITS);
    expect(outcome).toMatchObject({ ok: false, problem: { code: 'protocol-violated' } });
  });
});

describe('what is published', () => {
  const published = fc.record({
    by: fc.constantFrom('ann', 'bob'),
    skips: fc.nat(9).map((n) => n === 0),
    topic: fc.constantFrom('a', 'order.eu'),
    value: fc.oneof(anyValue, fc.uint8Array({ maxLength: 20_000, minLength: 10_000 })),
  });

  it('arrives as it was said, however it was put together', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(published, fc.constant('beat')), { maxLength: 40, minLength: 1 }), (steps) => {
        const batch = codecOf('mpreg.v1').batch(DEFAULT_LIMITS);
        const said: unknown[] = [];
        const next = new Map<string, number>();
        for (const step of steps) {
          if (typeof step === 'string') {
            batch.add({ kind: 'beat', reply: true });
            continue;
          }
          const { by, skips, topic, value } = step;
          const seq = (next.get(by) ?? 0) + (skips ? 2 : 1);
          next.set(by, seq);
          const payload = payloadOf(value);
          const whole = value instanceof Uint8Array ? value : payload;
          if (!batch.publish?.(topic, by, seq, whole)) batch.add({ by, id: 0, kind: 'publish', payload, seq, topic });
          said.push([topic, by, seq, payloadFrom(payload.bytes()).value()]);
        }
        const decoded = codecOf('mpreg.v1').decode(batch.take() as Uint8Array, DEFAULT_LIMITS);
        if (!decoded.ok) throw new Error(decoded.problem.message);
        deepStrictEqual(decoded.value.flatMap(apart), said);
      }),
      { numRuns: 200, seed: SEED },
    );
  });

  it('takes one frame as long as it goes on, and no more than a run may have', () => {
    const batch = codecOf('mpreg.v1').batch(DEFAULT_LIMITS);
    for (let seq = 1; seq <= RUN_MESSAGES_MAX + 1; seq++) batch.publish?.('t', 'ann', seq, new Uint8Array(1));
    expect(batch.frames).toBe(2);
  });
});

/** Each message of a frame by itself. */
function apart(message: WireMessage): unknown[] {
  if (message.kind === 'publish') {
    return [[message.topic, message.by, message.seq, payloadFrom(message.payload.bytes()).value()]];
  }
  if (message.kind !== 'publish-run') return [];
  const { by, payload, seq, topic } = message;
  const values = [...((runOf(payload) as Run).payloads() as Iterable<ReturnType<typeof payloadFrom>>)];
  return values.map((one, i) => [topic, by, seq + i, payloadFrom(one.bytes()).value()]);
}
