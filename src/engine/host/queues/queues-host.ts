/**
 * The queues of one node in the real world: their machine asks, storage and whoever asked answer.
 *
 *     function ── ask ──► the node's queues ── persist, load ──► storage
 *              ◄─ reply ──                  ◄── persisted, loaded ──
 *
 * It decides nothing. Contents are added to what consumers get here: the machine never sees them.
 */
import { done, failed, type Outcome } from '../../core/base/outcome.ts';
import type { Problem } from '../../core/base/problems.ts';
import type { WantedByQueues } from '../../core/node/effects.ts';
import type { Parcel, QueuesInput, QueueWrite, StoredMessage } from '../../core/queues/effects.ts';
import type { Lease, QueueCommand, QueueReply, Sent } from '../../core/queues/messages.ts';
import type { Taken } from '../../core/queues/move.ts';
import type { QueueOptions } from '../../core/queues/options.ts';
import { ProblemError, problemError } from '../../problem-error.ts';
import type { LoadedRows, QueueContent, QueueStore } from '../ports.ts';
import { orders } from './arguments.ts';
import { ContentCache } from './content-cache.ts';

export interface QueuesHostParts {
  readonly store: QueueStore;
  readonly input: (input: QueuesInput) => void;
  readonly wallClock: () => number;
  readonly log: (level: 'warn' | 'error', message: string) => void;
}

/** What a consumer gets. */
export interface Delivered {
  readonly lease: Lease;
  readonly content: QueueContent;
}

interface Asked {
  readonly resolve: (reply: QueueReply) => void;
  readonly reject: (error: ProblemError) => void;
}

/** Something became of a queue of this node. */
export type QueueChange = { readonly kind: 'opened' | 'created' | 'edited' | 'deleted'; readonly queue: string };

/** Tells another node something of queues that move. */
export type Carry = (to: string, parcel: Parcel) => Promise<Taken>;

export class QueuesHost {
  readonly #parts: QueuesHostParts;
  readonly #asked = new Map<number, Asked>();
  readonly #cache = new ContentCache(CACHE_BYTES);
  /** Read along with messages that will be received soon. */
  readonly #ahead = new ContentCache(AHEAD_BYTES);
  readonly #listeners = new Set<(change: QueueChange) => void>();
  /** Contents of receives that were answered, on their way. */
  readonly #fetched = new Map<QueueReply, Promise<readonly (QueueContent | undefined)[]>>();
  /** By name. */
  readonly #options = new Map<string, QueueOptions>();
  /** The name of each queue, by its number. */
  readonly #names = new Map<number, string>();
  #requests = 0;
  #closed = false;
  /** Between `read` and `open`. */
  #stored: Awaited<ReturnType<QueueStore['open']>> | undefined;
  /** Set before it is opened. */
  carry: Carry = () => Promise.reject(problemError('node-stopping', 'the node is only starting'));

  constructor(parts: QueuesHostParts) {
    this.#parts = parts;
  }

  get store(): QueueStore {
    return this.#parts.store;
  }

  get wallClock(): () => number {
    return this.#parts.wallClock;
  }

  /** Of a queue of this node. */
  optionsOf(queue: string): QueueOptions | undefined {
    return this.#options.get(queue);
  }

  /** What is stored; the names of the queues that are here. Rejects with `store-corrupt`, `data-in-use`, … */
  async read(): Promise<readonly string[]> {
    const { store, input } = this.#parts;
    store.onRoom = (why) => {
      if (why !== undefined) this.#why(new ProblemError(why));
      input({ kind: 'room', ...(why !== undefined && { problem: why }) });
    };
    this.#stored = await store.open();
    return this.#stored.queues.flatMap(({ move, name }) => (move?.role === 'arriving' ? [] : name));
  }

  /** Begins with what was read. */
  open(): void {
    const { input, wallClock } = this.#parts;
    const stored = this.#stored;
    if (stored === undefined) throw new TypeError('what is stored is read first');
    this.#stored = undefined;
    input({ kind: 'opened', ...stored, wallMs: wallClock() });
    for (const { name, number, options } of stored.queues) {
      this.#options.set(name, options);
      this.#names.set(number, name);
    }
    for (const { name, move } of stored.queues) {
      if (move?.role !== 'arriving') this.#changed({ kind: 'opened', queue: name });
    }
  }

