import type { NodeId } from '../base/ids.ts';
import type { Instant } from '../base/instant.ts';
import { type Problem, problem } from '../base/problems.ts';
import type { Calls } from '../calls/calls.ts';
import type { CallMessage, CallsMessage } from '../calls/messages.ts';
import { isOwn } from '../calls/placement.ts';
import type { FederationDoor } from './federation-door.ts';

/**
 * What arrives from hubs of other clusters, on its way to the calls of this one. To these a hub is a node like others.
 *
 * It refuses what another cluster may not use, and all that only nodes of one cluster say to each other.
 */
export class Crossings {
  readonly #calls: Calls;
  readonly #door: FederationDoor;

  constructor(calls: Calls, door: FederationDoor) {
    this.#calls = calls;
    this.#door = door;
  }

  arrived(from: NodeId, cluster: string, message: CallsMessage, now: Instant): void {
    const { id } = 'id' in message ? message : { id: 0 };
    switch (message.kind) {
      case 'call': {
        const refusal = this.#whyRefused(message, from, cluster);
        this.#door.asked(from, id);
        if (refusal === undefined) this.#calls.request({ node: from }, bare(message), now);
        else this.#door.send(from, { id, kind: 'error', problem: refusal }, now);
        break;
      }
      case 'result': {
        const { by, payload } = message;
        this.#calls.answer(from, { by, cluster, id, kind: 'result', payload }, now);
        break;
      }
      case 'item':
        this.#calls.answer(from, { id, kind: 'item', payload: message.payload }, now);
        break;
      case 'error':
        this.#calls.answer(from, { id, kind: 'error', problem: { cluster, ...message.problem } }, now);
        break;
      case 'cancel':
        this.#calls.cancel({ node: from }, id, message.reason, now);
        break;
      case 'more':
        this.#calls.more({ node: from }, id, message.items);
        break;
    }
  }

  #whyRefused(call: CallMessage, from: NodeId, cluster: string): Problem | undefined {
    const { fun } = call;
    if (!isOwn(fun)) {
      return this.#door.exports(from, cluster, 'functions', fun) ? undefined : notExported(fun, cluster);
    }
    if (OPEN.has(fun)) return undefined;
    if (FOR_ONE.has(fun)) return askedFor(call) === cluster ? undefined : notFor(fun, cluster);
    if (!QUEUE_FUNCTIONS.has(fun)) {
      return notFor(fun, cluster);
    }
    const queue = queueOf(call);
    if (queue === undefined) return problem('input-invalid', `${fun} does not say which queue is meant`, { fun });
    return this.#door.exports(from, cluster, 'queues', queue) ? undefined : notExported(`queue ${queue}`, cluster);
  }
}

/** The cluster for which a call says that it asks. Why looked at: the rules for that one decide what it is given. */
function askedFor({ payload }: CallMessage): unknown {
  const [argument] = argumentsOf(payload);
  return (argument as { readonly for?: unknown } | undefined)?.for;
}

function argumentsOf(payload: CallMessage['payload']): readonly unknown[] {
  const given = payload.value();
  return given.ok ? ((given.value as { readonly args?: readonly unknown[] }).args ?? []) : [];
}

/** Why only here: a node that is asked for one queue must not be told of another one in the arguments. */
function queueOf({ locs, payload }: CallMessage): string | undefined {
  const named = locs.find((loc) => loc.startsWith(QUEUE))?.slice(QUEUE.length);
  const [argument] = argumentsOf(payload);
  const queue = (argument as { readonly queue?: unknown } | undefined)?.queue;
  return queue === named ? named : undefined;
}

/** What a call may bring along from another cluster. */
function bare(call: CallMessage): CallMessage {
  const { abroad: _, cluster: __, errand: ___, following: ____, over: _____, region: ______, ...plain } = call;
  return { ...plain, routed: false, scope: 'cluster' };
}

function notFor(fun: string, cluster: string): Problem {
  return problem('not-allowed', `${fun} is not for other clusters, and ${cluster} is one`, { fun });
}

function notExported(what: string, cluster: string): Problem {
  const hint = 'Allow it in the exports of that cluster’s configuration.\nmpreg federation deploy --help';
  return problem('not-allowed', `${what} is not exported to cluster ${cluster}`, { hint });
}

const QUEUE = 'queue:';
/** What a cluster retains and keeps of topics: each cluster asks for itself alone. */
const FOR_ONE: ReadonlySet<string> = new Set(['mpreg.federation.read', 'mpreg.federation.retained']);

/** What every cluster may ask: it changes nothing. */
const OPEN: ReadonlySet<string> = new Set([
  'mpreg.explain',
  'mpreg.federation.alerts',
  'mpreg.federation.events',
  'mpreg.federation.explain',
  'mpreg.federation.health',
  'mpreg.federation.routes',
  'mpreg.federation.view',
  'mpreg.functions',
  'mpreg.info',
]);

/** What may be done with queues that are exported: what their producers and consumers do. */
const QUEUE_FUNCTIONS: ReadonlySet<string> = new Set(
  ['ack', 'extend', 'info', 'nack', 'peek', 'receive', 'release', 'send'].map((name) => `mpreg.queue.${name}`),
);
