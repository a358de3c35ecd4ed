/**
 * Moves messages of groups: to the member that was chosen, here or on another node, and back where it could not be handed over.
 *
 *     publish ──► choose ─┬─ a member that acknowledges ──► debts ── hand ──► its way here, or forward with a debt's number
 *                         │                                   ▲                                  │
 *                         │                                   └──── done, refused, left, unseen ◄┘ (discharge)
 *                         └─ one that never does ──► its way here, or forward ── nobody is left there ──► returned
 *
 * What is owed ends only when a member has said that it is done; so it may come twice, and says so (`attempt`). What is not
 * owed counts as done when it is on its member's link; so it comes once or not at all, and after what was published later
 * where it could not be given out at first (`rechosen`). Why not all behind it: one slow node would hold the whole group.
 *
 * Limit: what a node owes is in its memory, and lost with it, but for what is with members already.
 */
import type { NodeId } from '../core/base/ids.ts';
import { type DebtLimits, Debts, type DebtsEffect } from '../core/topics/debts.ts';
import type { Exchange, Route, Subscription } from '../core/topics/exchange.ts';
import { type GroupRoute, keyFor, type Member } from '../core/topics/groups.ts';
import type { ChosenMember, DischargeMessage, ReturnedMessage } from '../core/topics/messages.ts';
import { Delivery } from './delivery.ts';
import type { FlowLink } from './flow-link.ts';
import type { Entrusted, MemberWay, Settled } from './member-way.ts';

export interface GroupsFlowParts {
  readonly exchange: () => Exchange<Delivery> | undefined;
  readonly isAlive: (node: NodeId) => boolean;
  readonly later: (ms: number, then: () => void) => void;
  /** The link to a node, where one is up. */
  readonly linkTo: (node: NodeId) => FlowLink | undefined;
  readonly memberWay: (subscription: number) => MemberWay | undefined;
  readonly memberWays: () => Iterable<MemberWay>;
  /** To one that does not acknowledge, here. */
  readonly deliver: (delivery: Delivery, subscription: Subscription<Delivery>) => void;
  /** To another node; false where there is no room on the way there. */
  readonly forward: (node: NodeId, delivery: Delivery, members: readonly ChosenMember[]) => boolean;
  readonly counters: GroupsCounters;
}

/** Part of the counters of topics. */
export interface GroupsCounters {
  lost: number;
  redelivered: number;
  rechosen: number;
}

interface Unsent {
  readonly delivery: Delivery;
  readonly members: readonly ChosenMember[];
}

/** Who gets a message of groups, by now. */
export interface Chosen {
  /** Members of this node that do not acknowledge. */
  readonly here: readonly Subscription<Delivery>[];
  readonly there: ReadonlyMap<NodeId, readonly ChosenMember[]>;
  /** Members of this node that acknowledge, who have it. */
  readonly handed: number;
  /** Groups that it is owed to, of which no member has room. */
  readonly waiting: number;
}

export class GroupsFlow {
  readonly debts: Debts<Delivery>;
  readonly #parts: GroupsFlowParts;
  /** Publishers that wait until less is owed. */
  readonly #held = new Set<FlowLink>();
  #generation = 0;
  #ticking = false;
  #ticks = 0;
  #beating = false;
  /** Unowed messages that wait to be chosen anew. */
  #again = 0;

