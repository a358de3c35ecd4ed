import type { NodeId } from '../core/base/ids.ts';
import type { Peer } from '../core/links/messages.ts';
import { Acceptor, type Bridges, Dialler } from '../wire/handshake-sides.ts';
import { DEFAULT_LIMITS, type WireLimits } from '../wire/wire.ts';
import type { Connection, Digest, Entropy, Listener, TlsOptions, Transport } from './ports.ts';
import { MESSAGE_SLACK } from './wire-link.ts';
import type { WireLinkOptions } from './wire-link-options.ts';

/** How this process meets others: as whom, with which key, under which limits. */
export interface DoorsOptions {
  readonly transport: Transport;
  readonly entropy: Entropy;
  readonly digest: Digest;
  readonly cluster: string | undefined;
  readonly key: Uint8Array | undefined;
  readonly tls: TlsOptions | undefined;
  readonly limits?: WireLimits;
  /** Those of a hub. */
  readonly bridges?: Bridges;
  readonly handshakeMsMax?: number;
  readonly dialMsMax?: number;
}

/** Who this process is to those whom it meets. */
export interface Identity {
  readonly id: NodeId;
  readonly name: string;
  /** What others dial; known once the node listens. */
  readonly address: string;
  /** What hubs of other clusters dial, where that is another address. */
  readonly bridge?: string;
}

/**
 * Opens connections and prepares handshakes; the same for nodes and clients.
 * A client has no identity: it can dial, and nobody can dial it.
 */
export class Doors {
  readonly #options: DoorsOptions;
  readonly #identity: Identity | undefined;
  readonly #clientName: string;
  readonly #listeners: Listener[] = [];

  constructor(options: DoorsOptions, identity: Identity | undefined, clientName = 'anonymous') {
    this.#options = options;
    this.#identity = identity;
    this.#clientName = clientName;
  }

  /** What goes between this process and a client. */
  get limits(): WireLimits {
    return this.#options.limits ?? DEFAULT_LIMITS;
  }

  /** What goes between nodes: all that a client may have sent, with what nodes on its way add to the header. */
  get #between(): WireLimits {
    return { ...this.limits, frameBytesMax: this.limits.frameBytesMax + HEADER_BYTES };
  }

  /** Of one WebSocket message, before it is known who is there. */
  get messageBytesMax(): number {
    return this.#between.frameBytesMax + MESSAGE_SLACK;
  }

  add(listener: Listener): void {
    this.#listeners.push(listener);
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#listeners.map((listener) => listener.close()));
  }

  dial(address: string, signal?: AbortSignal): Promise<Connection> {
    const { transport, tls, dialMsMax = 5_000 } = this.#options;
    return transport.dial(address, {
      messageBytesMax: this.messageBytesMax,
      protocol: 'mpreg.v1',
      timeoutMs: dialMsMax,
      ...(signal === undefined ? {} : { signal }),
      ...(tls === undefined ? {} : { tls }),
    });
  }

  acceptorOptions(connection: Connection): WireLinkOptions {
    const { bridges, cluster = '', key, digest } = this.#options;
    const identity = this.#identity;
    if (identity === undefined) throw new TypeError('a client accepts no connections');
    const handshake = new Acceptor({
      cluster,
      digest,
      frameBytesMax: this.#between.frameBytesMax,
      json: connection.protocol === 'mpreg.v1.json',
      node: { id: identity.id, name: identity.name },
      nonce: this.#nonce(),
      ...(bridges === undefined ? {} : { bridges }),
      ...(key === undefined ? {} : { key }),
    });
    return { handshake, handshakeMsMax: this.#handshakeMsMax, limits: this.#between, role: 'peer' };
  }

  /** `address`: what was dialled, which is where the acceptor can be found. */
  diallerOptions(address: string, role: Peer['role']): WireLinkOptions {
    const { bridges, cluster, key, digest } = this.#options;
    const peer = this.#as(role);
    const limits = peer.role === 'client' ? this.limits : this.#between;
    const handshake = new Dialler({
      address,
      digest,
      frameBytesMax: limits.frameBytesMax,
      nonce: this.#nonce(),
      peer,
      ...(bridges === undefined ? {} : { bridges }),
      ...(cluster === undefined ? {} : { cluster }),
      ...(key === undefined ? {} : { key }),
    });
    return { handshake, handshakeMsMax: this.#handshakeMsMax, limits, role: peer.role };
  }

  #as(role: Peer['role']): Peer {
    const identity = this.#identity;
    if (role === 'client' || identity === undefined) return { name: this.#clientName, role: 'client' };
    const { address, bridge = address, id, name } = identity;
    if (role === 'peer') return { address, id, name, role };
    return { address: bridge, cluster: this.#options.cluster ?? '', id, name, role };
  }

  get #handshakeMsMax(): number {
    return this.#options.handshakeMsMax ?? 5_000;
  }

  #nonce(): string {
    return Buffer.from(this.#options.entropy.bytes(32)).toString('base64url');
  }
}

/** Trade-off: more, and longer names of clusters and more resources fit beside a value of the largest size; less, and less is taken from anybody. */
const HEADER_BYTES = 64 * 1024;
