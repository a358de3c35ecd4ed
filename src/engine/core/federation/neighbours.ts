import type { LinkId, NodeId } from '../base/ids.ts';
import { earlier, type Instant, NEVER } from '../base/instant.ts';
import { Neighbour } from './neighbour.ts';

/**
 * The hubs that this one has a link to, and the echoes that measure these links.
 *
 * Of two bridges to one hub, which arise when both dial at once, that which the hub with the lesser id dialled is kept, or
 * of two such the newer: both ends choose the same. On the other nothing more is sent; its dialler closes it after a while.
 *
 * Invariant: at most one link to a hub is not retired.
 */
export class Neighbours {
  readonly #self: NodeId;
  readonly #echoMs: number;
  readonly #bridges = new Map<LinkId, Neighbour>();
  /** The one that carries what is sent. */
  readonly #active = new Map<NodeId, Neighbour>();
  /** How often a link to a hub was made. Limit: of those that are gone, the oldest are forgotten. */
  readonly #lives = new Map<NodeId, number>();
  #echoAt: Instant = NEVER;
  #round = 0;

  constructor(self: NodeId, echoMs: number) {
    this.#self = self;
    this.#echoMs = echoMs;
  }

  of(hub: NodeId): Neighbour | undefined {
    return this.#active.get(hub);
  }

  bridge(link: LinkId): Neighbour | undefined {
    return this.#bridges.get(link);
  }

  /** In the order of their ids. */
  get all(): readonly Neighbour[] {
    return [...this.#active.values()].sort((a, b) => (a.hub < b.hub ? -1 : 1));
  }

  hasBridgeTo(cluster: string): boolean {
    for (const { cluster: theirs, link } of this.#active.values())
      if (theirs === cluster && link !== undefined) return true;
    return false;
  }

  add(about: Omit<ConstructorParameters<typeof Neighbour>[0], 'life' | 'upAt'>, now: Instant): Neighbour {
    const added = new Neighbour({ ...about, life: this.#begin(about.hub), upAt: now });
    if (about.link !== undefined) this.#bridges.set(about.link, added);
    const before = this.#active.get(about.hub);
    const dropped = before === undefined ? undefined : this.#lesser(before, added);
    if (dropped !== undefined) dropped.retiredAt = now;
    if (dropped !== added) this.#active.set(about.hub, added);
    this.#echoAt = earlier(this.#echoAt, now);
    return added;
  }

  /** A bridge is gone. */
  remove(link: LinkId): Neighbour | undefined {
    const gone = this.#bridges.get(link);
    this.#bridges.delete(link);
    if (gone === undefined || this.#active.get(gone.hub) !== gone) return gone;
    this.#active.delete(gone.hub);
    const other = [...this.#bridges.values()].find(({ hub }) => hub === gone.hub);
    if (other !== undefined) {
      other.retiredAt = undefined;
      this.#active.set(other.hub, other);
    }
    return gone;
  }

  /** A hub of the own cluster is gone. */
  removeSibling(hub: NodeId): void {
    if (this.#active.get(hub)?.link === undefined) this.#active.delete(hub);
  }

  get siblings(): readonly Neighbour[] {
    return this.all.filter(({ link }) => link === undefined);
  }

  get bridges(): readonly Neighbour[] {
    return [...this.#bridges.values()];
  }

  deadline(): Instant {
    return this.#active.size === 0 ? NEVER : this.#echoAt;
  }

  /**
   * Who is to be sent an echo now: bridges each time, siblings, of whom membership takes care, each fifth time. Nobody who got one
   * just now. Why: each link that comes up is measured at once; where some do, others would seem not to have answered.
   */
  due(now: Instant): readonly Neighbour[] {
    if (now < this.#echoAt) return [];
    this.#echoAt = now + this.#echoMs;
    const withSiblings = this.#round++ % SIBLING_ROUNDS === 0;
    return this.all.filter(
      ({ echoedAt, link }) => now - echoedAt >= this.#echoMs / 2 && (link !== undefined || withSiblings),
    );
  }

  /** Retired bridges that this hub dialled, and that were quiet for long enough to be closed. */
  over(now: Instant): readonly Neighbour[] {
    return this.bridges.filter(
      ({ mine, retiredAt }) => mine && retiredAt !== undefined && now - retiredAt > RETIRED_MS,
    );
  }

  #lesser(a: Neighbour, b: Neighbour): Neighbour {
    if (a.link === undefined) return a;
    const dialler = ({ hub, mine }: Neighbour) => (mine ? this.#self : hub);
    if (dialler(a) === dialler(b)) return a.upAt <= b.upAt ? a : b;
    return dialler(a) < dialler(b) ? b : a;
  }

  #begin(hub: NodeId): number {
    const life = (this.#lives.get(hub) ?? 0) + 1;
    this.#lives.delete(hub);
    this.#lives.set(hub, life);
    if (this.#lives.size > LIVES_MAX)
      for (const oldest of [...this.#lives.keys()].slice(0, 1)) this.#lives.delete(oldest);
    return life;
  }
}

const SIBLING_ROUNDS = 5;
const RETIRED_MS = 2_000;
const LIVES_MAX = 4_096;
