import type { HandshakeMessage } from './handshake.ts';

/**
 * How one side proves that it has the key without showing it: HMAC-SHA256 over everything that was said.
 *
 * The text names the side that proves, so that no proof can be sent back to the one who made it (reflection); it holds
 * both nonces, so that none can be used again (replay); it holds the versions, identities and limits, so that nobody in
 * between can change what the two agree on (downgrade).
 *
 * Limit: it proves who is at the ends when the link begins; it neither hides nor signs what is sent afterwards. Against
 * somebody who sits in between and passes things on, use TLS.
 */
export interface HandshakeDigest {
  hmac(key: Uint8Array, text: string): Uint8Array;
  /** Compares in a time that does not depend on where they differ. */
  equal(a: Uint8Array, b: Uint8Array): boolean;
}

export type Hello = Extract<HandshakeMessage, { kind: 'hello' }>;
export type Join = Extract<HandshakeMessage, { kind: 'join' }>;
export type Side = 'acceptor' | 'dialler';

/**
 * The text that is signed: its parts in this order, each as its length in UTF-8 bytes, a colon, itself and a comma
 * (a netstring), so that no part can run into the next.
 */
export function proofText(side: Side, hello: Hello, join: Join): string {
  const { peer } = join;
  const parts = [
    'mpreg.v1 handshake',
    side,
    hello.nonce,
    join.nonce,
    hello.versions.join(' '),
    String(join.version),
    hello.node.id,
    hello.node.name,
    hello.node.cluster,
    peer.role,
    peer.role === 'client' ? '' : peer.id,
    peer.name,
    peer.role === 'client' ? '' : peer.address,
    join.cluster,
    String(hello.frameBytesMax),
    String(join.frameBytesMax),
    ...(join.features === undefined ? [] : [join.features.join(' ')]),
  ];
  return parts.map((part) => `${Buffer.byteLength(part, 'utf8')}:${part},`).join('');
}

/** A proof as it travels: base64url of 32 bytes. */
export function prove(digest: HandshakeDigest, key: Uint8Array, side: Side, hello: Hello, join: Join): string {
  return Buffer.from(digest.hmac(key, proofText(side, hello, join))).toString('base64url');
}

/** Whether `proof` is that of the other side. */
export function proves(
  digest: HandshakeDigest,
  key: Uint8Array,
  side: Side,
  hello: Hello,
  join: Join,
  proof: string,
): boolean {
  return digest.equal(digest.hmac(key, proofText(side, hello, join)), Buffer.from(proof, 'base64url'));
}
