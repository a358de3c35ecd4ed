import { Effects } from '../base/effects.ts';
import type { Address, DialId, LinkId, NodeId } from '../base/ids.ts';
import { earlier, type Instant, NEVER } from '../base/instant.ts';
import type { Machine } from '../base/machine.ts';
import type { Prng } from '../base/prng.ts';
import type { Problem } from '../base/problems.ts';
import { Backoff } from './backoff.ts';
import type { LinksEffect } from './effects.ts';
import type { Dial, Link, Purpose } from './link.ts';
import type { LinkMessage, MeshPeer } from './messages.ts';
import type { LinksOptions } from './options.ts';
import { standingPeers } from './standing.ts';
import { Waiting } from './waiting.ts';

/**
 * The connections of one node: which to keep, which to open for traffic, which to close, and which are dead.
 *
 *     standing   a peer of this node's own choice: dialled, and dialled again with back-off, as long as it is a member
 *     wanted     opened because a message had to go to a peer without a link; closed by its dialler when idle
 *     retired    one too many: both ends dialled at once, or the other end dialled anew. Both keep the same link and
 *                send nothing more on the other but one beat, whose answer proves that all before it has arrived; its
 *                dialler closes it when it has been quiet
 *
 * Invariants:
 * - at most one link per peer is not retired, and that one carries everything that is sent;
 * - a message given to `send` is sent once, or comes back once as `undelivered`, unless it was taken back;
 * - a link that breaks before all that was sent on it has surely arrived takes the active one with it: both ends hear of it;
 * - a link that brought nothing for `silenceMs`, though asked for a beat, is closed.
 *
 * It refuses to judge whether a node is alive: it says what it saw (`joined`, `broken`, `unreachable`).
 */
export class Links<Message extends { readonly kind: string }> implements Machine<LinksEffect<Message>> {
  readonly #self: NodeId;
  readonly #options: LinksOptions;
  readonly #needed: (id: NodeId) => boolean;
  readonly #isUse: (message: Message) => boolean;
  readonly #effects = new Effects<LinksEffect<Message>>();
  readonly #backoff: Backoff;
  readonly #links = new Map<LinkId, Link>();
  /** The link that carries what is sent to a peer. */
  readonly #active = new Map<NodeId, Link>();
  readonly #dials = new Map<DialId, Dial>();
  readonly #waiting: Waiting<Message>;
  #standing: ReadonlyMap<NodeId, Address> = new Map();
  /** From when on a standing peer may be dialled, where it has no link. */
  #dialFrom = new Map<NodeId, Instant>();
  #nextDial = 1;
  /** When links and standing peers are looked over next. */
  #tickAt: Instant = NEVER;
  #stopped = false;

  /** `needed`: whether something is under way with a peer, so that its link is not idle, however quiet. */
  constructor(self: NodeId, options: LinksOptions, prng: Prng, purpose: Purpose<Message>) {
    this.#self = self;
    this.#options = options;
    this.#needed = purpose.needed;
    this.#isUse = purpose.isUse ?? (() => true);
    this.#backoff = new Backoff(options, prng);
    this.#waiting = new Waiting(options.waitingMax);
  }

  drain(): LinksEffect<Message>[] {
    return this.#effects.drain();
  }

  deadline(): Instant {
    return this.#tickAt;
  }

