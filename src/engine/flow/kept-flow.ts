/**
 * Kept topics on one node: what it keeps (`keeper.ts`), what its publishers have on the way to keepers (`deposits.ts`), and
 * those of its clients that read what other nodes keep (`relays.ts`).
 *
 * Plain topics pay nothing for it: a message comes here only where its route has keepers.
 */
import type { LinkId, NodeId } from '../core/base/ids.ts';
import { type Problem, problem } from '../core/base/problems.ts';
import type { Exchange } from '../core/topics/exchange.ts';
import type {
  FlowMessage,
  GapMessage,
  KeepMessage,
  ReadMessage,
  StoreMessage,
  TakenMessage,
} from '../core/topics/messages.ts';
import type { TopicMatch } from '../topics-api.ts';
import type { Delivery } from './delivery.ts';
import { type Deposit, Deposits } from './deposits.ts';
import type { FlowLink } from './flow-link.ts';
import { Keeper, type KeeperParts } from './keeper.ts';
import { Relays } from './relays.ts';

export interface KeptFlowParts extends Omit<KeeperParts, 'told'> {
  readonly exchange: () => Exchange<Delivery> | undefined;
  readonly isAlive: (node: NodeId) => boolean;
  readonly linkTo: (node: NodeId) => LinkId | undefined;
  /** Sends a message to a node, on a link that is up or one that will be. */
  readonly send: (node: NodeId, message: FlowMessage) => void;
}

export class KeptFlow {
  readonly keeper: Keeper;
  readonly deposits: Deposits;
  readonly #parts: KeptFlowParts;
  readonly #relays: Relays;
  /** Answers to other nodes that are not sent yet. */
  readonly #answers = new Map<FlowLink, Answers>();

  constructor(parts: KeptFlowParts) {
    this.#parts = parts;
    this.keeper = new Keeper({ ...parts, told: () => this.#tell() });
    this.deposits = new Deposits(this.keeper.counters);
    this.#relays = new Relays({
      isAlive: (node) => this.#isInReach(node),
      keeperOf: (patterns) => this.#keeperOf(patterns),
      later: parts.later,
      readHere: (link, message) => this.keeper.read(link, message),
      send: parts.send,
    });
  }

  /** Who keeps what; undefined before the node speaks. */
  get exchange(): Exchange<Delivery> | undefined {
    return this.#parts.exchange();
  }

  /** A message for keepers. Undefined where it is refused, since one of them is out of reach and its publisher waits. */
  begin(exchange: Exchange<Delivery>, link: FlowLink, id: number, delivery: Delivery, keepers: readonly NodeId[]) {
    const gone = keepers.find((node) => !exchange.isSelf(node) && !this.#isInReach(node));
    if (gone === undefined || id === 0) return this.deposits.begin(link, id, delivery.cost, keepers.length);
    this.keeper.counters.unstored++;
    const text = `${delivery.topic} was not published: the node that keeps it is out of reach`;
    link.wire.send({ id, kind: 'error', problem: problem('keeper-away', text) });
    return undefined;
  }

  /** Stores a message of this node's publishers here. */
  store(delivery: Delivery, deposit: Deposit): void {
    this.keeper.store(delivery, (sequence, why, behind) => this.deposits.answered(deposit, sequence, why, behind));
  }

  /** Stores one that came from another node. */
  storeFor(link: FlowLink, delivery: Delivery, { n }: StoreMessage): void {
    this.keeper.store(delivery, (sequence, why, behind) => {
      let answers = this.#answers.get(link);
      if (answers === undefined) {
        answers = new Answers(link);
        this.#answers.set(link, answers);
      }
      answers.add(n, sequence, why, behind);
    });
  }

  /** Who would get a message of the topic from what this node keeps. */
  matches(topic: string): readonly TopicMatch[] {
    const exchange = this.#parts.exchange();
    const route = exchange?.route(topic);
    const isKeeper = route?.ok && !route.value.system && route.value.keepers.some((node) => exchange?.isSelf(node));
    return isKeeper ? this.keeper.matches(topic) : [];
  }

  /** Takes what is about kept topics; false: it is not. */
  take(link: FlowLink, message: KeepMessage | TakenMessage | GapMessage): boolean {
    return link.peer.role === 'peer' ? this.#fromNode(link, link.peer.id, message) : this.#fromClient(link, message);
  }

  /** A message for a keeper could not be sent, or found no room. */
  unsent(node: NodeId, message: FlowMessage, why: Problem): void {
    if (message.kind === 'store') this.deposits.failed(node, message.n, why);
    else if (message.kind === 'read') this.#relays.lost(node);
  }

  closed(link: FlowLink): void {
    this.keeper.closed(link.id);
    this.deposits.closed(link);
    this.#answers.delete(link);
    const { peer } = link;
    this.#relays.closed(link.id, peer.role === 'peer' ? peer.id : undefined);
    if (peer.role === 'peer') this.deposits.broken(peer.id, peer.name);
  }

  #fromNode(link: FlowLink, node: NodeId, message: KeepMessage | TakenMessage | GapMessage): boolean {
    switch (message.kind) {
      case 'stored':
        this.deposits.stored(node, message);
        return true;
      case 'reading':
      case 'kept':
      case 'gap':
        this.#relays.receive(node, message);
        return true;
      default:
        return this.#toKeeper(link, message);
    }
  }

