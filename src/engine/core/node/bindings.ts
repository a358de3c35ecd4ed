import type { Effects } from '../base/effects.ts';
import type { Address, NodeId } from '../base/ids.ts';
import type { Instant } from '../base/instant.ts';
import type { CallsEffect } from '../calls/effects.ts';
import { isCancelledBy } from '../calls/errand.ts';
import { type CallsMessage, isAboutCalls } from '../calls/messages.ts';
import type { DirectoryEffect } from '../directory/directory.ts';
import type { NodeRecord } from '../directory/record.ts';
import type { LinksEffect } from '../links/effects.ts';
import type { MembershipEffect } from '../membership/effects.ts';
import type { MemberState } from '../membership/messages.ts';
import type { QueuesEffect } from '../queues/effects.ts';
import { isFlow } from '../topics/message-kinds.ts';
import { isBetweenHubs } from './between-hubs.ts';
import { cargoOf } from './cargo-of.ts';
import { Crossings } from './crossings.ts';
import type { NodeEffect } from './effects.ts';
import type { HubEffect } from './federation-door.ts';
import type { Message } from './inputs.ts';
import type { Machines } from './machines.ts';
import type { DoorEffect } from './topics-door.ts';

/**
 * The data flow between the domains, which know nothing of each other: the effects of each become inputs of others, or
 * effects of the node.
 *
 *     membership ── changed ──► directory.reach, members to dial     ── cargo ──► directory.merge ──► membership.spread
 *                ── send, contact ──► links
 *     links      ── joined, broken, unreachable, neighbours ──► membership
 *                ── broken, parted, undelivered, client-left ──► calls
 *     calls      ── forward, answer ──► links                        ── run, abort ──► the world
 *     queues     ── hosting ──► directory ──► membership.spread      ── persist, load, reply ──► the world
 *     topics     ── send, reply ──► links                            ── describe ──► directory ──► membership.spread
 *                ◄── linked, unlinked ── links     ◄── heard, gone ── membership and its records
 *     federation ── send, dial, close ──► the world  ── tell ──► links          ◄── what the directory knows ── directory
 *                ── deliver, undelivered, parted, lost ──► calls, to which a hub of another cluster is a node like others
 */
export class Bindings {
  readonly #machines: Machines;
  readonly #out: Effects<NodeEffect>;
  readonly #crossings: Crossings;
  /** Changes of members that `links` and the world have not heard of: told last, when records that came along are in. */
  #changes: Changed[] = [];
  /** Nodes with a record that membership does not know, the longest known first. */
  readonly #strangers = new Set<NodeId>();
  /** This node has told everybody that it leaves. */
  gone = false;

  constructor(machines: Machines, out: Effects<NodeEffect>) {
    this.#machines = machines;
    this.#out = out;
    this.#crossings = new Crossings(machines.calls, machines.federation);
  }

  /** Passes effects on until none is left. */
  settle(now: Instant): void {
    const { membership, directory, federation, links, calls, queues, topics } = this.#machines;
    for (let quiet = false; !quiet; ) {
      quiet = true;
      for (const effect of membership.drain()) {
        quiet = false;
        this.#fromMembership(effect, now);
      }
      for (const effect of links.drain()) {
        quiet = false;
        this.#fromLinks(effect, now);
      }
      for (const effect of calls.drain()) {
        quiet = false;
        this.#fromCalls(effect, now);
      }
      for (const effect of topics.drain()) {
        quiet = false;
        this.#fromTopics(effect, now);
      }
      federation.look(now);
      this.#machines.listening.look(now);
      for (const effect of federation.drain()) {
        quiet = false;
        this.#fromFederation(effect, now);
      }
      for (const effect of queues.drain()) {
        quiet = false;
        this.#fromQueues(effect, now);
      }
      if (quiet && this.#changes.length > 0) {
        quiet = false;
        this.#tellChanges(now);
      }
      for (const effect of directory.drain()) this.#fromDirectory(effect);
    }
  }

