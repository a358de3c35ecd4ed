import type { ChosenMember, ForwardMessage, ForwardRunMessage, StoreMessage } from '../core/topics/messages.ts';
import type { Piece } from '../core/topics/outbox.ts';
import type { Delivery, RunDelivery } from './delivery.ts';
import type { Parcel } from './parcel.ts';

/** What is on its way to another node: for all who listen there, for members of groups, to be stored. Only what is for all is a run. */
export class Forwarding implements Parcel<Forwarding>, Piece {
  readonly delivery: Delivery;
  readonly plain: boolean;
  readonly members: readonly ChosenMember[];
  /** Where it is to be stored: the number that the answer has. */
  readonly n: number | undefined;

  constructor(delivery: Delivery, plain: boolean, members: readonly ChosenMember[], n?: number) {
    this.delivery = delivery;
    this.plain = plain;
    this.members = members;
    this.n = n;
  }

  get messages(): number {
    return this.delivery.messages;
  }

  get cost(): number {
    return this.delivery.cost;
  }

  keep(): Forwarding {
    return new Forwarding(this.delivery.keep(), this.plain, this.members, this.n);
  }

  within(bytes: number): number {
    return (this.delivery as RunDelivery).within(bytes);
  }

  cut(from: number, to: number): Forwarding {
    return new Forwarding((this.delivery as RunDelivery).cut(from, to), this.plain, this.members);
  }

  message(): ForwardMessage | ForwardRunMessage | StoreMessage {
    const { delivery, members, n, plain } = this;
    return n === undefined ? delivery.forward(plain, members) : delivery.store(n, plain, members);
  }
}
