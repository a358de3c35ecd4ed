/**
 * Carries out a scenario's events, and takes back at once whatever is still broken when the faults stop.
 *
 * Every fault that lasts leaves an undo behind, done after its time or by `stop`, whichever comes first.
 */
import { unreachable } from '../core/base/assert.ts';
import { type Instant, NEVER } from '../core/base/instant.ts';
import type { FunctionRecord } from '../core/directory/record.ts';
import type { NodeEffect } from '../core/node/effects.ts';
import type { NodeInput } from '../core/node/inputs.ts';
import type { Block } from './network.ts';
import type { SimProcess } from './process.ts';
import type { Moment, ScenarioEvent } from './scenario.ts';
import type { Place, World } from './world.ts';

type Of<Kind extends ScenarioEvent['kind']> = Extract<ScenarioEvent, { kind: Kind }>;

export class Faults {
  readonly #world: World;
  readonly #undos = new Set<() => void>();
  /** Crashes that wait for their moment. */
  readonly #ambushes = new Set<Of<'ambush'>>();
  #stopped = false;
  #calmSince: Instant = 0;

  /** `events`: by default, those of the world's scenario. */
  constructor(world: World, events: readonly ScenarioEvent[] = world.scenario.events) {
    this.#world = world;
    for (const event of events) world.timeline.at(event.atMs, () => this.#happen(event));
    world.onStep = (process, input, effects) => this.#strike(process, input, effects);
  }

  /** Since when nothing has been broken; `NEVER` while something is. */
  get calmSince(): Instant {
    return this.#undos.size > 0 ? NEVER : this.#calmSince;
  }

  /** Everything is mended; only what is meant to stay away for good does. */
  stop(): void {
    this.#stopped = true;
    this.#ambushes.clear();
    for (const undo of [...this.#undos]) undo();
    for (const client of this.#world.topicsClients.values()) client.calm();
    for (const users of this.#world.queueUsers.values()) users.calm();
    for (const user of this.#world.farQueueUsers.values()) user.calm();
    for (const { queues } of this.#world.places) queues.refusing = 0;
  }

  #happen(event: ScenarioEvent): void {
    const world = this.#world;
    if (event.kind === 'call' || event.kind === 'plan') {
      world.ask(event);
      return;
    }
    if (event.kind === 'queue') return world.useQueue(event);
    if (event.kind === 'far-queue') return void world.useFarQueue(event);
    if (event.kind === 'policy') return world.configure(event);
    if (event.kind === 'subscribe') return world.topicsClient(event).subscribe(event);
    if (event.kind === 'publish') return world.topicsClient(event).publish(event);
    if (event.kind === 'read') return world.topicsClient(event).read(event);
    if (event.kind === 'keep') return world.place(event.node).process?.keep(event);
    if (this.#stopped) return;
    this.#calmSince = this.#world.timeline.now;
    switch (event.kind) {
      case 'crash':
        return this.#crash(event);
      case 'pause':
        return this.#pause(world.place(event.node), event.forMs);
      case 'slow':
        return this.#slow(event);
      case 'partition':
        return this.#block(
          ({ groups }) =>
            (from, to) =>
              groups[from] !== groups[to],
          event,
        );
      case 'cut':
        return this.#block(
          (cut) => (from, to) =>
            (from === cut.from && to === cut.to) || (cut.bothWays && from === cut.to && to === cut.from),
          event,
        );
      case 'break':
        return world.network.breakLinks(event.from, event.to);
      case 'storm':
        world.network.storm(event.storm);
        return this.#undo(event.forMs, () => world.network.calm(event.storm));
      case 'slow-disk':
        return this.#slowDisk(event);
      case 'full-disk':
        return this.#fullDisk(event);
      case 'leave':
        return this.#leave(event);
      case 'drain':
        return this.#drain(event);
      case 'ambush':
        return this.#ambush(event);
      case 'add-function':
      case 'remove-function':
        return this.#offer(event);
      default:
        return unreachable(event);
    }
  }

  #undo(forMs: number, undo: () => void): void {
    const once = () => {
      if (!this.#undos.delete(once)) return;
      this.#calmSince = this.#world.timeline.now;
      undo();
    };
    this.#undos.add(once);
    this.#world.timeline.after(forMs, once);
  }

  #crash({ node, forMs, silent, wiped }: Of<'crash'>): void {
    const world = this.#world;
    const place = world.place(node);
    if (!place.process?.alive) return;
    world.kill(place, silent);
    if (wiped) world.replace(place);
    if (forMs === null) return;
    this.#undo(forMs, () => world.start(place));
  }

  #ambush(event: Of<'ambush'>): void {
    this.#ambushes.add(event);
  }

  /** Crashes a process that has come to the moment that somebody waits for. */
  #strike(process: SimProcess, input: NodeInput, effects: readonly NodeEffect[]): void {
    for (const ambush of this.#ambushes) {
      if (ambush.node !== process.place || !hasCome(ambush.moment, input, effects)) continue;
      this.#ambushes.delete(ambush);
      const { timeline } = this.#world;
      const crash = () => this.#crash({ ...ambush, atMs: timeline.now, kind: 'crash', wiped: false });
      if (!ambush.carriedOut) return crash();
      return timeline.after(0, () => {
        if (process.alive && !this.#stopped) crash();
      });
    }
  }

  #pause(place: Place, forMs: number): void {
    const { process } = place;
    if (!process?.alive) return;
    const until = this.#world.timeline.now + forMs;
    place.sleptUntil = Math.max(place.sleptUntil, until);
    process.sleepUntil(until);
    this.#undo(forMs, () => process.rouse());
  }

  #slow({ node, forMs, blockedMs, freeMs }: Of<'slow'>): void {
    const world = this.#world;
    const place = world.place(node);
    const until = world.timeline.now + forMs;
    this.#undo(forMs, () => {});
    const stall = () => {
      if (this.#stopped || world.timeline.now >= until) return;
      const blocked = world.prng.between(1, blockedMs);
      this.#pause(place, blocked);
      world.timeline.after(blocked + world.prng.between(1, freeMs), stall);
    };
    stall();
  }

  #block<Event extends Of<'partition' | 'cut'>>(blockOf: (event: Event) => Block, event: Event): void {
    const { network } = this.#world;
    const block = blockOf(event);
    network.block(block);
    this.#undo(event.forMs, () => network.unblock(block));
  }

  #slowDisk({ node, delayMs, forMs }: Of<'slow-disk'>): void {
    const { disk } = this.#world.place(node);
    disk.delayMs = [0, delayMs];
    this.#undo(forMs, () => {
      disk.delayMs = this.#world.scenario.diskMs;
    });
  }

  #fullDisk({ node, forMs }: Of<'full-disk'>): void {
    const { log } = this.#world.place(node);
    log.full = true;
    this.#undo(forMs, () => {
      log.full = false;
    });
  }

  #leave({ node, graceMs, forMs }: Of<'leave'>): void {
    const world = this.#world;
    const place = world.place(node);
    const { process } = place;
    if (!process?.alive) return;
    process.give({ graceMs, kind: 'leave' });
    if (forMs === null) return;
    this.#undo(graceMs + forMs, () => {
      // A process that takes too long is killed by whoever wants to start it again.
      world.kill(place, false);
      world.start(place);
    });
  }

  #drain({ node, forMs }: Of<'drain'>): void {
    const { process } = this.#world.place(node);
    process?.give({ kind: 'drain' });
    this.#undo(forMs, () => process?.give({ kind: 'undrain' }));
  }

  #offer(event: Of<'add-function' | 'remove-function'>): void {
    const place = this.#world.place(event.node);
    const others = place.functions.filter(({ name }) => name !== event.fun);
    place.functions = event.kind === 'add-function' ? [...others, functionRecord(event.fun, event.version)] : others;
    place.process?.describe(place.functions);
  }
}

/** A function of the simulated world as its node offers it. */
export function functionRecord(name: string, version = '1.0.0'): FunctionRecord {
  return { name, resources: [], version };
}

function hasCome(moment: Moment, input: NodeInput, effects: readonly NodeEffect[]): boolean {
  if (moment === 'ran') return input.kind === 'ran';
  if (moment === 'run') return effects.some(({ kind }) => kind === 'run');
  const wanted = moment === 'forward' ? ['call'] : ['result', 'error'];
  return effects.some((effect) => effect.kind === 'send' && wanted.includes(effect.message.kind));
}
