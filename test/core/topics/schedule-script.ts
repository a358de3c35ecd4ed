/**
 * The commands of the scripts that play with one schedule: at most 4 messages, 2 being published at once. The wall clock
 * begins at 1000s and is read with each `at`, unless it is `stopped`.
 *
 *     add ID in=5s | at=1100s [topic=t] [bytes=1]    hold    writes are not stored at once from here on
 *     stored | unstored    what became of those that wait    cancel ID    published ID    failed ID
 *     at 5s    lets time pass    wall +1h | -30s    somebody moves the wall clock
 *     restart    a new life from what was stored, 1s later    met    another node    list    due
 */
import { NEVER } from '../../../src/engine/core/base/instant.ts';
import { problem } from '../../../src/engine/core/base/problems.ts';
import { Schedule, type ScheduleEffect } from '../../../src/engine/core/topics/schedule.ts';
import { type Command, complain, duration } from '../../scenario.ts';

const OPTIONS = {
  aheadMsMax: 100_000_000,
  aloneMs: 3_000,
  bytesMax: 1_000,
  countMax: 4,
  openMax: 2,
  readMs: 1_000,
  retryMs: 1_000,
  retryMsMax: 4_000,
  settleMs: 500,
};

export function scheduleScript(): (command: Command) => string {
  const story = new Story();
  return (command) => {
    const said = story.act(command);
    return [...story.told(), ...(said === undefined ? [] : [said])].join('\n');
  };
}

class Story {
  #now = 0;
  #beyond = 1_000_000;
  readonly #stored = new Map<string, string>();
  #writes: Extract<ScheduleEffect, { kind: 'persist' }>[] = [];
  #holds = false;
  #schedule = this.#born();

  act(command: Command): string | undefined {
    const { name, words, options } = command;
    const [first = ''] = words;
    switch (name) {
      case 'add':
        return this.#add(first, options);
      case 'cancel':
        return this.#schedule.cancel(first, this.#now) ? undefined : 'cannot be cancelled';
      case 'published':
        return void this.#schedule.published(first, this.#now);
      case 'failed':
        return void this.#schedule.failed(first, this.#now);
      case 'hold':
        this.#holds = true;
        return undefined;
      case 'stored':
      case 'unstored':
        this.#holds = false;
        return void this.#settle(name === 'stored');
      case 'at':
        this.#now = duration(first);
        return void this.#look();
      case 'wall':
        this.#beyond += Number(`${first.charAt(0)}1`) * duration(first.slice(1));
        return undefined;
      case 'restart':
        this.#now += 1_000;
        this.#writes = [];
        this.#schedule = this.#born();
        return this.#schedule.load([...this.#stored], this.#now).join(' ') || undefined;
      case 'damage':
        return void this.#stored.set(`later/${first}`, '{"at": "soon"}');
      case 'met':
        return void this.#schedule.met(this.#now);
      case 'list':
        return this.#list();
      case 'due': {
        const at = this.#schedule.deadline();
        return at === NEVER ? 'nothing is due' : `at ${at / 1_000}s`;
      }
      default:
        return complain(command, 'no such command');
    }
  }

  told(): string[] {
    const lines: string[] = [];
    for (let effects = this.#schedule.drain(); effects.length > 0; effects = this.#schedule.drain()) {
      for (const effect of effects) {
        if (effect.kind === 'persist') this.#writes.push(effect);
        lines.push(textOf(effect));
      }
      if (!this.#holds) this.#settle(true);
    }
    return lines;
  }

  #born(): Schedule {
    return new Schedule(OPTIONS, this.#now + this.#beyond, this.#now);
  }

  #look(): void {
    this.#schedule.clock(this.#now + this.#beyond, this.#now);
    this.#schedule.advance(this.#now);
  }

  #add(id: string, options: ReadonlyMap<string, string>): string | undefined {
    const { at, in: inMs, topic = 't', bytes = '1' } = Object.fromEntries(options);
    const body = 'x'.repeat(Number(bytes));
    const due = at === undefined ? {} : { at: duration(at) };
    const wait = inMs === undefined ? {} : { inMs: duration(inMs) };
    const added = this.#schedule.add({ body, id, topic, ...due, ...wait }, this.#now);
    return added.ok ? undefined : `${added.problem.code}: ${added.problem.message}`;
  }

  #settle(stored: boolean): void {
    for (const { fence, key, value } of this.#writes.splice(0)) {
      if (!stored) {
        this.#schedule.unstored(fence, problem('store-failed', 'no space'), this.#now);
        continue;
      }
      if (value === null) this.#stored.delete(key);
      else this.#stored.set(key, value);
      this.#schedule.persisted(fence, this.#now);
    }
  }

  #list(): string {
    const { first, total } = this.#schedule.list(3);
    const rows = first.map(({ at, failures, id, topic }) => `${id} ${topic} ${at / 1_000}s failures=${failures}`);
    return [...rows, `${total} in all, ${this.#schedule.counts.open} being published`].join('\n');
  }
}

function textOf(effect: ScheduleEffect): string {
  switch (effect.kind) {
    case 'persist':
      return `${effect.value === null ? 'remove' : 'store'} ${effect.key}`;
    case 'accepted':
      return `${effect.id}: accepted for ${effect.at / 1_000}s`;
    case 'refused':
      return `${effect.id}: refused, ${effect.problem.message}`;
    case 'cancelled':
      return `${effect.id}: cancelled`;
    case 'publish':
      return `${effect.id}: publish to ${effect.topic}`;
  }
}
