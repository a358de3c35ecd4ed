import { describe, expect, test } from 'vitest';
import { Writer } from '../../src/engine/wire/writer.ts';

const BYTES = 48 * 1024; // more than a slab that stays with its writer

function written(w: Writer, byte: number): Buffer {
  w.all(new Uint8Array(BYTES).fill(byte));
  return w.cut();
}

const isAll = (bytes: Uint8Array, byte: number) => bytes.length === BYTES && bytes.every((one) => one === byte);

describe('memory that frames are written into', () => {
  test('what was handed out stays as it is until it is given back, whoever writes meanwhile', () => {
    const one = new Writer();
    const two = new Writer();
    const held = [1, 2, 3].map((byte) => written(one, byte));
    for (let i = 0; i < 40; i++) {
      written(two, 9);
      two.recycle();
    }
    expect(held.map((bytes, i) => isAll(bytes, i + 1))).toEqual([true, true, true]);
  });

  test('what was given back is written again, by one who holds it alone', () => {
    const one = new Writer();
    const two = new Writer();
    for (let i = 0; i < 8; i++) written(two, 0); // grown, so that it may have a large slab
    const memory = new Set([1, 2, 3].map((byte) => written(one, byte).buffer));
    one.recycle();
    one.recycle();
    const again = [4, 5, 6].map((byte) => written(two, byte));
    expect(again.filter(({ buffer }) => memory.has(buffer))).toHaveLength(3);
    expect(new Set(again.map(({ buffer }) => buffer)).size).toBe(3);
    expect(again.map((bytes, i) => isAll(bytes, i + 4))).toEqual([true, true, true]);
  });

  test('what is being written when memory is given back is left where it is', () => {
    const w = new Writer();
    w.all(new Uint8Array(100).fill(1));
    w.cut();
    w.all(new Uint8Array(100).fill(2));
    w.recycle();
    w.all(new Uint8Array(100).fill(2));
    expect(w.cut()).toEqual(Buffer.alloc(200, 2));
  });
});
