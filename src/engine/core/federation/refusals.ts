import type { NodeId } from '../base/ids.ts';

/** A record that is not taken, because it is too large. */
export interface Refusal {
  /** Who wrote it, and of which cluster. */
  readonly hub: NodeId;
  readonly cluster: string;
  /** What the hub says of itself, or of all that its cluster has. */
  readonly what: 'hub' | 'offers';
  /** As `sizeOf` has it. */
  readonly bytes: number;
  readonly bytesMax: number;
  /** One record may have so much, or all of the sort together: then there would be room if others were smaller. */
  readonly limit: 'one' | 'all';
}

/**
 * Records that were refused for their size and stand in place of none that was taken since: so that who wrote one, and who
 * looks for what it says, can be told.
 *
 * Limit: of more than `KEPT_MAX` the oldest are forgotten; all are counted.
 */
export class Refusals {
  readonly #kept = new Map<string, Refusal>();
  /** Each time that one came. */
  count = 0;

  /** The oldest first. */
  get all(): readonly Refusal[] {
    return [...this.#kept.values()];
  }

  add(refusal: Refusal): void {
    this.count++;
    const key = keyOf(refusal.hub, refusal.what);
    this.#kept.delete(key);
    this.#kept.set(key, refusal);
    if (this.#kept.size <= KEPT_MAX) return;
    const [oldest] = this.#kept.keys();
    if (oldest !== undefined) this.#kept.delete(oldest);
  }

  /** A newer one was taken, or the hub is known no longer. */
  clear(hub: NodeId, what: Refusal['what']): void {
    this.#kept.delete(keyOf(hub, what));
  }
}

/** What happened, how large it is, and what to do: a sentence without its full stop. `self`: the hub that says it. */
export function saysOf({ bytes, bytesMax, cluster, hub, limit, what }: Refusal, self: NodeId): string {
  const isOwn = hub === self;
  const which = what === 'hub' ? (isOwn ? 'itself' : `its hub ${hub}`) : isOwn ? 'what its cluster has' : 'what it has';
  const said = isOwn ? `what this hub says of ${which}` : `what ${cluster} says of ${which}`;
  const room = limit === 'one' ? `more than the ${bytesMax} of one record` : `and all records may have ${bytesMax}`;
  const cause =
    what === 'hub' ? 'fewer links, shorter names' : 'fewer functions and queues, or export rules that leave some out';
  const where = isOwn ? `no hub takes it, others know what was said before; have ${cause}` : 'it is not taken here';
  return `${said} is of ${bytes} bytes, ${room}: ${where}`;
}

const KEPT_MAX = 64;

function keyOf(hub: NodeId, what: Refusal['what']): string {
  return `${what} ${hub}`;
}
