import type { Address, DialId, LinkId, NodeId } from '../base/ids.ts';
import { type Instant, NEVER } from '../base/instant.ts';
import type { Machine } from '../base/machine.ts';
import type { Payload } from '../base/payload.ts';
import type { Prng } from '../base/prng.ts';
import { type Problem, problem } from '../base/problems.ts';

import type { CallsMessage } from '../calls/messages.ts';
import { HUB } from '../calls/placement.ts';
import type { Directory } from '../directory/directory.ts';
import type { NodeRecord } from '../directory/record.ts';
import type { FederationEffect } from '../federation/effects.ts';
import { Federation } from '../federation/federation.ts';
import { interestOf } from '../federation/interest.ts';
import type { FederationMessage } from '../federation/messages.ts';
import { gatherOffers } from '../federation/offers.ts';
import type { FederationConfig, FederationOptions } from '../federation/options.ts';
import type { OwnOffered } from '../federation/own-offers.ts';
import { mayCross } from '../federation/policy.ts';
import type { Interest } from '../federation/records.ts';
import type { HubPeer } from '../links/messages.ts';
import type { Outlook } from './far-calls.ts';
import type { NodeInput } from './inputs.ts';
import { OwedAnswers } from './owed-answers.ts';

/** What makes a node a hub. */
export interface HubConfig {
  readonly config: FederationConfig;
  /** Where hubs of other clusters dial it, and where clients do. */
  readonly address: Address;
  readonly url: Address;
}

export type HubEffect = FederationEffect<CallsMessage>;

/**
 * The federation at the node's door: a hub's machine, or nothing on a node that is none. It tells the machine what the
 * directory knows of the cluster, whenever that has changed.
 *
 * Invariant: a bridge is known from its handshake to its end, and no link of the mesh is ever taken for one.
 */
export class FederationDoor implements Machine<HubEffect> {
  readonly #directory: Directory;
  readonly #hub: HubConfig | undefined;
  readonly #federation: Federation<CallsMessage> | undefined;
  readonly #bridges = new Map<LinkId, HubPeer>();
  /** Hubs of this cluster to which the link broke, until there is another. */
  readonly #cutOff = new Set<NodeId>();
  /** Answers to calls that were not sent. */
  readonly #refused: HubEffect[] = [];
  #config: FederationConfig | undefined;
  #started = false;
  #startedAt: Instant = 0;
  readonly #partedMs: number;
  /** What was told of the cluster last. */
  #generation = -1;
  #load = -1;
  #offered: OwnOffered = { functions: [], queues: [] };
  #interest: Interest | undefined;
  readonly #owed = new OwedAnswers();
  #retains: Interest | undefined;

  constructor(directory: Directory, hub: HubConfig | undefined, options: FederationOptions, prng: Prng) {
    this.#directory = directory;
    this.#hub = hub;
    this.#partedMs = options.partedMs;
    this.#config = hub?.config;
    if (hub === undefined) return;
    const about = this.#about(hub, 1);
    this.#federation = new Federation({ about, config: hub.config, options, prng, self: directory.self.id });
  }

  get machine(): Federation<CallsMessage> | undefined {
    return this.#federation;
  }

  /** What operators want of it; undefined on a node that is no hub. */
  get config(): FederationConfig | undefined {
    return this.#config;
  }

