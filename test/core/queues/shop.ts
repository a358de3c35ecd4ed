/** A node's queues with storage in memory, driven by hand: each input is followed by what the world owes for it. */
import { expect } from 'vitest';
import { NEVER } from '../../../src/engine/core/base/instant.ts';
import { done, failed, type Outcome } from '../../../src/engine/core/base/outcome.ts';
import { Prng } from '../../../src/engine/core/base/prng.ts';
import { type Problem, problem } from '../../../src/engine/core/base/problems.ts';
import type { Parcel, QueuesEffect } from '../../../src/engine/core/queues/effects.ts';
import type {
  Handled,
  Lease,
  Order,
  QueueCommand,
  QueueReply,
  QueueView,
  Sent,
} from '../../../src/engine/core/queues/messages.ts';
import type { Taken } from '../../../src/engine/core/queues/move.ts';
import { Queues } from '../../../src/engine/core/queues/queues.ts';
import { QueueTables } from '../../../src/engine/core/queues/tables.ts';

export type Answer = { readonly reply: QueueReply } | { readonly problem: Problem };

/** Like `Omit`, for each member of a union. */
type Loose = { readonly kind: QueueCommand['kind']; readonly queue?: string } & Readonly<Record<string, unknown>>;

export class Shop {
  tables = new QueueTables();
  queues: Queues;
  now = 1_000;
  /** While set, nothing becomes durable and nothing is loaded. */
  stalled = false;
  full = false;
  /** While set, nothing is stored at all. */
  broken = false;
  hosting: readonly string[] = [];
  /** What becomes of parcels to other nodes; `answer` may be called later, or never. */
  ship: (to: string, parcel: Parcel, answer: (outcome: Outcome<Taken>) => void) => void = () => {};
  /** Counts its starts. */
  lives = 1;
  readonly answers = new Map<number, Answer>();
  #waiting: QueuesEffect[] = [];
  #requests = 0;
  readonly #seed: number;

  constructor(seed = 1) {
    this.#seed = seed;
    this.queues = new Queues(new Prng(seed));
    this.queues.opened(this.tables.opened, this.now);
    this.work();
  }

  /** Asks; the answer is in `answers` when it is there. */
  ask(command: Loose): number {
    const request = ++this.#requests;
    this.queues.ask(request, command as unknown as QueueCommand, this.now);
    this.work();
    return request;
  }

  cancel(request: number): void {
    this.queues.cancel(request, this.now);
    this.work();
  }

  /** Asks for what is answered at once. */
  get(command: Loose): QueueReply {
    const answer = this.answers.get(this.ask(command));
    if (answer === undefined) throw new Error(`${command.kind} was not answered`);
    if ('problem' in answer) throw new Error(`${answer.problem.code}: ${answer.problem.message}`);
    return answer.reply;
  }

  create(queue: string, options: Readonly<Record<string, unknown>> = {}): QueueView {
    const reply = this.get({ kind: 'create', options, queue });
    if (reply.kind !== 'queue') throw new Error(reply.kind);
    return reply.view;
  }

  send(queue: string, ...orders: readonly (Partial<Order> & { readonly content: unknown })[]): readonly Sent[] {
    const reply = this.get({ kind: 'send', orders: orders.map((order) => ({ bytes: 10, ...order })), queue });
    if (reply.kind !== 'sent') throw new Error(reply.kind);
    return reply.results;
  }

  receive(queue: string, options: Readonly<Record<string, unknown>> = {}): readonly Lease[] {
    const reply = this.get({ kind: 'receive', max: 10, queue, waitMs: 0, ...options });
    if (reply.kind !== 'received') throw new Error(reply.kind);
    return reply.leases;
  }

  handle(
    kind: 'ack' | 'nack' | 'extend' | 'release',
    queue: string,
    receipts: readonly unknown[],
    more = {},
  ): readonly Handled[] {
    const reply = this.get({ kind, queue, receipts, ...more });
    if (reply.kind !== 'handled') throw new Error(reply.kind);
    return reply.results;
  }