  #fromClient(link: FlowLink, message: KeepMessage | TakenMessage | GapMessage): boolean {
    switch (message.kind) {
      case 'read':
        this.#read(link, message);
        return true;
      case 'taken':
        return this.#toKeeper(link, message) || this.#relays.taken(link.id, message.id, message.bytes);
      case 'acknowledge':
        if (!this.#toKeeper(link, message)) this.#relays.acknowledge(link.id, message.id, message.sequence);
        return true;
      case 'unread':
        if (!this.#toKeeper(link, message)) this.#relays.unread(link.id, message.id);
        return true;
      default:
        return false;
    }
  }

  #toKeeper(link: FlowLink, message: KeepMessage | TakenMessage | GapMessage): boolean {
    switch (message.kind) {
      case 'read':
        this.keeper.read(link, message);
        return true;
      case 'taken':
        return this.keeper.taken(link.id, message);
      case 'acknowledge':
        return this.keeper.acknowledge(link.id, message);
      case 'unread':
        return this.keeper.unread(link.id, message);
      default:
        return false;
    }
  }

  /** Why also one in doubt, with a link: it may only be slow, and the link says when it is gone. */
  #isInReach(node: NodeId): boolean {
    return this.#parts.isAlive(node) || this.#parts.linkTo(node) !== undefined;
  }

  #read(link: FlowLink, message: ReadMessage): void {
    const keeper = this.#keeperOf(message.patterns);
    if ('code' in keeper) link.wire.send({ id: message.id, keep: '', kind: 'reading', next: 0, problem: keeper });
    else if (keeper.here) this.keeper.read(link, message);
    else this.#relays.open(link, message);
  }

  #keeperOf(patterns: readonly string[]): { readonly node: NodeId; readonly here: boolean } | Problem {
    const exchange = this.#parts.exchange();
    if (exchange === undefined) return problem('node-stopping', 'the node is starting');
    const keep = exchange.keeps.covering(patterns);
    if (!keep.ok) return keep.problem;
    const { node } = keep.value;
    return { here: exchange.isSelf(node), node };
  }

  #tell(): void {
    for (const answers of this.#answers.values()) answers.send();
  }
}

/** Answers to one node, those that follow one another in one message. */
class Answers {
  readonly #link: FlowLink;
  #n = 0;
  #sequence = 0;
  #count = 0;
  #problem: Problem | undefined;
  #behind = 0;

  constructor(link: FlowLink) {
    this.#link = link;
  }

  add(n: number, sequence: number, why: Problem | undefined, behind: number): void {
    const isNext = why !== undefined || sequence === this.#sequence + this.#count;
    const follows = isNext && n === this.#n + this.#count && why === this.#problem && behind === this.#behind;
    if (this.#count > 0 && !follows) this.send();
    if (this.#count === 0) {
      this.#n = n;
      this.#sequence = sequence;
      this.#problem = why;
      this.#behind = behind;
    }
    this.#count++;
  }

  send(): void {
    if (this.#count === 0) return;
    const why = this.#problem === undefined ? {} : { problem: this.#problem };
    const behind = this.#behind === 0 ? {} : { behind: this.#behind };
    this.#link.wire.send({
      count: this.#count,
      kind: 'stored',
      n: this.#n,
      sequence: this.#sequence,
      ...why,
      ...behind,
    });
    this.#link.busy = true;
    this.#count = 0;
  }
}