  nameOf(id: NodeId): string {
    const { directory, links } = this.#machines;
    return directory.record(id)?.name ?? links.nameOf(id) ?? id;
  }

  #fromMembership(effect: MembershipEffect, now: Instant): void {
    const { directory, links, topics } = this.#machines;
    switch (effect.kind) {
      case 'send':
        links.send(effect.to, effect.address ?? '', effect.message, now);
        break;
      case 'contact':
        links.contact(effect.address, now);
        break;
      case 'changed':
        this.#changed(effect, now);
        break;
      case 'cargo':
        this.#record(effect, now);
        break;
      case 'forgotten':
        directory.forget(effect.id);
        topics.keeps(effect, false);
        this.#strangers.delete(effect.id);
        break;
      case 'paused':
        this.#out.push({ event: { kind: 'paused', ms: effect.ms }, kind: 'notify' });
        break;
      case 'refuted': {
        const { incarnation, by } = effect;
        this.#out.push({ event: { by: this.nameOf(by), incarnation, kind: 'refuted' }, kind: 'notify' });
        break;
      }
      case 'gone':
        this.gone = true;
        break;
    }
  }

  /** News of what a node says of itself. */
  #record({ about, version, body }: Extract<MembershipEffect, { readonly kind: 'cargo' }>, now: Instant): void {
    const { membership, directory, topics } = this.#machines;
    const record = body as NodeRecord;
    if (record.id !== about || record.version !== version || version > RECORD_VERSION_MAX) return;
    const own = about === directory.self.id;
    const news = own ? directory.outrun(version) : directory.merge(record) ? record : undefined;
    if (news !== undefined) membership.spread(cargoOf(news), now);
    const member = membership.member(about);
    if (member === undefined) this.#meetStranger(about);
    else if (news !== undefined && !own) {
      topics.keeps(news, reachOf(member.state) !== 'gone');
      if (reachOf(member.state) !== 'gone') this.#heard(about, now);
    }
  }

  /** A record may come before its node is known, or of one that has just been forgotten: such are kept for a while. */
  #meetStranger(id: NodeId): void {
    this.#strangers.delete(id);
    this.#strangers.add(id);
    if (this.#strangers.size <= STRANGERS_MAX) return;
    for (const oldest of this.#strangers) {
      this.#strangers.delete(oldest);
      this.#machines.directory.forget(oldest);
      return;
    }
  }

  #changed(effect: Changed, now: Instant): void {
    const { directory, calls, links, topics } = this.#machines;
    const { id, state } = effect.member;
    this.#strangers.delete(id);
    if (id === directory.self.id) return;
    directory.reach(id, reachOf(state));
    topics.keeps(directory.record(id) ?? { id }, reachOf(state) !== 'gone');
    if (reachOf(state) === 'gone') topics.gone(id, now);
    else if (effect.before !== 'alive' && effect.before !== 'suspect') {
      this.#heard(id, now);
      if (links.has(id)) topics.linked(id, now);
    }
    // Why only with a link: without one, what was sent there is told by `broken` already, or still waits and is not lost.
    if (state === 'dead' && links.has(id)) calls.losses.dead(id, this.nameOf(id), now);
    this.#changes.push(effect);
  }

  /** A node is in reach, and its record says at which version its interest is. */
  #heard(id: NodeId, now: Instant): void {
    const { directory, topics } = this.#machines;
    topics.heard(id, directory.record(id)?.interest ?? 0, now);
  }

  #tellChanges(now: Instant): void {
    this.#machines.links.members(this.#others(), now);
    for (const { member, before, reason } of this.#changes) {
      const { id, state, address } = member;
      const was = before === undefined ? {} : { before };
      const event = { address, id, kind: 'member', name: this.nameOf(id), reason, state, ...was } as const;
      this.#out.push({ event, kind: 'notify' });
    }
    this.#changes = [];
  }

  #fromDirectory(effect: DirectoryEffect): void {
    if (effect.kind === 'function') {
      this.#out.push({ event: effect, kind: 'notify' });
      return;
    }
    const { id, name } = effect;
    const address = this.#machines.membership.member(id)?.address;
    if (address === undefined) return; // it has not begun to speak
    const [state, before] =
      effect.state === 'draining' ? (['draining', 'alive'] as const) : (['alive', 'draining'] as const);
    const reason = state === 'draining' ? 'it takes no new work' : 'it takes work again';
    this.#out.push({ event: { address, before, id, kind: 'member', name, reason, state }, kind: 'notify' });
  }

  #fromLinks(effect: LinksEffect<Message>, now: Instant): void {
    const { membership, calls, federation, topics } = this.#machines;
    switch (effect.kind) {
      case 'send':
      case 'dial':
      case 'close':
        this.#out.push(effect);
        break;
      case 'joined':
        if (effect.first) {
          this.#link('up', effect.name, 'joined');
          federation.linked(effect.id, true);
          // Why not one that has left: nobody would ever say that it is gone, and `everywhere` would wait for it.
          if (this.#reach(effect.id) !== 'gone') topics.linked(effect.id, now);
        }
        membership.met(effect.id, effect.address, now);
        break;
      case 'broken':
        this.#link('down', effect.name, effect.reason);
        federation.linked(effect.id, false);
        this.#unlinked(effect.id, now);
        membership.lost(effect.id, now);
        calls.losses.broken(effect.id, effect.name, effect.reason, now);
        calls.askerLeft({ node: effect.id }, `the link to ${effect.name} broke`);
        break;
      case 'parted':
        this.#link('down', effect.name, effect.reason);
        this.#unlinked(effect.id, now);
        calls.losses.parted(effect.id, effect.reason, now);
        break;
      case 'unreachable':
        federation.linked(effect.id, false);
        membership.unreachable(effect.id, now);
        if (effect.refused) membership.lost(effect.id, now);
        break;
      case 'undelivered':
        if (isBetweenHubs(effect.message)) break; // it is sent again by whoever waits for its acknowledgement
        if (isAboutCalls(effect.message)) calls.undelivered(effect.to, effect.message, effect.reason, now);
        else if (effect.message.kind === 'ping') membership.unreachable(effect.to, now);
        else if (isFlow(effect.message)) {
          this.#out.push({ kind: 'unforwarded', message: effect.message, reason: effect.reason, to: effect.to });
        }
        break;
      case 'neighbours':
        membership.neighbours(effect.ids, now);
        break;
      case 'client-left':
        calls.askerLeft({ link: effect.link }, effect.reason);
        topics.clientLeft(effect.link, now);
        break;
    }
  }

  /** Undefined where it is no member yet. */
  #reach(id: NodeId): ReturnType<typeof reachOf> | undefined {
    const member = this.#machines.membership.member(id);
    return member === undefined ? undefined : reachOf(member.state);
  }

  /** Why: of one that has not become a member nobody would say that it is gone. */
  #unlinked(id: NodeId, now: Instant): void {
    const { topics } = this.#machines;
    if (this.#reach(id) === undefined) topics.gone(id, now);
    else topics.unlinked(id, now);
  }

  #link(change: 'up' | 'down', peer: string, reason: string): void {
    this.#out.push({ event: { change, kind: 'link', peer, reason }, kind: 'notify' });
  }

  #fromCalls(effect: CallsEffect, now: Instant): void {
    const { federation, links } = this.#machines;
    if (effect.kind === 'forward' || effect.kind === 'tell') {
      if (federation.knows(effect.to)) federation.send(effect.to, effect.message, now);
      else links.send(effect.to, effect.address, effect.message, now);
    } else if (effect.kind !== 'answer') this.#out.push(effect);
    else if ('link' in effect.to) links.reply(effect.to.link, effect.message, now);
    else this.#answer(effect.to.node, effect.message, now);
  }

  #fromFederation(effect: HubEffect, now: Instant): void {
    const { calls, federation, links, membership } = this.#machines;
    switch (effect.kind) {
      case 'dial':
        this.#out.push({ ...effect, as: 'hub' });
        break;
      case 'close':
      case 'send':
        this.#out.push(effect);
        break;
      case 'tell':
        links.send(effect.to, membership.member(effect.to)?.address ?? '', effect.message, now);
        break;
      case 'deliver':
        this.#crossings.arrived(effect.from, effect.cluster, effect.message, now);
        break;
      case 'undelivered':
        calls.undelivered(effect.to, effect.message, effect.reason, now);
        federation.owe(effect.to, [effect.message]);
        break;
      case 'parted':
        calls.losses.stuck(effect.hub, effect.name, now);
        break;
      case 'lost':
        calls.losses.broken(effect.hub, effect.name, effect.reason, now);
        calls.askerLeft({ node: effect.hub }, effect.reason);
        federation.gaveUp(effect);
        break;
      case 'event':
        this.#out.push({ event: effect.event, kind: 'notify' });
        break;
      case 'changed':
        federation.tellOwed(now);
        this.#machines.listening.changed(now);
        break;
    }
  }

  #fromTopics(effect: DoorEffect, now: Instant): void {
    const { links, directory, membership } = this.#machines;
    switch (effect.kind) {
      case 'send':
        links.send(effect.to, membership.member(effect.to)?.address ?? '', effect.message, now);
        break;
      case 'reply':
        links.reply(effect.link, effect.message, now);
        break;
      case 'describe': {
        const record = directory.describe({ interest: effect.interest });
        if (record !== undefined) membership.spread(cargoOf(record), now);
        break;
      }
      default:
        this.#out.push(effect);
    }
  }

  #fromQueues(effect: QueuesEffect, now: Instant): void {
    if (effect.kind !== 'hosting') {
      this.#out.push({ effect, kind: 'queue' });
      return;
    }
    const { directory, membership } = this.#machines;
    const others = directory.self.resources.filter((resource) => !resource.startsWith(QUEUE));
    const queues = effect.queues.map((queue) => `${QUEUE}${queue}`);
    const record = directory.describe({ resources: [...others, ...queues] });
    if (record !== undefined) membership.spread(cargoOf(record), now);
  }

  /** Why a cancelled call is taken back where it has not left yet: it would be begun, and its cancellation lost. */
  #answer(to: NodeId, message: CallsMessage, now: Instant): void {
    const { federation, links, directory } = this.#machines;
    if (federation.knows(to)) return federation.send(to, message, now);
    if (message.kind === 'cancel' && links.unsend(to, (one) => isCancelledBy(message, directory.self.id, one))) return;
    links.answer(to, message, now);
  }

  /** Everybody else who can be dialled. */
  #others(): ReadonlyMap<NodeId, Address> {
    const { membership, directory } = this.#machines;
    const others = new Map<NodeId, Address>();
    for (const { id, state, address } of membership.members()) {
      if (id !== directory.self.id && (state === 'alive' || state === 'suspect')) others.set(id, address);
    }
    return others;
  }
}

function reachOf(state: MemberState): 'alive' | 'suspect' | 'gone' {
  return state === 'alive' || state === 'suspect' ? state : 'gone';
}

/** What a node with a queue of a name has, for whoever looks for it. */
const QUEUE = 'queue:';

/** Limit: records of nodes that membership does not know; the oldest goes first. */
const STRANGERS_MAX = 1_024;

/** Beyond, counting on would not be exact: 2³² lives of 2²⁰ changes each. */
const RECORD_VERSION_MAX = 2 ** 52;

type Changed = Extract<MembershipEffect, { readonly kind: 'changed' }>;
