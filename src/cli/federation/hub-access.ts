/**
 * One cluster as `deploy` and its siblings reach it: through any node of it, asking its hubs. An interface, so that the
 * procedure can be judged without processes.
 */
import {
  type Applied,
  type ApplyAsk,
  type Client,
  type ConnectOptions,
  connect,
  type FederationView,
  type LinkAsk,
  problemError,
  type RegisterAsk,
} from '../../engine/index.ts';

/** Says so of a node that is a hub. */
export const HUB = 'role:hub';

export interface HubName {
  readonly id: string;
  readonly name: string;
}

export interface HubAccess {
  /** Of this hub (an id); without it, of any. Rejects with `hub-missing` where there is none. */
  view(hub?: string): Promise<FederationView>;
  /** The hubs of the cluster that are alive. */
  hubs(): Promise<readonly HubName[]>;
  apply(hub: string, ask: ApplyAsk): Promise<Applied>;
  close(): Promise<void>;
}

/** Asks over the wire. */
export class ClientHubAccess implements HubAccess {
  readonly #client: Client;
  readonly #timeoutMs: number;

  constructor(client: Client, timeoutMs: number) {
    this.#client = client;
    this.#timeoutMs = timeoutMs;
  }

  async view(hub?: string): Promise<FederationView> {
    return (await this.#ask('mpreg.federation.view', {}, hub)) as FederationView;
  }

  async hubs(): Promise<readonly HubName[]> {
    const members = await this.#client.members();
    return members
      .filter(({ record, state }) => state === 'alive' && record?.resources.includes(HUB))
      .map(({ id, name }) => ({ id, name }));
  }

  async apply(hub: string, ask: ApplyAsk): Promise<Applied> {
    return (await this.#ask('mpreg.federation.apply', ask, hub)) as Applied;
  }

  async link(ask: LinkAsk): Promise<Applied> {
    return (await this.#ask('mpreg.federation.link', ask)) as Applied;
  }

  async register(ask: RegisterAsk): Promise<Applied> {
    return (await this.#ask('mpreg.federation.register', ask)) as Applied;
  }

  async unregister(cluster: string): Promise<Applied> {
    return (await this.#ask('mpreg.federation.unregister', { cluster })) as Applied;
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  async #ask(fun: string, argument: object, hub?: string): Promise<unknown> {
    if ((await this.hubs()).length === 0) {
      throw problemError('hub-missing', `no node of the cluster of ${this.#client.node.name} is a hub`);
    }
    const options = { locs: [HUB], timeoutMs: this.#timeoutMs, ...(hub !== undefined && { node: hub }) };
    return this.#client.call.with(options)(fun, argument);
  }
}

/** Connects to the first of these addresses that answers. */
export async function openAccess(
  urls: readonly string[],
  options: Omit<ConnectOptions, 'urls'>,
  timeoutMs: number,
): Promise<ClientHubAccess> {
  return new ClientHubAccess(await connect({ ...options, reconnect: false, urls }), timeoutMs);
}
