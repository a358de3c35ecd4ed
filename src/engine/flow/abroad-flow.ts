/**
 * Messages of topics between clusters. The hub that speaks for its cluster gets what other clusters listen to, and sends one
 * message on each link that leads to some of them; hubs between pass it on, and those that it is for publish it in their
 * clusters.
 *
 *     a node ──► hub ══ to: B, C, D ══► hub ══ to: C, D ══► hub of C    each link between clusters once
 *                                       (of B)      ╚══════► hub of D
 *
 * What has come from abroad goes to no other cluster by itself: so it travels in no circle. A request is a message as any other;
 * the hub that publishes it in its cluster says there where answers go (`inboxes.ts`), and sends them back to the one it came from.
 *
 * Limit: what waits for a full link is bounded, and the oldest goes first; what is on a link that breaks is lost. Both are counted. Which
 * cluster listens is judged by a filter that never denies; now and then it affirms, and a message arrives for nobody.
 */
import type { LinkId, NodeId } from '../core/base/ids.ts';
import { RecentIds } from '../core/base/recent-ids.ts';
import type { Branch, TopicsAbroad } from '../core/topics/abroad.ts';
import { inboxBeyond, inboxThrough, isInbox } from '../core/topics/inboxes.ts';
import type { AbroadMessage, Headers } from '../core/topics/messages.ts';
import { Outbox, type OutboxLimits } from '../core/topics/outbox.ts';
import { Delivery } from './delivery.ts';
import { FlowLink } from './flow-link.ts';
import type { Parcel } from './parcel.ts';
import type { TopicsCounters } from './topics-counters.ts';
import { Way } from './way.ts';

export interface AbroadFlowParts {
  readonly federation: () => TopicsAbroad | undefined;
  readonly link: (id: LinkId) => FlowLink | undefined;
  readonly counters: TopicsCounters;
  /** To be published in this cluster. */
  readonly arrived: (delivery: Delivery) => void;
}

export class AbroadFlow {
  readonly #parts: AbroadFlowParts;
  readonly #ways = new Map<NodeId, Way<Letter>>();
  /** What has come of late. Why: when another hub begins to speak for a cluster, both may do so for a moment. */
  readonly #recent = new RecentIds(RECENT_MAX);
  /** For whom what has gone on from here. Why: of both that speak, one may send through the other, which sends it, too. */
  readonly #gone = new RecentIds(RECENT_MAX);

  constructor(parts: AbroadFlowParts) {
    this.#parts = parts;
  }

  /** Something was published in this cluster that others may listen to, or answers one of them. Gives to how many hubs it went. */
  out(delivery: Delivery): number {
    const federation = this.#parts.federation();
    if (federation === undefined || delivery.abroad) return 0;
    const answered = inboxBeyond(delivery.topic);
    const topic = answered?.inbox ?? delivery.topic;
    const branches = answered === undefined ? federation.branches(topic) : federation.branchTo(answered.cluster);
    if (answered !== undefined && branches.length === 0) this.#parts.counters.lost++;
    if (branches.length === 0) return 0;
    const { self, cluster } = federation;
    for (const { at, by, headers, key, payload, seq } of delivery.each()) {
      const more = { ...(headers && { headers }), ...(key === undefined ? {} : { key }) };
      const message = {
        at,
        by,
        cluster,
        kind: 'abroad',
        passed: [self],
        payload,
        seq,
        to: [],
        topic,
        ...more,
      } as const;
      this.#send(federation, message, branches);
    }
    return branches.length;
  }

