/** How a node keeps its connections. All durations in milliseconds. */
export interface LinksOptions {
  /**
   * Up to this many other nodes, every node keeps a link to every other.
   * More: fewer hops and dials in larger clusters. Fewer: less memory (a link costs some 50 KiB) and fewer keep-alives.
   */
  readonly fullMeshMax: number;
  /**
   * Beyond that, each node keeps links to ceil(factor × log2 n) others of its choice; with those that others choose, a
   * node has about twice as many. More: gossip survives more broken links. Fewer: less memory.
   */
  readonly standingFactor: number;
  /** A link that was silent this long is asked for a beat. Less: dead links are noticed sooner. More: less idle traffic. */
  readonly beatMs: number;
  /**
   * A link that was silent this long, though asked for a beat, is dead; at least twice `beatMs`.
   * Less: dead links are noticed sooner. More: busy or sleepy peers are forgiven longer.
   */
  readonly silenceMs: number;
  /** A link that traffic wanted is closed when unused this long. Less: fewer open links. More: fewer dials. */
  readonly idleMs: number;
  /**
   * The first wait after a failed dial; doubles with each further failure; half of it is chance.
   * Less: short absences are over sooner. More: fewer dials to those who are gone.
   */
  readonly backoffMs: number;
  /** The longest such wait. Less: faster healing. More: fewer dials to those who are gone. */
  readonly backoffMaxMs: number;
  /** Dials under way at once, for standing links. More: a large mesh stands up sooner. Fewer: smaller bursts of handshakes. */
  readonly dialsMax: number;
  /** Messages waiting for one link to come up; one more is undelivered. More: larger bursts survive a dial. Fewer: less memory. */
  readonly waitingMax: number;
}

export const DEFAULT_LINKS: LinksOptions = {
  backoffMaxMs: 15_000,
  backoffMs: 250,
  beatMs: 5_000,
  dialsMax: 16,
  fullMeshMax: 24,
  idleMs: 10_000,
  silenceMs: 12_000,
  standingFactor: 1.5,
  waitingMax: 4_096,
};
