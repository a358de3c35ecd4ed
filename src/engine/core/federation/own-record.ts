import type { Address, NodeId } from '../base/ids.ts';
import { earlier, type Instant, NEVER } from '../base/instant.ts';
import { OUTRUN_MAX } from './link-state.ts';
import type { ClusterIdentity, Edge, HubRecord, Position } from './records.ts';

/** What a hub knows of itself and its cluster. */
export interface HubDescription {
  readonly name: string;
  readonly address: Address;
  readonly url: Address;
  readonly software: string;
  readonly nodes: number;
  readonly identity: ClusterIdentity;
  readonly edges: readonly Edge[];
  readonly position?: Position;
}

/**
 * This hub's own record: when it is told anew, and with which version.
 *
 * Changes are gathered for `settleMs`. That a link is gone is told at once, where nothing was told within `settleMs`: until others
 * know, they send over it (OSPF, RFC 2328 §12.4: `MinLSInterval`). Costs that moved by less than `costShareMin`, positions that are little surer than
 * before, and numbers of nodes wait for the next change or refresh; what is new, gone, or made anew does not. So a federation at rest says almost nothing.
 */
export class OwnRecord {
  readonly #hub: NodeId;
  readonly #options: OwnRecordOptions;
  #told: HubRecord | undefined;
  #toldAt: Instant = Number.NEGATIVE_INFINITY;
  #version = 0;
  #refreshAt: Instant = NEVER;
  #tellAt: Instant = NEVER;
  #costsAt: Instant = 0;

  constructor(hub: NodeId, options: OwnRecordOptions) {
    this.#hub = hub;
    this.#options = options;
  }

  get version(): number {
    return this.#version;
  }

  /** No version of this life is lower than the epoch's. */
  start(epoch: number, now: Instant): void {
    this.#version = epoch * 2 ** 20;
    this.#tellAt = now;
  }

  /** A former life said more than this one. What is so near to the last version that none could follow it, nobody here has said. */
  outrun(version: number, now: Instant): void {
    if (version < this.#version || version >= OUTRUN_MAX) return;
    this.#version = version;
    this.#told = undefined;
    this.#tellAt = earlier(this.#tellAt, now);
  }

  /** Something may have changed: it is looked at, and told when others had time to change as well. */
  look(next: HubDescription, now: Instant): void {
    if (this.#told === undefined) return;
    const { costShareMin, settleMs } = this.#options;
    if (isWithout(next.edges, this.#told.edges))
      this.#tellAt = earlier(this.#tellAt, Math.max(now, this.#toldAt + settleMs));
    if (this.#tellAt !== NEVER) return;
    const sameLinks = linksOf(next.edges) === linksOf(this.#told.edges) && wordsOf(next) === wordsOf(this.#told);
    if (!sameLinks) this.#tellAt = now + settleMs;
    else if (now < this.#costsAt) return;
    else if (moved(next.edges, this.#told.edges, costShareMin) || hasMoved(next.position, this.#told.position)) {
      this.#tellAt = now + settleMs;
    }
  }

  deadline(): Instant {
    return earlier(this.#tellAt, this.#refreshAt);
  }

  /** The record to tell, where it is due. */
  due(next: HubDescription, now: Instant): HubRecord | undefined {
    return this.deadline() > now ? undefined : this.#tell(next, now);
  }

  /** The last record of this life: nothing is to be sent through this hub any more. */
  withdraw(next: HubDescription, now: Instant): HubRecord {
    return { ...this.#tell({ ...next, edges: [] }, now), withdrawn: true };
  }

  #tell(next: HubDescription, now: Instant): HubRecord {
    this.#version++;
    this.#tellAt = NEVER;
    this.#refreshAt = now + this.#options.refreshMs;
    this.#costsAt = now + COSTS_MS;
    this.#toldAt = now;
    this.#told = { hub: this.#hub, version: this.#version, ...next };
    return this.#told;
  }
}

export interface OwnRecordOptions {
  readonly settleMs: number;
  readonly costShareMin: number;
  readonly refreshMs: number;
}

/** Costs and positions alone are told at most this often. */
const COSTS_MS = 10_000;

function linksOf(edges: readonly Edge[]): string {
  return JSON.stringify(edges.map(({ to, life }) => [to, life]));
}

/** Whether a link is gone that was told. */
function isWithout(now: readonly Edge[], told: readonly Edge[]): boolean {
  const left = new Set(now.map(({ to }) => to));
  return told.some(({ to }) => !left.has(to));
}

/** What people read, and programs rely on. */
function wordsOf({ name, address, url, software, identity }: HubDescription | HubRecord): string {
  return JSON.stringify([name, address, url, software, identity]);
}

function moved(now: readonly Edge[], told: readonly Edge[], share: number): boolean {
  const before = new Map(told.map(({ to, cost }) => [to, cost]));
  return now.some(({ to, cost }) => {
    const was = before.get(to) ?? 0;
    return Math.abs(cost - was) > Math.max(was * share, COST_NOISE);
  });
}

/** Below, differences are those of clocks that count whole milliseconds. */
const COST_NOISE = 2_000;

/**
 * Whether it is known for the first time, twice as surely, or surely enough to be used (see `far-places.ts`). Why not when it has moved: all do, together, for ever; a position
 * is as good as its distances to others.
 */
function hasMoved(now: Position | undefined, told: Position | undefined): boolean {
  if (now === undefined || told === undefined) return now !== undefined;
  return now.error < told.error / 2 || (now.error < ERROR_USABLE && told.error >= ERROR_USABLE);
}

const ERROR_USABLE = 0.5;
