/**
 * Carries out a scenario's events, and takes back at once whatever is still broken when the faults stop.
 *
 * Every fault that lasts leaves an undo behind, done after its time or by `stop`, whichever comes first.
 */
import { unreachable } from '../core/base/assert.ts';
import type { FunctionRecord } from '../core/directory/record.ts';
import type { Block } from './network.ts';
import type { ScenarioEvent } from './scenario.ts';
import type { Place, World } from './world.ts';

type Of<Kind extends ScenarioEvent['kind']> = Extract<ScenarioEvent, { kind: Kind }>;

export class Faults {
  readonly #world: World;
  readonly #undos = new Set<() => void>();
  #stopped = false;

  /** `events`: by default, those of the world's scenario. */
  constructor(world: World, events: readonly ScenarioEvent[] = world.scenario.events) {
    this.#world = world;
    for (const event of events) world.timeline.at(event.atMs, () => this.#happen(event));
  }

  /** Everything is mended; only what is meant to stay away for good does. */
  stop(): void {
    this.#stopped = true;
    for (const undo of [...this.#undos]) undo();
  }

  #happen(event: ScenarioEvent): void {
    const world = this.#world;
    if (event.kind === 'call' || event.kind === 'plan') {
      world.ask(event);
      return;
    }
    if (this.#stopped) return;
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
      case 'leave':
        return this.#leave(event);
      case 'drain':
        return this.#drain(event);
      case 'add-function':
      case 'remove-function':
        return this.#offer(event);
      default:
        return unreachable(event);
    }
  }

  #undo(forMs: number, undo: () => void): void {
    const once = () => {
      if (this.#undos.delete(once)) undo();
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

  #offer({ kind, node, fun }: Of<'add-function' | 'remove-function'>): void {
    const place = this.#world.place(node);
    const others = place.functions.filter(({ name }) => name !== fun);
    place.functions = kind === 'add-function' ? [...others, functionRecord(fun)] : others;
    place.process?.describe(place.functions);
  }
}

/** A function of the simulated world as its node offers it. */
export function functionRecord(name: string): FunctionRecord {
  return { name, resources: [], version: '1.0.0' };
}
