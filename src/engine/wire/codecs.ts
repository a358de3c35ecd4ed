import { binaryCodec } from './binary.ts';
import { jsonCodec } from './json.ts';
import type { Codec } from './wire.ts';

/** The codec of a subprotocol. */
export function codecOf(protocol: Codec['protocol']): Codec {
  return protocol === 'mpreg.v1' ? binaryCodec : jsonCodec;
}
