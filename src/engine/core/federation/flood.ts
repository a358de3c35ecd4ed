import type { NodeId } from '../base/ids.ts';
import { earlier, type Instant, NEVER } from '../base/instant.ts';
import { getOrMake } from '../base/maps.ts';
import type { LinkState } from './link-state.ts';
import type { FederationMessage, Held } from './messages.ts';

/**
 * How records get to all hubs: what is news goes to all neighbours but the one it came from (flooding, RFC 2328 §13), gathered
 * for a moment; and now and then neighbours compare all that they have, which mends whatever was lost.
 *
 * Invariant: a record is passed on only where it was news here, so each crosses a link at most once in each direction.
 */
export class Flood {
  readonly #links: LinkState;
  readonly #say: (to: NodeId, message: FederationMessage) => void;
  /** What is to be told to a neighbour, by the hub that it is about. */
  readonly #pending = new Map<NodeId, { readonly hubs: Set<NodeId>; readonly offers: Set<NodeId> }>();
  #flushAt: Instant = NEVER;
  told = 0;

  constructor(links: LinkState, say: (to: NodeId, message: FederationMessage) => void) {
    this.#links = links;
    this.#say = say;
  }

  news(what: 'hubs' | 'offers', about: NodeId, to: Iterable<NodeId>, now: Instant): void {
    for (const neighbour of to) {
      const pending = getOrMake(this.#pending, neighbour, () => ({
        hubs: new Set<NodeId>(),
        offers: new Set<NodeId>(),
      }));
      pending[what].add(about);
      this.#flushAt = earlier(this.#flushAt, now + GATHER_MS);
    }
  }

  /** A neighbour is gone. */
  forget(neighbour: NodeId): void {
    this.#pending.delete(neighbour);
  }

  greet(neighbour: NodeId): void {
    this.#say(neighbour, { digest: this.#links.digest, kind: 'hub-digest' });
  }

  /** A neighbour has said what it has. */
  compare(
    from: NodeId,
    { digest, have, last }: { readonly digest: number; readonly have?: readonly Held[]; readonly last?: true },
    now: Instant,
  ): void {
    if (digest === this.#links.digest) return;
    const own = { digest: this.#links.digest, have: this.#links.have(), kind: 'hub-digest' } as const;
    if (have === undefined) {
      this.#say(from, own);
      return;
    }
    const { behind, hubs, offers } = this.#links.compare(have);
    this.#tell(from, hubs, offers, now);
    if (behind && last === undefined) this.#say(from, { ...own, last: true });
  }

  deadline(): Instant {
    return this.#flushAt;
  }

  advance(now: Instant): void {
    if (now < this.#flushAt) return;
    this.#flushAt = NEVER;
    for (const [to, { hubs, offers }] of this.#pending) this.#tell(to, [...hubs], [...offers], now);
    this.#pending.clear();
  }

  /** Why in portions: a frame has a limit, and what a hub offers may be long. */
  #tell(to: NodeId, hubs: readonly NodeId[], offers: readonly NodeId[], now: Instant): void {
    for (let i = 0; i < hubs.length; i += HUBS_PER_MESSAGE) {
      const some = hubs.slice(i, i + HUBS_PER_MESSAGE).flatMap((hub) => this.#links.told(hub, now) ?? []);
      this.told += some.length;
      this.#say(to, { hubs: some, kind: 'hub-news', offers: [] });
    }
    for (const hub of offers) {
      const record = this.#links.toldOffers(hub, now);
      if (record === undefined) continue;
      this.told++;
      this.#say(to, { hubs: [], kind: 'hub-news', offers: [record] });
    }
  }
}

/** Trade-off: longer is fewer messages; shorter is news that travels faster. */
const GATHER_MS = 20;
const HUBS_PER_MESSAGE = 64;
