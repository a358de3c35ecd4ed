import { assert } from '../core/base/assert.ts';
import type { NodeId } from '../core/base/ids.ts';
import { type Problem, type ProblemCode, problem } from '../core/base/problems.ts';
import type { Peer } from '../core/links/messages.ts';
import type { HandshakeMessage } from './handshake.ts';
import { PARTS } from './parts.ts';
import { type HandshakeDigest, type Hello, type Join, prove, proves } from './proof.ts';
import { RUNS } from './run.ts';
import type { WireMessage } from './wire.ts';

/**
 * The two sides of the handshake, as machines without a clock or a socket. Both prove that they have the key.
 *
 *      acceptor                              dialler
 *         │ ── hello: versions, nonce, auth ──► │
 *         │ ◄── join: version, nonce, proof ─── │
 *         │ ── welcome: proof  (or refused) ──► │
 *
 * Invariants: a side is done at most once, and only with the key proved where it has one. A dialler that has a key never
 * talks to an acceptor that has not shown it: otherwise anybody in between could say `auth: none` and be believed.
 */
export interface HandshakeSide {
  /** What to send first; undefined where the other side begins. */
  begin(): HandshakeMessage | undefined;
  receive(message: WireMessage): HandshakeStep;
}

/** `reply` is to be sent in any case. */
export type HandshakeStep =
  | { readonly kind: 'more'; readonly reply: HandshakeMessage }
  | {
      readonly kind: 'done';
      readonly reply?: HandshakeMessage;
      readonly peer: Peer;
      /** The other side's cluster; empty for a client that named none. */
      readonly cluster: string;
      readonly version: number;
      /** The smaller of both limits. */
      readonly frameBytesMax: number;
      /** What both sides can. */
      readonly features: readonly string[];
      /** The message that was received belongs to the time after the handshake. */
      readonly unread?: WireMessage;
    }
  | { readonly kind: 'refuse'; readonly reply?: HandshakeMessage; readonly problem: Problem };

/** The versions that this process speaks, best first. */
export const VERSIONS: readonly number[] = [1];

/** What this process can take in `mpreg.v1` beyond what every process of version 1 can. */
export const FEATURES: readonly string[] = [PARTS, RUNS];

/** Less than this would not hold the messages of the mesh itself. */
export const FRAME_BYTES_MIN = 4096;

/** Base64url of 32 bytes. */
const NONCE = /^[\w-]{43}$/;

export interface AcceptorOptions {
  readonly node: { readonly id: NodeId; readonly name: string };
  readonly cluster: string;
  readonly key?: Uint8Array;
  /** Base64url of 32 random bytes, never used before. */
  readonly nonce: string;
  readonly digest: HandshakeDigest;
  readonly frameBytesMax: number;
  /** Whether the connection speaks JSON: then a client may skip the handshake, where no key is wanted. */
  readonly json: boolean;
  readonly bridges?: Bridges;
}

/**
 * With which clusters a hub has bridges: why not with this one; undefined: it has. Where it is absent, the node is no hub.
 * A problem's message completes "hub alpha of cluster blue …".
 */
export type Bridges = (cluster: string) => Pick<Problem, 'message' | 'hint'> | undefined;

export class Acceptor implements HandshakeSide {
  readonly #options: AcceptorOptions;
  readonly #hello: Hello;
  #over = false;

