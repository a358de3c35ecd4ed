/**
 * The composition root: options become ports, a node and its host. The only file that names concrete adapters.
 */
import type { MpregNode, NodeOptions } from './api.ts';
import type { FunctionRecord } from './core/directory/record.ts';
import { Node, type NodeConfig } from './core/node/node.ts';
import { DEFAULT_TUNING } from './core/node/tuning.ts';
import { builtIns, SAMPLES } from './host/built-ins.ts';
import { SystemClock, wallClock } from './host/clock.ts';
import type { Identity } from './host/doors.ts';
import { createNodeId, systemEntropy } from './host/entropy.ts';
import { federationFunctions } from './host/federation/federation-functions.ts';
import { readFunction } from './host/federation/read-function.ts';
import { retainedFunction } from './host/federation/retained-function.ts';
import { watchFunctions } from './host/federation/watch-functions.ts';
import { createRunner } from './host/functions/create-runner.ts';
import type { Runners } from './host/functions/runners.ts';
import { SharedClient } from './host/gateway/shared-client.ts';
import { NodeHost } from './host/node-host.ts';
import type { Store, TlsOptions } from './host/ports.ts';
import { bindingFunctions, QueueBinder } from './host/queue-client/queue-binder.ts';
import { queueFunctions } from './host/queues/queue-functions.ts';
import type { Carry } from './host/queues/queues-host.ts';
import { MemoryStore } from './host/stores/memory.ts';
import { MemoryQueues } from './host/stores/memory-queues.ts';
import { openMessages } from './host/stores/open-messages.ts';
import { SqliteStore } from './host/stores/sqlite.ts';
import { SqliteQueues } from './host/stores/sqlite-queues.ts';
import { FarRetained } from './host/topics/far-retained.ts';
import { laterFunctions } from './host/topics/later-functions.ts';
import { LaterMessages, type LaterParts } from './host/topics/later-messages.ts';
import { SystemTopics } from './host/topics/system-topics.ts';
import { Triggers } from './host/topics/triggers.ts';
import { isLoopback } from './host/transports/web-socket-listener.ts';
import { HostedNode, type SettledOptions } from './hosted-node.ts';
import { LateHost } from './late-host.ts';
import { openDoors } from './open-doors.ts';
import { problemError } from './problem-error.ts';
import { VERSION } from './version.ts';
import { payloadOf } from './wire/payload.ts';

/** How long another node may take to store a page of a queue, in milliseconds. */
const PARCEL_MS = 30_000;
/** How often the node looks whether messages of topics were dropped. */
const SYSTEM_MS = 1_000;

/**
 * Starts a node in this process.
 *
 * Resolves when it listens, its identity is durable and it has begun to look for others. Rejects with a `ProblemError`:
 * `bind-refused`, `address-in-use`, `data-in-use`, `store-corrupt`, `store-failed`, `module-invalid`, `input-invalid`.
 */
export async function createNode(options: NodeOptions = {}): Promise<MpregNode> {
  const settled = withDefaults(options);
  const store = options.dataDir === undefined ? new MemoryStore() : new SqliteStore({ directory: options.dataDir });
  const opened: { close(): Promise<void> }[] = [store];
  try {
    const messages = await openMessages(options.dataDir, store, settled.log);
    opened.push(messages);
    const id = await identify(store);
    const name = options.name ?? `node-${id.slice(-6).toLowerCase()}`;
    const late = new LateHost();
    const runner = await openRunner(settled, name, late);
    opened.push({ close: () => runner.close(0) });
    const { doors, address, bridge, inside } = await openDoors(settled, { id, name }, late);
    opened.push(doors);
    // Why only then: what checks configurations takes 60 ms to load, which most nodes never need.
    const asHub = settled.hub && (await import('./open-hub.ts'));
    const config = settled.hub && asHub?.hubConfigOf(settled, settled.hub, store);
    const hub = config && { address: bridge, config, url: address };
    const queues = queuesOnDisk(settled) ? new SqliteQueues(settled.dataDir) : new MemoryQueues();
    opened.push(queues);
    const node = nodeOf(settled, { address, id, name }, runner, hub);
    const clock = new SystemClock();
    const host = new NodeHost({ clock, doors, log: settled.log, messages, node, queues, runner, store });
    late.host = host;
    describeQueues(host, await host.queues.read());
    await host.start(Number(store.read('epoch') ?? 0));
    bindQueues(host, late);
    carryQueues(host, late);
    askElsewhere(host, late, settled.log);
    host.queues.open();
    trigger(runner, host, late, { id, log: settled.log, name });
    late.system = speak(host, name);
    if (hub !== undefined) asHub?.openHub({ config: hub.config, host, late, node, options: settled, store });
    late.later = publishLater(host, late, { durable: options.dataDir !== undefined, log: settled.log, store });
    return new HostedNode({
      host,
      id,
      input: (input) => late.input(input),
      inside,
      name,
      options: settled,
      url: address,
      ...(hub === undefined ? {} : { bridgeUrl: hub.address }),
    });
  } catch (error) {
    await Promise.allSettled(opened.reverse().map((part) => part.close()));
    throw error;
  }
}

