/**
 * The doors between a node and the real world. Each has one adapter for real use, one in memory, and one contract suite
 * in `test/contract/` that both pass. Only `create-node.ts` names concrete adapters.
 */

import type { Address, TaskId } from '../core/base/ids.ts';
import type { Instant } from '../core/base/instant.ts';
import type { Outcome } from '../core/base/outcome.ts';
import type { Payload } from '../core/base/payload.ts';
import type { Problem } from '../core/base/problems.ts';
import type { FunctionRecord } from '../core/directory/record.ts';
import type { Write } from '../core/node/effects.ts';
import type { LoadAsk, Loaded, Opened, QueueWrite, StoredMessage } from '../core/queues/effects.ts';
import type { DeadInfo } from '../core/queues/messages.ts';
import type { MessageLog, StoredKeep } from '../flow/message-log.ts';
import type { RetainedStore } from '../flow/retained-flow.ts';

/** Time that never goes back, in whole milliseconds. */
export interface Clock {
  now(): Instant;
  /** Calls `wake` at or shortly after `at`; a new call replaces the last one. One timer per node. */
  wakeAt(at: Instant, wake: () => void): void;
  stop(): void;
}

/** Chance from outside. */
export interface Entropy {
  bytes(count: number): Uint8Array;
  /** A whole number of 53 bits. */
  seed(): number;
}

/** Secrets: keyed hashes for the handshake. */
export interface Digest {
  hmac(key: Uint8Array, text: string): Uint8Array;
  /** Compares in a time that does not depend on where they differ. */
  equal(a: Uint8Array, b: Uint8Array): boolean;
}

export type Subprotocol = 'mpreg.v1' | 'mpreg.v1.json';

/** What a connection tells its owner, which sets it once, at once. */
export interface ConnectionEvents {
  /** One WebSocket message: bytes in `mpreg.v1`, text in `mpreg.v1.json`. */
  message(data: Uint8Array | string): void;
  /** `buffered` fell below the transport's low-water mark after `send` had answered false. */
  drained(): void;
  /** The last event, exactly once, whoever closed. */
  closed(reason: string): void;
}

/** An open connection: ordered, reliable, made of whole messages. */
export interface Connection {
  readonly protocol: Subprotocol;
  /** For logs and limits: `127.0.0.1:51234`. */
  readonly remote: string;
  /** Bytes handed over and not yet taken by the operating system. */
  readonly buffered: number;
  /** Whether nobody reads the memory of what was sent any more, so that it may be written again. Absent: nobody knows. */
  readonly isCopied?: boolean;
  own(events: ConnectionEvents): void;
  /** Takes no message that is larger, in bytes, in place of what was said when it was opened. From the next one on. */
  limit(messageBytesMax: number): void;
  /**
   * Takes the message in any case. False where more than `bufferedMax` bytes (default: the transport's own high-water mark)
   * are buffered now: the sender should wait for `drained`. After `closed` it does nothing.
   */
  send(data: Uint8Array | string, bufferedMax?: number): boolean;
  /** Stops reading, so that the other side feels backpressure. */
  pause(): void;
  resume(): void;
  /** Sends what is buffered, then closes. */
  close(reason: string): void;
  /** Closes now; what is buffered is lost. */
  destroy(reason: string): void;
}

export interface TlsOptions {
  /** PEM texts. */
  readonly cert?: string;
  readonly key?: string;
  readonly ca?: string;
  /** Whether clients and peers must show a certificate signed by `ca`. */
  readonly clientCertificates?: boolean;
}

export interface ListenOptions {
  /** `127.0.0.1`, `::1`, `0.0.0.0`, … */
  readonly host: string;
  /** 0: chosen by the system. */
  readonly port: number;
  /** Largest WebSocket message taken, in bytes; a larger one closes the connection before it is read. */
  readonly messageBytesMax: number;
  /** Connections at once; one more is refused and counted. */
  readonly connectionsMax: number;
  /** Time for the WebSocket upgrade, in milliseconds; slower ones are cut off and counted. */
  readonly upgradeMsMax: number;
  /** Browsers' pages that may connect; without a key, only those served from loopback. */
  readonly origins?: readonly string[];
  readonly tls?: TlsOptions;
  accept(connection: Connection): void;
  /** Something was cut off before it became a connection; for the counters. */
  refused?(reason: string): void;
  /** Answers plain HTTP on the same port; 404 where absent. */
  http?: HttpHandler;
}

/** Small on purpose: health, metrics, and later the gateways. */
export type HttpHandler = (
  request: import('node:http').IncomingMessage,
  response: import('node:http').ServerResponse,
) => void;

export interface Listener {
  /** The port that was taken. */
  readonly port: number;
  readonly url: Address;
  close(): Promise<void>;
}

