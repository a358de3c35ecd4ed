/** What a hub answers about its federation, and how it is changed: ordinary calls (`federation-api.ts`). */
import type { CallContext, FunctionDefinition } from '../../api.ts';
import type { CallsMessage } from '../../core/calls/messages.ts';
import type { FederationEvent } from '../../core/federation/effects.ts';
import type { Federation } from '../../core/federation/federation.ts';
import type { FederationConfig, LinkConfig } from '../../core/federation/options.ts';
import type { FederationView } from '../../core/federation/view.ts';
import type { NodeEvent } from '../../core/node/effects.ts';
import type { Replay } from '../../core/topics/retained.ts';
import type { Applied } from '../../federation-api.ts';
import type { Delivery } from '../../flow/delivery.ts';
import { problemError } from '../../problem-error.ts';
import { isObject } from '../../wire/json-value.ts';
import type { LinkClient } from '../client.ts';
import { ItemQueue } from '../item-queue.ts';
import type { Log } from '../node-host-parts.ts';
import type { ReadRequest } from '../topics/kept-position.ts';
import { explanationOf, type Own } from './explanation-of.ts';
import type { HubConfig } from './hub-config.ts';
import { routesOf } from './routes-of.ts';

export interface FederationFace {
  readonly machine: Federation<CallsMessage>;
  readonly config: HubConfig;
  view(): FederationView;
  /** Names of what the own cluster has. */
  own(): Own;
  onEvent(listener: (event: NodeEvent) => void): () => void;
  readonly log: Log;
  /** A link on which this node reads what its cluster keeps, and what another cluster keeps. */
  readonly kept: {
    link(): Promise<Pick<LinkClient, 'read'>>;
    of(cluster: string, request: ReadRequest, signal: AbortSignal): AsyncIterable<unknown>;
  };
  /** What is retained here, and in another cluster. */
  readonly retained: {
    find(patterns: readonly string[]): Replay<Delivery>;
    of(cluster: string, patterns: readonly string[]): AsyncIterable<unknown>;
  };
}

/** `hub` throws `hub-missing` on a node that is none. */
export function federationFunctions(hub: () => FederationFace): readonly FunctionDefinition[] {
  const named = (name: string, run: (argument: Record<string, unknown>, context: CallContext) => unknown) => ({
    name: `mpreg.federation.${name}`,
    run(this: CallContext, argument: unknown = {}) {
      if (!isObject(argument)) throw problemError('input-invalid', `mpreg.federation.${name} takes one object`);
      return run(argument, this);
    },
  });
  return [
    named('view', () => hub().view()),
    named('routes', (ask) => routesOf(hub().machine, hub().view(), ask)),
    named('explain', (ask) => explanationOf(hub().machine, hub().own(), ask)),
    named('events', (_, { signal }) => events(hub(), signal)),
    named('apply', ({ config, dryRun, expect, ...more }) => {
      nothingElse(more);
      const terms = { ...(dryRun === true && { dryRun }), ...(typeof expect === 'number' && { expect }) };
      return hub().config.change(() => fieldsOf(config, 'config'), terms);
    }),
    named('adopt', ({ config }) =>
      hub()
        .config.adopt(config)
        .then(() => null),
    ),
    named('link', (ask) => hub().config.change((now) => ({ ...now, links: linksAfter(now, ask) }))),
    named('register', ({ cluster, addresses, ...more }) => {
      nothingElse(more);
      return link(hub(), { action: 'add', addresses, cluster });
    }),
    named('unregister', ({ cluster, ...more }) => {
      nothingElse(more);
      return link(hub(), { action: 'remove', cluster });
    }),
  ];
}

function link({ config }: FederationFace, ask: Record<string, unknown>): Promise<Applied> {
  return config.change((now) => ({ ...now, links: linksAfter(now, ask) }));
}

function linksAfter({ identity, links }: FederationConfig, ask: Record<string, unknown>): readonly unknown[] {
  const { action, addresses, cluster, cost, ...more } = ask;
  nothingElse(more);
  const before = links.find((one) => one.cluster === cluster);
  const others = links.filter((one) => one !== before);
  const put = (one: unknown) => links.map((held) => (held === before ? one : held));
  if (action === 'add') {
    const one = { addresses, cluster, ...(cost === undefined ? {} : { cost }) };
    return before === undefined ? [...links, one] : put(one);
  }
  if (before === undefined) {
    throw problemError('cluster-unknown', `cluster ${identity.cluster} has no link to ${String(cluster)}`);
  }
  if (action === 'remove') return others;
  const { drained: _, ...undrained }: LinkConfig = before;
  if (action === 'undrain') return put(undrained);
  if (action === 'drain') return put({ ...before, drained: true });
  throw problemError('input-invalid', 'action must be one of add, remove, drain, undrain');
}

function fieldsOf(value: unknown, name: string): Record<string, unknown> {
  if (!isObject(value)) throw problemError('input-invalid', `${name} must be an object`);
  return value;
}

function nothingElse(more: object): void {
  const [odd] = Object.keys(more);
  if (odd !== undefined) throw problemError('input-invalid', `there is no field "${odd}"`);
}

async function* events(
  hub: FederationFace,
  signal: AbortSignal,
): AsyncGenerator<FederationEvent & { readonly at: number }> {
  const queue = new ItemQueue<FederationEvent & { readonly at: number }>(() => undefined);
  const off = hub.onEvent((event) => {
    if (event.kind === 'bridge' || event.kind === 'cluster') queue.push({ ...event, at: Date.now() });
  });
  const end = () => queue.end();
  signal.addEventListener('abort', end, { once: true });
  try {
    yield* queue;
  } finally {
    off();
    signal.removeEventListener('abort', end);
  }
}
