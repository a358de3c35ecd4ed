import type { Prng } from '../base/prng.ts';
import type { Position } from './records.ts';

/**
 * Where this hub is in a space in which distance is latency, learnt from the round trips that it sees: so that latencies between
 * any two hubs can be told without measuring each (Dabek, Cox, Kaashoek, Morris, "Vivaldi: A Decentralized Network Coordinate
 * System", SIGCOMM 2004).
 *
 *     ●──────────○      shorter than the round trip says: it is pushed away from the other
 *     ●≀≀≀≀≀≀≀≀≀≀○      longer: it is drawn nearer
 *
 * Each measurement is a spring between two hubs. How far one moves depends on how sure it is of its place, and how sure the other
 * is (§4.3, adaptive timestep). Above the plane each has a height, the way from it to where the long lines begin, which every
 * packet goes down and up again (§5.4).
 *
 * A round trip is heard as the median of the last few to that hub, so that one that waited somewhere moves nothing; and the
 * whole space is drawn to the origin, ever so little, lest it drifts away (Ledlie, Gardner, Seltzer, "Network Coordinates in the
 * Wild", NSDI 2007, §4.2 and §4.4).
 *
 * Limit: latencies that are no distances, since a detour is shorter, cannot be told well in any space.
 */
export class Vivaldi {
  readonly #options: VivaldiOptions;
  #at: readonly number[];
  #height: number;
  #error = ERROR_MAX;
  /** The last round trips to each hub, the oldest first. */
  readonly #heard = new Map<string, number[]>();

  constructor(options: VivaldiOptions = DEFAULT_VIVALDI) {
    this.#options = options;
    this.#at = new Array(options.dimensions).fill(0);
    this.#height = options.heightMsMin;
  }

  /** To a millionth of a second. */
  get position(): Position {
    return { at: this.#at.map(rounded), error: rounded(this.#error), height: rounded(this.#height) };
  }

  /** A round trip to a hub that says it is there. False where it is none, or that is no place in this space. */
  observe(hub: string, rttMs: number, there: Position, prng: Prng): boolean {
    if (!(rttMs > 0) || rttMs > RTT_MS_MAX || !isPosition(there, this.#at.length)) return false;
    const rtt = this.#median(hub, rttMs);
    const distance = distanceMs(this.position, there);
    const weight = this.#error / (this.#error + Math.max(there.error, ERROR_MIN));
    const relative = Math.abs(distance - rtt) / rtt;
    const { errorShare, moveShare, gravityMs } = this.#options;
    const error = relative * errorShare * weight + this.#error * (1 - errorShare * weight);
    this.#error = Math.min(ERROR_MAX, Math.max(ERROR_MIN, error));
    this.#push(there, moveShare * weight * (rtt - distance), prng);
    const origin: Position = { at: this.#at.map(() => 0), error: 0, height: 0 };
    this.#push(origin, -((distanceMs(this.position, origin) / gravityMs) ** 2), prng);
    return true;
  }

  /** It is gone, and what was heard of it. */
  forget(hub: string): void {
    this.#heard.delete(hub);
  }

  #median(hub: string, rttMs: number): number {
    const heard = this.#heard.get(hub) ?? [];
    this.#heard.set(hub, heard);
    heard.push(rttMs);
    if (heard.length > this.#options.samplesMax) heard.shift();
    return [...heard].sort((a, b) => a - b)[(heard.length - 1) >> 1] as number;
  }

  /** Away from there by `force` milliseconds, or towards it where that is negative. */
  #push(there: Position, force: number, prng: Prng): void {
    const apart = this.#at.map((x, i) => x - (there.at[i] as number));
    const flat = lengthOf(apart);
    const heights = this.#height + there.height;
    if (flat < TOGETHER_MS) {
      // Why: two at one place do not know in which direction to part.
      const random = this.#at.map(() => prng.between(-1_000, 1_000));
      const length = lengthOf(random) || 1;
      this.#at = this.#at.map((x, i) => x + (force * (random[i] as number)) / length);
      return;
    }
    const distance = flat + heights;
    this.#at = this.#at.map((x, i) => x + (force * (apart[i] as number)) / distance);
    this.#height = Math.max(this.#options.heightMsMin, this.#height + (force * heights) / distance);
  }
}

/** The round trip between two hubs, as far as their positions know it. */
export function distanceMs(a: Position, b: Position): number {
  return lengthOf(a.at.map((x, i) => x - (b.at[i] ?? 0))) + a.height + b.height;
}

/** Whether what somebody said is a place in a space of so many dimensions. */
export function isPosition(value: Position, dimensions: number): boolean {
  const { at, height, error } = value;
  if (!Array.isArray(at) || at.length !== dimensions) return false;
  const isSmall = (x: unknown) => typeof x === 'number' && Math.abs(x) <= RTT_MS_MAX;
  return at.every(isSmall) && isSmall(height) && height >= 0 && error >= 0 && error <= ERROR_MAX;
}

export interface VivaldiOptions {
  /** More: fits networks better that are no globe. Fewer: positions are shorter; between cloud regions 2 to 8 do equally well. */
  readonly dimensions: number;
  /** How much one measurement tells of the own error, at most: c_e. Larger: learns sooner. Smaller: is calmer. */
  readonly errorShare: number;
  /** How far one measurement moves, at most, as a share of what it is off by: c_c. Larger: gets there sooner. Smaller: is calmer. */
  readonly moveShare: number;
  /** Round trips to one hub whose median is heard. More: outliers in a row are seen through. Fewer: changes are heard sooner. */
  readonly samplesMax: number;
  /** So far from the origin, each measurement draws it back by 1 ms; half as far, by a quarter. Larger: drifts. Smaller: distorts. */
  readonly gravityMs: number;
  /** Larger: near hubs seem farther. Smaller: a height that was lost grows back more slowly. */
  readonly heightMsMin: number;
}

export const DEFAULT_VIVALDI: VivaldiOptions = {
  dimensions: 3,
  errorShare: 0.25,
  gravityMs: 256,
  heightMsMin: 0.01,
  moveShare: 0.25,
  samplesMax: 3,
};

const ERROR_MAX = 1;
/** Nobody is ever quite sure, so nobody ever stops to learn. */
const ERROR_MIN = 0.01;
const TOGETHER_MS = 1e-3;
/** What takes longer is no round trip of a link. */
const RTT_MS_MAX = 60_000;

function lengthOf(vector: readonly number[]): number {
  return Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
}

function rounded(x: number): number {
  return Math.round(x * 1_000) / 1_000;
}
