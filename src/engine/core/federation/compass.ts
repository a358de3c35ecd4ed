import type { NodeId } from '../base/ids.ts';
import { distanceKm, isCoordinates } from './globe.ts';
import type { HubGraph } from './graph.ts';
import type { Guess } from './paths.ts';
import type { Coordinates } from './records.ts';

/**
 * What it costs at the least to get from each hub to some others, from where they are on the globe: so that a search goes
 * towards its aim, and looks at fewer hubs.
 *
 * No edge between two hubs with coordinates costs less per kilometre than `perKm`, and a great circle is the shortest way
 * there is; so to go so many kilometres costs that often `perKm` or more. Of a hub without coordinates nothing is known: a way
 * that passes such hubs may be as cheap as you like from there on. The last hub with coordinates before one is a *gate*, and
 * whoever goes on without the globe has passed a gate.
 *
 *     guess(hub) = perKm × the distance to the nearest of aims and gates        a hub with coordinates
 *                = 0                                                             one without
 *
 * Invariants: no guess is more than what is left to pay (admissible), nor more than an edge and the guess behind it
 * (consistent); so a search with a compass finds the very ways that one without finds.
 *
 * Limit: one edge that is cheap for its length, such as between hubs with wrong coordinates, makes all guesses small, and
 * the search as slow as without.
 */
export class Compass {
  readonly #graph: HubGraph;
  readonly #places: readonly (Coordinates | undefined)[];
  readonly #gates: readonly Coordinates[];
  readonly #perKm: number;

  constructor(graph: HubGraph) {
    this.#graph = graph;
    this.#places = graph.hubs.map(({ identity: { coordinates } }) =>
      isCoordinates(coordinates) ? coordinates : undefined,
    );
    const gates: Coordinates[] = [];
    let perKm = Number.POSITIVE_INFINITY;
    for (const [from, here] of this.#places.entries()) {
      if (here === undefined) continue;
      let isGate = false;
      for (let at = graph.starts[from] as number; at < (graph.starts[from + 1] as number); at++) {
        const there = this.#places[graph.targets[at] as number];
        if (there === undefined) isGate = true;
        else perKm = Math.min(perKm, (graph.costs[at] as number) / (distanceKm(here, there) + ROUNDING_KM));
      }
      if (isGate) gates.push(here);
    }
    this.#gates = gates;
    this.#perKm = Number.isFinite(perKm) ? perKm : 0;
  }

  /** For a search with the same graph and the same aims. */
  towards(to: NodeId | readonly NodeId[]): Guess {
    const aims = (typeof to === 'string' ? [to] : to).flatMap((hub) => {
      const index = this.#graph.indexOf(hub);
      return (index !== undefined && this.#places[index]) || [];
    });
    const marks = [...aims, ...this.#gates];
    if (marks.length === 0 || marks.length > MARKS_MAX || this.#perKm === 0) return () => 0;
    const known = new Float64Array(this.#graph.size).fill(-1);
    return (index) => {
      if ((known[index] as number) < 0) known[index] = this.#guess(this.#places[index], marks);
      return known[index] as number;
    };
  }

  #guess(here: Coordinates | undefined, marks: readonly Coordinates[]): number {
    if (here === undefined) return 0;
    let least = Number.POSITIVE_INFINITY;
    for (const mark of marks) least = Math.min(least, distanceKm(here, mark));
    return Math.floor(this.#perKm * least);
  }
}

/** Every edge is taken to be so much longer: more than a distance can be wrong by through rounding (0.2 m, near antipodes). */
const ROUNDING_KM = 0.01;

/** Trade-off: with more of them to compare with, a guess costs more than what it saves. */
const MARKS_MAX = 64;
