import { deepStrictEqual } from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codecOf } from '../../src/engine/wire/codecs.ts';
import { KINDS, type Kind } from '../../src/engine/wire/messages.ts';
import { payloadFrom, payloadOf } from '../../src/engine/wire/payload.ts';
import { ValueReader, valueFrom } from '../../src/engine/wire/read-value.ts';
import { unpack } from '../../src/engine/wire/values.ts';
import type { WireLimits, WireMessage } from '../../src/engine/wire/wire.ts';
import { anyMessage, anyValue, messageOf, opened } from './arbitraries.ts';
import { naive } from './naive-messagepack.ts';

/**
 * Bytes of somebody who means harm, or of a broken disk. Seeded: a failure repeats. Whatever comes, the answer is
 * messages or a problem; that it is never a throw, every line here checks by being reached.
 */
const SEED = 20_260_726;
const LIMITS: WireLimits = { frameBytesMax: 64 * 1024, framesMax: 100 };

/** Decodes, and then everything that is decoded later. Whether it was taken. */
function survive(data: Uint8Array): boolean {
  const outcome = codecOf('mpreg.v1').decode(data, LIMITS);
  if (!outcome.ok) {
    expect(outcome.problem.code).toBe('protocol-violated');
    return false;
  }
  for (const message of outcome.value) if ('payload' in message) message.payload.value();
  return true;
}

function bytesOf(messages: readonly WireMessage[]): Buffer {
  const batch = codecOf('mpreg.v1').batch(LIMITS);
  for (const message of messages) batch.add(message);
  return Buffer.from((batch.take() ?? Buffer.alloc(0)) as Uint8Array);
}

/** Whether the scan takes them for one value. */
function scanned(bytes: Buffer): boolean {
  const r = new ValueReader(bytes);
  try {
    r.skip(0);
  } catch {
    return false;
  }
  return r.at === bytes.length;
}

/** What the specification says that they are; undefined where they are no proper UTF-8. */
function specified(bytes: Buffer): { readonly value: unknown } | undefined {
  try {
    return { value: naive(bytes) };
  } catch (error) {
    if (error instanceof TypeError && /encoded data was not valid/.test(error.message)) return undefined;
    throw error;
  }
}

function takenByTable(frame: Buffer, kind: Kind): boolean {
  const headerEnd = 8 + (frame.readUInt32BE(4) & 0xff_ffff);
  const { header, payload } = KINDS[kind];
  try {
    header.unpack(valueFrom(frame, 8, headerEnd));
    return payload !== undefined || headerEnd === frame.length;
  } catch {
    return false;
  }
}

