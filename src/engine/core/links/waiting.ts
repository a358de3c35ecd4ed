import type { NodeId } from '../base/ids.ts';

/**
 * Messages for peers whose link is not up yet, in order; so many for each peer and no more.
 *
 * A peer that is waited for without a message is waited for all the same: a dial to it is under way.
 */
export class Waiting<Message> {
  readonly #messages = new Map<NodeId, Message[]>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  has(to: NodeId): boolean {
    return this.#messages.has(to);
  }

  /** Begins to wait for a peer. */
  open(to: NodeId): void {
    this.#messages.set(to, []);
  }

  /** False where nobody waits for that peer, or too much does. */
  add(to: NodeId, message: Message): boolean {
    const messages = this.#messages.get(to);
    if (messages === undefined || messages.length >= this.#max) return false;
    messages.push(message);
    return true;
  }

  /** Takes out one message. False where it is not there. */
  remove(to: NodeId, isIt: (message: Message) => boolean): boolean {
    const messages = this.#messages.get(to) ?? [];
    const at = messages.findIndex(isIt);
    if (at >= 0) messages.splice(at, 1);
    return at >= 0;
  }

  /** Ends the waiting for a peer, and gives what waited. */
  take(to: NodeId): readonly Message[] {
    const messages = this.#messages.get(to) ?? [];
    this.#messages.delete(to);
    return messages;
  }

  peers(): readonly NodeId[] {
    return [...this.#messages.keys()];
  }
}
