/**
 * The laws of what travels between hubs.
 *
 * Safety, at every message: what it says of its way is true; no hub has it twice, nor are there more than `hopsMax` links; whoever sends
 * it on its way sends it over links that are there, or were a moment ago; a message of a topic crosses each link between
 * hubs once in a direction.
 */
import type { LinkId, NodeId } from '../../core/base/ids.ts';
import type { Instant } from '../../core/base/instant.ts';
import type { Over } from '../../core/base/over.ts';
import { DEFAULT_FEDERATION_OPTIONS } from '../../core/federation/options.ts';
import type { NodeEffect } from '../../core/node/effects.ts';
import type { Message, NodeInput } from '../../core/node/inputs.ts';
import type { SimProcess } from '../process.ts';
import type { World } from '../world.ts';
import { Checker, law } from './checker.ts';
import { who } from './membership.ts';
import { tokenOf } from './topics.ts';

type Travelling = Message & { readonly over: Over };

export class FederationChecker extends Checker {
  readonly #world: () => World;
  readonly #links = new Map<SimProcess, Map<LinkId, { readonly peer: NodeId; readonly bridge: boolean }>>();
  /** What each process has got to pass on: `copyOf`. */
  readonly #got = new Map<SimProcess, Set<string>>();
  /** `a b` → the bridges that hub a has with hub b, in its own eyes. */
  readonly #bridges = new Map<string, number>();
  /** When two hubs, in the order of their ids, lost the last bridge that both had, or one of them got one that the other has not yet. */
  readonly #goneAt = new Map<string, Instant>();
  /** When one of two hubs last got a bridge with the other. */
  readonly #upAt = new Map<string, Instant>();
  /** Of all nodes that ever were. */
  readonly #births = new Map<NodeId, SimProcess['birth']>();
  /** When they were started last. */
  readonly #startedAt = new Map<NodeId, Instant>();
  /** `token from to`. */
  readonly #crossed = new Set<string>();

  constructor(world: () => World) {
    super();
    this.#world = world;
  }

  override started(process: SimProcess): void {
    this.#births.set(process.birth.id, process.birth);
    this.#startedAt.set(process.birth.id, this.#world().timeline.now);
    this.#links.set(process, new Map());
    this.#got.set(process, new Set());
  }