export interface DialOptions {
  readonly protocol: Subprotocol;
  readonly timeoutMs: number;
  readonly messageBytesMax: number;
  readonly signal?: AbortSignal;
  readonly tls?: TlsOptions;
}

/** Why a dial failed. `refused`: a machine answered that nobody listens there. */
export class DialError extends Error {
  override readonly name = 'DialError';
  readonly refused: boolean;

  constructor(message: string, refused: boolean) {
    super(message);
    this.refused = refused;
  }
}

export interface Transport {
  /** Rejects with a `ProblemError` (`address-in-use`, …). */
  listen(options: ListenOptions): Promise<Listener>;
  /** Rejects with a `DialError`. */
  dial(address: Address, options: DialOptions): Promise<Connection>;
}

/** The node's own small durable map. */
export interface Store {
  read(key: string): string | undefined;
  /** All pairs whose key begins with `prefix`, in the order of the keys. */
  list(prefix: string): readonly (readonly [key: string, value: string])[];
  /**
   * Resolves when the writes would survive a crash of the machine; writes of one commit are stored together or not at
   * all, commits in order. Commits made in one turn of the loop share one transaction (group commit).
   * Rejects with a `ProblemError` (`store-failed`).
   */
  commit(writes: readonly Write[]): Promise<void>;
  close(): Promise<void>;
}

/** Where kept messages are: the port itself is flow's (`flow/message-log.ts`), for both worlds. */
export interface MessageLogs {
  /** Absent on a node without a data directory. */
  readonly disk?: MessageLog;
  readonly memory: MessageLog;
  /** What is on the disk when the node begins. */
  readonly stored: readonly StoredKeep[];
  /** For what is retained; absent on a node without a data directory. */
  readonly retained?: RetainedStore;
  close(): Promise<void>;
}

/** A function to be run. */
export interface Job {
  readonly task: TaskId;
  readonly fun: string;
  readonly step?: string;
  /** How many calls it is nested in; absent: in none. */
  readonly depth?: number;
  /** Items are made only as `more` says that others were taken. */
  readonly paced?: boolean;
  readonly deadline: Instant;
  /** Holds `Arguments`. */
  readonly payload: Payload;
}

export interface JobEvents {
  item(task: TaskId, payload: Payload): void;
  /** Exactly once per job, unless the runner was closed. */
  ran(task: TaskId, outcome: Outcome<Payload>): void;
}

/** Where functions run. Never on the node's own loop, trivial built-in ones apart. */
export interface Runner {
  readonly functions: readonly FunctionRecord[];
  own(events: JobEvents): void;
  run(job: Job): void;
  /** Tells the function that it is no longer wanted. Its `ran` still comes, with `cancelled` where it stopped for it. */
  abort(task: TaskId, reason: string): void;
  /** So many items of a paced job were taken. */
  more(task: TaskId, items: number): void;
  /** Ends all workers; jobs still running after `graceMs` are cut off. */
  close(graceMs: number): Promise<void>;
}

/** A message with its content, as a consumer gets it. */
export interface QueueContent {
  readonly content: Uint8Array;
  /** Of a dead letter. */
  readonly dead?: DeadInfo;
}

export interface LoadedRows extends Loaded {
  /** Of some of the messages, in their order, what was read along with them: they will be received soon. */
  readonly contents?: readonly (Uint8Array | undefined)[];
}

/**
 * Where the messages of a node's queues are.
 *
 * It answers in the order in which it was asked, reads and writes alike: what was read shows all writes that were asked
 * for before, and none that was asked for later.
 */
export interface QueueStore {
  /** `memory`: it survives nothing. */
  readonly durability: 'disk' | 'memory';
  /** Set by whoever uses it: told why nothing should be added (what removes is still taken), and of nothing once there is room. */
  onRoom?: (why: Problem | undefined) => void;
  /** What it holds. Rejects with `store-corrupt`, `data-in-use`, … */
  open(): Promise<Opened>;
  /**
   * Resolves when the writes would survive a crash of the machine: all of them or none. Contents are bytes. Rejects with a
   * `ProblemError` (`store-failed`): then nothing of it is stored.
   */
  commit(writes: readonly QueueWrite[]): Promise<void>;
  load(queue: number, ask: LoadAsk): Promise<LoadedRows>;
  /** By id; those that are gone are missing. */
  contents(queue: number, ids: readonly number[]): Promise<ReadonlyMap<number, QueueContent>>;
  /** Up to `limit` messages after an id, in the order of their ids. */
  list(
    queue: number,
    after: number,
    limit: number,
  ): Promise<readonly { readonly message: StoredMessage; readonly content: Uint8Array }[]>;
  /** When the oldest message was sent; undefined where there is none. */
  oldestAt(queue: number): Promise<Instant | undefined>;
  close(): Promise<void>;
}
