import type { NodeId } from '../base/ids.ts';
import { spread, waysOf } from './alternatives.ts';
import { Compass } from './compass.ts';
import { HubGraph } from './graph.ts';
import type { LinkState } from './link-state.ts';
import { findWay, Tree, type Way } from './paths.ts';
import type { HubRecord } from './records.ts';

/** A way together with the lives of the links on it, so that it can be told whether it still stands. */
export interface StandingWay extends Way {
  readonly lives: readonly number[];
}

/**
 * The ways from this hub to all others, as the records of now give them.
 *
 * Why this hub's own record is asked for and not taken from the database: it knows of its links before it has told of them.
 */
export class Ways {
  readonly #self: NodeId;
  readonly #links: LinkState;
  readonly #own: () => HubRecord;
  readonly #hopsMax: number;
  #made: Made | undefined;
  readonly #ways = new Map<NodeId, StandingWay | undefined>();

  constructor(parts: {
    readonly self: NodeId;
    readonly links: LinkState;
    readonly own: () => HubRecord;
    readonly hopsMax: number;
  }) {
    this.#self = parts.self;
    this.#links = parts.links;
    this.#own = parts.own;
    this.#hopsMax = parts.hopsMax;
  }

  /** Something has changed: nothing that was found is still true. */
  stale(): void {
    this.#made = undefined;
    this.#ways.clear();
  }

  get graph(): HubGraph {
    return this.#now.graph;
  }

  /** For searches for single hubs. Made when one is first asked for: most changes come and go without. */
  get compass(): Compass {
    const made = this.#now;
    made.compass ??= new Compass(made.graph);
    return made.compass;
  }

  /** The best ways to all. */
  get tree(): Tree {
    return this.#now.tree;
  }

  /** The best way to a hub; undefined where none leads there. What is left of it is the best way of each hub on it. */
  best(hub: NodeId): Way | undefined {
    return hub === this.#self ? undefined : this.tree.way(hub);
  }

  /**
   * The way that is taken to a hub: of those that cost about the same, one by the two ends, so that they share the load.
   * Why not by the message: what one hub says to another stays in order on one way.
   */
  to(hub: NodeId): StandingWay | undefined {
    if (this.#made === undefined) this.stale();
    if (this.graph.indexOf(hub) === undefined) return undefined;
    if (!this.#ways.has(hub)) {
      const way = this.best(hub) && spread(this.#alike(hub), `${this.#self} ${hub}`);
      this.#ways.set(hub, way && { ...way, lives: this.#livesOf(way.hubs) ?? [] });
    }
    return this.#ways.get(hub);
  }

  /** A way for what has passed some hubs already: the hop limit counts these, and none of them is passed again. */
  around(hub: NodeId, passed: readonly NodeId[]): readonly NodeId[] | undefined {
    const hopsMax = this.#hopsMax - passed.length;
    const search = { avoid: passed, from: this.#self, hopsMax, to: hub };
    return findWay(this.graph, search, this.compass.towards(hub)).way?.hubs;
  }

  /** Whether every link of a way is there and has been since the way was found. */
  stands({ hubs, lives }: StandingWay): boolean {
    const now = this.#livesOf(hubs);
    return now?.every((life, i) => life === lives[i]) ?? false;
  }

  #alike(hub: NodeId): readonly Way[] {
    return waysOf(
      this.graph,
      { from: this.#self, hopsMax: this.#hopsMax, to: hub },
      { slack: ALIKE, waysMax: WAYS_MAX },
      this.compass.towards(hub),
    );
  }

  get #now(): Made {
    if (this.#made === undefined) {
      const own = this.#own();
      const others = [...this.#links.hubs()].filter(({ hub }) => hub !== this.#self);
      const graph = new HubGraph([own, ...others]);
      const tree = new Tree(graph, { from: this.#self, hopsMax: this.#hopsMax });
      this.#made = { compass: undefined, graph, tree };
    }
    return this.#made;
  }

  /** For each link of a way a number that changes when either end makes it anew; undefined where one is gone. */
  #livesOf(hubs: readonly NodeId[]): readonly number[] | undefined {
    const lives: number[] = [];
    let from = this.#self;
    for (const to of hubs) {
      if (this.graph.costOf(from, to) === undefined) return undefined;
      lives.push(this.#claimed(from, to) + this.#claimed(to, from));
      from = to;
    }
    return lives;
  }

  #claimed(from: NodeId, to: NodeId): number {
    const record = from === this.#self ? this.#own() : this.#links.hub(from);
    return record?.edges.find((edge) => edge.to === to)?.life ?? 0;
  }
}

/** What follows from the records of one moment. */
interface Made {
  compass: Compass | undefined;
  readonly graph: HubGraph;
  readonly tree: Tree;
}

/** Ways that are dearer than the best by less than this share cost the same: links are measured, and never alike to the microsecond. */
const ALIKE = 0.05;
const WAYS_MAX = 4;