  get counts(): { readonly peers: number; readonly clients: number } {
    let clients = 0;
    for (const link of this.#links.values()) if (link.peer.role === 'client') clients++;
    return { clients, peers: this.#active.size };
  }

  has(id: NodeId): boolean {
    return this.#active.has(id);
  }

  linkTo(id: NodeId): LinkId | undefined {
    return this.#active.get(id)?.link;
  }

  /** How a linked peer names itself. */
  nameOf(id: NodeId): string | undefined {
    return this.#active.get(id)?.peer.name;
  }

  /** The members that can be dialled, without this node: the choice of standing peers follows them. */
  members(peers: ReadonlyMap<NodeId, Address>, now: Instant): void {
    this.#standing = standingPeers(this.#self, peers, this.#options);
    const dialFrom = new Map<NodeId, Instant>();
    for (const id of this.#standing.keys()) {
      dialFrom.set(id, this.#dialFrom.get(id) ?? this.#turnOf(id, now));
    }
    this.#dialFrom = dialFrom;
    this.#tickAt = earlier(this.#tickAt, now);
  }

  /** The handshake on a connection is done; with `dial` where this node dialled it. */
  up(link: LinkId, peer: MeshPeer, dial: DialId | undefined, now: Instant): void {
    const dialled = dial === undefined ? undefined : this.#dials.get(dial);
    const before = peer.role === 'peer' ? this.#active.get(peer.id) : undefined;
    if (before !== undefined && now - before.upAt > AT_ONCE_MS) this.#close(before, 'it is dialled anew', now);
    const entry: Link = {
      askedAt: NEVER,
      beats: 0,
      heardAt: now,
      link,
      mine: dialled !== undefined,
      peer,
      retired: false,
      settled: true,
      upAt: now,
      usedAt: now,
      via: dialled?.address,
    };
    this.#links.set(link, entry);
    this.#tickAt = earlier(this.#tickAt, now + this.#options.beatMs);
    if (dial !== undefined) this.#dials.delete(dial);
    if (peer.role === 'client') return;
    if (dialled !== undefined) this.#backoff.succeeded(dialled.address);
    if (peer.id === this.#self) {
      if (dialled !== undefined) this.#backoff.never(dialled.address);
      this.#close(entry, 'this is the node itself', now);
    } else {
      this.#choose(entry, peer, now);
    }
    if (dialled?.to !== undefined && dialled.to !== peer.id) {
      this.#giveUp(dialled.to, true, `another node answers at ${dialled.address}`);
    }
  }

  /** A connection is gone, whoever ended it. */
  down(link: LinkId, reason: string, now: Instant): void {
    const entry = this.#links.get(link);
    if (entry === undefined) return;
    this.#links.delete(link);
    this.#lose(entry, reason, now);
  }

  dialFailed(dial: DialId, refused: boolean, reason: string, now: Instant): void {
    const failed = this.#dials.get(dial);
    if (failed === undefined) return;
    this.#dials.delete(dial);
    this.#backoff.failed(failed.address, now);
    this.#tickAt = earlier(this.#tickAt, this.#backoff.until(failed.address));
    if (failed.to !== undefined) this.#giveUp(failed.to, refused, reason);
  }

  /** Something arrived on a link: it is alive. `used`: it is something that the link is kept open for. Gives who said it. */
  heard(link: LinkId, used: boolean, now: Instant): MeshPeer | undefined {
    const entry = this.#links.get(link);
    if (entry === undefined) return undefined;
    entry.heardAt = now;
    entry.askedAt = NEVER;
    if (used) entry.usedAt = now;
    return entry.peer;
  }

  receive(link: LinkId, message: LinkMessage, now: Instant): void {
    const entry = this.#links.get(link);
    if (message.kind === 'beat') {
      if (!message.reply) this.#effects.push({ kind: 'send', link, message: { ...message, reply: true } });
      else if (entry !== undefined && entry.beats > 0 && --entry.beats === 0 && entry.retired) entry.settled = true;
      return;
    }
    if (entry !== undefined) this.#close(entry, `the other side: ${message.problem.message}`, now);
  }

  /** Ends a link whose other side does not keep the protocol, and says why. */
  cut(link: LinkId, why: Problem, now: Instant): void {
    const entry = this.#links.get(link);
    if (entry === undefined) return;
    this.#effects.push({ kind: 'send', link, message: { kind: 'goaway', problem: why } });
    this.#close(entry, why.message, now);
  }

  /** Sends on a link that a client holds. */
  reply(link: LinkId, message: Message, now: Instant): void {
    const entry = this.#links.get(link);
    if (entry !== undefined) this.#transmit(entry, message, now);
  }

  /** Sends to a peer: on its link, or on one that is opened for it. What cannot be sent comes back as `undelivered`. */
  send(to: NodeId, address: Address, message: Message, now: Instant): void {
    const active = this.#active.get(to);
    if (active !== undefined) {
      this.#transmit(active, message, now);
      return;
    }
    if (this.#waiting.add(to, message)) return;
    const reason = this.#whyNotDial(this.#waiting.has(to), address, now);
    if (reason !== undefined) {
      this.#effects.push({ kind: 'undelivered', message, reason, to });
      return;
    }
    this.#waiting.open(to);
    this.#waiting.add(to, message);
    this.#dial(address, to);
  }

  /** Takes back a message that still waits for its link. False where none does. */
  unsend(to: NodeId, isIt: (message: Message) => boolean): boolean {
    return this.#waiting.remove(to, isIt);
  }

  /** Sends to a peer only where a link is up; else the message is dropped: for answers, which nobody else waits for. */
  answer(to: NodeId, message: Message, now: Instant): void {
    const active = this.#active.get(to);
    if (active !== undefined) this.#transmit(active, message, now);
  }

  /** Asks whoever listens at an address to join; `joined` follows, at once where a link to it is up. */
  contact(address: Address, _now: Instant): void {
    if (this.#stopped || this.#backoff.until(address) === NEVER) return;
    for (const [id, { peer, via }] of this.#active) {
      if (peer.role !== 'peer' || (peer.address !== address && via !== address)) continue;
      this.#effects.push({ address: peer.address, first: false, id, kind: 'joined', name: peer.name });
      return;
    }
    for (const dial of this.#dials.values()) if (dial.address === address) return;
    this.#dial(address, undefined);
  }

  /** Looks over links and standing peers. */
  advance(now: Instant): void {
    if (now < this.#tickAt) return;
    this.#tickAt = this.#links.size > 0 ? now + Math.ceil(this.#options.beatMs / 2) : NEVER;
    for (const link of this.#links.values()) this.#lookAfter(link, now);
    this.#dialStanding(now);
  }

  /** Says goodbye on every link and closes it; nothing is dialled again. */
  stop(message: LinkMessage): void {
    this.#stopped = true;
    for (const { link } of this.#links.values()) {
      this.#effects.push({ kind: 'send', link, message });
      this.#effects.push({ kind: 'close', link, reason: 'this node is leaving' });
    }
    for (const to of this.#waiting.peers()) this.#returnWaiting(to, 'this node is leaving');
    this.#links.clear();
    this.#active.clear();
    this.#tickAt = NEVER;
  }

  /** A new link to a peer: makes it the active one or retires one of the two, alike at both ends. */
  #choose(entry: Link, { id, name, address }: Extract<MeshPeer, { readonly role: 'peer' }>, now: Instant): void {
    const before = this.#active.get(id);
    if (before === undefined) {
      this.#active.set(id, entry);
      this.#effects.push({ address, first: true, id, kind: 'joined', name });
      this.#tellNeighbours();
    } else if (this.#isBetter(entry, before, id)) {
      this.#active.set(id, entry);
      before.retired = true;
      before.settled = false;
      this.#ask(before, now, { all: true });
    } else {
      entry.retired = true;
    }
    const { link } = this.#active.get(id) ?? entry;
    for (const message of this.#waiting.take(id)) this.#effects.push({ kind: 'send', link, message });
  }

  #transmit(entry: Link, message: Message, now: Instant): void {
    if (this.#isUse(message)) entry.usedAt = now;
    this.#effects.push({ kind: 'send', link: entry.link, message });
  }

  #ask(entry: Link, now: Instant, behind: { readonly all?: true } = {}): void {
    entry.askedAt = now;
    entry.beats++;
    this.#effects.push({ kind: 'send', link: entry.link, message: { kind: 'beat', reply: false, ...behind } });
  }

  /** Of two links to one peer that were dialled at once, the one that the smaller id dialled, or else the newer. */
  #isBetter(entry: Link, before: Link, id: NodeId): boolean {
    return entry.mine === before.mine || entry.mine === this.#self < id;
  }

  #close(entry: Link, reason: string, now: Instant): void {
    if (!this.#links.delete(entry.link)) return;
    this.#effects.push({ kind: 'close', link: entry.link, reason });
    this.#lose(entry, reason, now);
  }

  #lose(entry: Link, reason: string, now: Instant): void {
    if (entry.peer.role === 'client') {
      this.#effects.push({ kind: 'client-left', link: entry.link, reason });
      return;
    }
    const { id, name } = entry.peer;
    if (this.#active.get(id) !== entry) {
      // Why: an answer of this node's may have been lost with it, and only the peer can know that it waits for one.
      const active = this.#active.get(id);
      if (!entry.settled && active !== undefined) this.#close(active, 'another link broke', now);
      return;
    }
    this.#active.delete(id);
    this.#effects.push({ id, kind: reason === IDLE ? 'parted' : 'broken', name, reason });
    // Why: answers to what came on another link may have gone out on this one. The peer must learn of it, and start anew.
    for (const other of this.#links.values()) {
      if (other.peer.role === 'peer' && other.peer.id === id) this.#close(other, 'another link broke', now);
    }
    this.#tellNeighbours();
    if (!this.#standing.has(id)) return;
    const from = this.#turnOf(id, now + this.#options.backoffMs);
    this.#dialFrom.set(id, from);
    this.#tickAt = earlier(this.#tickAt, from);
  }

  /** When it is this node's turn to dial a peer that both ends want. */
  #turnOf(id: NodeId, now: Instant): Instant {
    return this.#self < id ? now : now + LARGER_ID_WAITS_MS;
  }

  #tellNeighbours(): void {
    this.#effects.push({ ids: [...this.#active.keys()], kind: 'neighbours' });
  }

  #whyNotDial(full: boolean, address: Address, now: Instant): string | undefined {
    if (this.#stopped) return 'this node is leaving';
    if (full) return `${this.#options.waitingMax} messages wait for that link already`;
    if (address === '') return 'its address is not known';
    if (now < this.#backoff.until(address)) return `${address} could not be reached a moment ago`;
    return undefined;
  }

  #dial(address: Address, to: NodeId | undefined): void {
    for (const under of this.#dials.values()) {
      if (under.address !== address || under.to !== undefined) continue;
      under.to = to;
      return;
    }
    const dial = this.#nextDial++;
    this.#dials.set(dial, { address, to });
    this.#effects.push({ address, dial, kind: 'dial' });
  }

  #giveUp(to: NodeId, refused: boolean, reason: string): void {
    if (this.#active.has(to)) return;
    this.#effects.push({ id: to, kind: 'unreachable', reason, refused });
    this.#returnWaiting(to, reason);
  }

  #returnWaiting(to: NodeId, reason: string): void {
    for (const message of this.#waiting.take(to)) this.#effects.push({ kind: 'undelivered', message, reason, to });
  }

  #lookAfter(entry: Link, now: Instant): void {
    const { beatMs, silenceMs, idleMs } = this.#options;
    const silent = now - entry.heardAt;
    if (silent >= silenceMs && now - entry.askedAt >= beatMs / 2) {
      this.#close(entry, `silent for ${silent} ms`, now);
      return;
    }
    if (silent >= beatMs && entry.askedAt === NEVER) this.#ask(entry, now);
    if (entry.peer.role === 'client' || !entry.mine) return;
    const { id } = entry.peer;
    const idle = now - entry.usedAt;
    if (entry.retired) {
      if (entry.settled && idle >= beatMs) this.#close(entry, 'one link is enough', now);
    } else if (idle >= idleMs && !this.#standing.has(id) && !this.#needed(id)) {
      this.#close(entry, IDLE, now);
    }
  }

  #dialStanding(now: Instant): void {
    if (this.#stopped) return;
    const dialling = new Set([...this.#dials.values()].map((dial) => dial.to));
    for (const [id, address] of this.#standing) {
      if (this.#active.has(id) || dialling.has(id) || address === '') continue;
      const until = Math.max(this.#backoff.until(address), this.#dialFrom.get(id) ?? 0);
      if (until > now) {
        this.#tickAt = earlier(this.#tickAt, until);
      } else if (this.#dials.size < this.#options.dialsMax) {
        this.#waiting.open(id);
        this.#dial(address, id);
      } else {
        this.#tickAt = earlier(this.#tickAt, now + this.#options.backoffMs);
      }
    }
  }
}

/** Why: both ends want the link at the same time; while the larger id waits, the smaller one dials, once. */
const LARGER_ID_WAITS_MS = 500;

/**
 * Why a link is closed that is of no use any more; it arrives at the other end as it is, which then does not worry. Where
 * it does not arrive, the other end looks for what happened, in vain.
 */
const IDLE = 'idle';

/**
 * How far apart two links may come up that were dialled at once: as long as dial and handshake may take. Who dials anew
 * later than that has lost the link that this node still sees, by a restart or a break on the way.
 */
const AT_ONCE_MS = 10_000;
