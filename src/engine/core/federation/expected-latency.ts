/** The least that a round trip between two places takes: what physics and the usual detours of cables make of the distance. */
import type { Coordinates } from './records.ts';

/** Light in fibre goes about 200 km a millisecond, and there and back again. */
const KM_PER_MS = 100;

export function roundTripFloorMs(from: Coordinates, to: Coordinates): number {
  return greatCircleKm(from, to) / KM_PER_MS;
}

const EARTH_KM = 6_371;

/** The haversine formula: exact enough also for places that are near each other (R. W. Sinnott, 1984). */
function greatCircleKm(from: Coordinates, to: Coordinates): number {
  const radians = (degrees: number) => (degrees * Math.PI) / 180;
  const [a, b] = [radians(from.latitude), radians(to.latitude)];
  const across = Math.sin(radians(to.longitude - from.longitude) / 2) ** 2;
  const chord = Math.sin((b - a) / 2) ** 2 + Math.cos(a) * Math.cos(b) * across;
  return 2 * EARTH_KM * Math.asin(Math.min(1, Math.sqrt(chord)));
}