  /** Calls `listener` with every change from now on; the answer ends that. */
  onChange(listener: (change: QueueChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** As `mpreg.queue.send`, without a call. Rejects with a `ProblemError`. */
  async send(queue: string, messages: readonly object[]): Promise<readonly Sent[]> {
    const given = orders(messages, this.optionsOf(queue) ?? { dedupe: 'id' });
    const reply = await this.ask({ kind: 'send', orders: given, queue });
    return reply.kind === 'sent' ? reply.results : [];
  }

  /** Rejects with a `ProblemError`. Where it is aborted before it is answered, it may never settle. */
  ask(command: QueueCommand, signal?: AbortSignal): Promise<QueueReply> {
    const request = ++this.#requests;
    const answer = new Promise<QueueReply>((resolve, reject) => this.#asked.set(request, { reject, resolve }));
    this.#parts.input({ command, kind: 'ask', request });
    if (signal !== undefined && this.#asked.has(request)) {
      const cancel = () => this.#cancel(request);
      if (signal.aborted) cancel();
      else signal.addEventListener('abort', cancel, { once: true });
      const done = () => signal.removeEventListener('abort', cancel);
      answer.then(done, done);
    }
    return CHANGES.has(command.kind) ? answer.then((reply) => this.#noted(command, reply)) : answer;
  }

  /** What another node says of queues that move here. Rejects with a `ProblemError`. */
  async take(parcel: Parcel): Promise<Taken> {
    const request = ++this.#requests;
    const answer = new Promise<QueueReply>((resolve, reject) => this.#asked.set(request, { reject, resolve }));
    this.#parts.input({ kind: 'take', parcel, request });
    const reply = await answer;
    return reply.kind === 'taken' ? reply.taken : { state: 'unknown' };
  }

  /** What a receive brought, with its contents. What has gone meanwhile is left out. */
  async contents(reply: Extract<QueueReply, { kind: 'received' }>): Promise<readonly Delivered[]> {
    const fetched = this.#fetched.get(reply);
    this.#fetched.delete(reply);
    const contents = await fetched;
    const delivered: Delivered[] = [];
    for (const [i, lease] of reply.leases.entries()) {
      const content = contents?.[i];
      if (content !== undefined) delivered.push({ content, lease });
    }
    return delivered;
  }

  carryOut(effect: WantedByQueues): void {
    const { store, input } = this.#parts;
    switch (effect.kind) {
      case 'persist':
        this.#remember(effect.writes);
        store.commit(effect.writes).then(
          () => {
            input({ fence: effect.fence, kind: 'persisted' });
            this.#moved(effect.writes);
          },
          (error: unknown) => input({ fence: effect.fence, kind: 'refused', problem: this.#why(error) }),
        );
        break;
      case 'load':
        this.#load(effect);
        break;
      case 'ship': {
        const { ship } = effect;
        this.carry(effect.to, effect.parcel).then(
          (taken) => input({ kind: 'shipped', outcome: done(taken), ship }),
          (error: unknown) => input({ kind: 'shipped', outcome: failed(problemOf(error)), ship }),
        );
        break;
      }
      case 'reply':
        this.#answer(effect.request, effect.outcome);
        break;
    }
  }

  close(): Promise<void> {
    this.#closed = true;
    const why = problemError('node-stopping', 'the node is stopping');
    for (const { reject } of this.#asked.values()) reject(why);
    this.#asked.clear();
    return this.#parts.store.close();
  }

  /** Why again where it could not be read: the queue waits for it, asks for nothing else meanwhile, and would stand still for good. */
  #load(effect: Extract<WantedByQueues, { kind: 'load' }>, pauseMs = AGAIN_MS): void {
    const { ask, load, queue } = effect;
    this.#parts.store.load(queue, ask).then(
      ({ contents, ...loaded }) => {
        this.#keep(queue, loaded.messages, contents);
        this.#parts.input({ kind: 'loaded', load, loaded });
      },
      (error: unknown) => {
        if (this.#closed) return;
        this.#why(error);
        setTimeout(() => this.#closed || this.#load(effect, Math.min(2 * pauseMs, AGAIN_MS_MAX)), pauseMs).unref();
      },
    );
  }

  #cancel(request: number): void {
    this.#parts.input({ kind: 'cancel', request });
    this.#asked.get(request)?.reject(problemError('cancelled', 'nobody waits for it any more'));
    this.#asked.delete(request);
  }

  #answer(request: number, outcome: Outcome<QueueReply>): void {
    const asked = this.#asked.get(request);
    this.#asked.delete(request);
    if (outcome.ok && outcome.value.kind === 'received') this.#received(outcome.value, asked !== undefined);
    if (outcome.ok) asked?.resolve(outcome.value);
    else asked?.reject(new ProblemError(outcome.problem));
  }

  /** Why contents are asked for at once: what comes later may remove them. Nobody is there any more: it was not received. */
  #received(reply: Extract<QueueReply, { kind: 'received' }>, isWanted: boolean): void {
    const { queue, leases } = reply;
    if (isWanted) this.#fetched.set(reply, this.#fetch(queue, leases));
    else if (leases.length > 0) this.#parts.log('warn', `a receive of ${leases.length} messages came too late`);
  }

  /** One for each lease; undefined where it is gone. */
  async #fetch(queue: number, leases: readonly Lease[]): Promise<readonly (QueueContent | undefined)[]> {
    const missing = new Set<number>();
    const found = leases.map(({ contentId, id }) => {
      const ahead = this.#ahead.take(queue, contentId);
      const content = (contentId === id ? this.#cache.take(queue, id) : undefined) ?? ahead;
      if (content === undefined) missing.add(contentId);
      return content === undefined ? undefined : { content };
    });
    if (missing.size === 0) return found;
    const stored = await this.#parts.store.contents(queue, [...missing]);
    return found.map((one, i) => one ?? stored.get(leases[i]?.contentId ?? 0));
  }

  /** What is stored of moves changes which queues are here. */
  #moved(writes: readonly QueueWrite[]): void {
    for (const write of writes) {
      if (write.kind === 'queue') this.#renamed(write);
      const queue = this.#names.get(write.queue);
      if (queue === undefined) continue;
      if (write.kind === 'move' && write.move === null) this.#changed({ kind: 'opened', queue });
      if (write.kind !== 'drop') continue;
      this.#names.delete(write.queue);
      this.#changed({ kind: 'deleted', queue });
    }
  }

  #renamed({ name, options, queue }: Extract<QueueWrite, { kind: 'queue' }>): void {
    const before = this.#names.get(queue);
    if (before === undefined || before === name) return;
    this.#options.delete(before);
    this.#options.set(name, options);
    this.#names.set(queue, name);
    this.#changed({ kind: 'deleted', queue: before });
    this.#parts.log('warn', `${options.tags['aside'] ?? before}: what was here of it is kept as ${name}`);
  }

  /** Why nothing of what arrives with a move is kept for its receivers: nobody receives it soon, and it is a lot. */
  #remember(writes: readonly QueueWrite[]): void {
    const arriving = writes.some((write) => write.kind === 'move' && write.move?.role === 'arriving');
    for (const write of writes) {
      if (write.kind === 'queue') {
        if ((this.#names.get(write.queue) ?? write.name) !== write.name) continue; // it gets its other name once that is stored
        this.#options.set(write.name, write.options);
        this.#names.set(write.queue, write.name);
      } else if (write.kind === 'insert' && !arriving)
        this.#cache.put(write.queue, write.message.seq, write.content as Uint8Array);
      else if (write.kind === 'drop' || write.kind === 'purge') this.#forget(write.queue);
      if (write.kind === 'drop') this.#options.delete(this.#names.get(write.queue) ?? '');
    }
  }

  #keep(queue: number, messages: readonly StoredMessage[], contents: LoadedRows['contents']): void {
    for (const [i, content] of (contents ?? []).entries()) {
      if (content !== undefined) this.#ahead.put(queue, messages[i]?.seq ?? 0, content);
    }
  }

  #forget(queue: number): void {
    this.#cache.forget(queue);
    this.#ahead.forget(queue);
  }

  #noted(command: QueueCommand, reply: QueueReply): QueueReply {
    const kind = CHANGES.get(command.kind);
    if (kind !== undefined && 'queue' in command) this.#changed({ kind, queue: command.queue });
    return reply;
  }

  #changed(change: QueueChange): void {
    for (const listener of this.#listeners) listener(change);
  }

  #why(error: unknown): Problem {
    const why = problemOf(error);
    this.#parts.log('error', `the store of queues refused: ${why.message}`);
    return why;
  }
}

function problemOf(error: unknown): Problem {
  return error instanceof ProblemError ? error.problem : problemError('store-failed', String(error)).problem;
}

const CHANGES: ReadonlyMap<QueueCommand['kind'], QueueChange['kind']> = new Map([
  ['create', 'created'],
  ['edit', 'edited'],
  ['delete', 'deleted'],
]);

/** Trade-off: more is fewer reads from disk; less is less memory. */
const CACHE_BYTES = 16 * 2 ** 20;
/** Room for what two loads bring, where messages are not large. */
const AHEAD_BYTES = 16 * 2 ** 20;
/** Pauses before what could not be read is asked for again, from the first to the longest. */
const AGAIN_MS = 500;
const AGAIN_MS_MAX = 60_000;