  constructor(parts: GroupsFlowParts, limits: DebtLimits = DEBT_LIMITS) {
    this.#parts = parts;
    this.debts = new Debts(limits, (topic, group) => this.#groupOf(topic, group)?.members ?? []);
  }

  /** Whether a publisher's message cannot be owed, since too much is, and the publisher cannot be held. */
  refuses({ groups }: Route<Delivery>, from: FlowLink): boolean {
    return this.debts.isFull && groups.some(({ owed }) => owed) && !canHold(from);
  }

  /** One member of each group. The message may have been given to some already. */
  choose(delivery: Delivery, { groups, topic }: Route<Delivery>, from: FlowLink): Chosen {
    if (groups.length === 0) return NOBODY;
    const here: Subscription<Delivery>[] = [];
    const there = new Map<NodeId, ChosenMember[]>();
    let owed = 0;
    for (const group of groups) {
      const key = keyFor(group, delivery.headers, delivery.key);
      if (group.owed) {
        owed++;
        this.debts.owe({ bytes: delivery.cost, group: group.group, item: delivery.keep(), key, topic });
      } else this.#pick(group, key, here, there);
    }
    if (owed === 0) return { handed: 0, here, there, waiting: 0 };
    const reached = this.#run(delivery, there);
    if (this.debts.isFull && canHold(from)) {
      this.#held.add(from);
      from.hold(this);
    }
    this.#tickSoon();
    const handed = reached.here;
    return { handed, here, there, waiting: owed - handed - reached.there };
  }

  /** A message that another node has chosen members of this one for. */
  forwarded(delivery: Delivery, route: Route<Delivery>, members: readonly ChosenMember[]): void {
    for (const { attempt = 1, debt, group, id } of members) {
      if (debt !== undefined) {
        const entrusted: Entrusted = { attempt, debt, delivery, owner: delivery.from };
        if (this.#parts.memberWay(id)?.offer(entrusted) !== true) this.settled([entrusted], 'unseen');
        else this.#beatSoon();
        continue;
      }
      const subscription = this.#parts.exchange()?.stand(route, group, id);
      if (subscription !== undefined) this.#parts.deliver(delivery, subscription);
      else if (!this.#giveBack(delivery, group)) this.#parts.counters.lost++;
    }
  }

  /** Has a member's way told that a quarter of its patience has passed, again and again, until it is over. */
  growing(way: MemberWay, ms: number): void {
    this.#parts.later(Math.max(ms, TICK_MS), () => {
      if (way.isOver) return;
      way.grow();
      this.growing(way, ms);
    });
  }

  /** What became of messages that were entrusted to members of this node. */
  settled(entrusted: readonly Entrusted[], how: Settled): void {
    const others = new Map<NodeId, number[]>();
    for (const { debt, owner } of entrusted) {
      if (debt === 0) continue;
      if (owner === undefined) this.#settle(debt, how);
      else if (others.get(owner)?.push(debt) === undefined) others.set(owner, [debt]);
    }
    for (const [owner, debts] of others) this.#discharge(owner, { ...NOTHING, [how]: debts });
    this.#run();
  }

  /** The same of members of another node. */
  discharged({ done, left, refused, unseen }: DischargeMessage): void {
    for (const debt of done) this.#settle(debt, 'done');
    for (const debt of refused) this.#settle(debt, 'refused');
    for (const debt of left) this.#settle(debt, 'left');
    for (const debt of unseen) this.#settle(debt, 'unseen');
    this.#run();
  }

  /** A message that another node could not hand over; nobody has had it. */
  returned({ at, by, group, headers, key, payload, seq, topic }: ReturnedMessage): void {
    this.#chooseAgain(new Delivery(topic, by, seq, at, headers, payload, { key }), group);
  }

  /** What had been put aside for a member of this node that does not acknowledge, and has left. */
  abandoned(deliveries: readonly Delivery[], group: string): void {
    for (const delivery of deliveries) if (!this.#giveBack(delivery, group)) this.#parts.counters.lost++;
  }

  /** A message did not reach another node. */
  unforwarded(delivery: Delivery, members: readonly ChosenMember[]): void {
    for (const { debt, group } of members) {
      if (debt !== undefined) this.debts.back(debt, 'unseen');
      else this.#chooseAgain(delivery, group);
    }
    this.#run();
    this.#tickSoon();
  }

  /** No link takes it: it is larger than a frame. */
  undeliverable(members: readonly ChosenMember[]): void {
    this.#parts.counters.lost++;
    for (const { debt } of members) if (debt !== undefined) this.debts.done(debt);
    this.#run();
  }

  /** A link is gone, and these had not left on it. */
  closed({ peer }: FlowLink, unsent: readonly Unsent[]): void {
    if (peer.role !== 'peer') return;
    for (const way of this.#parts.memberWays()) way.orphan(peer.id);
    const unseen = new Set<number>();
    for (const { delivery, members } of unsent) {
      for (const { debt, group } of members) {
        if (debt === undefined) this.#chooseAgain(delivery, group);
        else unseen.add(debt);
      }
    }
    // Why a moment later: the node has yet to hear of it, and would send to its other members there on that link.
    this.#parts.later(0, () => {
      this.debts.lost(peer.id, unseen);
      this.#run();
      this.#tickSoon();
    });
  }

  /** One member of a group that never acknowledges. */
  #pick(
    group: GroupRoute,
    key: string | undefined,
    here: Subscription<Delivery>[],
    there: Map<NodeId, ChosenMember[]>,
  ): void {
    const exchange = this.#parts.exchange() as Exchange<Delivery>;
    const { id, node } = this.#inReach(exchange, group, exchange.choose(group, key));
    const subscription = exchange.isSelf(node) ? exchange.subscription(id) : undefined;
    if (subscription !== undefined) here.push(subscription);
    else addTo(there, node, { group: group.group, id });
  }