  constructor(options: AcceptorOptions) {
    this.#options = options;
    this.#hello = {
      auth: options.key === undefined ? 'none' : 'key',
      frameBytesMax: options.frameBytesMax,
      kind: 'hello',
      node: { cluster: options.cluster, id: options.node.id, name: options.node.name },
      nonce: options.nonce,
      versions: VERSIONS,
      ...(options.json ? {} : { features: FEATURES }),
      ...(options.bridges === undefined ? {} : { hub: true }),
    };
  }

  begin(): HandshakeMessage {
    return this.#hello;
  }

  receive(message: WireMessage): HandshakeStep {
    assert(!this.#over, 'nothing is given to a handshake that is over');
    this.#over = true;
    if (message.kind !== 'join') return this.#without(message);
    const refusal = this.#refusal(message);
    if (refusal !== undefined) return refuse(refusal);
    const { digest, key, frameBytesMax } = this.#options;
    return {
      cluster: message.cluster,
      features: shared(this.#hello, message),
      frameBytesMax: Math.min(frameBytesMax, message.frameBytesMax),
      kind: 'done',
      peer: message.peer,
      reply: { kind: 'welcome', ...(key && { proof: prove(digest, key, 'acceptor', this.#hello, message) }) },
      version: message.version,
    };
  }

  /** Somebody who does not answer the hello: on a connection of text and without a key, a client without a name. */
  #without(message: WireMessage): HandshakeStep {
    const { json, key, frameBytesMax } = this.#options;
    if (!json) return refuse(violated(`the first frame must be join, it is ${nameOf(message)}`));
    if (key !== undefined)
      return refuse(problem('key-missing', 'the first frame must be join with a proof of the key'));
    return {
      cluster: '',
      features: [],
      frameBytesMax,
      kind: 'done',
      peer: { name: 'anonymous', role: 'client' },
      unread: message,
      version: VERSIONS[0] as number,
    };
  }

  #refusal(join: Join): Problem | undefined {
    const { cluster, digest, key } = this.#options;
    if (!VERSIONS.includes(join.version)) {
      const spoken = VERSIONS.join(', ');
      return problem('version-unsupported', `version ${join.version} is wanted, this node speaks ${spoken}`);
    }
    if (!NONCE.test(join.nonce) || join.nonce === this.#hello.nonce) return violated('a nonce of its own is wanted');
    if (join.frameBytesMax < FRAME_BYTES_MIN) return violated(`frameBytesMax must be at least ${FRAME_BYTES_MIN}`);
    if (key !== undefined) {
      if (join.proof === undefined)
        return problem('key-missing', 'this node wants a key, and no proof of one was sent');
      if (!proves(digest, key, 'dialler', this.#hello, join, join.proof)) {
        return problem('key-wrong', 'the proof does not fit the key of this node');
      }
    }
    if (join.peer.role !== 'hub') return clusterRefusal(cluster, join.cluster, join.peer.role);
    if (join.peer.cluster !== join.cluster) {
      return violated(`a hub says that it is of ${join.peer.cluster}, and that it is of ${join.cluster || 'none'}`);
    }
    return this.#options.bridges === undefined
      ? noHub(this.#hello)
      : bridgeRefusal(this.#hello.node, join.cluster, this.#options.bridges);
  }
}

export interface DiallerOptions {
  /** Who dials. */
  readonly peer: Peer;
  /** What was dialled, which is where the acceptor can be found. */
  readonly address: string;
  /** Needed for a peer; a client without one takes any. */
  readonly cluster?: string;
  readonly key?: Uint8Array;
  /** Base64url of 32 random bytes, never used before. */
  readonly nonce: string;
  readonly digest: HandshakeDigest;
  readonly frameBytesMax: number;
  /** Those of a hub. */
  readonly bridges?: Bridges;
}

export class Dialler implements HandshakeSide {
  readonly #options: DiallerOptions;
  /** What was said so far; set once the acceptor's hello was answered. */
  #said: { readonly hello: Hello; readonly join: Join } | undefined;
  #over = false;

  constructor(options: DiallerOptions) {
    this.#options = options;
  }

  begin(): undefined {
    return undefined;
  }

  receive(message: WireMessage): HandshakeStep {
    assert(!this.#over, 'nothing is given to a handshake that is over');
    const step = this.#step(message);
    this.#over = step.kind !== 'more';
    return step;
  }

  #step(message: WireMessage): HandshakeStep {
    if (message.kind === 'refused' || message.kind === 'goaway') return { kind: 'refuse', problem: message.problem };
    if (this.#said === undefined) {
      return message.kind === 'hello'
        ? this.#join(message)
        : leave(violated(`hello is wanted, ${nameOf(message)} came`));
    }
    if (message.kind !== 'welcome') return leave(violated(`welcome is wanted, ${nameOf(message)} came`));
    return this.#finish(this.#said.hello, this.#said.join, message.proof);
  }

  #join(hello: Hello): HandshakeStep {
    const { cluster = '', digest, frameBytesMax, key, nonce, peer } = this.#options;
    const version = VERSIONS.find((spoken) => hello.versions.includes(spoken));
    if (version === undefined) {
      const [theirs, ours] = [hello.versions.join(', '), VERSIONS.join(', ')];
      return leave(problem('version-unsupported', `the node speaks ${theirs || 'none'}, this side ${ours}`));
    }
    const refusal = this.#refusal(hello) ?? this.#elsewhere(hello);
    if (refusal !== undefined) return leave(refusal);
    const features = FEATURES.filter((feature) => hello.features?.includes(feature));
    const can = features.length > 0 ? { features } : {};
    const unproved: Join = { cluster, frameBytesMax, kind: 'join', nonce, peer, version, ...can };
    const join = key === undefined ? unproved : { ...unproved, proof: prove(digest, key, 'dialler', hello, unproved) };
    this.#said = { hello, join };
    return { kind: 'more', reply: join };
  }

  #refusal(hello: Hello): Problem | undefined {
    const { key, nonce } = this.#options;
    if (!NONCE.test(hello.nonce) || hello.nonce === nonce) return violated('a nonce of its own is wanted');
    if (hello.frameBytesMax < FRAME_BYTES_MIN) return violated(`frameBytesMax must be at least ${FRAME_BYTES_MIN}`);
    if (hello.auth === 'key' && key === undefined)
      return about('key-missing', hello, 'wants a key, and none was given');
    if (hello.auth === 'none' && key !== undefined) {
      return about('key-wrong', hello, 'asks for no key, so it cannot prove that it has ours; it is not talked to');
    }
    return undefined;
  }

  /** Whether the acceptor's cluster is none for whoever dials. */
  #elsewhere(hello: Hello): Problem | undefined {
    const { bridges = () => undefined, cluster = '', peer } = this.#options;
    if (peer.role !== 'hub') return clusterRefusal(hello.node.cluster, cluster, peer.role);
    if (hello.hub === undefined) return noHub(hello);
    return bridgeRefusal({ cluster, name: peer.name }, hello.node.cluster, bridges);
  }

  #finish(hello: Hello, join: Join, proof: string | undefined): HandshakeStep {
    const { address, digest, key, peer } = this.#options;
    if (key !== undefined && !(proof !== undefined && proves(digest, key, 'acceptor', hello, join, proof))) {
      return leave(about('key-wrong', hello, 'did not prove that it has the key'));
    }
    const { cluster, id, name } = hello.node;
    return {
      cluster,
      features: shared(hello, join),
      frameBytesMax: Math.min(hello.frameBytesMax, join.frameBytesMax),
      kind: 'done',
      peer: peer.role === 'hub' ? { address, cluster, id, name, role: 'hub' } : { address, id, name, role: 'peer' },
      version: join.version,
    };
  }
}

function shared(hello: Hello, join: Join): readonly string[] {
  return join.features?.filter((feature) => hello.features?.includes(feature)) ?? [];
}

/** Members must be of one cluster; clients only where they name one. */
function clusterRefusal(acceptors: string, diallers: string, role: Peer['role']): Problem | undefined {
  if (acceptors === diallers || (role === 'client' && diallers === '')) return undefined;
  return problem('cluster-wrong', `the node belongs to cluster ${acceptors}, the ${role} to ${diallers || 'none'}`);
}

function noHub({ node }: Hello): Problem {
  const hint = `Dial a hub of cluster ${node.cluster}, or make that node one.\nmpreg node start --help`;
  return problem('cluster-wrong', `node ${node.name} of cluster ${node.cluster} is no hub`, { hint });
}

/** Two hubs meet where they are of different clusters, and each has bridges with the other's. */
function bridgeRefusal(
  own: { readonly name: string; readonly cluster: string },
  cluster: string,
  bridges: Bridges,
): Problem | undefined {
  if (own.cluster === cluster) {
    const hint = 'Give the link an address of the other cluster.\nmpreg federation link --help';
    return problem('cluster-wrong', `both hubs are of cluster ${cluster}, whose nodes meet as members`, { hint });
  }
  const why = bridges(cluster);
  if (why === undefined) return undefined;
  const hint = why.hint === undefined ? {} : { hint: why.hint };
  return problem('cluster-wrong', `hub ${own.name} of cluster ${own.cluster} ${why.message}`, hint);
}

/** The acceptor says why. */
function refuse(why: Problem): HandshakeStep {
  return { kind: 'refuse', problem: why, reply: { kind: 'refused', problem: why } };
}

/** The dialler hangs up. */
function leave(why: Problem): HandshakeStep {
  return { kind: 'refuse', problem: why };
}

function violated(message: string): Problem {
  return problem('protocol-violated', `handshake: ${message}`);
}

function about(code: ProblemCode, { node }: Hello, says: string): Problem {
  return problem(code, `node ${node.name} (${node.id}) ${says}`);
}

function nameOf(message: WireMessage): string {
  return message.kind === 'unknown' ? `a frame of the unknown kind ${message.code}` : message.kind;
}
