/**
 * MessagePack as its specification says it, and the extensions as `docs/PROTOCOL.md` does, for judging ours: no limits,
 * no speed. https://github.com/msgpack/msgpack/blob/master/spec.md
 */
import { NUMBER_ARRAYS } from '../../src/engine/wire/extensions.ts';

export function naive(bytes: Buffer): unknown {
  let at = 0;
  const take = (count: number): Buffer => {
    if (at + count > bytes.length) throw new Error('cut');
    at += count;
    return bytes.subarray(at - count, at);
  };
  const uint = (width: number) => BigInt(`0x${take(width).toString('hex')}`);
  const size = (width: number) => Number(uint(width));
  const list = (count: number) => Array.from({ length: count }, value);
  const object = (count: number) => Object.fromEntries(Array.from({ length: count }, () => [value(), value()]));
  const text = (count: number) => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(take(count));
  const extension = (count: number) => extended(take(1).readInt8(), take(count));
  function value(): unknown {
    const token = size(1);
    if (token < 0x80) return token;
    if (token < 0x90) return object(token - 0x80);
    if (token < 0xa0) return list(token - 0x90);
    if (token < 0xc0) return text(token - 0xa0);
    if (token >= 0xe0) return token - 0x100;
    if (token === 0xc0) return null;
    if (token === 0xc2 || token === 0xc3) return token === 0xc3;
    if (token >= 0xc4 && token <= 0xc6) return Uint8Array.from(take(size(2 ** (token - 0xc4))));
    if (token >= 0xc7 && token <= 0xc9) return extension(size(2 ** (token - 0xc7)));
    if (token === 0xca) return take(4).readFloatBE();
    if (token === 0xcb) return take(8).readDoubleBE();
    if (token >= 0xcc && token <= 0xcf) return number(uint(2 ** (token - 0xcc)));
    if (token >= 0xd0 && token <= 0xd3) return number(BigInt.asIntN(8 << (token - 0xd0), uint(2 ** (token - 0xd0))));
    if (token >= 0xd4 && token <= 0xd8) return extension(2 ** (token - 0xd4));
    if (token >= 0xd9 && token <= 0xdb) return text(size(2 ** (token - 0xd9)));
    if (token === 0xdc || token === 0xdd) return list(size(token === 0xdc ? 2 : 4));
    if (token === 0xde || token === 0xdf) return object(size(token === 0xde ? 2 : 4));
    throw new Error(`a token that is never written: ${token}`);
  }
  const whole = value();
  if (at !== bytes.length) throw new Error('too long');
  return whole;
}

function number(value: bigint): unknown {
  return value >= -(2n ** 53n) && value <= 2n ** 53n ? Number(value) : value;
}

function extended(type: number, data: Buffer): unknown {
  const members = () => naive(data) as unknown[];
  switch (type) {
    case -1:
      return new Date(milliseconds(data));
    case 0:
      return undefined;
    case 66:
      return BigInt.asIntN(data.length * 8, BigInt(`0x${data.toString('hex')}`));
    case 77:
      return new Map(members().flatMap((key, i, all) => (i % 2 === 0 ? [[key, all[i + 1]]] : [])));
    case 78:
      return new (NUMBER_ARRAYS[data[0] as number] as Int8ArrayConstructor)(Uint8Array.from(data.subarray(1)).buffer);
    case 83:
      return new Set(members());
    default:
      throw new Error(`extension ${type} is not published`);
  }
}

function milliseconds(data: Buffer): number {
  if (data.length === 4) return data.readUInt32BE() * 1000;
  if (data.length === 12) return Number(data.readBigInt64BE(4)) * 1000 + data.readUInt32BE() / 1e6;
  const both = data.readBigUInt64BE();
  return Number(both & 0x3_ffff_ffffn) * 1000 + Number(both >> 34n) / 1e6;
}
