/**
 * Judges who is too far behind with reading what is sent to it.
 *
 * Nothing is judged by speed alone: a client that takes something now and then may be as slow as its network. It refuses
 * to hold much for who takes nothing.
 */
import type { Peer } from '../core/links/messages.ts';

/** Limit: what may wait for anybody; then the link is cut. A peer's gossip must not wait behind it. */
const BEHIND_BYTES_MAX = 64 * 1024 * 1024;
/**
 * Limit: a client may have more than this waiting for so long, in milliseconds, without taking what is buffered; then it is
 * cut off as well.
 * Trade-off: cut at once, a client would lose its link to one large answer that is merely on its way.
 */
const CLIENT_BEHIND_BYTES_MAX = 8 * 1024 * 1024;
const CLIENT_BEHIND_MS_MAX = 5_000;

export class Behind {
  readonly #cut: () => void;
  /** Runs while a client has more waiting for it than it may. */
  #timer: NodeJS.Timeout | undefined;

  constructor(cut: () => void) {
    this.#cut = cut;
  }

  /** `buffered` bytes are with the connection, and `waiting` more wait for it, each with its own limit. */
  judge({ role }: Peer, buffered: number, waiting: number): void {
    if (buffered + waiting <= CLIENT_BEHIND_BYTES_MAX) this.stop();
    else if (role === 'client') this.#timer ??= setTimeout(this.#cut, CLIENT_BEHIND_MS_MAX);
    if (buffered > BEHIND_BYTES_MAX || waiting > 2 * BEHIND_BYTES_MAX) this.#cut();
  }

  /** All that was buffered has been taken, or nobody is there any more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
