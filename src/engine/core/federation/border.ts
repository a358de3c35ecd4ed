import type { Effects } from '../base/effects.ts';
import type { Address, DialId, LinkId, NodeId } from '../base/ids.ts';
import { earlier, type Instant } from '../base/instant.ts';
import type { Prng } from '../base/prng.ts';
import { Bridges } from './bridges.ts';
import type { Carried, FederationEffect, FederationEvent } from './effects.ts';
import type { FederationMessage } from './messages.ts';
import { costOf, type Neighbour } from './neighbour.ts';
import { Neighbours } from './neighbours.ts';
import type { FederationConfig, FederationOptions } from './options.ts';
import type { Edge, Position } from './records.ts';
import { Vivaldi } from './vivaldi.ts';

/** Who is at the other end of a bridge, as the handshake proved it. */
export interface HubPeer {
  readonly id: NodeId;
  readonly name: string;
  readonly cluster: string;
  readonly address: Address;
}

/** Over what a message came: a bridge, or the mesh's link to a sibling. */
export type Via = { readonly link: LinkId } | { readonly node: NodeId };

export interface BorderParts<Message extends Carried> {
  readonly self: NodeId;
  readonly options: FederationOptions;
  readonly config: FederationConfig;
  readonly prng: Prng;
  readonly effects: Effects<FederationEffect<Message>>;
  /** The region of a hub that is known, and where else hubs of a cluster may be dialled. */
  readonly regionOf: (hub: NodeId) => string | undefined;
  readonly addressesOf: (cluster: string) => readonly Address[];
  /** A neighbour has come, or gone. */
  readonly met: (hub: NodeId) => void;
  readonly parted: (hub: NodeId) => void;
}

/**
 * The links of one hub: it makes those that its configuration wants, measures all, and gives up on those that are silent.
 *
 * Invariant: a link whose breaker is not closed is not claimed, so that nobody's way leads over it.
 */
export class Border<Message extends Carried> {
  readonly neighbours: Neighbours;
  readonly bridges: Bridges;
  readonly #parts: BorderParts<Message>;
  #config: FederationConfig;
  readonly #prng: Prng;
  readonly #vivaldi = new Vivaldi();
  #open = false;
  /** 0 to 10: how busy this hub is. */
  load = 0;

  constructor(parts: BorderParts<Message>) {
    this.#parts = parts;
    this.#config = parts.config;
    this.neighbours = new Neighbours(parts.self, parts.options.echoMs);
    this.bridges = new Bridges(parts.options, parts.config.breaker, parts.prng.fork());
    this.#prng = parts.prng.fork();
  }

  /** Where this hub is in the space of latencies; undefined before that is known at all. */
  get position(): Position | undefined {
    const { position } = this.#vivaldi;
    return position.error < 1 ? position : undefined;
  }

