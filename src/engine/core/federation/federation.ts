import { Effects } from '../base/effects.ts';
import type { DialId, LinkId, NodeId } from '../base/ids.ts';
import { earlier, type Instant, NEVER } from '../base/instant.ts';
import type { Machine } from '../base/machine.ts';
import type { Prng } from '../base/prng.ts';
import { Border, type HubPeer, type Via } from './border.ts';
import { Carriage } from './carriage.ts';
import { type ClusterState, Clusters } from './clusters.ts';
import type { Carried, FederationEffect } from './effects.ts';
import { FarPlaces } from './far-places.ts';
import { FarTopics } from './far-topics.ts';
import type { FederationParts, HubAbout, Sibling } from './federation-parts.ts';
import { Flood } from './flood.ts';
import { LinkState } from './link-state.ts';
import { type FederationMessage, isNews } from './messages.ts';
import type { FederationConfig, FederationOptions } from './options.ts';
import { type OwnOffered, OwnOffers } from './own-offers.ts';
import { type HubDescription, OwnRecord } from './own-record.ts';
import { mayCross } from './policy.ts';
import type { ClusterIdentity, HubRecord, OffersRecord } from './records.ts';
import { lifeOf } from './sessions.ts';
import type { FederationView } from './view.ts';
import { viewOf } from './view-of.ts';
import { Ways } from './ways.ts';

export type { FederationParts, HubAbout, Sibling } from './federation-parts.ts';

/**
 * A hub: it knows the other clusters of the federation, and carries messages between them and its own.
 *
 *     border   links to other hubs, and how good they are     flood ◄──► link-state   what all hubs say of themselves
 *        └──────────── own record ───────────────────────────────┘          │
 *                                                                          ways ──► carriage   what travels between hubs
 *
 * Invariants:
 * - no message is passed to a hub that has had it;
 * - a link that only one end claims carries nothing;
 * - what a hub says stands for as long as it lives, and for no longer than `recordMsMax` after.
 *
 * It refuses to look into what it carries, and to judge which nodes of its own cluster are alive.
 */
export class Federation<Message extends Carried> implements Machine<FederationEffect<Message>> {
  readonly #self: NodeId;
  readonly #options: FederationOptions;
  readonly #prng: Prng;
  readonly #effects = new Effects<FederationEffect<Message>>();
  readonly #links: LinkState;
  readonly #border: Border<Message>;
  readonly #flood: Flood;
  readonly #carriage: Carriage<Message>;
  readonly #own: OwnRecord;
  readonly #offers: OwnOffers;
  readonly #clusters = new Clusters();
  /** The ways from here, and what can be found at their ends. */
  readonly ways: Ways;
  readonly far: FarPlaces;
  readonly topics: FarTopics;
  #siblings: readonly NodeId[] = [];
  #about: HubAbout;
  #config: FederationConfig;
  #digestAt: Instant = NEVER;
  #phase: 'new' | 'running' | 'left' = 'new';
  #recordsIn = 0;
  /** What the ways were made from: they are looked over where it is different. */
  #seen = '';
  #seenOffers = 0;