  /** Something has come from a hub. */
  take(message: AbroadMessage): void {
    const federation = this.#parts.federation();
    const { at, by, cluster, headers, key, passed, payload, seq, to, topic } = message;
    if (federation === undefined || passed.includes(federation.self) || passed.length > PASSED_MAX) {
      this.#parts.counters.lost++;
      return;
    }
    const onward = to.filter((hub) => hub !== federation.self);
    // Why an answer is let in unasked: who has sent it knows the token, so it was asked, by leave of the rules of both.
    const isForHere = onward.length < to.length && (isAnswer(topic) || federation.admits(cluster, topic));
    if (isForHere && this.#recent.add(`${by} ${seq}`)) {
      this.#parts.counters.abroadIn++;
      const said = headers && answerable(headers, federation.self, cluster);
      this.#parts.arrived(new Delivery(topic, by, seq, at, said, payload, { abroad: true, key }));
    }
    if (onward.length === 0) return;
    const all = [...passed, federation.self];
    this.#send(federation, { ...message, passed: all }, federation.onward(onward, all));
  }

  closed(link: FlowLink): void {
    for (const [hub, way] of this.#ways) {
      if (way.link !== link) continue;
      this.#ways.delete(hub);
      this.#parts.counters.lost += way.end();
    }
  }

  #send(federation: TopicsAbroad, message: AbroadMessage, branches: readonly Branch[]): void {
    const { by, seq } = message;
    for (const { next, to: all } of branches) {
      const way = this.#wayTo(federation, next);
      if (way === undefined) {
        this.#parts.counters.lost++;
        continue;
      }
      const to = all.filter((hub) => this.#gone.add(`${by} ${seq} ${hub}`));
      if (to.length === 0) continue;
      const before = way.dropped;
      way.offer(new Letter({ ...message, to }), FROM_ABROAD);
      this.#parts.counters.lost += way.dropped - before;
      this.#parts.counters.abroadOut++;
    }
  }

  #wayTo(federation: TopicsAbroad, hub: NodeId): Way<Letter> | undefined {
    const id = federation.linkTo(hub);
    const link = id === undefined ? undefined : this.#parts.link(id);
    const known = this.#ways.get(hub);
    if (known !== undefined && known.link === link) return known;
    if (link === undefined) return undefined;
    if (known !== undefined) this.#parts.counters.lost += known.end();
    const way = new Way<Letter>(link, new Outbox<Letter>(LIMITS), {
      gap: () => undefined,
      paced: false,
      send: ({ message }) => link.wire.send(message),
    });
    this.#ways.set(hub, way);
    return way;
  }
}

/** A message on its way to another cluster. */
class Letter implements Parcel<Letter> {
  readonly messages = 1;
  readonly message: AbroadMessage;

  constructor(message: AbroadMessage) {
    this.message = message;
  }

  get cost(): number {
    return this.message.payload.size + COST_BYTES;
  }

  keep(): Letter {
    return new Letter({ ...this.message, payload: this.message.payload.kept() });
  }
}

/** Where it comes from: nobody is held for what another cluster publishes. */
export const FROM_ABROAD = new FlowLink(
  0,
  { address: '', id: '', name: '', role: 'peer' },
  { hold: () => undefined, isFull: false, release: () => undefined, send: () => undefined },
);

/** The headers of a request that has come from a cluster: with an inbox that can be reached from here. */
function answerable(headers: Headers, hub: NodeId, cluster: string): Headers {
  const inbox = headers[REPLY_TO];
  const through = inbox === undefined ? undefined : inboxThrough(hub, inbox, cluster);
  return through === undefined ? headers : { ...headers, [REPLY_TO]: through };
}

/** Whether it is for an inbox of this cluster. */
function isAnswer(topic: string): boolean {
  return isInbox(topic.split('.', 1)) && inboxBeyond(topic) === undefined;
}

/** The header of a request. */
const REPLY_TO = 'mpreg-reply';
/** What may wait for a full link to another cluster. */
const LIMITS: OutboxLimits = { bytesMax: 16 * 1024 * 1024, messagesMax: 65_536, policy: 'drop-oldest' };
/** Trade-off: more memory, at most about 100 bytes each; or less of a moment in which what comes twice is known. */
const RECENT_MAX = 16_384;
/** Of what holds a message, and of the names of hubs. */
const COST_BYTES = 512;
/** No way is as long as that. */
const PASSED_MAX = 64;
