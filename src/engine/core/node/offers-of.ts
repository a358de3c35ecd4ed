import { getOrMake } from '../base/maps.ts';
import type { NodeRecord } from '../directory/record.ts';
import type { OwnOffered } from '../federation/own-offers.ts';
import type { FunctionOffer } from '../federation/records.ts';

/**
 * What the nodes of a cluster have together, as other clusters are told it: each function once for each combination of
 * version and resources. Of equal ones on several nodes it may be repeated where all say so, and may take as long as the longest.
 *
 * Limit: `OFFERS_MAX` functions; those beyond, in the order of their names, cannot be called from abroad without `cluster`.
 */
export function offersOf(records: readonly NodeRecord[]): OwnOffered {
  const offers = new Map<string, FunctionOffer[]>();
  const queues = new Set<string>();
  for (const { functions, resources, state } of records) {
    for (const resource of resources) if (resource.startsWith(QUEUE)) queues.add(resource.slice(QUEUE.length));
    if (state !== 'active') continue;
    const own = resources.filter(isForAbroad);
    for (const fn of functions) {
      const all = [...new Set([...own, ...fn.resources])].sort();
      const { name, version, functionId, idempotent, timeoutMs } = fn;
      const about = { functionId, idempotent, timeoutMs };
      getOrMake(offers, JSON.stringify([name, version, functionId, all]), () => []).push({
        name,
        resources: all,
        version,
        ...Object.fromEntries(Object.entries(about).filter(([, value]) => value !== undefined)),
      });
    }
  }
  const keys = [...offers.keys()].sort().slice(0, OFFERS_MAX);
  return { functions: keys.map((key) => merged(offers.get(key) ?? [])), queues: [...queues].sort() };
}

function merged(same: readonly FunctionOffer[]): FunctionOffer {
  const { idempotent: _, timeoutMs: __, ...first } = same[0] as FunctionOffer;
  const idempotent = same.every((offer) => offer.idempotent === true);
  const limited = same.every(({ timeoutMs }) => timeoutMs !== undefined);
  const timeoutMs = Math.max(0, ...same.map((offer) => offer.timeoutMs ?? 0));
  return { ...first, ...(idempotent && { idempotent }), ...(limited && { timeoutMs }) };
}

/** Which queues a node has, and that it is a hub, is nothing that a function elsewhere could need. */
function isForAbroad(resource: string): boolean {
  return !resource.startsWith(QUEUE) && !resource.startsWith('role:');
}

const QUEUE = 'queue:';
const OFFERS_MAX = 10_000;
