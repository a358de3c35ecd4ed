import type { Client, MpregNode, NodeOptions } from './api.ts';
import { connectTo } from './connect.ts';
import type { NodeId } from './core/base/ids.ts';
import type { NodeEvent } from './core/node/effects.ts';
import type { NodeInput } from './core/node/inputs.ts';
import type { NodeSnapshot } from './core/node/snapshot.ts';
import { wallClock } from './host/clock.ts';
import type { NodeHost } from './host/node-host.ts';
import type { Transport } from './host/ports.ts';
import { RuntimeDirectory } from './host/runtime-directory.ts';
import { NodeDiscovery } from './node-discovery.ts';
import { ProblemError, problemError } from './problem-error.ts';
import { VERSION } from './version.ts';

/** Options with what every node needs filled in. */
export type SettledOptions = NodeOptions & Required<Pick<NodeOptions, 'cluster' | 'host' | 'port' | 'log' | 'peers'>>;

/** Where a client of this very process reaches the node. */
export interface Inside {
  readonly transport: Transport;
  readonly url: string;
}

export interface HostedNodeParts {
  readonly host: NodeHost;
  /** Takes what is asked of the node by whoever owns it. */
  readonly input: (input: NodeInput) => void;
  readonly id: NodeId;
  readonly name: string;
  readonly url: string;
  readonly inside: Inside;
  readonly bridgeUrl?: string;
  readonly options: SettledOptions;
}

/** Whoever is alone looks for others often, whoever is not only now and then: nodes that start later look for it. */
const LOOK_ALONE_MS = 1_000;
const LOOK_MS = 15_000;
const LEAVE_GRACE_MS = 30_000;
const INSIDE_MS_MAX = 5_000;

/** A node in this process, from its first search for others to its end. */
export class HostedNode implements MpregNode {
  readonly id: NodeId;
  readonly name: string;
  readonly url: string;
  readonly bridgeUrl?: string;
  readonly stopped: Promise<void>;
  readonly #host: NodeHost;
  readonly #input: (input: NodeInput) => void;
  readonly #options: SettledOptions;
  readonly #inside: Inside;
  readonly #nearby: RuntimeDirectory | undefined;
  readonly #discovery: NodeDiscovery | undefined;
  #looking: NodeJS.Timeout | undefined;
  readonly #withdraw = () => this.#nearby?.withdrawSync(this.id);

  constructor(parts: HostedNodeParts) {
    this.id = parts.id;
    this.name = parts.name;
    this.url = parts.url;
    if (parts.bridgeUrl !== undefined) this.bridgeUrl = parts.bridgeUrl;
    this.#host = parts.host;
    this.#input = parts.input;
    this.#inside = parts.inside;
    this.#options = parts.options;
    this.#nearby = parts.options.discover === false ? undefined : new RuntimeDirectory();
    const { cluster, region } = parts.options;
    const about = { cluster, id: parts.id, name: parts.name, url: parts.url, ...(region !== undefined && { region }) };
    if (parts.options.sources?.length) this.#discovery = new NodeDiscovery(about, parts.options, () => this.#look());
    this.stopped = parts.host.stopped.finally(() => {
      clearTimeout(this.#looking);
      process.off('exit', this.#withdraw);
      this.#withdraw();
      void this.#discovery?.close();
    });
    this.stopped.catch(() => undefined); // whoever wants to know asks
    process.once('exit', this.#withdraw);
    parts.host.onEvent((event) => this.#logEvent(event));
    void this.#announce().then(() => this.#look());
  }

  snapshot(): NodeSnapshot {
    return this.#host.snapshot();
  }

  client(): Promise<Client> {
    const { key, cluster } = this.#options;
    return connectTo(
      this.#inside.url,
      { cluster, ...(key === undefined ? {} : { key }) },
      INSIDE_MS_MAX,
      this.#inside.transport,
    );
  }

  joined(timeoutMs: number): Promise<void> {
    if (this.#others() > 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const off = this.#host.onEvent(() => {
        if (this.#others() > 0) finish();
      });
      const timer = setTimeout(() => finish(this.#whyAlone(timeoutMs)), timeoutMs);
      const finish = (error?: Error) => {
        clearTimeout(timer);
        off();
        if (error === undefined) resolve();
        else reject(error);
      };
      const stopped = () => finish(problemError('node-stopping', 'the node stopped before it had joined'));
      this.stopped.then(stopped, finish);
    });
  }

  drain(): void {
    this.#host.input({ kind: 'drain' });
  }

  undrain(): void {
    this.#host.input({ kind: 'undrain' });
  }

  leave(options: { readonly graceMs?: number } = {}): Promise<void> {
    this.#withdraw();
    this.#input({ graceMs: options.graceMs ?? LEAVE_GRACE_MS, kind: 'leave' });
    return this.stopped;
  }

  kill(): Promise<void> {
    this.#host.kill();
    return this.stopped;
  }

  async #announce(): Promise<void> {
    const { cluster } = this.#options;
    const about = { cluster, id: this.id, name: this.name, software: VERSION, startedAt: wallClock(), url: this.url };
    const why = await this.#nearby?.announce(about);
    if (why !== undefined)
      this.#options.log('warn', `nodes on this machine will not find this one by themselves: ${why}`);
  }

  /** Tells the node where others may be, now and again and again. */
  #look(): void {
    const { cluster, peers } = this.#options;
    const nearby = this.#nearby?.list() ?? [];
    const found = nearby.filter((entry) => entry.cluster === cluster && entry.id !== this.id).map(({ url }) => url);
    const further = this.#discovery?.addresses ?? [];
    this.#host.input({ addresses: [...new Set([...peers, ...found, ...further])], kind: 'seeds' });
    clearTimeout(this.#looking);
    this.#looking = setTimeout(() => this.#look(), this.#others() > 0 ? LOOK_MS : LOOK_ALONE_MS);
    this.#looking.unref();
  }

  #whyAlone(timeoutMs: number): ProblemError {
    const { lastRefusal, lastFailure } = this.#host;
    if (lastRefusal !== undefined) return new ProblemError(lastRefusal);
    const because = lastFailure === undefined ? '' : `; ${lastFailure}`;
    const { cluster } = this.#options;
    return problemError(
      'nobody-there',
      `no other node of cluster ${cluster} answered within ${timeoutMs} ms${because}`,
    );
  }

  #others(): number {
    return this.snapshot().members.filter(({ self, state }) => !self && (state === 'alive' || state === 'draining'))
      .length;
  }

  #logEvent(event: NodeEvent): void {
    const { log } = this.#options;
    if (event.kind === 'member') log('info', `${event.name} is ${event.state}: ${event.reason}`, { id: event.id });
    else if (event.kind === 'paused') log('warn', `this node did not run for ${event.ms} ms`);
    else if (event.kind === 'refuted') log('warn', `${event.by} thought this node gone; it said otherwise`);
    else if (event.kind === 'link') log('debug', `link to ${event.peer} ${event.change}: ${event.reason}`);
    else if (event.kind === 'cluster') log('info', `cluster ${event.cluster} is ${event.state}: ${event.reason}`);
    else if (event.kind === 'bridge')
      log('info', `bridge to ${event.peer} of ${event.cluster} ${event.change}: ${event.reason}`);
    else log('debug', `${event.fun} ${event.version} ${event.change} on ${event.node}`);
  }
}
