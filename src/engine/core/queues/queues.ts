import { Alarms } from '../base/alarms.ts';
import { Effects } from '../base/effects.ts';
import { earlier, type Instant } from '../base/instant.ts';
import type { Machine } from '../base/machine.ts';
import { done, failed, type Outcome } from '../base/outcome.ts';
import type { Prng } from '../base/prng.ts';
import { type Problem, problem } from '../base/problems.ts';
import { Batches } from './batches.ts';
import { lookAt, tellQueue } from './commands.ts';
import type { Desk, Transfer } from './desk.ts';
import type { LoadAsk, Loaded, Opened, Parcel, QueuesEffect, StoredQueue } from './effects.ts';
import type { QueueCommand, QueueReply } from './messages.ts';
import type { Place, Taken } from './move.ts';
import { Moves } from './moves.ts';
import { deadLetterOptions, defaultOptions, nameFlaw, optionsFlaw, type QueueOptions, withOptions } from './options.ts';
import { Queue } from './queue.ts';
import { CLOSED, notBeside, refusesAgain, reopening, unknown } from './refusals.ts';
import { newQueue } from './stock.ts';

/**
 * All queues of a node: who is asked, and what is stored together.
 *
 *     commands ──► queues ──► writes ─┬─► batch ── one at a time ──► persist ··· persisted ──► replies, arrivals
 *                                     └── meanwhile the next one gathers
 *
 * What is decided while a batch is being stored gathers in the next: the slower the disk, the larger the batches (group
 * commit). Moving a message from one queue to another is one batch, so it is never in both, nor in none.
 *
 * Invariants:
 * - at most one batch is being stored; batches are stored in order;
 * - what was decided after a batch that failed fails with it.
 */
export class Queues implements Machine<QueuesEffect> {
  readonly #queues = new Map<number, Queue>();
  readonly #byName = new Map<string, Queue>();
  readonly #effects = new Effects<QueuesEffect>();
  readonly #desk: Desk;
  /** Which queue a request waits at; for those that may be cancelled. */
  readonly #receives = new Map<number, Queue>();
  #loads = new Map<number, Queue>();
  /** When each queue has something to do; those that changed since are asked anew. */
  readonly #alarms = new Alarms<number>();
  readonly #changed = new Set<number>();
  #nextQueue = 1;
  /** When the youngest queue was made of those that are here no more. */
  #madeAt: Instant = 0;
  #nextLoad = 1;
  readonly #batches = new Batches();
  readonly #moves: Moves;
  #nextShip = 1;
  /** What the disk said when it refused, and when sends are tried again. */
  #refusal: { readonly why: Problem; readonly until: Instant } | undefined;
  /** Why storage takes nothing that adds to it. */
  #full: Problem | undefined;
  #isOpen = false;
  /** Of the last input. */
  #now: Instant = 0;
  #hosting = '';