  override ended(process: SimProcess): void {
    for (const link of this.#links.get(process)?.keys() ?? []) this.#unlinked(process, link);
    this.#links.delete(process);
    this.#got.delete(process);
  }

  override stepped(process: SimProcess, input: NodeInput, effects: readonly NodeEffect[]): void {
    if (input.kind === 'link-up') this.#linked(process, input);
    if (input.kind === 'link-down') this.#unlinked(process, input.link);
    if (input.kind === 'message' && travels(input.message)) {
      this.#got.get(process)?.add(copyOf(input.message, input.message.over.passed));
    }
    for (const effect of effects) {
      if (effect.kind === 'close') this.#unlinked(process, effect.link);
      if (effect.kind === 'send' && travels(effect.message)) this.#judge(process, effect.link, effect.message);
    }
  }

  override put(process: SimProcess, link: LinkId, message: Message): void {
    if (message.kind !== 'abroad') return;
    const { passed, payload, to } = message;
    const self = process.birth.id;
    const peer = this.#links.get(process)?.get(link)?.peer ?? '';
    const token = tokenOf(payload);
    const says = () => `${who(process)} sends ${token} to ${this.#nameOf(peer)}: ${JSON.stringify({ passed, to })}`;
    law(passed.at(-1) === self, 'a hub that passes a message on says so', says);
    law(areDistinct([...passed, peer]), 'no hub has a message twice', says);
    law(areDistinct([...passed, ...to]), 'a message of a topic is for hubs that have not had it', says);
    law(passed.length <= DEFAULT_FEDERATION_OPTIONS.hopsMax, 'a way has no more links than it may have', says);
    const crossing = `${token} ${self} ${peer}`;
    law(!this.#crossed.has(crossing), 'a message of a topic crosses a link between hubs once', says);
    this.#crossed.add(crossing);
  }

  #judge(process: SimProcess, link: LinkId, message: Travelling): void {
    const { over } = message;
    const { ahead, from, passed } = over;
    const self = process.birth.id;
    const peer = this.#links.get(process)?.get(link)?.peer ?? '';
    const says = () => `${who(process)} sends to ${this.#nameOf(peer)}: ${message.kind} ${JSON.stringify(over)}`;
    law(passed.at(-1) === self, 'a hub that passes a message on says so', says);
    law(ahead[0] === peer && ahead.at(-1) === over.to, 'a message goes where its way leads', says);
    law(areDistinct([...passed, ...ahead]), 'no hub has a message twice', says);
    const links = passed.length + ahead.length - 1;
    law(links <= DEFAULT_FEDERATION_OPTIONS.hopsMax, 'a way has no more links than it may have', says);
    if (passed.length === 1) {
      law(from === self, 'a way begins where the message does', says);
      this.#judgeWay(process, [self, ...ahead], says);
    } else {
      const got = this.#got.get(process)?.has(copyOf(message, passed.slice(0, -1)));
      law(got === true, 'what a message says of its way is true', says);
    }
  }

  /**
   * Each link of a way is there, or was a moment ago. Why a moment after those before it came up: over them comes the news of
   * what lies behind, and there may have been no other way for it.
   */
  #judgeWay(process: SimProcess, hubs: readonly NodeId[], says: () => string): void {
    const world = this.#world();
    const { now } = world.timeline;
    let heardAt = world.place(process.place).sleptUntil;
    let holdMs = HOLD_MS;
    for (const [i, to] of hubs.slice(1).entries()) {
      const from = hubs[i] as NodeId;
      if (this.#areSiblings(from, to)) {
        holdMs = HOLD_BY_SIBLINGS_MS;
        continue;
      }
      const since = this.#goneSince(from, to);
      const free = since === undefined || now <= Math.max(since, heardAt) + holdMs;
      law(free, 'a bridge that is gone is not used after its holding time', () => {
        return `${says()}; ${this.#nameOf(from)} and ${this.#nameOf(to)} have had none since ${since} ms`;
      });
      heardAt = Math.max(heardAt, this.#upAt.get(pairOf(from, to)) ?? 0);
    }
  }

  /**
   * Undefined while both have a bridge to the other. Why not before either was started: who meets it again has what its former
   * life said, until it hears what this one says.
   */
  #goneSince(a: NodeId, b: NodeId): Instant | undefined {
    const has = (from: NodeId, to: NodeId) => (this.#bridges.get(`${from} ${to}`) ?? 0) > 0;
    if (has(a, b) && has(b, a)) return undefined;
    const started = [a, b].map((hub) => this.#startedAt.get(hub) ?? 0);
    return Math.max(this.#goneAt.get(pairOf(a, b)) ?? 0, ...started);
  }

  /** Why they are left out: that one of them is gone is membership's to say, and has laws of its own. */
  #areSiblings(a: NodeId, b: NodeId): boolean {
    const clusterOf = (id: NodeId) => this.#births.get(id)?.cluster;
    return clusterOf(a) !== undefined && clusterOf(a) === clusterOf(b);
  }

  #linked(process: SimProcess, { link, peer }: Extract<NodeInput, { readonly kind: 'link-up' }>): void {
    if (peer.role === 'client') return;
    const bridge = peer.role === 'hub';
    this.#links.get(process)?.set(link, { bridge, peer: peer.id });
    if (bridge) this.#count(process.birth.id, peer.id, 1);
  }

  #unlinked(process: SimProcess, link: LinkId): void {
    const known = this.#links.get(process)?.get(link);
    if (known === undefined) return;
    this.#links.get(process)?.delete(link);
    if (known.bridge) this.#count(process.birth.id, known.peer, -1);
  }

  #count(from: NodeId, to: NodeId, change: number): void {
    const before = this.#goneSince(from, to);
    const key = `${from} ${to}`;
    this.#bridges.set(key, (this.#bridges.get(key) ?? 0) + change);
    const after = this.#goneSince(from, to);
    if (change > 0) this.#upAt.set(pairOf(from, to), this.#world().timeline.now);
    // Why also where one end gets it: it hears of it before the other does, and both may believe what that one said when it had one.
    const isNews = before === undefined || change > 0;
    if (isNews && after !== undefined) this.#goneAt.set(pairOf(from, to), this.#world().timeline.now);
  }

  #nameOf(id: NodeId): string {
    return this.#births.get(id)?.name ?? id;
  }
}

const { echoMs, echoesLostMax } = DEFAULT_FEDERATION_OPTIONS;

/**
 * How long a sender may go on sending over a bridge that is gone. The news of it takes milliseconds, where it gets through. Where a
 * link on its way is silent, it gets through late or never; but then that link is given up by its own end, after so many
 * echoes, and the way over it with it. Twice that, because the way of the news and that of the message may differ.
 */
const HOLD_MS = 2 * (echoesLostMax + 2) * echoMs;

/** The same where the news would come through a sibling of a hub: that this one is gone is found out by membership's suspicion. */
const HOLD_BY_SIBLINGS_MS = 45_000;

function travels(message: Message): message is Travelling {
  return 'over' in message && message.over !== undefined;
}

/** One copy of one message: the same is sent again over other ways. */
function copyOf({ kind, over: { from, n, session, to } }: Travelling, passed: readonly NodeId[]): string {
  return `${kind === 'hub-ack' ? 'ack' : 'it'} ${from} ${to} ${session} ${n} ${passed.join(' ')}`;
}

function pairOf(a: NodeId, b: NodeId): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}

function areDistinct(hubs: readonly NodeId[]): boolean {
  return new Set(hubs).size === hubs.length;
}
