import type { Peer } from '../core/links/messages.ts';

/** How the other side of a link is named in logs. */
export function peerName(peer: Peer): string {
  if (peer.role === 'client') return `client ${peer.name}`;
  return peer.role === 'peer' ? `${peer.name} (${peer.id})` : `hub ${peer.name} of ${peer.cluster} (${peer.id})`;
}
