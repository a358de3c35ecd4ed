import type { DialId, LinkId } from '../core/base/ids.ts';
import { type Instant, NEVER } from '../core/base/instant.ts';
import type { Problem } from '../core/base/problems.ts';
import type { Explanation } from '../core/calls/explain.ts';
import type { Wish } from '../core/calls/placement.ts';
import type { NodeEffect, NodeEvent } from '../core/node/effects.ts';
import type { Message, NodeInput } from '../core/node/inputs.ts';
import type { NodeSnapshot } from '../core/node/snapshot.ts';
import type { Exchange } from '../core/topics/exchange.ts';
import { isFlow } from '../core/topics/message-kinds.ts';
import type { Delivery } from '../flow/delivery.ts';
import { TopicsFlow } from '../flow/topics-flow.ts';
import { ProblemError, problemError } from '../problem-error.ts';
import { wallClock } from './clock.ts';
import { causeOf } from './functions/running-job.ts';
import { guarded } from './guarded.ts';
import type { Log, NodeHostParts } from './node-host-parts.ts';
import { peerName } from './peer-name.ts';
import { type Connection, DialError } from './ports.ts';
import { QueuesHost } from './queues/queues-host.ts';
import { shorter } from './shorter.ts';
import { textOf } from './text-of.ts';
import { CLOSE_MS_MAX } from './transports/buffering.ts';
import { WireCounters } from './wire-counters.ts';
import { WireLink, type WireLinkEvents } from './wire-link.ts';

export type { Log, NodeHostParts };

/**
 * The real world of one node: one loop and one timer.
 *
 * A turn: an input goes into the node, its effects are executed in order, and what they cause at once becomes the next
 * input. Nothing here decides anything about the mesh; everything that awaits is here.
 *
 * Invariant: the node is never entered while it is being served; inputs that come meanwhile wait their turn.
 */
export class NodeHost {
  readonly counters = new WireCounters();
  readonly topics: TopicsFlow;
  readonly queues: QueuesHost;
  /** Why the last dial came to nothing; a refusal by whoever was there, if it was one. */
  lastFailure: string | undefined;
  lastRefusal: Problem | undefined;
  /** Hears of each call that ends with a problem for a client of this node. */
  onFailure: (about: Problem) => void = () => undefined;
  /** Resolves when the node has stopped and everything is closed. Rejects with `internal` where a bug has ended it. */
  readonly stopped: Promise<void>;
  readonly #parts: NodeHostParts;
  readonly #log: Log;
  readonly #links = new Map<LinkId, WireLink>();
  readonly #listeners = new Set<(event: NodeEvent) => void>();
  readonly #inputs: NodeInput[] = [];
  /** Streams that were answered with an error by this host; the node is about to hear that they are cancelled. */
  readonly #ended = new Set<string>();
  #started: { readonly resolve: () => void; readonly reject: (error: unknown) => void } | undefined;
  #nextLink = 1;
  #serving = false;
  #armedFor = NEVER;
  /** The instant of the messages of this turn. */
  #messagesAt: Instant | undefined;
  #turnEnds = false;
  #stopping = false;
  /** A bug has shown itself: half of a turn was done, so nothing more is. */
  #failure: ProblemError | undefined;
  #lastLinkClosed: () => void = () => undefined;
  #settleStopped: () => void = () => undefined;

  constructor(parts: NodeHostParts) {
    this.#parts = parts;
    this.#log = guarded(parts.log, () => undefined);
    this.stopped = new Promise((resolve, reject) => {
      this.#settleStopped = () => (this.#failure === undefined ? resolve() : reject(this.#failure));
    });
    this.stopped.catch(() => undefined); // whoever wants to know asks
    const { node } = parts;
    this.topics = new TopicsFlow({
      ...parts.messages,
      exchange: () => node.exchange as Exchange<Delivery> | undefined,
      federation: () => node.abroad,
      input: (input) => this.input(input),
      isAlive: (id) => node.isAlive(id),
      later: (ms, then) => void setTimeout(then, ms).unref(),
      life: `${node.snapshot(0).record.name}-${wallClock().toString(36)}`,
      linkTo: (id) => node.linkTo(id),
      wallClock,
    });
    this.queues = new QueuesHost({
      input: (input) => this.input({ input, kind: 'queue' }),
      log: this.#log,
      store: parts.queues,
      wallClock,
    });
    parts.runner.own({
      item: (task, payload) => this.input({ kind: 'item', payload, task }),
      ran: (task, outcome) => this.input({ kind: 'ran', outcome, task }),
    });
  }

