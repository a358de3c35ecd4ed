/**
 * Several places of discovery, asked again and again, each as often as it is worth. Tells all that they say together,
 * whenever that is another than before; what a place said last counts until it says something else.
 */
import { type DiscoverySource, merged, type Sighting } from './discovery-source.ts';

export interface SourceWatchOptions {
  readonly changed: (sightings: readonly Sighting[]) => void;
  /** Hears what is wrong with a place: once, until it is something else. */
  readonly complain: (text: string) => void;
  /** In place of how often each is worth asking, in milliseconds. Shorter: changes are seen sooner; longer: less work. */
  readonly everyMs?: number;
}

export class SourceWatch {
  readonly #sources: readonly DiscoverySource[];
  readonly #options: SourceWatchOptions;
  readonly #timers = new Map<DiscoverySource, NodeJS.Timeout>();
  readonly #closed = new AbortController();
  /** What each said last, in the order of the sources. */
  readonly #said: Map<DiscoverySource, readonly Sighting[]>;
  readonly #wrong = new Map<DiscoverySource, string>();
  #told = '[]';

  constructor(sources: readonly DiscoverySource[], options: SourceWatchOptions) {
    this.#sources = sources;
    this.#options = options;
    this.#said = new Map(sources.map((source) => [source, []]));
    for (const source of sources) void this.#ask(source);
  }

  get sightings(): readonly Sighting[] {
    return merged([...this.#said.values()].flat());
  }

  /** Nothing is told any more. */
  async close(): Promise<void> {
    this.#closed.abort();
    for (const timer of this.#timers.values()) clearTimeout(timer);
    await Promise.all(this.#sources.map((source) => source.close()));
  }

  async #ask(source: DiscoverySource): Promise<void> {
    let wrong = '';
    try {
      const { complaints, sightings } = await source.find(this.#closed.signal);
      this.#said.set(source, sightings);
      wrong = complaints.map((complaint) => `${source.name}: ${complaint}`).join('; ');
    } catch (error) {
      wrong = (error as Error).message;
    }
    if (this.#closed.signal.aborted) return;
    if (wrong !== '' && wrong !== this.#wrong.get(source)) this.#options.complain(wrong);
    this.#wrong.set(source, wrong);
    this.#tell();
    const everyMs = this.#options.everyMs ?? source.everyMs;
    this.#timers.set(source, setTimeout(() => void this.#ask(source), everyMs).unref());
  }

  #tell(): void {
    const { sightings } = this;
    const now = JSON.stringify(sightings);
    if (now === this.#told) return;
    this.#told = now;
    this.#options.changed(sightings);
  }
}
