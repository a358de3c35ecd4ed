import type { CallOptions } from './api.ts';
import { done } from './core/base/outcome.ts';
import { CLUSTER_ID, type FederationConfig } from './core/federation/config.ts';
import { gatherOffers } from './core/federation/offers.ts';
import type { FederationView } from './core/federation/view.ts';
import type { Node } from './core/node/node.ts';
import type { HubOptions } from './federation-api.ts';
import type { LinkClient } from './host/client.ts';
import type { Own } from './host/federation/explanation-of.ts';
import type { FederationFace } from './host/federation/federation-functions.ts';
import { CONFIG_KEY, firstConfig, HubConfig } from './host/federation/hub-config.ts';
import { HubWatch } from './host/federation/hub-watch.ts';
import { SharedClient } from './host/gateway/shared-client.ts';
import type { NodeHost } from './host/node-host.ts';
import type { Store } from './host/ports.ts';
import { READ } from './host/topics/far-reading.ts';
import { RETAINED } from './host/topics/retained-item.ts';
import type { SettledOptions } from './hosted-node.ts';
import type { LateHost } from './late-host.ts';
import { problemError } from './problem-error.ts';

export interface HubParts {
  readonly config: FederationConfig;
  readonly host: NodeHost;
  readonly late: LateHost;
  readonly node: Node;
  readonly options: SettledOptions;
  readonly store: Store;
}

/** What a hub begins with: stored, or else as it is started. */
export function hubConfigOf(options: SettledOptions, hub: HubOptions, store: Store): FederationConfig {
  const { cluster, coordinates, region } = options;
  if (!CLUSTER_ID.test(cluster)) {
    const text = `"${cluster}" is no id of a cluster in a federation: letters, digits, dots, dashes and underscores, at most 64`;
    throw problemError('input-invalid', text, {
      hint: 'What people call it is another thing.\nmpreg node start --hub --cluster my-cluster --cluster-name "My cluster"',
    });
  }
  const where = { ...(coordinates === undefined ? {} : { coordinates }), ...(region === undefined ? {} : { region }) };
  return firstConfig({ ...where, ...hub }, cluster, store.read(CONFIG_KEY));
}

/** Makes a node that runs answer as a hub: about its federation, for whoever asks, and to its siblings. */
export function openHub({ config: first, host, late, node, options, store }: HubParts): void {
  const { federation: machine } = node;
  if (machine === undefined) return;
  const { cluster, log } = options;
  const client = new SharedClient(() => late.connect('hub'));
  const siblings = () =>
    host.snapshot().members.filter(({ self, record, state }) => {
      return !self && (state === 'alive' || state === 'draining') && record?.resources.includes(HUB) === true;
    });
  const config = new HubConfig(
    {
      cluster,
      configure: (next) => {
        host.input({ config: next, kind: 'federation' });
        late.watch?.look();
      },
      log,
      siblings,
      store,
      tell: async (id, next) => {
        const asked = await client.get();
        await asked.ask('mpreg.federation.adopt', [{ config: next }], { node: id, timeoutMs: TELL_MS });
      },
    },
    first,
  );
  const view = () => withOwn(machine.view(host.now), host);
  const own = () => ownOf(node, host, config.current.identity);
  const onEvent: NodeHost['onEvent'] = (listener) => host.onEvent(listener);
  late.hub = { config, log, machine, onEvent, own, view, ...topicsOf(host, cluster, () => client.get()) };
  late.watch = new HubWatch({
    commandsAllowed: options.hub?.alertCommands === true,
    log,
    now: () => Math.floor(performance.timeOrigin + performance.now()),
    onEntry: (entry) => late.system?.alert(entry),
    siblings: () => siblings().map(({ id }) => id),
    store,
    tell: async (hub, book) => {
      const asked = await client.get();
      await asked.ask('mpreg.federation.told', [{ book, hub: host.snapshot().id }], { node: hub, timeoutMs: TELL_MS });
    },
    view,
  });
  // Why again and again: a hub that was away must get what was changed meanwhile, and nobody else tells it.
  const spread = () => {
    void config.spread().catch((error: unknown) => log('warn', `the configuration: ${String(error)}`));
    late.watch?.spread();
  };
  const spreading = setInterval(spread, SPREAD_MS).unref();
  const end = () => {
    clearInterval(spreading);
    late.watch?.close();
  };
  host.stopped.then(end, end);
}

/** A machine knows what others offer; what the own cluster has is in the records of its nodes. */
function withOwn(view: FederationView, host: NodeHost): FederationView {
  const nodes = host.snapshot().members.flatMap(({ record, state }) => (state === 'alive' && record ? [record] : []));
  const { functions, queues } = gatherOffers(nodes, undefined);
  const more = { functions: Math.max(0, functions.length - SHOWN_MAX), queues: Math.max(0, queues.length - SHOWN_MAX) };
  const own = { functions: functions.slice(0, SHOWN_MAX), queues: queues.slice(0, SHOWN_MAX) };
  const left = more.functions + more.queues === 0 ? {} : { more };
  return { ...view, clusters: view.clusters.map((one) => (one.self ? { ...one, ...own, ...left } : one)) };
}

/** What is retained and kept of topics here, and how other clusters are asked for theirs: for the own one and nobody else. */
function topicsOf(
  host: NodeHost,
  own: string,
  link: () => Promise<LinkClient>,
): Pick<FederationFace, 'kept' | 'retained'> {
  async function* ask(fun: string, cluster: string, about: object, options: CallOptions): AsyncGenerator<unknown> {
    const asked = await link();
    yield* asked.stream(fun, [{ ...about, for: own }], { cluster, idempotent: true, locs: [HUB], ...options });
  }
  return {
    kept: { link, of: (cluster, request, signal) => ask(READ, cluster, request, { signal }) },
    retained: {
      find: (patterns) => host.topics.retained.find(patterns),
      of: (cluster, patterns) => ask(RETAINED, cluster, { patterns }, { timeoutMs: TELL_MS }),
    },
  };
}

/** What the cluster of this hub has, as it is asked by whoever wants to know where something would go. */
function ownOf(node: Node, host: NodeHost, { cluster, region }: FederationConfig['identity']): Own {
  const resources = host.snapshot().members.flatMap(({ record }) => record?.resources ?? []);
  const queues = resources.filter((one) => one.startsWith(QUEUE)).map((one) => one.slice(QUEUE.length));
  return {
    cluster,
    patterns: (topic) => {
      const heard = node.exchange?.explain(topic) ?? done([]);
      return heard.ok ? done(heard.value.map(({ pattern }) => pattern)) : heard;
    },
    queues: new Set(queues),
    region,
    whyNot: (wish) => {
      const { candidates, problem } = host.explain(wish, []);
      const [first] = candidates;
      if (problem === undefined) return undefined;
      return first === undefined ? 'it has no such thing itself' : `${first.node}: ${first.why}`;
    },
  };
}

const HUB = 'role:hub';
/** Why: a view is one message, and most of it is for what others have. */
const SHOWN_MAX = 1_024;
const QUEUE = 'queue:';
/** How long another hub may take to store what it is told, or to say what its cluster retains. */
const TELL_MS = 5_000;
const SPREAD_MS = 3_000;
