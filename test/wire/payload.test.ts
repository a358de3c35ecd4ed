import { deepStrictEqual } from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodable, payloadFrom, payloadOf } from '../../src/engine/wire/payload.ts';
import { ValueReader } from '../../src/engine/wire/read-value.ts';
import { valueBytes } from '../../src/engine/wire/write-value.ts';
import { anyValue } from './arbitraries.ts';
import { naive } from './naive-messagepack.ts';

const hex = (value: unknown): string => Buffer.from(payloadOf(value).bytes()).toString('hex');
const there = (bytes: string) => payloadFrom(Buffer.from(bytes, 'hex')).value();
const back = (value: unknown): unknown => {
  const outcome = payloadFrom(payloadOf(value).bytes()).value();
  if (!outcome.ok) throw new Error(outcome.problem.message);
  return outcome.value;
};

describe('a value', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(anyValue, (value) => deepStrictEqual(back(value), value)),
      { numRuns: 400 },
    );
  });

  it.each<[unknown, string]>([
    [null, 'c0'],
    [undefined, 'd40000'],
    [true, 'c3'],
    [127, '7f'],
    [128, 'cc80'],
    [-32, 'e0'],
    [-33, 'd0df'],
    [65_536, 'ce00010000'],
    [-40_000, 'd2ffff63c0'],
    [5_000_000_000, 'cb41f2a05f20000000'],
    [-5_000_000_000, 'cbc1f2a05f20000000'],
    [1.5, 'cb3ff8000000000000'],
    [Number.NaN, 'cb7ff8000000000000'],
    [Number.NEGATIVE_INFINITY, 'cbfff0000000000000'],
    [0n, 'd44200'],
    [127n, 'd4427f'],
    [-1n, 'd442ff'],
    [128n, 'd5420080'],
    [2n ** 64n, 'c70942010000000000000000'],
    ['é', 'a2c3a9'],
    [Uint8Array.of(1, 2), 'c4020102'],
    [new Date(1_500), 'd7ff7735940000000001'],
    [new Date(0), 'd6ff00000000'],
    [new Date(-1), 'c70cff3b8b87c0ffffffffffffffff'],
    [new Map([[1, 2]]), 'c7034d920102'],
    [new Set([7]), 'd5539107'],
    [new Map([[new Set(), new Map()]]), 'c7074d92d45390d44d90'],
    [Float32Array.of(1), 'c7054e060000803f'],
    [{ a: [1] }, '81a1619101'],
  ])('%o is %s', (value, bytes) => {
    expect(hex(value)).toBe(bytes);
    deepStrictEqual(there(bytes), { ok: true, value });
  });

  it('of other languages is read in whatever width it comes', () => {
    const same = ['07', 'cc07', 'cd0007', 'ce00000007', 'cf0000000000000007', 'd007', 'd10007', 'd200000007'];
    for (const bytes of [...same, 'd30000000000000007', 'ca40e00000'])
      expect(there(bytes)).toEqual({ ok: true, value: 7 });
    expect(there('d9026869')).toEqual({ ok: true, value: 'hi' });
    expect(there('de0001a16101')).toEqual({ ok: true, value: { a: 1 } });
    expect(there('8207a1610901')).toEqual({ ok: true, value: { '7': 'a', '9': 1 } });
    expect(there('cfffffffffffffffff')).toEqual({ ok: true, value: 2n ** 64n - 1n });
  });

  it('is plain MessagePack, and the published extensions', () => {
    fc.assert(
      fc.property(anyValue, (value) => deepStrictEqual(naive(Buffer.from(payloadOf(value).bytes())), value)),
      { numRuns: 400 },
    );
  });

  it('loses what msgpackr has no form for: the sign of zero, a byte order mark before a long text', () => {
    expect(back([-0])).toEqual([0]);
    const long = 'x'.repeat(70);
    expect(back(['\uFEFFid', `\uFEFF${long}`])).toEqual(['\uFEFFid', long]);
  });

  it('of text has a replacement where a surrogate stands alone, so that it is always UTF-8', () => {
    expect(back({ 'a\uD800': ['\uDC00b', '\u{1F600}'], b: 1 })).toEqual({ 'a\uFFFD': ['\uFFFDb', '\u{1F600}'], b: 1 });
    expect(hex('\uD800')).toBe('a3efbfbd');
  });

  it('that is small is written and read by hand as msgpackr would', () => {
    const edges = [
      0,
      31,
      32,
      63,
      64,
      127,
      128,
      255,
      256,
      65_535,
      65_536,
      2 ** 32 - 1,
      2 ** 32,
      -1,
      -32,
      -33,
      -128,
      1.5,
    ];
    const texts = [0, 23, 24, 31, 32, 63, 64, 65, 85, 86].flatMap((n) => ['x'.repeat(n), 'é'.repeat(n)]);
    const lists = [14, 15, 16].flatMap((n) => [Array(n).fill(1), Object.fromEntries(Array(n).fill(0).entries())]);
    const small = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 5 },
        fc.constantFrom(null, true, false, ...edges, ...texts, ...lists),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(fc.constantFrom('args', '', 'toJSON', 'x'.repeat(24), 'é'), tie('value')),
      ),
    })).value;
    fc.assert(
      fc.property(small, (value) => {
        const bytes = valueBytes(value);
        deepStrictEqual(Buffer.from(payloadOf(value).bytes()), Buffer.from(bytes));
        deepStrictEqual(payloadFrom(bytes).value(), { ok: true, value: new ValueReader(bytes).value() });
      }),
      { numRuns: 400 },
    );
  });

  it('is not changed by being encoded', () => {
    const value = { list: [1n, new Set([2n])], map: new Map([['a', new Date(3)]]) };
    payloadOf(value).bytes();
    expect(value).toEqual({ list: [1n, new Set([2n])], map: new Map([['a', new Date(3)]]) });
    expect(payloadFrom(payloadOf(Object.freeze([Object.freeze({ a: 5n })])).bytes()).value()).toEqual({
      ok: true,
      value: [{ a: 5n }],
    });
  });

  it('of a few bytes keeps no large memory alive, whatever was encoded before', () => {
    const large = payloadOf('x'.repeat(5_000_000)).bytes();
    const small = payloadOf([1]).bytes();
    expect(small.buffer.byteLength).toBeLessThan(100_000);
    expect([large.length, hex([1])]).toEqual([5_000_005, '9101']);
  });

  it('may encode another one while it is read', () => {
    const inner = () => Buffer.from(payloadOf({ deep: new Set([1]) }).bytes()).toString('hex');
    const value = Object.defineProperty({ before: 'a'.repeat(50) }, 'inner', { enumerable: true, get: inner });
    expect(back([value, 'after'])).toEqual([{ before: 'a'.repeat(50), inner: inner() }, 'after']);
  });

  it('shares no memory with the bytes that it came in', () => {
    const frame = Buffer.from(payloadOf({ data: Uint8Array.of(1, 2, 3) }).bytes());
    const value = payloadFrom(frame).value();
    frame.fill(9);
    expect(value).toEqual({ ok: true, value: { data: Uint8Array.of(1, 2, 3) } });
  });

  it('has its keys, also those that mean something to JavaScript, in their order', () => {
    const odd =
      '{"a":1,"__proto__":{"__proto__":[{"__proto__":2}],"__proto_":3},"é__proto__":4,"\\t__proto__":5,"__proto__2":6,"z":7}';
    expect(JSON.stringify(back(JSON.parse(odd)))).toBe(JSON.stringify(JSON.parse(odd)));
    const [map] = back([new Map([[JSON.parse('{"__proto__":1}'), new Set([JSON.parse('{"__proto__":2}')])]])]) as [
      Map<object, Set<object>>,
    ];
    expect(JSON.stringify([...map].map(([k, v]) => [k, [...v]]))).toBe('[[{"__proto__":1},[{"__proto__":2}]]]');
  });

  it.each([
    ['alone', '81a95f5f70726f746f5f5f81a769734f776e6572c3'], // {"__proto__": {"isOwner": true}}
    ['beside a set', '82a173d45390a95f5f70726f746f5f5f81a769734f776e6572c3'],
    ['with a head of two bytes', '81d9095f5f70726f746f5f5f81a769734f776e6572c3'],
    ['with a head of three bytes', '81da00095f5f70726f746f5f5f81a769734f776e6572c3'],
    ['with a head of five bytes', '81db000000095f5f70726f746f5f5f81a769734f776e6572c3'],
  ])('cannot choose the prototype of anything, %s', (_, bytes) => {
    const outcome = there(bytes);
    const value = (outcome.ok ? outcome.value : {}) as Record<string, unknown>;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.getOwnPropertyDescriptor(value, '__proto__')?.value).toEqual({ isOwner: true });
    expect(({} as Record<string, unknown>)['isOwner']).toBeUndefined();
    expect(value['isOwner']).toBeUndefined();
  });

  it('without methods is data, whatever its class; with toJSON it is what that says', () => {
    class Point {
      readonly x = 1;
      readonly y = 2;
    }
    expect(back(new Point())).toEqual({ x: 1, y: 2 });
    expect(back(Object.assign(Object.create(null) as object, { a: 1 }))).toEqual({ a: 1 });
    expect(back([new URL('http://a.example/')])).toEqual(['http://a.example/']);
    expect(back(Buffer.from('hi'))).toEqual(Uint8Array.of(104, 105));
    expect(back(new Uint16Array([1, 2, 3]).subarray(1))).toEqual(Uint16Array.of(2, 3));
  });
});