  get outlook(): Outlook | undefined {
    if (this.#federation === undefined || this.#config === undefined) return undefined;
    const machine = this.#federation;
    const { identity, links } = this.#config;
    const stateOf = (cluster: string) => machine.stateOf(cluster);
    return {
      far: machine.far,
      identity,
      isJustLost: (cluster, now) => {
        const known = stateOf(cluster);
        return known?.state === 'lost' && now - known.since < this.#partedMs;
      },
      isNew: (now) => now - this.#startedAt < this.#partedMs,
      isWhole: () => links.every(({ cluster }) => stateOf(cluster)?.state === 'reachable'),
    };
  }

  start(epoch: number, now: Instant): void {
    this.#federation?.start(epoch, now);
    this.#started = true;
    this.#startedAt = now;
    this.look(now);
  }

  told(about: Extract<NodeInput, { readonly kind: 'federation' }>, now: Instant): void {
    if (this.#federation === undefined) return;
    if ('retains' in about) {
      this.#retains = interestOf(about.retains);
      this.#offer(now);
      return;
    }
    this.#config = about.config;
    this.#federation.configure(about.config, now);
    this.#generation = -1; // what is offered depends on what may be exported
    this.look(now);
  }

  /** Whether the cluster of a hub may use something here. */
  exports(hub: NodeId, cluster: string, what: 'functions' | 'queues', name: string): boolean {
    const known = this.#federation?.identityOf(hub);
    const other = known ?? { cluster, region: '', tags: [] };
    return mayCross(this.#config?.exports, other, what, name);
  }

  /** Whether a link is a bridge: then what comes on it is for `receive`. */
  isBridge(link: LinkId): boolean {
    return this.#bridges.has(link);
  }

  /** Whether that is a hub of another cluster, to which what is said goes through here. */
  knows(id: NodeId): boolean {
    return this.#federation?.knows(id) ?? false;
  }

  /** False on a node that is no hub. */
  up(link: LinkId, peer: HubPeer, dial: DialId | undefined, now: Instant): boolean {
    if (this.#federation === undefined) return false;
    this.#bridges.set(link, peer);
    this.#federation.up(link, peer, dial, now);
    return true;
  }

  /** False where it was no bridge. */
  down(link: LinkId, reason: string, now: Instant): boolean {
    if (!this.#bridges.delete(link)) return false;
    this.#federation?.down(link, reason, now);
    return true;
  }

  dialFailed(dial: DialId, reason: string, now: Instant): void {
    this.#federation?.dialFailed(dial, reason, now);
  }

  /**
   * The link to a node of this cluster broke, or it could not be reached; or one is there again. Why it is not waited until membership has
   * made up its mind: what goes over a hub that is gone comes late. Whoever lives is linked again by the next probe.
   */
  linked(node: NodeId, isLinked: boolean): void {
    if (this.#federation === undefined || this.#cutOff.has(node) !== isLinked) return;
    if (isLinked) this.#cutOff.delete(node);
    else this.#cutOff.add(node);
    this.#generation = -1;
  }

  receive(
    from: { readonly link: LinkId } | { readonly node: NodeId },
    message: FederationMessage | CallsMessage,
    now: Instant,
  ): void {
    this.#federation?.receive(from, message, now);
  }

  /**
   * What is too large, or finds no room, is answered, or sent as a problem, at once. Why here: what cannot leave would hold up all
   * that follows it.
   */
  send(to: NodeId, message: CallsMessage, now: Instant): void {
    this.#owed.said(to, message);
    const why = 'payload' in message ? this.#whyNot(to, bytesOf(message)) : undefined;
    if (why === undefined || !('id' in message)) {
      this.#federation?.send(to, message, now);
      return;
    }
    const isCall = message.kind === 'call';
    const outcome = isCall ? 'did-not-happen' : 'unknown';
    const instead = { id: message.id, kind: 'error', problem: { ...why, outcome } } as const;
    const { cluster } = this.#directory.self;
    if (isCall) this.#refused.push({ cluster, from: to, kind: 'deliver', message: instead });
    else this.#federation?.send(to, instead, now);
  }

  #whyNot(to: NodeId, size: number): Problem | undefined {
    const room = this.#federation?.room(to) ?? 0;
    if (size <= Math.min(room, CARRIED_BYTES_MAX)) return undefined;
    const there = this.#federation?.identityOf(to)?.cluster ?? 'another one';
    const way = `from cluster ${this.#directory.self.cluster} to ${there}`;
    return size > CARRIED_BYTES_MAX
      ? problem('limit-exceeded', `a value of ${size} bytes does not go ${way}: the limit is ${CARRIED_BYTES_MAX}`)
      : problem(
          'overloaded',
          `too much waits on its way ${way}: there is room for ${Math.max(0, room)} bytes, not for ${size}`,
        );
  }

  /** A hub of another cluster has asked for something. */
  asked(hub: NodeId, id: number): void {
    this.#owed.asked(hub, id);
  }

  /** What was between this hub and another one was given up here. */
  gaveUp({ hub, inDoubt, mayReturn }: Extract<HubEffect, { readonly kind: 'lost' }>): void {
    if (!mayReturn) return this.#owed.gone(hub);
    this.#owed.lost(hub);
    this.#owed.owe(hub, inDoubt);
  }

  /** Answers that were not sent to another hub, which may wait for them. */
  owe(hub: NodeId, answers: readonly CallsMessage[]): void {
    this.#owed.owe(hub, answers);
  }

  /** Ways are different: where one leads again to a hub that may still wait for what was given up, it is told. */
  tellOwed(now: Instant): void {
    const { ways } = this.#federation ?? {};
    const { name } = this.#directory.self;
    for (const { hub, id } of this.#owed.due((one) => ways?.to(one) !== undefined)) {
      const text = `no way led back from ${name} for too long: what was asked there was withdrawn, or its answer is lost`;
      this.send(hub, { id, kind: 'error', problem: problem('link-lost', text) }, now);
    }
  }

  leave(now: Instant): void {
    this.#federation?.leave(now);
  }

  drain(): HubEffect[] {
    const drained = this.#federation?.drain() ?? NONE;
    const effects = drained.length < 2 ? drained : withoutCancelled(drained);
    return this.#refused.length === 0 ? effects : [...effects, ...this.#refused.splice(0)];
  }

  deadline(): Instant {
    return this.#federation?.deadline() ?? NEVER;
  }

  advance(now: Instant): void {
    this.#federation?.advance(now);
  }

  /** Tells the machine what is different in the cluster. Cheap where nothing is. */
  look(now: Instant): void {
    const { generation, self } = this.#directory;
    if (this.#federation === undefined || this.#hub === undefined || !this.#started) return;
    if (generation === this.#generation && self.load === this.#load) return;
    const records = this.#directory.reachable;
    this.#load = self.load;
    this.#federation.describe(this.#about(this.#hub, records.length), now);
    if (generation === this.#generation) return;
    this.#generation = generation;
    for (const id of this.#cutOff) if (this.#directory.record(id) === undefined) this.#cutOff.delete(id);
    const hubs = this.#directory.equipped([HUB]).filter(({ id }) => id !== self.id);
    this.#federation.siblings(
      hubs.map(({ id, name, suspect }) => ({ id, name, suspect: suspect || this.#cutOff.has(id) })),
      now,
    );
    this.#offered = this.#offers(records);
    this.#offer(now);
  }

  /** What the cluster listens to now. */
  listens(interest: Interest | undefined, now: Instant): void {
    this.#interest = interest;
    this.#offer(now);
  }

  #offer(now: Instant): void {
    const [interest, retains] = [this.#interest, this.#retains];
    this.#federation?.offer({ ...this.#offered, ...(interest && { interest }), ...(retains && { retains }) }, now);
  }

  /** What takes no new work is offered to nobody; queues there still have what was sent to them. */
  #offers(records: readonly NodeRecord[]): OwnOffered {
    const nodes = records.map(({ functions, resources, state }) => ({
      functions: state === 'active' ? functions : [],
      resources,
    }));
    return gatherOffers(nodes, this.#config?.exports);
  }

  #about({ address, url }: HubConfig, nodes: number) {
    const { load, name, software } = this.#directory.self;
    return { address, load, name, nodes, software, url };
  }
}

/** What a message takes, as far as users say how much that is. */
function bytesOf(message: Extract<CallsMessage, { readonly payload: Payload }>): number {
  const locs = message.kind === 'call' ? message.locs : [];
  return message.payload.size + locs.reduce((sum, loc) => sum + 4 * loc.length, 0);
}

/** Limit: what fits a frame of a client; between nodes a frame may be larger by more than all that hubs add to a header. */
const CARRIED_BYTES_MAX = 16 * 2 ** 20;

const NONE: HubEffect[] = [];

/**
 * Without calls that are taken back by what has come along with them.
 * Why: where something before them had to be sent again, a call is handed out together with its cancellation.
 */
export function withoutCancelled(effects: HubEffect[]): HubEffect[] {
  const cancelled = new Set<string>();
  for (const effect of effects) {
    if (effect.kind !== 'deliver' || effect.message.kind !== 'cancel') continue;
    cancelled.add(`${effect.from} ${effect.message.id}`);
  }
  if (cancelled.size === 0) return effects;
  return effects.filter((effect) => {
    if (effect.kind !== 'deliver' || effect.message.kind !== 'call') return true;
    return !cancelled.has(`${effect.from} ${effect.message.id}`);
  });
}
