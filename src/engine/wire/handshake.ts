import type { NodeId } from '../core/base/ids.ts';
import type { Problem } from '../core/base/problems.ts';
import type { Peer } from '../core/links/messages.ts';

/**
 * The first frames of a connection: who, which version, which limits, and the proof of the key. `features` are what a side
 * can take beyond version 1 of the protocol; the join names those that both can.
 */
export type HandshakeMessage =
  /** The acceptor speaks first. `nonce` is base64url of 32 random bytes; `auth` says whether it wants a key. */
  | {
      readonly kind: 'hello';
      readonly versions: readonly number[];
      readonly node: { readonly id: NodeId; readonly name: string; readonly cluster: string };
      readonly auth: 'none' | 'key';
      readonly nonce: string;
      readonly frameBytesMax: number;
      readonly features?: readonly string[];
      /** The acceptor is a hub: hubs of other clusters may dial it. */
      readonly hub?: true;
    }
  /** The dialler's answer; `proof` where a key is wanted. */
  | {
      readonly kind: 'join';
      readonly version: number;
      readonly cluster: string;
      readonly peer: Peer;
      readonly nonce: string;
      readonly proof?: string;
      readonly frameBytesMax: number;
      readonly features?: readonly string[];
    }
  /** The acceptor agrees, and proves that it has the key too. */
  | { readonly kind: 'welcome'; readonly proof?: string }
  | { readonly kind: 'refused'; readonly problem: Problem };
