import type { Address, NodeId } from '../base/ids.ts';

/** A function as its node offers it. */
export interface FunctionRecord {
  readonly name: string;
  /** Semantic version, `1.0.0` where its author gave none; built-in ones are `0.0.0`, so that a user's own wins. */
  readonly version: string;
  /** For those who mean exactly this implementation, whatever its version. */
  readonly functionId?: string;
  /** What it needs or has beyond what its node has: datasets, GPUs, regions. */
  readonly resources: readonly string[];
  readonly description?: string;
  /** Whether running it twice does no more than running it once; only then are unknown outcomes repeated. */
  readonly idempotent?: boolean;
  /** How long a run may take, in milliseconds, where the caller does not say. */
  readonly timeoutMs?: number;
  /** What it takes and returns, in short, for people: `(string, {price: number}) → number`. */
  readonly signature?: string;
}

/** Topics whose messages a node keeps. */
export interface KeepRecord {
  readonly pattern: string;
  /** It ends with its node's life. */
  readonly memory?: true;
}

/** A place on the globe, in degrees. */
export interface Coordinates {
  readonly latitude: number;
  readonly longitude: number;
}

/**
 * What a node says of itself. It alone writes it; everybody else keeps the newest version they have seen.
 * Fields that this version of mpreg does not know are kept and passed on.
 */
export interface NodeRecord {
  readonly id: NodeId;
  /** Grows with every change, also across restarts: epoch × 2²⁰ + count. */
  readonly version: number;
  readonly name: string;
  readonly cluster: string;
  readonly region?: string;
  readonly coordinates?: Coordinates;
  /** Where it listens, best first. */
  readonly addresses: readonly Address[];
  readonly resources: readonly string[];
  readonly functions: readonly FunctionRecord[];
  /** How busy: ⌈log2(1 + functions running)⌉, at most 10. Coarse on purpose: it is told to everybody. */
  readonly load: number;
  readonly state: 'active' | 'draining';
  /** The version of what it listens to; absent where it never listened to anything. */
  readonly interest?: number;
  /** It keeps its queues on disk. */
  readonly durable?: true;
  /** The topics whose messages it keeps; absent where it keeps none. */
  readonly keeps?: readonly KeepRecord[];
  /** The version of mpreg that it runs. */
  readonly software: string;
}