  constructor({ self, about, config, options, prng }: FederationParts) {
    this.#self = self;
    this.#about = about;
    this.#config = config;
    this.#options = options;
    this.#prng = prng;
    this.#links = new LinkState(options);
    this.#border = new Border({
      addressesOf: (cluster) => [...this.#hubsOf(cluster)].map(({ address }) => address),
      config,
      effects: this.#effects,
      met: (hub) => this.#flood.greet(hub),
      options,
      parted: (hub) => this.#flood.forget(hub),
      prng: prng.fork(),
      regionOf: (hub) => this.#links.hub(hub)?.identity.region,
      self,
    });
    const give = (to: NodeId, message: FederationMessage | Message) => this.#border.give(to, message);
    this.#flood = new Flood(this.#links, give);
    this.#own = new OwnRecord(self, options);
    this.#offers = new OwnOffers(self, options);
    this.ways = new Ways({ hopsMax: options.hopsMax, links: this.#links, own: () => this.#record(), self });
    this.far = new FarPlaces({
      admits: (of, kind, name) => mayCross(this.#config.imports, of, kind, name),
      links: this.#links,
      own: () => this.#config.identity,
      ways: this.ways,
    });
    this.topics = new FarTopics({
      exports: (to, topic) => mayCross(this.#config.exports, to, 'topics', topic),
      far: this.far,
      imports: (of, topic) => mayCross(this.#config.imports, of, 'topics', topic),
      ways: this.ways,
    });
    this.#carriage = new Carriage<Message>({
      cluster: () => this.#config.identity.cluster,
      effects: this.#effects,
      give,
      nameOf: (hub) => this.nameOf(hub),
      options,
      ownLife: () => lifeOf(this.#own.version),
      self,
      ways: this.ways,
    });
  }

  drain(): FederationEffect<Message>[] {
    return this.#effects.drain();
  }

  deadline(): Instant {
    if (this.#phase !== 'running') return NEVER;
    const talk = earlier(this.#flood.deadline(), this.#digestAt);
    const own = earlier(this.#own.deadline(), this.#offers.deadline());
    return earlier(earlier(talk, own), earlier(this.#border.deadline(), this.#carriage.deadline()));
  }

  start(epoch: number, now: Instant): void {
    this.#phase = 'running';
    this.#own.start(epoch, now);
    this.#offers.start(epoch, now);
    this.#carriage.start(epoch);
    this.#border.open(now);
    this.#clusters.want(this.#config.links, now);
    this.#digestAt = now + this.#options.digestMs;
    this.advance(now);
  }

  /** What operators want from now on. */
  configure(config: FederationConfig, now: Instant): void {
    this.#config = config;
    this.#border.configure(config, now);
    this.#clusters.want(config.links, now);
    this.#forget();
    this.#seen = '';
    this.#look(now);
  }

  /** What this hub is, and knows of its cluster. */
  describe(about: HubAbout, now: Instant): void {
    this.#about = about;
    this.#border.load = about.load;
    this.#look(now);
  }

  /** The hubs of the own cluster that are in reach. */
  siblings(hubs: readonly Sibling[], now: Instant): void {
    const spoke = this.speaks;
    this.#siblings = hubs.map(({ id }) => id).filter((id) => id !== this.#self);
    // Why without suspects, who may yet speak: what goes over a hub that is gone comes late, what takes another way does not.
    this.#border.siblings(
      hubs.filter(({ suspect }) => suspect !== true),
      now,
    );
    // Why at once: others are to hear it before they hear that the hub that spoke is gone.
    this.#offers.look(now, this.speaks && !spoke);
    this.#look(now);
  }

  /** What the own cluster has that others may use; told where this hub speaks for its cluster. */
  offer(offered: OwnOffered, now: Instant): void {
    this.#offers.offer(offered, now);
  }

  /** Of the hubs of a cluster, the one with the least id speaks for it. */
  get speaks(): boolean {
    return this.#siblings.every((hub) => this.#self < hub);
  }

  /** Whether a hub of that cluster may link with this one. */
  admits(cluster: string): boolean {
    return this.#border.admits(cluster);
  }

  /** A bridge is there; with `dial` where this hub dialled it. */
  up(link: LinkId, peer: HubPeer, dial: DialId | undefined, now: Instant): void {
    this.#border.up(link, peer, dial, now);
    this.#look(now);
  }

  /** A bridge is gone, whoever ended it. */
  down(link: LinkId, reason: string, now: Instant): void {
    this.#border.down(link, reason, now);
    this.#look(now);
  }

  dialFailed(dial: DialId, reason: string, now: Instant): void {
    this.#border.dialFailed(dial, reason, now);
  }

  /** A neighbour says something: about the federation, or something that travels over it. */
  receive(from: Via, message: FederationMessage | Message, now: Instant): void {
    const neighbour = this.#border.neighbour(from);
    if (neighbour === undefined || this.#phase !== 'running') return;
    if (!isNews(message)) {
      for (const { message: arrived, over } of this.#carriage.carry(message, now)) {
        this.#effects.push({ cluster: over.cluster, from: over.from, kind: 'deliver', message: arrived });
      }
      return;
    }
    switch (message.kind) {
      case 'hub-echo':
        this.#border.echoed(neighbour, message, now);
        break;
      case 'hub-digest':
        this.#flood.compare(neighbour.hub, message, now);
        break;
      case 'hub-news':
        this.#learn(neighbour.hub, message, now);
        break;
    }
    this.#look(now);
  }

  /** To a hub of another cluster. */
  send(to: NodeId, message: Message, now: Instant): void {
    this.#carriage.send(to, message, now);
  }

  /** How many bytes of payloads may be sent to a hub now. */
  room(to: NodeId): number {
    return this.#carriage.room(to);
  }

  /** Whether that is a hub of another cluster. */
  knows(hub: NodeId): boolean {
    const cluster = this.#links.hub(hub)?.identity.cluster;
    return cluster === undefined ? this.#carriage.knows(hub) : cluster !== this.#config.identity.cluster;
  }

  /** What is kept of messages to other hubs, and of the ways that they go. */
  get held(): number {
    return this.#carriage.held;
  }

  /** The bridge to a hub, where there is one. */
  linkTo(hub: NodeId): LinkId | undefined {
    return this.#border.neighbours.of(hub)?.link;
  }

  /** Whether a cluster can be reached, and since when. */
  stateOf(cluster: string): ClusterState | undefined {
    return this.#clusters.of(cluster);
  }

  /** Who the cluster of a hub says that it is; undefined where the hub is not known. */
  identityOf(hub: NodeId): ClusterIdentity | undefined {
    return this.#links.hub(hub)?.identity;
  }

  /** For people. */
  nameOf(hub: NodeId): string {
    const record = this.#links.hub(hub);
    return record === undefined ? hub : `${record.identity.cluster}/${record.name}`;
  }

  view(now: Instant): FederationView {
    return viewOf({
      border: this.#border,
      clusters: this.#clusters,
      config: this.#config,
      counts: {
        ...this.#carriage.counts,
        recordsIn: this.#recordsIn,
        recordsOut: this.#flood.told,
        recordsRefused: this.#links.refusals.count,
      },
      far: this.far,
      links: this.#links,
      now,
      own: this.#record(),
      ways: this.ways,
    });
  }

  /** Takes leave: nobody is to send anything through this hub any more. */
  leave(now: Instant): void {
    if (this.#phase !== 'running') return;
    const record = this.#own.withdraw(this.#description(), now);
    const message: FederationMessage = { hubs: [{ ageMs: 0, record }], kind: 'hub-news', offers: [] };
    for (const { hub } of this.#border.neighbours.all) this.#border.give(hub, message);
    this.#border.close();
    this.#phase = 'left';
  }

  advance(now: Instant): void {
    if (this.#phase !== 'running') return;
    this.#border.advance(now);
    const record = this.#own.due(this.#description(), now);
    if (record !== undefined) this.#publish(record, now);
    const offers = this.#offers.due(this.speaks, this.#config.identity.cluster, now);
    if (offers !== undefined) this.#publishOffers(offers, now);
    if (now >= this.#digestAt) this.#compareAndExpire(now);
    this.#look(now);
    this.#flood.advance(now);
    this.#carriage.advance(now);
  }

  #hubsOf(cluster: string): readonly HubRecord[] {
    return [...this.#links.hubs()].filter(({ identity, withdrawn }) => identity.cluster === cluster && !withdrawn);
  }

  #description(): HubDescription {
    const { name, address, url, software, nodes } = this.#about;
    const { position } = this.#border;
    const about = { address, edges: this.#border.edges(), identity: this.#config.identity, name, nodes, software, url };
    return position === undefined ? about : { ...about, position };
  }

  #record(): HubRecord {
    return { ...this.#description(), hub: this.#self, version: this.#own.version };
  }

  #everybodyBut(hub: NodeId | undefined): readonly NodeId[] {
    return this.#border.neighbours.all.flatMap((neighbour) => (neighbour.hub === hub ? [] : neighbour.hub));
  }

  #publish(record: HubRecord, now: Instant): void {
    this.#links.put(record, 0, now);
    this.#flood.news('hubs', record.hub, this.#everybodyBut(undefined), now);
  }

  #publishOffers(offers: OffersRecord, now: Instant): void {
    this.#links.putOffers(offers, 0, now);
    this.#flood.news('offers', offers.hub, this.#everybodyBut(undefined), now);
  }

  #learn(from: NodeId, message: Extract<FederationMessage, { readonly kind: 'hub-news' }>, now: Instant): void {
    for (const { record, ageMs } of message.hubs) {
      const { hub, version } = record;
      if (hub === this.#self) {
        this.#own.outrun(version, now);
        continue;
      }
      if (!this.#links.put(record, ageMs, now)) continue;
      this.#recordsIn++;
      this.#flood.news('hubs', hub, this.#everybodyBut(from), now);
      this.#carriage.lives(hub, lifeOf(version), now);
    }
    for (const { record, ageMs } of message.offers) {
      if (record.hub === this.#self) this.#offers.outrun(record.version, now);
      else if (this.#links.putOffers(record, ageMs, now)) {
        this.#recordsIn++;
        this.#flood.news('offers', record.hub, this.#everybodyBut(from), now);
      }
    }
  }

  /** Compares all records with one neighbour, drawn at random, and forgets what is too old. */
  #compareAndExpire(now: Instant): void {
    this.#digestAt = now + this.#options.digestMs;
    for (const { hub } of this.#links.expire(now)) this.#carriage.forget(hub, now);
    const one = this.#prng.pick(this.#border.neighbours.all);
    if (one !== undefined) this.#flood.greet(one.hub);
  }

  /** What was found of other clusters may not be true any more. */
  #forget(): void {
    this.far.stale();
    this.topics.stale();
  }

  /** Something may have changed: ways are looked over, and who can be reached, where it has. */
  #look(now: Instant): void {
    if (this.#phase !== 'running') return;
    const description = this.#description();
    this.#own.look(description, now);
    const seen = `${this.#links.generation} ${JSON.stringify(description.edges.map(({ to, life, cost }) => [to, life, cost]))}`;
    if (seen !== this.#seen) {
      this.#seen = seen;
      this.ways.stale();
      this.#forget();
      this.#carriage.changed(now);
      const others = [...this.#links.hubs()].filter(
        ({ identity }) => identity.cluster !== this.#config.identity.cluster,
      );
      for (const event of this.#clusters.update(others, (hub) => this.ways.to(hub) !== undefined, now)) {
        this.#effects.push({ event, kind: 'event' });
      }
      this.#effects.push({ kind: 'changed' });
    } else if (this.#links.offersGeneration !== this.#seenOffers) {
      this.#forget();
      this.#effects.push({ kind: 'changed' });
    }
    this.#seenOffers = this.#links.offersGeneration;
  }
}