  constructor(prng: Prng) {
    this.#desk = {
      load: (queue, ask) => this.#load(queue, ask),
      prng,
      refusal: (now) => this.#full ?? (this.#refusal && now < this.#refusal.until ? this.#refusal.why : undefined),
      reply: (request, outcome) => this.#reply(request, outcome),
      settled: (then) => this.#batches.settled(then),
      touch: (queue) => this.#batches.touch(queue),
      transfer: (transfer, now) => this.#transfer(transfer, now),
      write: (queue, write, undoable = false) => this.#batches.write(queue, write, undoable),
    };
    this.#moves = new Moves({
      ...this.#desk,
      all: () => this.#queues.values(),
      arrived: (stored, now) => this.#arrived(stored, now),
      left: (queue) => this.#remove(queue, unknown(queue.name)),
      number: () => this.#nextQueue++,
      queue: (name) => this.#byName.get(name),
      refuses: (name) => this.#refuses(name),
      rename: (queue, name) => this.#rename(queue, name),
      ship: (to, parcel) => this.#ship(to, parcel),
    });
  }

  /** Messages of a queue that memory knows of. */
  knownIn(queue: string): number {
    return this.#byName.get(queue)?.stock.schedule.known.size ?? 0;
  }

  /** Storage has been opened, and holds these. */
  opened(opened: Opened, now: Instant): void {
    this.#now = now;
    this.#isOpen = true;
    this.#nextQueue = opened.next;
    for (const one of opened.queues) if (one.move?.role !== 'arriving') this.#add(new Queue(this.#desk, one, now));
    this.#moves.opened(opened, now);
    this.#tellHosting();
  }

  /** `request`: the world's own number, answered by one reply. */
  ask(request: number, command: QueueCommand, now: Instant): void {
    this.#now = now;
    if (!this.#isOpen) this.#reply(request, failed(CLOSED));
    else if (command.kind === 'create') this.#create(request, command.queue, command.options, now);
    else if (command.kind === 'resume' && !this.#byName.has(command.queue))
      this.#moves.resume(request, command.queue, now);
    else if (command.kind === 'list') this.#reply(request, done({ kind: 'queues', views: this.#views() }));
    else {
      const queue = this.#byName.get(command.queue);
      const moving = STILL.has(command.kind) ? undefined : this.#moves.why(command.queue);
      if (moving !== undefined) this.#reply(request, failed(moving));
      else if (queue === undefined || queue.isGone)
        this.#reply(request, failed(this.#moves.why(command.queue) ?? unknown(command.queue)));
      else if (queue.stock.isReopening && command.kind !== 'receive')
        this.#reply(request, failed(reopening(queue.name)));
      else this.#command(queue, request, command, now);
    }
  }

  /** Another node says something of queues that move here. */
  take(request: number, parcel: Parcel, now: Instant): void {
    this.#now = now;
    if (this.#isOpen) this.#moves.take(request, parcel, now);
    else this.#reply(request, failed(CLOSED));
  }

  /** Whoever asked is gone: a receive that waits ends. What it has been given already, the world releases. */
  cancel(request: number, _now: Instant): void {
    const queue = this.#receives.get(request);
    if (queue?.cancel(request)) this.#receives.delete(request);
    if (queue !== undefined) this.#changed.add(queue.number);
  }

  persisted(fence: number, now: Instant): void {
    this.#now = now;
    const batch = this.#batches.persisted(fence);
    if (batch === undefined) return;
    this.#refusal = undefined;
    for (const then of batch.waiting) then(undefined, now);
    for (const number of batch.touched) {
      this.#queues.get(number)?.proceed(now);
      this.#changed.add(number);
    }
    this.#tellHosting();
  }

  /** The disk has not taken a batch: nothing of it is stored. */
  refused(fence: number, why: Problem, now: Instant): void {
    this.#now = now;
    const batch = this.#batches.refused(fence);
    if (batch === undefined) return;
    this.#refusal = { until: now + REFUSING_MS, why };
    for (const number of batch.risky) this.#queues.get(number)?.stock.reopen();
    for (const then of batch.waiting) then(why, now);
    for (const number of this.#queues.keys()) this.#changed.add(number);
    for (const queue of this.#queues.values()) if (queue.isNew) this.#remove(queue, why);
    this.#tellHosting();
  }

  /** The node ends: what is leased stays with whoever has it, also when the node begins again before the lease is over. */
  leave(): void {
    for (const queue of this.#queues.values()) queue.stock.writeLeases();
  }

  /** Storage is full, or has room again: what adds to it is refused meanwhile, what removes is not. */
  room(why: Problem | undefined): void {
    this.#full = why;
  }

  /** The other node has answered, or cannot be asked. */
  shipped(ship: number, outcome: Outcome<Taken>, now: Instant): void {
    this.#now = now;
    this.#moves.shipped(ship, outcome, now);
  }

  loaded(load: number, loaded: Loaded, now: Instant): void {
    this.#now = now;
    const queue = this.#loads.get(load);
    this.#loads.delete(load);
    if (this.#moves.loaded(load, loaded, now)) return;
    queue?.loaded(load, loaded, now);
    if (queue !== undefined) this.#changed.add(queue.number);
  }

  drain(): QueuesEffect[] {
    const counts = (number: number) => {
      const queue = this.#queues.get(number);
      return queue === undefined || queue.isGone ? undefined : queue.stock.counts;
    };
    const batch = this.#batches.take(counts, this.#now);
    const effects = this.#effects.drain();
    // Why first: the disk works while the answers of the last batch are on their way.
    return batch === undefined ? effects : [{ kind: 'persist', ...batch }, ...effects];
  }

  deadline(): Instant {
    for (const number of this.#changed) {
      const queue = this.#queues.get(number);
      if (queue === undefined) this.#alarms.clear(number);
      else this.#alarms.set(number, queue.deadline());
    }
    this.#changed.clear();
    return earlier(this.#alarms.deadline(), this.#moves.deadline());
  }

  advance(now: Instant): void {
    this.#now = now;
    for (let due = this.#due(now); due !== undefined; due = this.#due(now)) {
      this.#changed.add(due.number);
      due.advance(now);
      if (due.deadline() <= now) break; // the next call goes on
    }
    if (this.#moves.deadline() > now) return;
    this.#moves.advance(now);
    this.#tellHosting();
  }

  #due(now: Instant): Queue | undefined {
    this.deadline(); // what has changed is asked anew
    const number = this.#alarms.due(now);
    return number === undefined ? undefined : this.#queues.get(number);
  }

  #views() {
    return [...this.#byName.values()].map(({ view }) => view).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  #command(queue: Queue, request: number, command: Named, now: Instant): void {
    this.#changed.add(queue.number);
    if (command.kind === 'redrive' && command.to !== 'origin' && !this.#byName.has(command.to)) {
      this.#reply(request, failed(notBeside(command.to, queue.name)));
      return;
    }
    if (command.kind === 'receive') this.#receives.set(request, queue);
    if (command.kind === 'move') this.#moves.move(request, queue, command, now);
    else if (!tellQueue(queue, request, command, now)) this.#manage(queue, request, command, now);
  }

  #manage(queue: Queue, request: number, command: Named, now: Instant): void {
    const seen = lookAt(queue, command, this.#queues.values());
    if (seen !== undefined) {
      this.#reply(request, done(seen));
    } else if (command.kind === 'edit') {
      const why = queue.edit(command.options, now);
      if (why !== undefined) this.#reply(request, failed(why));
      else this.#replySettled(request, () => ({ kind: 'queue', view: queue.view }));
    } else if (command.kind === 'abandon') {
      const why = this.#moves.abandon(queue);
      if (why !== undefined) this.#reply(request, failed(why));
      else this.#replySettled(request, () => ({ kind: 'queue', view: queue.view }));
    } else if (command.kind === 'resume') {
      this.#reply(request, done({ kind: 'queue', view: queue.view }));
    } else if (command.kind === 'delete') {
      this.#delete(queue, request);
    }
  }

  /** Asked twice for the same, it is there; asked for another of the name, it is refused. */
  #create(request: number, name: string, given: Readonly<Record<string, unknown>>, now: Instant): void {
    const flaw = nameFlaw(name);
    const options = flaw === undefined ? withOptions(defaultOptions(name), given) : failed(flaw);
    if (!options.ok) {
      this.#reply(request, options);
      return;
    }
    const there = this.#byName.get(name);
    const why =
      optionsFlaw(name, options.value) ??
      this.#moves.why(name) ??
      (there === undefined ? this.#refuses(name) : refusesAgain(there, given));
    if (why !== undefined) {
      this.#reply(request, failed(why));
      return;
    }
    const queue = there ?? this.#make(name, options.value, now);
    this.#replySettled(request, () => ({ kind: 'queue', view: queue.view }));
  }

  #make(name: string, options: QueueOptions, now: Instant): Queue {
    const number = this.#nextQueue++;
    // Why not always now: another one of the name may have been made, and deleted, in this millisecond. It is what tells them apart.
    const createdAt = Math.max(now, this.#madeAt + 1);
    const queue = new Queue(this.#desk, newQueue({ createdAt, name, number, options }), now);
    queue.isNew = true;
    this.#add(queue);
    queue.store();
    this.#batches.settled((why) => {
      if (why === undefined) queue.isNew = false;
    });
    return queue;
  }

  #delete(queue: Queue, request: number): void {
    queue.isGone = true;
    queue.close(problem('queue-unknown', `the queue ${queue.name} was deleted`));
    this.#batches.write(queue.number, { kind: 'drop', queue: queue.number }, false);
    this.#batches.settled((why) => {
      if (why === undefined) this.#remove(queue, unknown(queue.name));
      else queue.isGone = false;
    });
    this.#replySettled(request, () => ({ kind: 'done' }));
  }

  #transfer(transfer: Transfer, now: Instant): Problem | undefined {
    if (this.#full !== undefined) return this.#full;
    const { from, to, dead } = transfer;
    if (to === from.name) return problem('input-invalid', `${to} cannot be its own queue of dead letters`);
    const there = this.#byName.get(to);
    const moving = this.#moves.why(to);
    if (moving !== undefined) return moving;
    if (there?.isGone || (there === undefined && dead === undefined)) return unknown(to);
    const target = there ?? this.#make(to, deadLetterOptions(to), now);
    return target.intake.admit(transfer, now);
  }

  /** Why there cannot be one more queue of that name. */
  #refuses(name: string): Problem | undefined {
    if (this.#byName.has(name)) return problem('exists-already', `this node has a queue ${name} already`);
    if (this.#queues.size < QUEUES_MAX) return undefined;
    return problem('overloaded', `this node has ${QUEUES_MAX} queues already`);
  }

  #arrived(stored: StoredQueue, now: Instant): void {
    this.#add(new Queue(this.#desk, stored, now));
    this.#tellHosting();
  }

  #ship({ id }: Place, parcel: Parcel): number {
    const ship = this.#nextShip++;
    this.#effects.push({ kind: 'ship', parcel, ship, to: id });
    return ship;
  }

  #add(queue: Queue): void {
    this.#queues.set(queue.number, queue);
    this.#byName.set(queue.name, queue);
    this.#changed.add(queue.number);
  }

  #rename(queue: Queue, name: string): boolean {
    if (this.#byName.has(name)) return false;
    this.#byName.delete(queue.name);
    queue.name = name;
    this.#add(queue);
    return true;
  }

  #remove(queue: Queue, why: Problem): void {
    queue.close(why);
    this.#madeAt = Math.max(this.#madeAt, queue.createdAt);
    this.#queues.delete(queue.number);
    this.#byName.delete(queue.name);
    this.#changed.add(queue.number);
  }

  /** Only what is durable is told to others. */
  #tellHosting(): void {
    const here = [...this.#byName.values()].filter(({ isNew, isGone, moving }) => !isNew && (!isGone || moving));
    const queues = [...new Set([...here.map(({ name }) => name), ...this.#moves.told(this.#now)])];
    const text = queues.sort().join('\n');
    if (text === this.#hosting) return;
    this.#hosting = text;
    this.#effects.push({ kind: 'hosting', queues });
  }

  #load(queue: number, ask: LoadAsk): number {
    const load = this.#nextLoad++;
    const whose = this.#queues.get(queue);
    if (whose !== undefined) this.#loads.set(load, whose);
    this.#effects.push({ ask, kind: 'load', load, queue });
    return load;
  }

  #replySettled(request: number, reply: () => QueueReply): void {
    this.#batches.settled((why) => this.#reply(request, why === undefined ? done(reply()) : failed(why)));
  }

  #reply(request: number, outcome: Outcome<QueueReply>): void {
    this.#receives.delete(request);
    this.#effects.push({ kind: 'reply', outcome, request });
  }
}

type Named = Extract<QueueCommand, { readonly queue: string }>;

/** What is answered of a queue that moves, too. */
const STILL: ReadonlySet<QueueCommand['kind']> = new Set(['abandon', 'info', 'move', 'sources']);

/** Limit: queues of one node. */
const QUEUES_MAX = 10_000;
/** After the disk has refused, sends are refused so long, so that others have a chance of being stored. */
const REFUSING_MS = 1_000;
