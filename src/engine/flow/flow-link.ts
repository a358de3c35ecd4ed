import type { LinkId } from '../core/base/ids.ts';
import type { Problem } from '../core/base/problems.ts';
import type { Peer } from '../core/links/messages.ts';
import type { Message } from '../core/node/inputs.ts';

/** What topics need of a link (`wire-link.ts`). */
export interface Wire {
  readonly isFull: boolean;
  /** Whether the other side takes several messages in one piece. */
  readonly runs?: boolean;
  send(message: Message): Problem | undefined;
  hold(): void;
  release(): void;
}

/** Something that waits for room on a link. */
export interface Pump {
  /** Sends what it can. */
  pump(): void;
}

/** A link as topics see it. */
export class FlowLink {
  readonly id: LinkId;
  readonly peer: Peer;
  readonly wire: Wire;
  /** What waits for it, in the order in which it began to. */
  readonly behind = new Set<Pump>();
  /** What was given to members of groups on it, and they have not acknowledged. */
  unsettled = 0;
  /** What was published on it without a count. */
  published = 0;
  /** Messages have passed since the node was told so. */
  busy = false;
  /** Why it is not read. */
  readonly #holders = new Set<object>();

  constructor(id: LinkId, peer: Peer, wire: Wire) {
    this.id = id;
    this.peer = peer;
    this.wire = wire;
  }

  get isHeld(): boolean {
    return this.#holders.size > 0;
  }

  /** Whether a publisher on it may be made to wait. On another node's link there are others, too; one that is behind would not be heard. */
  get canWait(): boolean {
    return this.peer.role === 'client' && this.behind.size === 0;
  }

  hold(holder: object): void {
    if (this.#holders.size === 0) this.wire.hold();
    this.#holders.add(holder);
  }

  release(holder: object): void {
    if (this.#holders.delete(holder) && this.#holders.size === 0) this.wire.release();
  }

  /** It has room again. Whoever waited longest goes first, and last the next time. */
  drained(): void {
    for (const waiting of [...this.behind]) {
      if (this.wire.isFull) return;
      this.behind.delete(waiting);
      this.behind.add(waiting);
      waiting.pump();
    }
  }
}