  /** Begins. Resolves when the node speaks; rejects with `store-failed` where its epoch cannot be stored. */
  start(epoch: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#started = { reject, resolve };
      this.topics.kept.keeper.announce();
      this.input({ epoch, kind: 'start' });
    });
  }

  get now(): Instant {
    return this.#parts.clock.now();
  }

  snapshot(): NodeSnapshot {
    return this.#parts.node.snapshot(this.#parts.clock.now());
  }

  explain(wish: Wish, tried: readonly string[]): Explanation {
    return this.#parts.node.explain(wish, tried, this.#parts.clock.now());
  }

  /** Calls `listener` for every event from now on; the answer ends that. */
  onEvent(listener: (event: NodeEvent) => void): () => void {
    const safe = guarded(listener, (error) => this.#log('error', `a listener threw: ${textOf(error)}`));
    this.#listeners.add(safe);
    return () => this.#listeners.delete(safe);
  }

  input(input: NodeInput): void {
    if (this.#failure !== undefined) return;
    if (this.#serving) {
      this.#inputs.push(input);
      return;
    }
    this.#serving = true;
    try {
      this.#serve(input);
      for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) this.#serve(next);
      if (!this.#turnEnds) {
        this.#turnEnds = true;
        queueMicrotask(() => this.#endTurn());
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#serving = false;
    }
  }

  #serve(input: NodeInput): void {
    const { node } = this.#parts;
    node.step(input, this.#instantOf(input));
    for (const effect of node.drain()) this.#execute(effect);
    if (this.#ended.size > 0) this.#forgetEnded(input);
  }

  /**
   * Why one instant for all messages that arrived together: they did, and no function of a user's runs between them; the
   * clock and the timer are asked once for a batch, which saves a twentieth of a call's time.
   */
  #instantOf({ kind }: NodeInput): Instant {
    if (kind !== 'message') return this.#parts.clock.now();
    this.#messagesAt ??= this.#parts.clock.now();
    return this.#messagesAt;
  }

  #endTurn(): void {
    this.#turnEnds = false;
    this.#messagesAt = undefined;
    if (this.#failure === undefined) this.#arm();
  }

  /** A connection that somebody opened to this node. */
  accept(connection: Connection): void {
    const { doors } = this.#parts;
    this.#open(connection, doors.acceptorOptions(connection), undefined);
  }

  /** Closes everything at once, without a word to anybody. */
  kill(): void {
    for (const link of [...this.#links.values()]) link.connection.destroy('the node was killed');
    void this.#close(0);
  }

  /** The node cannot be trusted any more: others find it gone, as after a crash. */
  #fail(error: unknown): void {
    const why = problemError('internal', `the node ended by a bug: ${textOf(error)}`, { cause: causeOf(error) });
    this.#failure = why;
    this.#inputs.length = 0;
    this.#log('error', why.message, { stack: error instanceof Error ? error.stack : undefined });
    this.#started?.reject(why);
    for (const link of [...this.#links.values()]) link.connection.destroy(why.message);
    void this.#close(0);
  }

  #execute(effect: NodeEffect): void {
    switch (effect.kind) {
      case 'send':
        this.#send(effect.link, effect.message);
        break;
      case 'dial':
        void this.#dial(effect.dial, effect.address, effect.as ?? 'peer');
        break;
      case 'close':
        this.#links.get(effect.link)?.close(effect.reason);
        break;
      case 'persist':
        void this.#persist(effect);
        break;
      case 'run':
        this.#parts.runner.run(effect);
        break;
      case 'abort':
        this.#parts.runner.abort(effect.task, effect.reason);
        break;
      case 'more':
        this.#parts.runner.more(effect.task, effect.items);
        break;
      case 'subscribed':
        this.topics.subscribed(effect);
        break;
      case 'unsubscribed':
        this.topics.unsubscribed(effect);
        break;
      case 'unforwarded':
        this.topics.unforwarded(effect);
        break;
      case 'queue':
        this.queues.carryOut(effect.effect);
        break;
      case 'notify':
        for (const listener of this.#listeners) listener(effect.event);
        break;
      case 'stopped':
        void this.#close(STOP_GRACE_MS);
        break;
    }
  }

  #send(id: LinkId, message: Message): void {
    if (this.#ended.size > 0 && 'id' in message && this.#ended.has(`${id}/${message.id}`)) return;
    if (message.kind === 'error' && this.topics.isClient(id)) this.onFailure(message.problem);
    const link = this.#links.get(id);
    const why = link?.send(message);
    if (link !== undefined && why !== undefined) this.#undeliverable(id, message, why);
  }

  /**
   * A message does not fit the wire. Who asked is told in its place; who sent it hears of it as if the other side had
   * answered so. What came of work is `unknown`: the work was done.
   */
  #undeliverable(id: LinkId, message: Message, why: Problem): void {
    const link = this.#links.get(id);
    const told = { ...why, outcome: message.kind === 'call' ? 'did-not-happen' : 'unknown' } as const;
    // What finds no room here is sent again by the hub that waits for its acknowledgement.
    const level = why.code === 'overloaded' ? 'debug' : 'error';
    if ('over' in message) return this.#log(level, `a ${message.kind} could not be carried on: ${why.message}`);
    switch (message.kind) {
      case 'result':
        link?.send({ id: message.id, kind: 'error', problem: told });
        break;
      case 'item':
        link?.send({ id: message.id, kind: 'error', problem: told });
        this.#ended.add(`${id}/${message.id}`);
        this.input({ kind: 'message', link: id, message: { id: message.id, kind: 'cancel', reason: why.message } });
        break;
      case 'error':
        if (shorter(message.problem).some((problem) => link?.send({ ...message, problem }) === undefined)) break;
        this.#log('error', `an error could not be sent: ${why.message}`);
        break;
      case 'call':
        this.input({ kind: 'message', link: id, message: { id: message.id, kind: 'error', problem: told } });
        break;
      default:
        this.#log('error', `a ${message.kind} message could not be sent: ${why.message}`);
    }
  }

  #forgetEnded(input: NodeInput): void {
    if (input.kind === 'message' && input.message.kind === 'cancel')
      this.#ended.delete(`${input.link}/${input.message.id}`);
  }

  async #persist({ fence, writes }: Extract<NodeEffect, { readonly kind: 'persist' }>): Promise<void> {
    try {
      await this.#parts.store.commit(writes);
    } catch (error) {
      this.#log('error', `the store refused: ${textOf(error)}`);
      this.#started?.reject(error);
      return;
    }
    this.input({ fence, kind: 'persisted' });
    this.#started?.resolve();
    this.#started = undefined;
  }

  async #dial(dial: DialId, address: string, as: 'peer' | 'hub'): Promise<void> {
    const { doors } = this.#parts;
    try {
      const connection = await doors.dial(address);
      if (this.#stopping) connection.destroy('the node is stopping');
      else this.#open(connection, doors.diallerOptions(address, as), { address, dial });
    } catch (error) {
      const reason = textOf(error);
      this.#log('debug', `could not reach ${address}: ${reason}`);
      this.lastRefusal = undefined;
      this.lastFailure = `${address}: ${reason}`;
      this.input({ dial, kind: 'dial-failed', reason, refused: error instanceof DialError && error.refused });
    }
  }

  #open(
    connection: Connection,
    options: ConstructorParameters<typeof WireLink>[1],
    dialled: { readonly dial: DialId; readonly address: string } | undefined,
  ): void {
    let id: LinkId | undefined;
    const events: WireLinkEvents = {
      closed: (link, reason, why) =>
        id === undefined ? this.#notEstablished(link, reason, why, dialled) : this.#closed(id, reason, why),
      drained: () => id !== undefined && this.topics.drained(id),
      established: (link, { peer }) => {
        id = this.#nextLink++;
        this.#links.set(id, link);
        this.topics.opened(id, peer, link);
        this.#log('debug', `link ${id} to ${peerName(peer)} is up`);
        this.input({ kind: 'link-up', link: id, peer, ...(dialled === undefined ? {} : { dial: dialled.dial }) });
      },
      message: (_link, message) => {
        if (id === undefined || (isFlow(message) && this.topics.take(id, message))) return;
        this.input({ kind: 'message', link: id, message });
      },
    };
    new WireLink(connection, options, this.counters, events);
  }

  #closed(id: LinkId, reason: string, why: Problem | undefined): void {
    if (why !== undefined) this.#log('warn', `link ${id} was closed: ${why.message}`);
    this.#links.delete(id);
    this.topics.closed(id);
    if (this.#links.size === 0) this.#lastLinkClosed();
    this.input({ kind: 'link-down', link: id, reason });
  }

  #notEstablished(
    link: WireLink,
    reason: string,
    why: Problem | undefined,
    dialled: { readonly dial: DialId; readonly address: string } | undefined,
  ): void {
    const text = why?.message ?? reason;
    if (dialled === undefined) {
      this.#log('debug', `${link.connection.remote} did not become a link: ${text}`);
      return;
    }
    this.#log(why === undefined ? 'debug' : 'warn', `${dialled.address}: ${text}`);
    this.lastRefusal = why;
    this.lastFailure = `${dialled.address}: ${text}`;
    this.input({ dial: dialled.dial, kind: 'dial-failed', reason: text, refused: false });
  }

  #arm(): void {
    const { node, clock } = this.#parts;
    const deadline = node.deadline();
    if (deadline === this.#armedFor || this.#stopping) return;
    this.#armedFor = deadline;
    if (deadline === NEVER) return;
    clock.wakeAt(deadline, () => {
      this.#armedFor = NEVER;
      this.input({ kind: 'advance' });
    });
  }

  async #close(graceMs: number): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    const { clock, runner, store, messages, doors } = this.#parts;
    clock.stop();
    await Promise.allSettled([doors.close(), runner.close(graceMs), ...(graceMs > 0 ? [this.#closeLinks()] : [])]);
    await Promise.all([messages.close(), this.queues.close(), store.close()]).catch((error: unknown) => {
      if (error instanceof ProblemError) this.#log('error', error.message);
    });
    this.#settleStopped();
  }

  /** Resolves when all that was sent has been taken by the other sides, or they had `CLOSE_MS_MAX` for it. */
  async #closeLinks(): Promise<void> {
    if (this.#links.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, CLOSE_MS_MAX);
      this.#lastLinkClosed = () => {
        clearTimeout(timer);
        resolve();
      };
      for (const link of [...this.#links.values()]) link.close('the node stops');
    });
  }
}

/** Aborted functions get this long to end before their workers are. */
const STOP_GRACE_MS = 500;