function withDefaults(options: NodeOptions): SettledOptions {
  const { cluster = 'default', host = '127.0.0.1', log = () => undefined, peers = [], port = 0 } = options;
  if (options.key === undefined && !isLoopback(host)) {
    throw problemError('bind-refused', `${host} can be reached from other machines, and this node has no key`);
  }
  if (options.durability === 'disk' && options.dataDir === undefined)
    throw problemError('input-invalid', 'the durability "disk" needs a data directory (--data-dir)');
  if (options.name === '') throw problemError('input-invalid', 'the name of a node must not be empty');
  const addresses = options.advertise === undefined ? peers : [...peers, options.advertise];
  const odd = addresses.find((peer) => !/^wss?:\/\/[^/]+/.test(peer) || !URL.canParse(peer));
  if (odd !== undefined) {
    throw problemError('input-invalid', `"${odd}" is no address of a node: it must look like ws://HOST:PORT`);
  }
  const misfit = options.tls === undefined ? undefined : tlsMisfit(options.tls);
  if (misfit !== undefined) throw problemError('input-invalid', misfit, { hint: TLS_HINT });
  return { ...options, cluster, host, log, peers, port };
}

/** What a node lacks that is to listen with TLS. Why refused: it would serve less safely than it was asked to. */
function tlsMisfit({ cert, key, ca, clientCertificates = false }: TlsOptions): string | undefined {
  const missing = [cert === undefined ? 'certificate' : [], key === undefined ? 'private key' : []].flat();
  if (missing.length > 0) {
    return `a node with TLS needs a certificate and its private key; it was given no ${missing.join(' and no ')}`;
  }
  if (!clientCertificates || ca !== undefined) return undefined;
  return 'a node that wants certificates of others needs the one of their authority; it was given none';
}

const TLS_HINT =
  'Give it all that belongs together, or nothing of it.\nmpreg node start --tls-cert cert.pem --tls-key key.pem --tls-ca ca.pem';

/** The node's id: from the store, or made now and stored before anybody hears of it. */
async function identify(store: Store): Promise<string> {
  const known = store.read('id');
  if (known !== undefined) return known;
  const id = createNodeId(systemEntropy, wallClock());
  await store.commit([{ key: 'id', value: id }]);
  return id;
}

async function openRunner(options: SettledOptions, node: string, late: LateHost): Promise<Runners> {
  const own = builtIns({
    exchange: () => late.now.topics.kept.exchange,
    explain: (wish, tried) => late.now.explain(wish, tried),
    input: (input) => late.input(input),
    keepChanged: (change, keep) => late.system?.keepChanged(change, keep),
    keeper: () => late.now.topics.kept.keeper,
    matches: (topic) => late.now.topics.matches(topic),
    nameOf: (id) => late.now.snapshot().members.find((member) => member.id === id)?.name ?? id,
    onEvent: (listener) => late.now.onEvent(listener),
    snapshot: () => late.now.snapshot(),
    subscriptions: () => late.now.topics.views(),
  });
  late.binder = new QueueBinder({ log: options.log, open: (as) => late.connect(as) });
  const onQueues = queueFunctions({ queues: () => late.now.queues, snapshot: () => late.now.snapshot() });
  const runners = await createRunner({
    changed: () => {
      late.host?.input({ kind: 'describe', self: { functions: offered(runners) } });
      late.changed();
    },
    exec: options.exec ?? [],
    inline: [
      ...own,
      ...onQueues,
      ...bindingFunctions(() => late.binder),
      ...laterFunctions(() => late.laterNow),
      ...federationFunctions(() => late.hubNow),
      readFunction(() => late.hubNow),
      retainedFunction(() => late.hubNow),
      ...watchFunctions(() => late.watchNow),
      ...(options.inline ?? []),
      ...SAMPLES,
    ],
    log: options.log,
    modules: options.functions ?? [],
    node,
    open: () => late.connect(),
    watch: options.watch ?? false,
    workerMemoryMb: options.workerMemoryMb,
    workers: options.workers ?? 2,
  });
  return runners;
}

/** What others are told of: not those that every node has by itself. */
function offered(runners: Runners): readonly FunctionRecord[] {
  return runners.functions.filter(({ name }) => !name.startsWith('mpreg.'));
}

/** Why before it starts: with the first that others hear of the node, they know which queues it has. */
function describeQueues(host: NodeHost, names: readonly string[]): void {
  if (names.length === 0) return;
  const { resources } = host.snapshot().record;
  host.input({ kind: 'describe', self: { resources: [...resources, ...names.map((name) => `queue:${name}`)] } });
}

