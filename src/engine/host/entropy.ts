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

/** `count` characters of chance, 5 bits each. Digits and letters only: no id looks like a flag to a command line that it is pasted into. */
export function randomName(entropy: Entropy, count: number): string {
  let name = '';
  for (const byte of entropy.bytes(count)) name += CROCKFORD[byte % 32]; // 32 divides 256: no character is likelier
  return name;
}

/** A new id, as ULID makes them: 10 characters of time (milliseconds since 1970), 16 of chance. */
export function createNodeId(entropy: Entropy, unixMs: number): NodeId {
  let id = '';
  for (let left = unixMs, i = 0; i < 10; i++, left = Math.floor(left / 32)) id = CROCKFORD[left % 32] + id;
  return id + randomName(entropy, 16);
}