  view(queue: string): QueueView {
    const reply = this.get({ kind: 'info', queue });
    if (reply.kind !== 'queue') throw new Error(reply.kind);
    return reply.view;
  }

  content(view: QueueView, lease: Lease): unknown {
    return this.tables.message(view.number, lease.contentId)?.content;
  }

  /** What another node's parcel leads to; undefined where that is not known yet. */
  take(parcel: Parcel): Outcome<Taken> | undefined {
    const request = ++this.#requests;
    this.queues.take(request, parcel, this.now);
    this.work();
    const answer = this.answers.get(request);
    if (answer === undefined) return undefined;
    if ('problem' in answer) return failed(answer.problem);
    return answer.reply.kind === 'taken' ? done(answer.reply.taken) : undefined;
  }

  /** Lets time pass, stopping wherever something is due. */
  pass(ms: number): void {
    const end = this.now + ms;
    for (let i = 0; ; i++) {
      if (i > 100_000) throw new Error('the deadline does not move');
      const deadline = this.queues.deadline();
      if (deadline > end) break;
      this.now = Math.max(this.now, deadline);
      this.queues.advance(this.now);
      this.work();
    }
    this.now = end;
  }

  /** The node dies and starts again, with what is stored. `wall`: how far the calendar jumps. */
  restart(wall = 0): void {
    this.#waiting = [];
    this.stalled = false;
    this.now += wall;
    this.queues = new Queues(new Prng(this.#seed + 1));
    this.lives++;
    this.hosting = [];
    this.queues.opened(this.tables.opened, this.now);
    this.work();
  }

  resume(): void {
    this.stalled = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const effect of waiting) this.#carryOut(effect);
    this.work();
  }

  work(): void {
    for (let i = 0; ; i++) {
      if (i > 10_000) throw new Error('it never rests');
      const effects = this.queues.drain();
      if (effects.length === 0) break;
      for (const effect of effects) this.#carryOut(effect);
    }
    this.check();
  }

  /** The law of conservation, against what is really stored. */
  check(): void {
    for (const stored of this.tables.all()) {
      if (stored.move?.role === 'arriving') continue; // not all of it is there
      const { sent, done, dead, expired, purged, messages } = stored.counts;
      expect(sent, `${stored.name} is conserved`).toBe(messages + done + dead + expired + purged);
      expect(this.tables.count(stored.number), `${stored.name} holds what it counts`).toBe(messages);
    }
  }

  #carryOut(effect: QueuesEffect): void {
    if (effect.kind === 'reply') {
      const { outcome } = effect;
      this.answers.set(effect.request, outcome.ok ? { reply: outcome.value } : { problem: outcome.problem });
    } else if (effect.kind === 'hosting') {
      this.hosting = effect.queues;
    } else if (effect.kind === 'ship') {
      const { lives } = this;
      this.ship(effect.to, effect.parcel, (outcome) => {
        if (lives !== this.lives) return;
        this.queues.shipped(effect.ship, outcome, this.now);
        this.work();
      });
    } else if (this.stalled) {
      this.#waiting.push(effect);
    } else if (effect.kind === 'load') {
      this.queues.loaded(effect.load, this.tables.load(effect.queue, effect.ask), this.now);
    } else if (this.broken || (this.full && effect.writes.some(({ kind }) => kind === 'insert'))) {
      this.queues.refused(effect.fence, problem('store-failed', 'the disk is full'), this.now);
    } else {
      for (const write of effect.writes) {
        if (write.kind !== 'insert') continue;
        const there = this.tables.message(write.queue, write.message.seq);
        if (there !== undefined) throw new Error(`message ${write.message.seq} is stored twice`);
      }
      this.tables.apply(effect.writes);
      this.queues.persisted(effect.fence, this.now);
    }
  }
}

export { NEVER };
