import type { Coordinates } from './records.ts';

/**
 * Distances on the globe, and what they say of latencies before anything is measured.
 *
 * Limit: the earth is taken for a sphere, which is wrong by 0.6 % at most. A guess is right to within a factor of about two:
 * cables go where the sea, the money and the neighbours allow.
 */

/** The mean radius of the earth (IUGG, R₁). */
const RADIUS_KM = 6_371.0088;

/** Light in glass, whose refractive index is about 1.5. */
const FIBRE_KM_PER_MS = 200;

/**
 * How much longer than the great circle the way of a packet is: 2.1 (Bozkurt et al., "Dissecting Latency in the Internet's Fiber
 * Infrastructure", 2018, §1: the rule of thumb that earlier measurements suggest).
 */
const STRETCH = 2.1;

/** The great-circle distance, by the haversine formula (Sinnott, "Virtues of the Haversine", 1984). */
export function distanceKm(a: Coordinates, b: Coordinates): number {
  const latitude = radians(b.latitude - a.latitude);
  const longitude = radians(b.longitude - a.longitude);
  const h =
    Math.sin(latitude / 2) ** 2 +
    Math.cos(radians(a.latitude)) * Math.cos(radians(b.latitude)) * Math.sin(longitude / 2) ** 2;
  return 2 * RADIUS_KM * Math.asin(Math.sqrt(Math.min(1, h)));
}

/** A first guess of the round trip between two places, in milliseconds. */
export function guessedRttMs(a: Coordinates, b: Coordinates): number {
  return (2 * distanceKm(a, b) * STRETCH) / FIBRE_KM_PER_MS;
}

/** Whether something said to be a place is one: degrees, north and east positive. */
export function isCoordinates(value: unknown): value is Coordinates {
  if (typeof value !== 'object' || value === null) return false;
  const { latitude, longitude } = value as Partial<Coordinates>;
  return isWithin(latitude, 90) && isWithin(longitude, 180);
}

function isWithin(degrees: unknown, max: number): boolean {
  return typeof degrees === 'number' && Math.abs(degrees) <= max;
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180;
}