class Account {
  readonly balance = 3;
  withdraw(): void {}
}
const cycle: Record<string, unknown> = { list: [] };
(cycle['list'] as unknown[]).push({ back: cycle });
const deep: unknown = Array.from({ length: 200 }).reduce<unknown>((inner) => [inner], 1);
const broken = Object.defineProperty({}, 'now', {
  enumerable: true,
  get() {
    throw new Error('no clock');
  },
});

describe('what cannot be encoded is refused by its path', () => {
  it.each<[string, unknown, string, RegExp]>([
    ['a function', { items: [1, 2, 3, { callback: () => 1 }] }, 'result.items[3].callback', /a function is not data/],
    ['a symbol', { 'a key': Symbol('s') }, 'result["a key"]', /a symbol/],
    ['an object with methods', [new Account()], 'result[0]', /an instance of Account with methods/],
    ['an error', { e: new Error('boom') }, 'result.e', /boom.*throw it/],
    ['a promise', { later: Promise.resolve(1) }, 'result.later', /await it/],
    ['a regular expression', /x/, 'result', /RegExp/],
    ['an invalid date', new Map([['when', new Date(Number.NaN)]]), 'result.when', /invalid date/],
    ['a DataView', new Set([new DataView(new ArrayBuffer(1))]), 'result[0]', /DataView/],
    ['a big integer over the limit', { n: 1n << (8n << 20n) }, 'result.n', /big integer of 1048577 bytes/],
    ['a getter that throws', { clock: broken }, 'result.clock.now', /no clock/],
    ['nesting without end', deep, `result${'[0]'.repeat(128)}`, /deeper than 128/],
  ])('%s', (_, value, path, says) => {
    expect(encodable(value)).toMatchObject({ ok: false, problem: { code: 'result-unencodable', path } });
    const outcome = encodable(value);
    expect(outcome.ok ? '' : outcome.problem.message).toMatch(says);
  });

  it('a cycle, by a way from it to itself', () => {
    const outcome = encodable(cycle);
    expect(outcome).toMatchObject({ problem: { message: expect.stringContaining('a cycle') } });
    const path = outcome.ok ? '' : (outcome.problem.path ?? '');
    expect(path.length).toBeLessThan(40);
  });

  it('and the next value is encoded as if nothing had been', () => {
    expect(encodable({ a: 'x'.repeat(5000), b: () => 1 }).ok).toBe(false);
    expect(hex([1])).toBe('9101');
  });

  it('a payload of it counts as empty and throws only when its bytes are asked for', () => {
    const payload = payloadOf(() => 1);
    expect(payload.size).toBe(0);
    expect(() => payload.bytes()).toThrow(/a function is not data/);
  });
});

