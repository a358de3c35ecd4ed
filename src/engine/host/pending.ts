import type { Outcome } from '../core/base/outcome.ts';
import type { Payload } from '../core/base/payload.ts';

/** What came for a call, as it came. */
export interface RawReply {
  readonly payload: Payload;
  /** The name of the node that ran it, and its cluster, where that is another. */
  readonly node: string;
  readonly cluster?: string;
}

export type Settle = (outcome: Outcome<RawReply>) => void;

/** Waits for one answer, and for items before it where `item` is there. */
export class Pending {
  readonly settle: Settle;
  readonly item: ((value: unknown) => void) | undefined;
  /** Whether it says which items were taken. */
  readonly paced: boolean;
  /** Items came, though nobody asked for a stream. */
  unasked = false;
  /** Takes the client's listener off the caller's signal. */
  release: (() => void) | undefined = undefined;

  constructor(settle: Settle, item?: (value: unknown) => void, paced = false) {
    this.settle = settle;
    this.item = item;
    this.paced = paced;
  }

  /** It is answered, or never will be. */
  end(outcome: Outcome<RawReply>): void {
    this.release?.();
    this.settle(outcome);
  }
}
