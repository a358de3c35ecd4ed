import type { PolicyRule } from './options.ts';
import { audienceOf } from './policy.ts';
import type { FunctionOffer } from './records.ts';

/**
 * What a cluster has for others, gathered from what its nodes say of themselves.
 *
 * A function on a node is offered with its own resources and its node's, and told once for all nodes that have it so. It may be
 * repeated where all of them say so, and takes as long as the longest. What is the mesh's own (`mpreg.`) is left out, for every cluster has it; so are resources that name roles and queues. Queues are told by
 * themselves. What the rules let nobody use is not told.
 *
 * Limit: nobody abroad can ask for a function beside a queue; a node with a thousand queues would tell each of them with each
 * of its functions. Which queue is for whom is not told: the cluster that has it refuses.
 */
export interface NodeOffers {
  readonly functions: readonly Omit<FunctionOffer, 'audience'>[];
  readonly resources: readonly string[];
}

export interface Gathered {
  readonly functions: readonly FunctionOffer[];
  readonly queues: readonly string[];
  /** Functions and queues beyond `OFFERS_MAX` of each: the last in order. To be reported, for others do not see them. */
  readonly leftOut: number;
}

export const OFFERS_MAX = 4_096;

/** Sorted; the same in whatever order the nodes come, and what each of them has. `exports`: absent, everything is for all. */
export function gatherOffers(nodes: Iterable<NodeOffers>, exports?: readonly PolicyRule[]): Gathered {
  const functions = new Map<string, FunctionOffer>();
  const queues = new Set<string>();
  for (const node of nodes) {
    for (const resource of node.resources) if (resource.startsWith(QUEUE)) queues.add(resource.slice(QUEUE.length));
    for (const fn of node.functions) {
      if (fn.name.startsWith(OWN)) continue;
      const offer = offerOf(fn, node.resources);
      const key = keyOf(offer);
      functions.set(key, together(functions.get(key), offer));
    }
  }
  const offers = [...functions].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, offer]) => allowed(offer, exports));
  const names = [...queues].sort().filter((name) => audienceOf(exports, 'queues', name)?.length !== 0);
  const leftOut = Math.max(0, offers.length - OFFERS_MAX) + Math.max(0, names.length - OFFERS_MAX);
  return { functions: offers.slice(0, OFFERS_MAX), leftOut, queues: names.slice(0, OFFERS_MAX) };
}

const OWN = 'mpreg.';
const QUEUE = 'queue:';
const ROLE = 'role:';

function offerOf(fn: Omit<FunctionOffer, 'audience'>, ofNode: readonly string[]): FunctionOffer {
  const told = [...fn.resources, ...ofNode].filter((name) => !name.startsWith(QUEUE) && !name.startsWith(ROLE));
  const { name, version, functionId, idempotent, timeoutMs } = fn;
  return {
    name,
    resources: [...new Set(told)].sort(),
    version,
    ...(functionId !== undefined && { functionId }),
    ...(idempotent === true && { idempotent }),
    ...(timeoutMs !== undefined && { timeoutMs }),
  };
}

function allowed(offer: FunctionOffer, exports: readonly PolicyRule[] | undefined): readonly FunctionOffer[] {
  const audience = audienceOf(exports, 'functions', offer.name);
  if (audience === undefined) return [offer];
  return audience.length === 0 ? [] : [{ ...offer, audience }];
}

function together(one: FunctionOffer | undefined, other: FunctionOffer): FunctionOffer {
  if (one === undefined) return other;
  const { idempotent: _, timeoutMs: __, ...same } = one;
  const limited = one.timeoutMs !== undefined && other.timeoutMs !== undefined;
  return {
    ...same,
    ...(one.idempotent === true && other.idempotent === true && { idempotent: true }),
    ...(limited && { timeoutMs: Math.max(one.timeoutMs ?? 0, other.timeoutMs ?? 0) }),
  };
}

/** Equal for what is told as one; in its order, those of one name stand together. */
function keyOf({ name, version, functionId, resources }: FunctionOffer): string {
  return JSON.stringify([name, version, functionId, resources]);
}