/** Has messages of topics go into the queues of this node that say so. */
function bindQueues(host: NodeHost, { binder }: LateHost): void {
  host.queues.onChange(({ kind, queue }) => {
    binder?.arrange(queue, kind === 'deleted' ? undefined : host.queues.optionsOf(queue));
  });
  const end = () => binder?.close();
  host.stopped.then(end, end);
}

/** Has queues that move be told to other nodes. */
function carryQueues(host: NodeHost, late: LateHost): void {
  const client = new SharedClient(() => late.connect('moving queues'));
  host.queues.carry = async (node, parcel) => {
    const { call } = await client.get();
    const take = call.with({ idempotent: true, node, timeoutMs: PARCEL_MS });
    return (await take('mpreg.queue.take', { parcel })) as Awaited<ReturnType<Carry>>;
  };
}

/** Has new subscriptions get what other clusters retain, through a hub of this one. */
function askElsewhere(host: NodeHost, late: LateHost, log: SettledOptions['log']): void {
  const client = new SharedClient(() => late.connect('retained values'));
  const elsewhere = new FarRetained({
    client: () => client.get(),
    hasHub: () => late.hub !== undefined || hasHub(host),
    log,
  });
  host.topics.retained.far = (replay) => elsewhere.ask(replay);
  const end = () => elsewhere.close();
  host.stopped.then(end, end);
}

function hasHub(host: NodeHost): boolean {
  return host.snapshot().members.some(({ record }) => record?.resources.includes('role:hub') === true);
}

/** Has topics trigger functions for as long as the node takes new work. */
function trigger(
  runners: Runners,
  host: NodeHost,
  late: LateHost,
  { id, log, name }: { readonly id: string; readonly name: string; readonly log: SettledOptions['log'] },
): void {
  const triggers = new Triggers({ log, node: { id, name }, open: (as) => late.connect(as) });
  let over = false;
  const arrange = () => triggers.arrange(over || host.snapshot().record.state !== 'active' ? [] : runners.triggered);
  const end = () => {
    over = true;
    arrange();
  };
  late.changed = arrange;
  late.finish = () => {
    end();
    return triggers.ended();
  };
  host.onEvent((event) => event.kind === 'member' && event.id === id && queueMicrotask(arrange));
  host.stopped.then(end, end);
  arrange();
}

/** Has the node publish what was to be published later, for as long as it lives. */
function publishLater(
  host: NodeHost,
  late: LateHost,
  parts: Pick<LaterParts, 'durable' | 'log' | 'store'>,
): LaterMessages {
  const client = new SharedClient(() => late.connect('later messages'));
  const later = new LaterMessages({
    ...parts,
    now: () => Math.floor(performance.now()),
    publish: async (request) => (await client.get()).publishRequest(request, {}),
    wallClock,
  });
  host.onEvent((event) => event.kind === 'link' && event.change === 'up' && queueMicrotask(() => later.met()));
  const end = () => later.close();
  host.stopped.then(end, end);
  return later;
}

/** Has the node say over topics what happens. */
function speak(host: NodeHost, name: string): SystemTopics {
  const system = new SystemTopics({
    by: name,
    counts: () => host.topics.counters,
    now: () => performance.now(),
    say: (topic, forAll, make) => host.topics.say(topic, forAll, () => payloadOf(make())),
    subscriptions: () => host.topics.views(),
  });
  host.onEvent((event) => system.event(event));
  host.onFailure = (about) => system.callFailed(about);
  const looking = setInterval(() => system.look(), SYSTEM_MS).unref();
  const end = () => clearInterval(looking);
  host.stopped.then(end, end);
  return system;
}

function queuesOnDisk<Options extends NodeOptions>(
  options: Options,
): options is Options & { readonly dataDir: string } {
  return options.dataDir !== undefined && options.durability !== 'memory';
}

function nodeOf(options: SettledOptions, identity: Identity, runners: Runners, hub: NodeConfig['hub']): Node {
  const { cluster, region, coordinates, planMemoryMb, resources = [] } = options;
  const heldBytesMax = planMemoryMb === undefined ? {} : { heldBytesMax: planMemoryMb * 2 ** 20 };
  return new Node({
    ...identity,
    cluster,
    durable: queuesOnDisk(options),
    functions: offered(runners),
    payload: payloadOf,
    resources,
    seed: systemEntropy.seed(),
    software: VERSION,
    tuning: { ...DEFAULT_TUNING, calls: { ...DEFAULT_TUNING.calls, ...heldBytesMax } },
    ...(region === undefined ? {} : { region }),
    ...(coordinates === undefined ? {} : { coordinates }),
    ...(hub === undefined ? {} : { hub }),
  });
}
