import type { LinkId, NodeId } from '../base/ids.ts';
import type { Instant } from '../base/instant.ts';

/**
 * A hub that this one has a link to: over a bridge, where it is of another cluster, or over the mesh, where it is a sibling.
 * Measures the link with echoes: the round trip as a moving average, and the share of echoes that nobody answered.
 */
export class Neighbour {
  readonly hub: NodeId;
  readonly name: string;
  readonly cluster: string;
  /** Absent: a sibling. */
  readonly link: LinkId | undefined;
  /** Of a bridge: this hub dialled it. */
  readonly mine: boolean;
  readonly address: string;
  readonly upAt: Instant;
  /** The count of links made before it: see `Edge.life`. */
  readonly life: number;
  /** A second link to the same hub: nothing more is sent on it. */
  retiredAt: Instant | undefined;
  /** Milliseconds, smoothed as TCP does (RFC 6298 §2); undefined before the first answer. */
  rttMs: number | undefined;
  /** Of the last 32 echoes those without an answer, as bits; the newest lowest. */
  #missed = 0;
  #echoes = 0;
  /** When those were sent that nobody has answered, by their numbers: an answer may come after the next echo. */
  readonly #open = new Map<number, Instant>();
  /** In a row. */
  unanswered = 0;
  /** When the last one was sent. */
  echoedAt: Instant = Number.NEGATIVE_INFINITY;

  constructor(about: Pick<Neighbour, 'hub' | 'name' | 'cluster' | 'link' | 'mine' | 'address' | 'upAt' | 'life'>) {
    this.hub = about.hub;
    this.name = about.name;
    this.cluster = about.cluster;
    this.link = about.link;
    this.mine = about.mine;
    this.address = about.address;
    this.upAt = about.upAt;
    this.life = about.life;
  }

  /** The number of an echo to be sent now. One that was not answered is counted as missed. */
  echo(now: Instant): number {
    if (this.#open.size > 0) {
      this.unanswered++;
      this.#missed = (this.#missed << 1) | 1;
    }
    this.#echoes++;
    this.echoedAt = now;
    this.#open.set(this.#echoes, now);
    this.#open.delete(this.#echoes - OPEN_MAX);
    return this.#echoes;
  }

  /** Milliseconds of that round trip; undefined where nobody waits for the answer. */
  answered(n: number, now: Instant): number | undefined {
    const at = this.#open.get(n);
    if (at === undefined) return undefined;
    for (const sent of this.#open.keys()) if (sent <= n) this.#open.delete(sent);
    this.unanswered = 0;
    // Those that were counted as missed since it was sent were only late.
    const late = this.#echoes - n;
    this.#missed = late === 0 ? this.#missed << 1 : (this.#missed >>> late) << late;
    const rtt = now - at;
    this.rttMs = this.rttMs === undefined ? rtt : this.rttMs + (rtt - this.rttMs) * RTT_GAIN;
    return rtt;
  }

  /** Share of the last echoes without an answer, 0 to 1. */
  get loss(): number {
    const of = Math.min(32, this.#echoes);
    return of === 0 ? 0 : ones(this.#missed >>> 0) / of;
  }
}

/** What a link costs: see `Edge.cost`. */
export function costOf(
  neighbour: { readonly rttMs: number | undefined; readonly loss: number },
  extra: {
    readonly configuredMs: number;
    readonly otherRegion: boolean;
    readonly load: number;
    readonly drained: boolean;
  },
): number {
  if (extra.drained) return COST_MAX;
  const rtt = neighbour.rttMs ?? RTT_UNKNOWN_MS;
  const ms = rtt + extra.configuredMs + extra.load * LOAD_MS + (extra.otherRegion ? REGION_MS : 0);
  // Why such a factor: of what is lost, TCP makes time; a link that loses a tenth is far slower than its round trip.
  const cost = Math.round((HOP_MS + ms) * 1_000 * (1 + LOSS_FACTOR * neighbour.loss));
  return Math.max(1, Math.min(cost, COST_MAX - 1));
}

/** Of a link that carries nothing as long as there is another way, as IS-IS and OSPF have it for routers under maintenance. */
export const COST_MAX = 2 ** 30;

/** No answer is waited for that is as late as that: the link is given up before. */
const OPEN_MAX = 31;

const RTT_GAIN = 1 / 8;
/** Before it was measured. */
const RTT_UNKNOWN_MS = 100;
/** A way of fewer hubs wins among equal ones. */
const HOP_MS = 0.2;
/** Staying within a region wins over a way that is quicker by less. */
const REGION_MS = 1;
/** Each step of load doubles the messages on their way. */
const LOAD_MS = 1;
const LOSS_FACTOR = 10;

function ones(bits: number): number {
  let left = bits;
  let count = 0;
  for (; left !== 0; left &= left - 1) count++;
  return count;
}
