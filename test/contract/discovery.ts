/** What every source of discovery promises, as tests. Each adapter's own test file runs it against a real place on loopback. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { DiscoverySource, Sighting } from '../../src/engine/host/discovery/discovery-source.ts';
import { SourceWatch } from '../../src/engine/host/discovery/source-watch.ts';
import { until } from '../acceptance/until.ts';

export interface PlaceUnderTest {
  readonly source: DiscoverySource;
  /** The two ports of 127.0.0.1 at which it says that nodes are. */
  readonly ports: readonly [number, number];
  /** Has the place say from now on that nodes are at these ports of 127.0.0.1, and nothing else; absent: it never changes. */
  readonly say?: (ports: readonly number[]) => Promise<void>;
  /** Has the place be gone from now on, where a place can be gone. */
  readonly vanish?: () => Promise<void>;
  /** What it is then. */
  readonly gone?: string;
  readonly close: () => Promise<void>;
}

export function discoveryContract(name: string, make: () => Promise<PlaceUnderTest>): void {
  describe(`the source ${name}`, () => {
    let place: PlaceUnderTest;
    beforeEach(async () => {
      place = await make();
    });
    afterEach(async () => {
      await place.source.close();
      await place.close();
    });

    const portsOf = (sightings: readonly Sighting[]) =>
      sightings.map(({ url }) => Number(new URL(url).port)).sort((a, b) => a - b);
    const ask = async () => portsOf((await place.source.find(new AbortController().signal)).sightings);

    test('says where nodes are, each once, and the same when asked again', async () => {
      const both = [...place.ports].sort((a, b) => a - b);
      expect(await ask()).toEqual(both);
      expect(await ask()).toEqual(both);
    });

    test('says what is so now, also that nobody is there any more', async ({ skip }) => {
      const { say } = place;
      if (say === undefined) return skip('what it says never changes');
      await say([7102, 7103]);
      expect(await ask()).toEqual([7102, 7103]);
      await say([]);
      expect(await ask()).toEqual([]);
    });

    test('is a problem where the place is gone, and not a silence', async ({ skip }) => {
      const { gone, source, vanish } = place;
      if (vanish === undefined) return skip('it cannot be gone');
      await vanish();
      await expect(source.find(new AbortController().signal)).rejects.toMatchObject({ problem: { code: gone } });
    });

    test('can be given up, before and while it searches', async () => {
      await expect(place.source.find(AbortSignal.abort())).rejects.toMatchObject({ problem: { code: 'interrupted' } });
      const giveUp = new AbortController();
      const search = place.source.find(giveUp.signal).then(
        () => 'found',
        (error) => error.problem?.code,
      );
      giveUp.abort();
      expect(['found', 'interrupted']).toContain(await search);
    });

    test('watched, tells of changes and of nothing else, and stops when told', async () => {
      const told: (readonly number[])[] = [];
      const complaints: string[] = [];
      const watch = new SourceWatch([place.source], {
        changed: (sightings) => told.push(portsOf(sightings)),
        complain: (text) => complaints.push(text),
        everyMs: 20,
      });
      try {
        await until(
          'it has told once',
          () => told.length,
          (count) => count > 0,
        );
        expect(told).toEqual([[...place.ports].sort((a, b) => a - b)]);
        if (place.say !== undefined) {
          await place.say([7103]);
          await until(
            'it has told the change',
            () => told.at(-1),
            (ports) => ports?.[0] === 7103,
          );
        }
        if (place.vanish !== undefined) {
          await place.vanish();
          await until(
            'it has complained',
            () => complaints.length,
            (count) => count > 0,
          );
          expect(portsOf(watch.sightings)).toEqual(told.at(-1)); // what was known last
        }
      } finally {
        await watch.close();
      }
    });
  });
}
