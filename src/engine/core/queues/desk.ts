import type { Instant } from '../base/instant.ts';
import type { Outcome } from '../base/outcome.ts';
import type { Prng } from '../base/prng.ts';
import type { Problem } from '../base/problems.ts';
import type { LoadAsk, QueueWrite } from './effects.ts';
import type { Entry } from './entry.ts';
import type { DeadInfo, QueueReply } from './messages.ts';

/** A message that goes to another queue of this node. */
export interface Transfer {
  readonly from: { readonly name: string; readonly number: number };
  readonly entry: Entry;
  readonly to: string;
  /** Set where it is given up: then the queue is made where it is missing, and takes it though it be full. */
  readonly dead?: DeadInfo;
}

/** What a queue has of its node: storage, whoever asked, and the other queues. */
export interface Desk {
  readonly prng: Prng;
  /** The disk has refused lately: sends are refused, too, and with this. */
  refusal(now: Instant): Problem | undefined;
  /**
   * To be stored, together with the queue's counts. `undoable`: where the disk refuses, the caller sets right by itself
   * what it decided; otherwise the queue begins anew then.
   */
  write(queue: number, write: QueueWrite, undoable?: boolean): void;
  /** The queue's counts have changed. */
  touch(queue: number): void;
  /** Calls back once all that was written so far is durable, or with the problem why it is not. In the order of asking. */
  settled(then: (why: Problem | undefined, now: Instant) => void): void;
  load(queue: number, ask: LoadAsk): number;
  reply(request: number, outcome: Outcome<QueueReply>): void;
  /** Writes the message to another queue; the caller removes it from its own. Why not, where that cannot be. */
  transfer(transfer: Transfer, now: Instant): Problem | undefined;
}
