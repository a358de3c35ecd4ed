/** Secrets, by OpenSSL: HMAC-SHA256, and a comparison that tells nothing through its time. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Digest } from './ports.ts';

export const systemDigest: Digest = {
  hmac: (key, text) => new Uint8Array(createHmac('sha256', key).update(text, 'utf8').digest()),
  // Why: `timingSafeEqual` throws on unequal lengths; the hashes of both always have the same.
  equal: (a, b) => timingSafeEqual(sha256(a), sha256(b)) && a.length === b.length,
};

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest();
}