describe('bytes that are no value', () => {
  it.each([
    ['nothing', ''],
    ['a byte that begins no value', 'c1'],
    ['two values', '0101'],
    ['a list of four thousand million', 'ddffffffff'],
    ['a map of as many', 'dfffffffff'],
    ['a text of as many bytes', 'dbffffffff'],
    ['binary of as many bytes', 'c6ffffffff'],
    ['an extension of as many bytes', 'c9ffffffff4d'],
    ['lists within lists that all claim what is left', 'dc0010'.repeat(40)],
    ['nesting without end', `${'91'.repeat(4000)}01`],
    ['an extension of another library', 'd47240'],
    ['a record of msgpackr', 'd4724091a16101'],
    ['a record of msgpackr with two bytes', 'd572400091a16101'],
    ['an error of msgpackr', 'd4650093a54572726f72a16dc0'],
    ['a regular expression of msgpackr', 'd4780092a128a0'],
    ['a set of msgpackr', 'd473009101'],
    ['an object of msgpackr that is pointed to', 'd669000000018101d67000000001'],
    ['a pointer of msgpackr', 'd67000000001'],
    ['bundled texts of msgpackr', 'd66200000006c101a0a161'],
    ['a typed array of msgpackr', 'c705740600008040'],
    ['a map whose last key has no value', 'd64d93010203'],
    ['a set that does not fill its extension', 'd6539101ffff'],
    ['a timestamp of a wrong size', 'd4ff00'],
    ['a timestamp with too many nanoseconds', 'd7ffffffffff00000000'],
    ['a date beyond all dates', 'c70cff000000007fffffffffffffff'],
    ['numbers of an unknown type', 'd54eff00'],
    ['numbers that are cut', 'd54e0600'],
    ['a list for a key', '819001'],
    ['a date for a key', '81d6ff0000000001'],
    ['a list of numbers that reaches beyond its extension', 'd55392010203'],
    ['a map whose extension is longer than what is there', 'c7ff4d9101'],
    ['a big integer of no bytes', 'c70042'],
  ])('%s', (_, bytes) => {
    expect(there(bytes)).toMatchObject({ ok: false, problem: { code: 'value-undecodable' } });
  });
});