describe('a decoder', () => {
  it('refuses every message that is cut, at every byte', () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        const whole = bytesOf([message]);
        for (let cut = 1; cut < whole.length; cut++) {
          const outcome = codecOf('mpreg.v1').decode(whole.subarray(0, cut), LIMITS);
          expect(outcome.ok).toBe(false);
        }
      }),
      { numRuns: 60, seed: SEED },
    );
  });

  it('answers noise', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        survive(noise);
      }),
      { numRuns: 3_000, seed: SEED },
    );
  });

  it('answers noise in a frame that fits', () => {
    fc.assert(
      fc.property(fc.nat(45), fc.uint8Array({ maxLength: 80 }), fc.nat(80), (code, noise, header) => {
        const frame = Buffer.alloc(8 + noise.length);
        frame.writeUInt32BE(noise.length + 4);
        frame.writeUInt32BE(Math.min(header, noise.length), 4);
        frame[4] = code;
        frame.set(noise, 8);
        survive(frame);
      }),
      { numRuns: 5_000, seed: SEED },
    );
  });

  it('answers good frames with a few bytes changed, and some of them are still good', () => {
    let taken = 0;
    const change = fc.tuple(fc.nat(), fc.nat(255));
    fc.assert(
      fc.property(anyMessage, fc.array(change, { maxLength: 3, minLength: 1 }), (message, changes) => {
        const frame = bytesOf([message]);
        for (const [at, byte] of changes) frame[at % frame.length] = byte;
        if (survive(frame)) taken++;
      }),
      { numRuns: 3_000, seed: SEED },
    );
    expect(taken).toBeGreaterThan(300);
  });

  it('takes by hand what the table would take, and nothing else', () => {
    const calls = ['call', 'result', 'item', 'error', 'cancel'] as const;
    const hot = [...calls, 'publish', 'published', 'forward', 'deliver', 'taken'] as const;
    const verdicts = { refused: 0, taken: 0 };
    const change = fc.tuple(fc.nat(), fc.nat(255));
    fc.assert(
      fc.property(fc.oneof(...hot.map(messageOf)), fc.array(change, { maxLength: 2 }), (message, changes) => {
        const frame = bytesOf([message]);
        for (const [at, byte] of changes) frame[8 + (at % (frame.length - 8))] = byte;
        const taken = survive(frame);
        expect(taken).toBe(takenByTable(frame, message.kind));
        verdicts[taken ? 'taken' : 'refused']++;
      }),
      { numRuns: 3_000, seed: SEED },
    );
    expect(Math.min(verdicts.taken, verdicts.refused)).toBeGreaterThan(300);
  });

  it('gives msgpackr nothing that it would throw at, or read otherwise than the specification says', () => {
    const verdicts = { refused: 0, taken: 0 };
    const change = fc.tuple(fc.nat(), fc.nat(255));
    const changed = fc.tuple(anyValue, fc.array(change, { maxLength: 3 })).map(([value, changes]) => {
      const bytes = Buffer.from(payloadOf(value).bytes());
      for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
      return bytes;
    });
    const noise = fc.uint8Array({ maxLength: 20 }).map((array) => Buffer.from(array));
    fc.assert(
      fc.property(fc.oneof(changed, noise), (bytes) => {
        const taken = scanned(bytes);
        verdicts[taken ? 'taken' : 'refused']++;
        if (!taken) return;
        const value = unpack(new Uint8Array(bytes), true);
        const expected = specified(bytes);
        if (expected) deepStrictEqual(value, expected.value);
      }),
      { numRuns: 20_000, seed: SEED },
    );
    expect(Math.min(verdicts.taken, verdicts.refused)).toBeGreaterThan(1000);
  });

  it('takes what it wrote after a detour through what it read', () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        const first = bytesOf([message]);
        const outcome = codecOf('mpreg.v1').decode(first, LIMITS);
        expect(bytesOf(outcome.ok ? outcome.value : [])).toEqual(first);
      }),
      { numRuns: 200, seed: SEED },
    );
  });

  it('answers text of every kind', () => {
    const json = fc.oneof(fc.string({ maxLength: 60 }), fc.json({ maxDepth: 4 }));
    const nearly = fc.tuple(anyMessage, fc.nat(), fc.string({ maxLength: 2 })).map(([message, at, patch]) => {
      const batch = codecOf('mpreg.v1.json').batch(LIMITS);
      batch.add(message);
      const text = String(batch.take() ?? '{}');
      const cut = at % text.length;
      return text.slice(0, cut) + patch + text.slice(cut + patch.length);
    });
    fc.assert(
      fc.property(fc.oneof(json, nearly), (text) => {
        const outcome = codecOf('mpreg.v1.json').decode(text, LIMITS);
        if (outcome.ok) outcome.value.map(opened);
        else expect(outcome.problem.code).toBe('protocol-violated');
      }),
      { numRuns: 2_000, seed: SEED },
    );
  });

  it('never makes more of a value than its bytes can hold', () => {
    // A hundred lists, one in the other, each of which claims nearly a million elements: believed, 800 MB at once.
    const bytes = Buffer.concat([Buffer.from('dd000f0000'.repeat(100), 'hex'), Buffer.alloc(1024 * 1024)]);
    const before = process.memoryUsage().heapTotal;
    const outcome = payloadFrom(bytes).value();
    const after = process.memoryUsage().heapTotal;
    expect(outcome).toMatchObject({ problem: { message: expect.stringContaining('are announced') } });
    expect(after - before).toBeLessThan(100 * 1024 * 1024);
  });
});