  /** The member, or another where its node is in doubt. Why: what is sent there may be lost, and others wait for work. */
  #inReach(exchange: Exchange<Delivery>, { members }: GroupRoute, chosen: Member): Member {
    const isThere = ({ node }: Member) => exchange.isSelf(node) || this.#parts.isAlive(node);
    return isThere(chosen) ? chosen : (members.find(isThere) ?? chosen);
  }

  #groupOf(topic: string, group: string): GroupRoute | undefined {
    const route = this.#parts.exchange()?.route(topic);
    return route?.ok ? route.value.groups.find((one) => one.group === group) : undefined;
  }

  #settle(debt: number, how: Settled): void {
    if (how === 'done') this.debts.done(debt);
    else this.debts.back(debt, how);
  }

  /** Does what the debts ask for. What is for other nodes, of the message that is being published, is left to the publisher. */
  #run(current?: Delivery, there?: Map<NodeId, ChosenMember[]>): { readonly here: number; readonly there: number } {
    const reached = { here: 0, there: 0 };
    for (let effects = this.debts.drain(); effects.length > 0; effects = this.debts.drain()) {
      for (const effect of effects) {
        if (effect.kind === 'relieved') this.#relieve();
        else if (effect.kind === 'lost') this.#parts.counters.lost++;
        else if (effect.item !== current || there === undefined) this.#hand(effect);
        else if (!this.#parts.exchange()?.isSelf(effect.member.node)) {
          addTo(there, effect.member.node, chosenFor(effect));
          reached.there++;
        } else if (this.#hand(effect)) reached.here++;
      }
    }
    return reached;
  }

  #hand(effect: Hand): boolean {
    const { attempt, debt, item, member } = effect;
    if (attempt > 1) this.#parts.counters.redelivered++;
    const exchange = this.#parts.exchange();
    if (exchange?.isSelf(member.node) !== true) {
      const went = this.#parts.forward(member.node, item, [chosenFor(effect)]);
      if (!went && debt !== 0) this.debts.back(debt, 'unseen');
      else if (!went) this.#chooseAgain(item, member.group);
      return went;
    }
    if (debt === 0) {
      const subscription = exchange.subscription(member.id);
      if (subscription !== undefined) this.#parts.deliver(item, subscription);
      return subscription !== undefined;
    }
    const way = this.#parts.memberWay(member.id);
    if (way?.offer({ attempt, debt, delivery: item, owner: undefined }) !== true) {
      this.debts.back(debt, 'unseen');
      return false;
    }
    // Why: what it says of it would not be read.
    if (this.#held.delete(way.link)) way.link.release(this);
    return true;
  }

  /** To the node that chose, or, where that is this one, to another member. False where it cannot be told. */
  #giveBack(delivery: Delivery, group: string): boolean {
    const { from } = delivery;
    if (from === undefined) {
      this.#chooseAgain(delivery, group);
      return true;
    }
    const link = this.#parts.linkTo(from);
    return link?.wire.send(delivery.returned(group)) === undefined && link !== undefined;
  }

  /** Chooses anew a message that nobody has had. Why a moment later: by then it is known who has left. */
  #chooseAgain(delivery: Delivery, group: string, tries = AGAIN_MAX): void {
    if (this.#again >= AGAIN_WAITING_MAX || tries === 0) {
      this.#parts.counters.lost++;
      return;
    }
    delivery.keep();
    this.#parts.counters.rechosen++;
    this.#again++;
    this.#parts.later(AGAIN_MS, () => {
      this.#again--;
      const route = this.#groupOf(delivery.topic, group);
      if (route === undefined) return this.#chooseAgain(delivery, group, tries - 1);
      const here: Subscription<Delivery>[] = [];
      const there = new Map<NodeId, ChosenMember[]>();
      this.#pick(route, keyFor(route, delivery.headers, delivery.key), here, there);
      for (const subscription of here) this.#parts.deliver(delivery, subscription);
      for (const [node, members] of there) {
        if (!this.#parts.forward(node, delivery, members)) this.#chooseAgain(delivery, group, tries - 1);
      }
    });
  }

  #discharge(owner: NodeId, message: DischargeMessage): void {
    const link = this.#parts.linkTo(owner);
    if (link?.wire.send(message) === undefined && link !== undefined) link.busy = true;
  }

  #relieve(): void {
    for (const link of this.#held) link.release(this);
    this.#held.clear();
  }

  #tickSoon(): void {
    if (this.#ticking || this.debts.size === 0) return;
    this.#ticking = true;
    this.#parts.later(TICK_MS, () => {
      this.#ticking = false;
      const generation = this.#parts.exchange()?.generation ?? 0;
      this.debts.tick(generation !== this.#generation);
      this.#generation = generation;
      this.#run();
      if (++this.#ticks % BEAT_TICKS === 0) this.#beat(this.debts.nodes);
      this.#tickSoon();
    });
  }

  /** Says now and then that messages of other nodes are not settled yet. */
  #beatSoon(): void {
    if (this.#beating) return;
    this.#beating = true;
    this.#parts.later(TICK_MS * BEAT_TICKS, () => {
      this.#beating = false;
      const owners = new Set([...this.#parts.memberWays()].flatMap((way) => way.owners));
      this.#beat(owners);
      if (owners.size > 0) this.#beatSoon();
    });
  }

  /** Why: a link that nothing passes on would be closed as idle, and what is out there owed again. */
  #beat(nodes: Iterable<NodeId>): void {
    for (const node of nodes) this.#parts.linkTo(node)?.wire.send(NOTHING);
  }
}

