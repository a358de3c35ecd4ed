/**
 * Which node a queue is to live on.
 *
 * `any` is chosen by rendezvous hashing (Thaler, Ravishankar 1998): of all nodes that keep queues on disk, the one whose id
 * and the queue's name have the highest hash; every node chooses the same, as long as they know the same nodes. Where no
 * node has a disk for queues, of all nodes. A label is chosen from in the same way.
 */
import { hash32 } from '../../core/base/hash.ts';
import type { NodeSnapshot } from '../../core/node/snapshot.ts';
import type { Place } from '../../core/queues/move.ts';
import { problemError } from '../../problem-error.ts';

interface Candidate extends Place {
  readonly resources: readonly string[];
  readonly durable: boolean;
}

/** Throws `node-unknown` or `resource-unknown`. */
export function placeOf(queue: string, where: string, snapshot: Pick<NodeSnapshot, 'members'>): Place {
  const nodes = candidates(snapshot);
  if (where !== 'any' && !where.includes('=')) {
    const node = nodes.find(({ id }) => id === where) ?? nodes.find(({ name }) => name === where);
    if (node === undefined) throw problemError('node-unknown', `no node in reach has the name or id ${where}`);
    return { id: node.id, name: node.name };
  }
  const fit = where === 'any' ? nodes : nodes.filter(({ resources }) => resources.includes(where));
  const durable = fit.filter((node) => node.durable);
  const [first] = (durable.length > 0 ? durable : fit).sort((a, b) => weight(queue, b) - weight(queue, a));
  if (first === undefined) throw problemError('resource-unknown', `no node in reach has ${where}`);
  return { id: first.id, name: first.name };
}

/** The node in reach on which a queue of that name is, as this one knows. */
export function nodeWith(queue: string, { members }: Pick<NodeSnapshot, 'members'>): Place | undefined {
  return candidates({ members }).find(({ resources }) => resources.includes(`queue:${queue}`));
}

function candidates({ members }: Pick<NodeSnapshot, 'members'>): Candidate[] {
  return members.flatMap(({ id, name, record, state }) => {
    const isThere = state === 'alive' || state === 'suspect';
    return isThere && record !== undefined
      ? [{ durable: record.durable === true, id, name, resources: record.resources }]
      : [];
  });
}

function weight(queue: string, { id }: Place): number {
  return hash32(`${queue} ${id}`);
}
