import type { NodeId } from '../base/ids.ts';
import { BloomFilter } from './bloom.ts';
import { type FarPlaces, NO_WAY } from './far-places.ts';
import { mayHear, unionOf } from './interest.ts';
import type { ClusterIdentity, Interest } from './records.ts';
import type { Ways } from './ways.ts';

/** A neighbour, and the hubs that a message on the link to it is for. */
export interface Branch {
  readonly next: NodeId;
  readonly to: readonly NodeId[];
}

/**
 * Which clusters listen to a topic, and over which links one message gets to all of them: a tree of the best ways, so that it
 * crosses each link at most once.
 *
 * Invariant: a cluster with a subscription that matches is among them, once its offers are known and a way leads there.
 */
export class FarTopics {
  readonly #ways: Ways;
  readonly #far: FarPlaces;
  readonly #exports: (to: ClusterIdentity, topic: string) => boolean;
  readonly #imports: (of: ClusterIdentity, topic: string) => boolean;
  /** By topic. Limit: beyond `KNOWN_MAX` topics all are found out anew. */
  readonly #known = new Map<string, readonly Branch[]>();
  #listening: readonly Listening[] | undefined;

  constructor(parts: {
    readonly ways: Ways;
    readonly far: FarPlaces;
    /** Whether messages of a topic may go to a cluster. */
    readonly exports: (to: ClusterIdentity, topic: string) => boolean;
    /** Whether messages of a topic may come from a cluster. */
    readonly imports: (of: ClusterIdentity, topic: string) => boolean;
  }) {
    this.#ways = parts.ways;
    this.#far = parts.far;
    this.#exports = parts.exports;
    this.#imports = parts.imports;
  }

  stale(): void {
    this.#known.clear();
    this.#listening = undefined;
  }

  /** What any other cluster listens to that can be reached. */
  get interest(): Interest | undefined {
    return unionOf(this.#now.flatMap(({ interests }) => interests));
  }

  branches(topic: string): readonly Branch[] {
    const known = this.#known.get(topic);
    if (known !== undefined) return known;
    const hubs: NodeId[] = [];
    for (const { identity, hub, filters } of this.#now) {
      if (filters.some((filter) => mayHear(filter, topic)) && this.#exports(identity, topic)) hubs.push(hub);
    }
    const branches = this.onward(hubs, []);
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    this.#known.set(topic, branches);
    return branches;
  }

  /** What leads to the nearest hub of a cluster; empty where no way does. */
  branchTo(cluster: string): readonly Branch[] {
    const there = this.#far.listening.find(({ identity }) => identity.cluster === cluster);
    return this.onward(there?.hubs.slice(0, 1) ?? [], []);
  }

  /**
   * What each other cluster is to a topic: those first to which its messages go, the nearest before the others.
   *
   * Limit: what a cluster listens to and does not import is known there only; it is sent, and refused when it comes.
   */
  judge(topic: string): readonly JudgedTopic[] {
    const judged = this.#far.listening.map(({ hubs, identity, interests }): JudgedTopic => {
      const cost = hubs[0] === undefined ? undefined : this.#ways.to(hubs[0])?.cost;
      const heard = interests.some((one) => {
        const filter = BloomFilter.read(one);
        return filter !== undefined && mayHear(filter, topic);
      });
      const why = this.#whyNot(identity, topic, { heard, reached: hubs.length > 0 });
      const { cluster, region } = identity;
      return { cluster, region, ...(cost === undefined ? {} : { cost }), ...(why === undefined ? {} : { why }) };
    });
    const far = Number.MAX_SAFE_INTEGER;
    return judged.sort(
      (a, b) =>
        Number(a.why !== undefined) - Number(b.why !== undefined) ||
        (a.cost ?? far) - (b.cost ?? far) ||
        (a.cluster < b.cluster ? -1 : 1),
    );
  }

  /** The clusters that may retain a value that one of some patterns matches, and can be reached; the nearest first. */
  retainers(patterns: readonly string[]): readonly string[] {
    const words = patterns.map((pattern) => pattern.split('.', 1)[0] ?? ANY);
    const found = this.#far.listening.flatMap(({ hubs, identity, retains }) => {
      const cost = hubs[0] === undefined ? undefined : this.#ways.to(hubs[0])?.cost;
      return cost !== undefined && retains.some((one) => mayRetain(one, words)) ? [{ ...identity, cost }] : [];
    });
    return found.sort((a, b) => a.cost - b.cost || (a.cluster < b.cluster ? -1 : 1)).map(({ cluster }) => cluster);
  }

  /** Whether a message that another cluster has published is to be published here. */
  admits(cluster: string, topic: string): boolean {
    const identity = this.#far.identityOf(cluster);
    return identity !== undefined && this.#imports(identity, topic);
  }

  /** Whether messages of a topic may go to a cluster. */
  mayGo(cluster: string, topic: string): boolean {
    const identity = this.#far.identityOf(cluster);
    return identity !== undefined && this.#exports(identity, topic);
  }

  /** For what has passed some hubs. What no way leads to without them is left out. */
  onward(to: readonly NodeId[], passed: readonly NodeId[]): readonly Branch[] {
    const branches = new Map<NodeId, NodeId[]>();
    for (const hub of to) {
      const next = this.#nextTo(hub, passed);
      if (next === undefined) continue;
      const branch = branches.get(next);
      if (branch === undefined) branches.set(next, [hub]);
      else branch.push(hub);
    }
    return [...branches].map(([next, hubs]) => ({ next, to: hubs }));
  }

  #whyNot(
    to: ClusterIdentity,
    topic: string,
    { heard, reached }: { readonly heard: boolean; readonly reached: boolean },
  ): string | undefined {
    if (!heard) return 'nobody there listens to it';
    if (!this.#exports(to, topic)) return 'the policy of this cluster does not export it';
    return reached ? undefined : NO_WAY;
  }

  #nextTo(hub: NodeId, passed: readonly NodeId[]): NodeId | undefined {
    // Why the best and not another of the same cost: of best ways, those to several hubs part once, and never meet again.
    const way = this.#ways.best(hub)?.hubs;
    return way?.some((one) => passed.includes(one)) ? this.#ways.around(hub, passed)?.[0] : way?.[0];
  }

  get #now(): readonly Listening[] {
    this.#listening ??= this.#far.listening.flatMap(({ identity, hubs, interests }) => {
      const [hub] = [...hubs].sort();
      if (hub === undefined || interests.length === 0) return [];
      return [{ filters: interests.flatMap((one) => BloomFilter.read(one) ?? []), hub, identity, interests }];
    });
    return this.#listening;
  }
}

/** Whether a topic that begins with one of the words may be retained; a wildcard may be any. */
function mayRetain(retains: Interest, words: readonly string[]): boolean {
  const filter = BloomFilter.read(retains);
  return filter !== undefined && words.some((word) => word === ANY || word === ONE || mayHear(filter, word));
}

const ANY = '#';
const ONE = '*';

/** What one cluster is to a topic. */
export interface JudgedTopic {
  readonly cluster: string;
  readonly region: string;
  /** Absent: no way leads there. */
  readonly cost?: number;
  /** Why its messages do not go there. */
  readonly why?: string;
}

interface Listening {
  readonly identity: ClusterIdentity;
  /** Of its hubs that can be reached, the one with the least id: whoever sends, it is the same, and knows what has come twice. */
  readonly hub: NodeId;
  readonly interests: readonly Interest[];
  readonly filters: readonly BloomFilter[];
}

const KNOWN_MAX = 10_000;
