import type { NodeId } from '../base/ids.ts';
import type { Problem } from '../base/problems.ts';

/** What the two ends of one link tell each other about the link itself. */
export type LinkMessage =
  /**
   * Keep-alive. The answer has `reply: true` and is not answered. It overtakes what is large; with `all`, which the answer
   * repeats, neither does: all that was sent before has then arrived.
   */
  | { readonly kind: 'beat'; readonly reply: boolean; readonly all?: boolean }
  /** "I shall close this link, and this is why." */
  | { readonly kind: 'goaway'; readonly problem: Problem };

/** Who is at the other end, as the handshake proved it. */
export type Peer = MeshPeer | HubPeer;

/** Somebody with whom the mesh has links. */
export type MeshPeer =
  | { readonly role: 'peer'; readonly id: NodeId; readonly name: string; readonly address: string }
  | { readonly role: 'client'; readonly name: string };

/** A hub of another cluster, over a bridge: it is no member, and the federation alone talks with it. */
export interface HubPeer {
  readonly role: 'hub';
  readonly id: NodeId;
  readonly name: string;
  readonly address: string;
  readonly cluster: string;
}

export function isAboutLinks(message: { readonly kind: string }): message is LinkMessage {
  return message.kind === 'beat' || message.kind === 'goaway';
}
