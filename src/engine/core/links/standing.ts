import { hash32 } from '../base/hash.ts';
import type { Address, NodeId } from '../base/ids.ts';
import type { LinksOptions } from './options.ts';

/**
 * Which peers this node keeps a link to.
 *
 * While the cluster is small: all. Beyond, the ⌈factor · log2 n⌉ peers that rank highest by a hash of both ids
 * (rendezvous hashing, Thaler and Ravishankar 1998): every node draws its own peers, so the links form a random graph,
 * connected with overwhelming probability, in which gossip needs O(log n) rounds; and a peer that comes or goes changes
 * one choice, not all.
 */
export function standingPeers(
  self: NodeId,
  peers: ReadonlyMap<NodeId, Address>,
  options: LinksOptions,
): Map<NodeId, Address> {
  if (peers.size <= options.fullMeshMax) return new Map(peers);
  const count = standingCount(peers.size + 1, options);
  const salt = hash32(self);
  const ranked = [...peers.keys()].map((id) => ({ id, rank: hash32(id, salt) }));
  ranked.sort((a, b) => a.rank - b.rank || (a.id < b.id ? -1 : 1));
  const chosen = new Map<NodeId, Address>();
  for (const { id } of ranked.slice(0, count)) chosen.set(id, peers.get(id) ?? '');
  return chosen;
}

/** How many links a node of a cluster of `size` nodes keeps up by itself; others' choices add about as many. */
export function standingCount(size: number, options: LinksOptions): number {
  if (size - 1 <= options.fullMeshMax) return size - 1;
  return Math.ceil(options.standingFactor * Math.log2(size));
}
