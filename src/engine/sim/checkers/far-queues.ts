/**
 * The laws of queues that are used from other clusters. What is in the queue itself is judged where it is (`queues.ts`): whatever
 * is asked from afar is carried out there, too.
 *
 * Safety: what is not declared idempotent is carried out at most once; what is said not to have happened has not, and will not; what a
 * far user is told is what a queue has answered; a lease is told to one far user, once.
 * Liveness: every far command ends.
 */
import type { Outcome } from '../../core/base/outcome.ts';
import { didNotHappen } from '../../core/base/problems.ts';
import type { QueueCommand, QueueReply } from '../../core/queues/messages.ts';
import type { FarAsk } from '../far-queue-user.ts';
import type { World } from '../world.ts';
import { Checker, law } from './checker.ts';

/** What became of a command: each place that carries it out, and what that answered. */
interface Story {
  readonly ask: FarAsk;
  readonly places: number[];
  /** The queue that has it: another one where its disk was wiped. */
  queue: string;
  readonly done: QueueReply[];
}

export class FarQueuesChecker extends Checker {
  readonly #world: () => World;
  readonly #stories = new Map<QueueCommand, Story>();
  /** How often the disk of a place was. */
  readonly #wiped = new Map<number, number>();
  /** `queue receipt`: who holds it. */
  readonly #receipts = new Map<string, FarAsk>();
  readonly #open = new Set<FarAsk>();

  constructor(world: () => World) {
    super();
    this.#world = world;
  }

  override farAsked(ask: FarAsk): void {
    this.#stories.set(ask.command, { ask, done: [], places: [], queue: '' });
    this.#open.add(ask);
  }

  override queueAsked(place: number, command: QueueCommand): void {
    const story = this.#stories.get(command);
    if (story === undefined) return;
    const { ask, places } = story;
    places.push(place);
    story.queue = `${place}.${this.#wiped.get(place) ?? 0}`;
    const says = () => `${ask.token} (${command.kind}) on ${this.#names(places)}`;
    law(ask.idempotent || places.length === 1, 'a far command that is not idempotent is carried out once', says);
  }

  override queueAnswered(_place: number, _life: string, command: QueueCommand, outcome: Outcome<QueueReply>): void {
    const story = this.#stories.get(command);
    if (story === undefined || !outcome.ok) return;
    story.done.push(outcome.value);
    this.#judgeDenied(story);
  }

  override farAnswered(ask: FarAsk): void {
    this.#open.delete(ask);
    const story = this.#stories.get(ask.command);
    const { outcome } = ask;
    if (story === undefined || outcome === undefined) return;
    this.#judgeDenied(story);
    if (!outcome.ok) return;
    const says = () => `${ask.token} (${ask.command.kind}) got ${JSON.stringify(outcome.value)}`;
    law(story.done.includes(outcome.value), 'what a far user is told is what a queue has answered', says);
    if (outcome.value.kind !== 'received') return;
    for (const { receipt } of outcome.value.leases) {
      const key = `${story.queue} ${receipt}`;
      const before = this.#receipts.get(key);
      law(before === undefined, 'a lease is told to one far user', () => `${says()}; so did ${before?.token}`);
      this.#receipts.set(key, ask);
    }
  }

  override queueWiped(place: number): void {
    this.#wiped.set(place, (this.#wiped.get(place) ?? 0) + 1);
  }

  override unsettled(): string | undefined {
    for (const ask of this.#open) {
      if (ask.open && this.#world().place(ask.place).process?.alive !== true) continue;
      if (ask.open) return `far command ${ask.token} (${ask.command.kind}) has no answer`;
      this.#open.delete(ask);
    }
    return undefined;
  }

  /** Why not of what is received: a lease that nobody was told of comes back by itself. */
  #judgeDenied({ ask, done, places }: Story): void {
    const { command, outcome, token } = ask;
    if (outcome === undefined || outcome.ok || !didNotHappen(outcome.problem) || command.kind === 'receive') return;
    const says = () => `${token} (${command.kind}), done on ${this.#names(places)}: ${JSON.stringify(outcome.problem)}`;
    law(done.length === 0, 'what a far user is told not to have happened did not', says);
  }

  #names(places: readonly number[]): string {
    return places.map((place) => this.#world().place(place).plan.name).join(', ');
  }
}
