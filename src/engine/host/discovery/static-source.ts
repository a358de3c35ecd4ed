import type { Address } from '../../core/base/ids.ts';
import type { DiscoverySource, Found } from './discovery-source.ts';
import { interrupted } from './source-problems.ts';

/** Addresses that somebody has written down: what is said never changes. */
export function staticSource(name: string, addresses: readonly Address[]): DiscoverySource {
  return {
    close: async () => undefined,
    everyMs: 3_600_000,
    find: async (signal): Promise<Found> => {
      if (signal.aborted) throw interrupted(name);
      return { complaints: [], sightings: addresses.map((url) => ({ url })) };
    },
    name,
  };
}