  open(now: Instant): void {
    this.#open = true;
    this.configure(this.#config, now);
  }

  close(): void {
    this.#open = false;
  }

  configure(config: FederationConfig, now: Instant): void {
    this.#config = config;
    const { links, identity, breaker } = config;
    const wanted = links.filter(({ cluster }) => cluster !== identity.cluster);
    this.bridges.configure(config.mode === 'strict' ? [] : wanted, breaker, now);
    for (const bridge of this.neighbours.bridges) {
      if (!this.admits(bridge.cluster)) this.#cut(bridge, `cluster ${bridge.cluster} is linked no longer`, now);
    }
    for (const { link } of this.bridges.targets()) this.#look(link.cluster, now);
  }

  /** Whether a hub of that cluster may link with this one. */
  admits(cluster: string): boolean {
    const { mode, links, identity } = this.#config;
    if (mode === 'strict' || cluster === identity.cluster) return false;
    return mode === 'permissive' || links.some((link) => link.cluster === cluster);
  }

  siblings(hubs: readonly { readonly id: NodeId; readonly name: string }[], now: Instant): void {
    const { self, met, parted } = this.#parts;
    const wanted = new Map(hubs.map((hub) => [hub.id, hub.name]));
    for (const { hub } of this.neighbours.siblings) {
      if (wanted.has(hub)) continue;
      this.neighbours.removeSibling(hub);
      this.#vivaldi.forget(hub);
      parted(hub);
    }
    const { cluster } = this.#config.identity;
    for (const [hub, name] of wanted) {
      if (hub === self || this.neighbours.of(hub) !== undefined) continue;
      this.neighbours.add({ address: '', cluster, hub, link: undefined, mine: false, name }, now);
      met(hub);
    }
  }

  up(link: LinkId, peer: HubPeer, dial: DialId | undefined, now: Instant): void {
    const dialled = dial === undefined ? undefined : this.bridges.ended(dial);
    const { id: hub, name, cluster, address } = peer;
    const refusal = this.#whyNot(peer, dialled?.cluster);
    if (refusal !== undefined) {
      this.#parts.effects.push({ kind: 'close', link, reason: refusal });
      if (dialled !== undefined) this.#failed(dialled.cluster, refusal, now);
      return;
    }
    this.neighbours.add({ address, cluster, hub, link, mine: dialled !== undefined, name }, now);
    this.#tried(cluster);
    this.bridges.up(cluster);
    this.#look(cluster, now);
    this.#tell('up', cluster, name, dialled === undefined ? 'it dialled' : 'it was dialled');
    this.#parts.met(hub);
  }

  down(link: LinkId, reason: string, now: Instant): void {
    const gone = this.neighbours.remove(link);
    if (gone === undefined || gone.retiredAt !== undefined) return;
    const { cluster, hub, name } = gone;
    if (this.neighbours.of(hub) === undefined) {
      this.#vivaldi.forget(hub);
      this.#parts.parted(hub);
    } else this.#parts.met(hub); // what was on its way over the one that is gone is lost
    if (!this.neighbours.hasBridgeTo(cluster)) this.#failed(cluster, reason, now, gone.address);
    this.#tell('down', cluster, name, reason);
  }

  dialFailed(dial: DialId, reason: string, now: Instant): void {
    const dialled = this.bridges.ended(dial);
    if (dialled !== undefined) this.#failed(dialled.cluster, `${dialled.address}: ${reason}`, now);
  }

  neighbour(from: Via): Neighbour | undefined {
    return 'link' in from ? this.neighbours.bridge(from.link) : this.neighbours.of(from.node);
  }

  /** False where there is no link to that hub. */
  give(to: NodeId, message: FederationMessage | Message): boolean {
    const neighbour = this.neighbours.of(to);
    if (neighbour === undefined) return false;
    this.#say(neighbour, message);
    return true;
  }

  echoed(neighbour: Neighbour, message: Extract<FederationMessage, { readonly kind: 'hub-echo' }>, now: Instant): void {
    const { n, reply, position } = message;
    if (!reply) {
      this.#say(neighbour, this.#echo(n, true));
      return;
    }
    const rtt = neighbour.answered(n, now);
    if (rtt === undefined) return;
    // Why at least half: what a clock of whole milliseconds calls nothing is some of one.
    if (position !== undefined) this.#vivaldi.observe(neighbour.hub, Math.max(0.5, rtt), position, this.#prng);
    if (neighbour.link === undefined) return;
    this.bridges.proved(neighbour.cluster);
    this.#judge(neighbour.cluster, 'succeeded', now);
  }

  /** The links that this hub claims, in the order of the hubs at their ends. */
  edges(): readonly Edge[] {
    return this.neighbours.all
      .filter(({ link, cluster }) => link === undefined || this.bridges.breaker(cluster).state === 'closed')
      .map((neighbour) => ({ cost: this.costOf(neighbour), life: neighbour.life, to: neighbour.hub }));
  }

  costOf(neighbour: Neighbour): number {
    const link = this.bridges.target(neighbour.cluster)?.link;
    const region = this.#parts.regionOf(neighbour.hub);
    return costOf(neighbour, {
      configuredMs: link?.cost ?? 0,
      drained: link?.drained === true && neighbour.link !== undefined,
      load: this.load,
      otherRegion: region !== undefined && region !== this.#config.identity.region,
    });
  }

  deadline(): Instant {
    return earlier(this.neighbours.deadline(), this.bridges.deadline());
  }

  advance(now: Instant): void {
    for (const neighbour of this.neighbours.due(now)) this.#measure(neighbour, now);
    for (const over of this.neighbours.over(now)) this.#cut(over, 'there is another link to the same hub', now);
    const isUp = (cluster: string) => this.neighbours.hasBridgeTo(cluster);
    for (const { address, cluster, dial } of this.bridges.due(now, isUp, this.#parts.addressesOf)) {
      this.#tried(cluster);
      this.#parts.effects.push({ address, dial, kind: 'dial' });
    }
  }

  #whyNot({ id, cluster }: HubPeer, wanted: string | undefined): string | undefined {
    if (!this.#open) return 'the hub is not running';
    if (id === this.#parts.self) return 'this is the hub itself';
    if (wanted !== undefined && wanted !== cluster) return `a hub of cluster ${cluster} answers, not of ${wanted}`;
    if (this.admits(cluster)) return undefined;
    return `cluster ${cluster} may not link with ${this.#config.identity.cluster} (mode ${this.#config.mode})`;
  }

  #measure(neighbour: Neighbour, now: Instant): void {
    const n = neighbour.echo(now);
    const { cluster, link, unanswered } = neighbour;
    if (link !== undefined && unanswered > 0) this.#judge(cluster, 'failed', now);
    if (link !== undefined && unanswered >= this.#parts.options.echoesLostMax) {
      this.#cut(neighbour, `it has not answered ${unanswered} echoes`, now);
    } else {
      this.#say(neighbour, this.#echo(n, false));
    }
  }

  #echo(n: number, reply: boolean): FederationMessage {
    return { kind: 'hub-echo', n, position: this.#vivaldi.position, reply };
  }

  #say({ hub, link }: Neighbour, message: FederationMessage | Message): void {
    if (link === undefined) this.#parts.effects.push({ kind: 'tell', message, to: hub });
    else this.#parts.effects.push({ kind: 'send', link, message });
  }

  #cut(bridge: Neighbour, reason: string, now: Instant): void {
    if (bridge.link === undefined) return;
    this.#parts.effects.push({ kind: 'close', link: bridge.link, reason });
    this.down(bridge.link, reason, now);
  }

