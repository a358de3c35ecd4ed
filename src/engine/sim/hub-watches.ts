/** The hubs of a run that tell of alerts: one for each that lives, what their machines have stored, and who can talk to whom. */
import { hash32 } from '../core/base/hash.ts';
import { Prng } from '../core/base/prng.ts';
import { type AlertsWatcher, SimHubWatch } from './hub-watch.ts';
import type { Network } from './network.ts';
import type { SimProcess } from './process.ts';
import type { Timeline } from './timeline.ts';

export interface HubWatchesParts {
  readonly seed: number;
  readonly network: Network;
  readonly timeline: Timeline;
  readonly watcher: AlertsWatcher;
}

export class HubWatches {
  readonly #parts: HubWatchesParts;
  /** By their places. */
  readonly #watches = new Map<number, SimHubWatch>();
  readonly #stored = new Map<number, string>();

  constructor(parts: HubWatchesParts) {
    this.#parts = parts;
  }

  get living(): readonly SimHubWatch[] {
    return [...this.#watches.values()].filter(({ process }) => process.alive);
  }

  /** Whether both see each other, and what one says gets to the other. */
  canTalk(a: SimProcess, b: SimProcess): boolean {
    const { network } = this.#parts;
    const isOpen = network.isOpen(a.place, b.place) && network.isOpen(b.place, a.place);
    return isOpen && !a.asleep && !b.asleep && sees(a, b) && sees(b, a);
  }

  begin(process: SimProcess): void {
    const { seed, timeline, watcher } = this.#parts;
    const { life, place } = process;
    const watch = new SimHubWatch({
      prng: new Prng(hash32(`alerts ${place} ${life}`, seed)),
      process,
      siblings: () => this.#siblings(process),
      store: (state) => this.#stored.set(place, state),
      stored: this.#stored.get(place),
      timeline,
      watcher,
    });
    this.#watches.set(place, watch);
  }

  wipe(place: number): void {
    this.#stored.delete(place);
  }

  #siblings(process: SimProcess): readonly { readonly watch: SimHubWatch; readonly afterMs: number }[] {
    const { network } = this.#parts;
    return this.living.flatMap((watch) => {
      const { cluster, place } = watch.process;
      if (watch.process === process || cluster !== process.cluster || !sees(process, watch.process)) return [];
      return network.isOpen(process.place, place) ? [{ afterMs: network.travelMs(process.place, place), watch }] : [];
    });
  }
}

/** In the eyes of the first, the other is there. */
function sees(one: SimProcess, other: SimProcess): boolean {
  return one.snapshot().members.some(({ id, state }) => id === other.birth.id && state === 'alive');
}
