/**
 * The port of discovery: a place that knows where nodes of mpreg may be found. It says what it has heard; whether
 * somebody is there, and who, is found out by connecting.
 *
 * An adapter asks one kind of place once, within its own limit of time, and remembers nothing.
 */
import type { Address } from '../../core/base/ids.ts';

/** A node that may be there. All but `url` is hearsay. */
export interface Sighting {
  /** Where clients and operators dial it. */
  readonly url: Address;
  /** Where hubs of other clusters dial it; absent: the same. */
  readonly bridge?: Address;
  readonly cluster?: string;
  readonly name?: string;
  readonly region?: string;
  readonly hub?: boolean;
}

export interface Found {
  /** Each url once, in the place's own order. */
  readonly sightings: readonly Sighting[];
  /** What the place says that is of no use, and why. */
  readonly complaints: readonly string[];
}

export interface DiscoverySource {
  /** As it is written: `srv:_mpreg._tcp.example.com`. */
  readonly name: string;
  /** How often it is worth asking again, in milliseconds. Shorter: changes are seen sooner; longer: less work for the place. */
  readonly everyMs: number;
  /** Rejects with a `ProblemError`: `nobody-there`, `file-unreadable`, `input-invalid`; with `interrupted` once `signal` is aborted. */
  find(signal: AbortSignal): Promise<Found>;
  /** What is under way rejects. */
  close(): Promise<void>;
}

/** Limits of what one place may say; what is more is not looked at, and complained of. */
export const SIGHTINGS_MAX = 1_000;
export const DOCUMENT_BYTES_MAX = 2 ** 20;

/** Each url once: what is said later of the same one is added where nothing was said before. */
export function merged(all: readonly Sighting[]): readonly Sighting[] {
  const found = new Map<Address, Sighting>();
  for (const one of all) found.set(one.url, { ...one, ...found.get(one.url) });
  return [...found.values()];
}
