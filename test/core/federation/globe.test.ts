import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { distanceKm, guessedRttMs, isCoordinates } from '../../../src/engine/core/federation/globe.ts';
import { median, PAIRS, REGIONS, type Region, rttMs } from './regions.ts';

const at = (latitude: number, longitude: number) => ({ latitude, longitude });
const places = fc.record({
  latitude: fc.double({ max: 90, min: -90, noNaN: true }),
  longitude: fc.double({ max: 180, min: -180, noNaN: true }),
});
const CIRCUMFERENCE_KM = 2 * Math.PI * 6_371.0088;

/** By the angle between two arrows from the middle of the earth. */
function naiveKm(a: Region, b: Region): number {
  const arrow = ({ latitude, longitude }: Region) => {
    const [phi, lambda] = [(latitude * Math.PI) / 180, (longitude * Math.PI) / 180];
    return [Math.cos(phi) * Math.cos(lambda), Math.cos(phi) * Math.sin(lambda), Math.sin(phi)];
  };
  const [one, other] = [arrow(a), arrow(b)];
  return 6_371.0088 * Math.acos(one.reduce((sum, x, i) => sum + x * (other[i] as number), 0));
}

describe('the distance between two places', () => {
  test('is a quarter of the globe from the pole to the equator, and half of it to the antipodes', () => {
    expect(distanceKm(at(90, 0), at(0, 77))).toBeCloseTo(CIRCUMFERENCE_KM / 4, 6);
    expect(distanceKm(at(30, 20), at(-30, -160))).toBeCloseTo(CIRCUMFERENCE_KM / 2, 3);
    expect(distanceKm(at(0, -180), at(0, 180))).toBeCloseTo(0, 6);
  });

  test('agrees with the angle between arrows, for all pairs of regions', () => {
    for (const [a, b] of PAIRS) {
      const [one, other] = [REGIONS[a] as Region, REGIONS[b] as Region];
      expect(distanceKm(one, other)).toBeCloseTo(naiveKm(one, other), 3);
    }
  });

  test('is the same there and back, and never longer than by a third place', () => {
    fc.assert(
      fc.property(places, places, places, (a, b, c) => {
        expect(distanceKm(a, b)).toBe(distanceKm(b, a));
        expect(distanceKm(a, c)).toBeLessThanOrEqual(distanceKm(a, b) + distanceKm(b, c) + 1e-3);
        expect(distanceKm(a, a)).toBe(0);
      }),
    );
  });
});

test('latencies guessed from distance are wrong by less than a third for most pairs of regions', () => {
  const errors = PAIRS.map(([a, b]) => {
    const guess = guessedRttMs(REGIONS[a] as Region, REGIONS[b] as Region);
    return Math.abs(guess - rttMs(a, b)) / rttMs(a, b);
  });
  expect(median(errors)).toBeLessThan(1 / 3);
});

test.each([
  [at(0, 0), true],
  [at(-90, 180), true],
  [at(90.1, 0), false],
  [at(0, -180.1), false],
  [at(Number.NaN, 0), false],
  [{ latitude: '1', longitude: 2 }, false],
  [{ latitude: 1 }, false],
  [undefined, false],
  [null, false],
  ['1,2', false],
])('%j is a place: %s', (value, expected) => {
  expect(isCoordinates(value)).toBe(expected);
});