  #failed(cluster: string, reason: string, now: Instant, address?: Address): void {
    const before = this.bridges.breaker(cluster).state;
    this.bridges.failed(cluster, reason, now, address);
    this.#look(cluster, now);
    this.#tellBreaker(cluster, before, reason);
  }

  #tried(cluster: string): void {
    const breaker = this.bridges.breaker(cluster);
    const before = breaker.state;
    breaker.tried();
    this.#tellBreaker(cluster, before, 'it is tried again');
  }

  /** Whether anything goes over a link to that cluster now. */
  #look(cluster: string, now: Instant): void {
    const carries = this.neighbours.hasBridgeTo(cluster) && this.bridges.breaker(cluster).state === 'closed';
    this.bridges.carries(cluster, carries, now);
  }

  #judge(cluster: string, how: 'failed' | 'succeeded', now: Instant): void {
    const breaker = this.bridges.breaker(cluster);
    const before = breaker.state;
    if (how === 'failed') breaker.failed(now);
    else breaker.succeeded(now);
    this.#look(cluster, now);
    this.#tellBreaker(cluster, before, how === 'failed' ? 'it did not answer an echo' : 'it answers');
  }

  #tellBreaker(cluster: string, before: string, reason: string): void {
    const { state } = this.bridges.breaker(cluster);
    if (state !== before) this.#tell(state, cluster, cluster, reason);
  }

  #tell(
    change: Extract<FederationEvent, { kind: 'bridge' }>['change'],
    cluster: string,
    peer: string,
    reason: string,
  ): void {
    this.#parts.effects.push({ event: { change, cluster, kind: 'bridge', peer, reason }, kind: 'event' });
  }
}