type Hand = Extract<DebtsEffect<Delivery>, { readonly kind: 'hand' }>;

/** Why: what is not read says nothing of what it has done either. */
function canHold(link: FlowLink): boolean {
  return link.canWait && link.unsettled === 0;
}

function chosenFor({ attempt, debt, member: { group, id } }: Hand): ChosenMember {
  return debt === 0 ? { group, id } : { debt, group, id, ...(attempt === 1 ? {} : { attempt }) };
}

function addTo(there: Map<NodeId, ChosenMember[]>, node: NodeId, member: ChosenMember): void {
  const chosen = there.get(node);
  if (chosen === undefined) there.set(node, [member]);
  else chosen.push(member);
}

const NOBODY: Chosen = { handed: 0, here: [], there: new Map(), waiting: 0 };
const NOTHING: DischargeMessage = { done: [], kind: 'discharge', left: [], refused: [], unseen: [] };

const TICK_MS = 100;
/** Well within the time after which a link is idle. */
const BEAT_TICKS = 20;

/** What a node may owe before publishers are held; and how long to a group that has no member any more. */
export const DEBT_LIMITS: DebtLimits = {
  aloneTicks: 60_000 / TICK_MS,
  bytesMax: 64 * 1024 * 1024,
  messagesMax: 100_000,
};

/** Longer than news of who has left takes, and as often as makes it certain. */
const AGAIN_MS = 50;
const AGAIN_MAX = 40;
/** Limit: unowed messages that are chosen anew at the same time. */
const AGAIN_WAITING_MAX = 10_000;
