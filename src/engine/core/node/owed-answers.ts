import type { NodeId } from '../base/ids.ts';
import { getOrMake } from '../base/maps.ts';
import type { CallsMessage } from '../calls/messages.ts';

/**
 * Calls of far hubs whose answer cannot be given any more, because no way led to the hub for too long: what it asked was
 * withdrawn, and answers that were under way were given up.
 *
 * Why somebody remembers them: a way may break for one of two hubs for longer than for the other. The one that has not given up goes
 * on waiting; once a way leads there again it is told, of each call, that nobody knows.
 *
 * Limit: of more than `OWED_MAX` nothing is remembered; their askers' own time limits end them.
 */
export class OwedAnswers {
  /** What far hubs have asked, and was not answered. */
  readonly #open = new Map<NodeId, Set<number>>();
  readonly #owed = new Map<NodeId, Set<number>>();
  #count = 0;

  /** A hub has asked. */
  asked(hub: NodeId, id: number): void {
    getOrMake(this.#open, hub, () => new Set<number>()).add(id);
  }

  /** Something goes to a hub. */
  said(hub: NodeId, message: CallsMessage): void {
    if (!isAnswer(message) || message.kind === 'item') return;
    const open = this.#open.get(hub);
    if (open?.delete(message.id) && open.size === 0) this.#open.delete(hub);
  }

  /** No way leads to a hub, which may be well: all that it has asked is withdrawn. */
  lost(hub: NodeId): void {
    for (const id of this.#open.get(hub) ?? []) this.#owe(hub, id);
    this.#open.delete(hub);
  }

  /** Answers that do not get to a hub, or nobody knows whether they do. */
  owe(hub: NodeId, answers: readonly CallsMessage[]): void {
    for (const message of answers) if (isAnswer(message)) this.#owe(hub, message.id);
  }

  /** A hub begins anew, or is gone: it waits for nothing. */
  gone(hub: NodeId): void {
    this.#open.delete(hub);
    this.#count -= this.#owed.get(hub)?.size ?? 0;
    this.#owed.delete(hub);
  }

  /** What can be told now; it is owed no longer. */
  *due(isInReach: (hub: NodeId) => boolean): Generator<{ readonly hub: NodeId; readonly id: number }> {
    for (const [hub, ids] of this.#owed) {
      if (!isInReach(hub)) continue;
      this.#owed.delete(hub);
      this.#count -= ids.size;
      for (const id of ids) yield { hub, id };
    }
  }

  #owe(hub: NodeId, id: number): void {
    const owed = getOrMake(this.#owed, hub, () => new Set<number>());
    if (owed.has(id) || this.#count >= OWED_MAX) return;
    owed.add(id);
    this.#count++;
  }
}

const OWED_MAX = 65_536;

/** Why items, too: of a stream that lacks one, no end may be told but this. */
function isAnswer(
  message: CallsMessage,
): message is Extract<CallsMessage, { readonly kind: 'result' | 'error' | 'item' }> {
  return message.kind === 'result' || message.kind === 'error' || message.kind === 'item';
}
