import type { Peer } from '../core/links/messages.ts';

/** How the other side of a link is named in logs. */
export function peerName(peer: Peer): string {
  return peer.role === 'peer' ? `${peer.name} (${peer.id})` : `client ${peer.name}`;
}
