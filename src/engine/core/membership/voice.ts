/**
 * How this node speaks: effects in their order, and what rides along with a message.
 */
import { Effects } from '../base/effects.ts';
import type { NodeId } from '../base/ids.ts';
import type { MembershipEffect } from './effects.ts';
import type { MembershipMessage, Rumor } from './messages.ts';
import type { MembershipOptions } from './options.ts';
import { type Roster, rumorOf } from './roster.ts';
import { type Rumors, transmissions } from './rumors.ts';

export class Voice {
  readonly #options: MembershipOptions;
  readonly #roster: Roster;
  readonly #rumors: Rumors;
  readonly #effects = new Effects<MembershipEffect>();

  constructor(options: MembershipOptions, roster: Roster, rumors: Rumors) {
    this.#options = options;
    this.#roster = roster;
    this.#rumors = rumors;
  }

  emit(effect: MembershipEffect): void {
    this.#effects.push(effect);
  }

  send(to: NodeId, message: MembershipMessage): void {
    this.#effects.push({ kind: 'send', to, address: this.#roster.get(to)?.address, message });
  }

  /**
   * News for a ping, ack or ping-req to this node. Whoever is accused hears it first, in every message, so that it can
   * contradict while there is time (Lifeguard §3, Buddy System).
   */
  piggyback(to: NodeId): Rumor[] {
    const rumors = this.news(this.#options.rumorsMax);
    const member = this.#roster.get(to);
    if (member === undefined || (member.state !== 'suspect' && member.state !== 'dead')) return rumors;
    return [rumorOf(member), ...rumors.filter((rumor) => rumor.kind !== 'member' || rumor.about !== to)];
  }

  /** News that was passed on least, each counted as passed on once more. */
  news(max: number): Rumor[] {
    if (this.#rumors.size === 0) return [];
    return this.#rumors.take(max, this.#transmissions());
  }

  /**
   * Passes news on. What came in an exchange of all that two nodes know is old to most: a few are told, and whoever
   * finds it new passes it on in full. Thus a node that joins does not tell everybody about everybody.
   */
  tell(rumor: Rumor, how: 'in full' | 'to a few'): void {
    const few = Math.max(0, this.#transmissions() - this.#options.gossipCount);
    this.#rumors.put(rumor, how === 'in full' ? 0 : few);
  }

  #transmissions(): number {
    return transmissions(this.#roster.activeCount, this.#options.rumorFactor);
  }

  drain(): MembershipEffect[] {
    return this.#effects.drain();
  }
}
