/** Chance from the operating system, and the node ids made of it. */
import { randomFillSync } from 'node:crypto';
import type { NodeId } from '../core/base/ids.ts';
import type { Entropy } from './ports.ts';

export const systemEntropy: Entropy = {
  bytes: (count) => randomFillSync(new Uint8Array(count)),
  seed: () => {
    const words = randomFillSync(new Uint32Array(2));
    return (words[0] as number) * 2 ** 21 + ((words[1] as number) >>> 11);
  },
};

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** A new id, as ULID makes them: 10 characters of time (milliseconds since 1970), 16 of chance. */
export function createNodeId(entropy: Entropy, unixMs: number): NodeId {
  let id = '';
  for (let left = unixMs, i = 0; i < 10; i++, left = Math.floor(left / 32)) id = CROCKFORD[left % 32] + id;
  for (const byte of entropy.bytes(16)) id += CROCKFORD[byte % 32]; // 32 divides 256: no character is likelier
  return id;
}
