import { assert } from '../base/assert.ts';
import { Effects } from '../base/effects.ts';
import type { Address, NodeId } from '../base/ids.ts';
import { getOrMake } from '../base/maps.ts';
import type { FunctionRecord, NodeRecord } from './record.ts';

/**
 * The directory: what each node says of itself, and who offers which function.
 *
 *     records    id ──► newest record seen; that of a node that is gone is kept as a tombstone
 *     offers     function name ──► id ──► that node's functions of the name
 *
 * Each record has one writer, its node, and a version that only grows; so merging is "the newer one wins", in whatever
 * order records arrive. Looking up a function never walks over nodes: `offers` is kept up to date with every change.
 *
 * Invariants:
 * - `offers` holds exactly the functions of the records whose node is in reach and active;
 * - the version kept for an id never decreases, also while the node is gone;
 * - `generation` grows with every change that `offers`, `equipped` or `node` could show, and with nothing else.
 *
 * It refuses to judge who is alive: membership does, and says so through `reach`.
 */
export class Directory {
  readonly #entries = new Map<NodeId, Entry>();
  readonly #offers = new Map<string, Map<NodeId, Offer[]>>();
  readonly #effects = new Effects<DirectoryEffect>();
  #self: NodeRecord;
  #generation = 1;

  constructor(self: NodeRecord) {
    this.#self = self;
    this.#entries.set(self.id, { offered: [], reach: 'alive', record: undefined, version: 0, weight: 1 });
    this.#replace(self);
  }

  /** What this node says of itself. */
  get self(): NodeRecord {
    return this.#self;
  }

  /** What `offers`, `equipped` and `node` said at an equal generation is still true. */
  get generation(): number {
    return this.#generation;
  }

  drain(): DirectoryEffect[] {
    return this.#effects.drain();
  }

  record(id: NodeId): NodeRecord | undefined {
    return this.#entries.get(id)?.record;
  }

  /** The newest version seen; 0 where none was. */
  version(id: NodeId): number {
    return this.#entries.get(id)?.version ?? 0;
  }

  /** The nodes in reach that have a function and take no new work. Walks over all nodes. */
  resting(fun: string): readonly Offer[] {
    const found: Offer[] = [];
    for (const { record, reach } of this.#entries.values()) {
      if (record === undefined || reach === 'gone' || record.state === 'active') continue;
      for (const fn of record.functions) if (fn.name === fun) found.push(offerOf(record, fn, reach === 'suspect'));
    }
    return found;
  }

  /** The nodes in reach that have all of some resources. Walks over all nodes. */
  equipped(locs: readonly string[]): readonly Omit<Offer, 'fn'>[] {
    const found: Omit<Offer, 'fn'>[] = [];
    for (const { record, reach } of this.#entries.values()) {
      if (record === undefined || reach === 'gone' || !locs.every((loc) => record.resources.includes(loc))) continue;
      const { addresses, id, name, resources } = record;
      found.push({
        address: addresses[0] ?? '',
        id,
        name,
        resources: new Set(resources),
        suspect: reach === 'suspect',
      });
    }
    return found;
  }

  /** The names of the nodes out of reach that had all of some resources by their last word. Walks over all nodes. */
  absent(locs: readonly string[]): readonly string[] {
    return [...this.#entries.values()].flatMap(({ record, reach }) =>
      reach === 'gone' && record !== undefined && locs.every((loc) => record.resources.includes(loc))
        ? record.name
        : [],
    );
  }

  /** What all nodes in reach say of themselves. Walks over all nodes. */
  get reachable(): readonly NodeRecord[] {
    return [...this.#entries.values()].flatMap(({ record, reach }) => (reach === 'gone' ? [] : (record ?? [])));
  }

  /** A node in reach by its id or, where only one has it, its name. Walks over all nodes: for operators, not for calls. */
  node(nameOrId: string): { readonly id: NodeId; readonly name: string; readonly address: Address } | undefined {
    const found: NodeRecord[] = [];
    for (const { record, reach } of this.#entries.values()) {
      if (record === undefined || reach === 'gone') continue;
      if (record.id === nameOrId) return { address: record.addresses[0] ?? '', id: record.id, name: record.name };
      if (record.name === nameOrId) found.push(record);
    }
    const [only] = found;
    if (only === undefined || found.length > 1) return undefined;
    return { address: only.addresses[0] ?? '', id: only.id, name: only.name };
  }

  /** How long a node's record is, in units of 100 characters as JSON; at least 1. */
  weight(id: NodeId): number {
    return this.#entries.get(id)?.weight ?? 1;
  }

  /** Changes this node's own record. Returns the new one, or undefined where nothing changed. */
  describe(change: SelfChange): NodeRecord | undefined {
    const next: NodeRecord = { ...this.#self, ...change };
    if (JSON.stringify(next) === JSON.stringify(this.#self)) return undefined;
    this.#self = { ...next, version: this.#self.version + 1 };
    this.#replace(this.#self);
    return this.#self;
  }

  /**
   * Continues this node's own count above `version`: that of a former life whose record is still about, or the base of
   * a new epoch. Returns the record if it changed.
   */
  outrun(version: number): NodeRecord | undefined {
    if (version <= this.#self.version) return undefined;
    this.#self = { ...this.#self, version: version + 1 };
    this.#replace(this.#self);
    return this.#self;
  }

  /** Takes in what another node says of itself. True where it was news. */
  merge(record: NodeRecord): boolean {
    assert(record.id !== this.#self.id, 'only this node writes its own record');
    if (record.version <= this.version(record.id)) return false;
    this.#replace(record);
    return true;
  }

  /**
   * Membership's judgement of a node. One that is gone offers nothing, and its record stays as a tombstone: an older one
   * does not come back, and if the node does, nobody needs to send the same one again.
   */
  reach(id: NodeId, reach: Reach): void {
    const entry = this.#entryOf(id);
    const before = shownOf(entry);
    entry.reach = reach;
    if (shownOf(entry) !== before) this.#refresh(id, entry);
  }

  /** Drops even the tombstone: nobody spreads that node's records any more. */
  forget(id: NodeId): void {
    if (id === this.#self.id) return;
    this.reach(id, 'gone');
    this.#entries.delete(id);
  }

  /** Who offers a function, before any choice. The lists are the directory's own: read them, keep nothing. */
  offers(fun: string): ReadonlyMap<NodeId, readonly Offer[]> | undefined {
    return this.#offers.get(fun);
  }

  #entryOf(id: NodeId): Entry {
    let entry = this.#entries.get(id);
    if (entry === undefined) {
      entry = { offered: [], reach: 'gone', record: undefined, version: 0, weight: 1 };
      this.#entries.set(id, entry);
    }
    return entry;
  }

  #replace(record: NodeRecord): void {
    const entry = this.#entryOf(record.id);
    const before = shownOf(entry);
    const was = entry.record?.state ?? 'active';
    entry.record = record;
    entry.version = record.version;
    entry.weight = Math.max(1, Math.ceil(JSON.stringify(record).length / 100));
    if (record.state !== was && entry.reach !== 'gone') {
      this.#effects.push({ id: record.id, kind: 'work', name: record.name, state: record.state });
    }
    if (shownOf(entry) !== before) this.#refresh(record.id, entry);
  }

  /** Makes `offers` true again for one node, and tells what began and what ceased. */
  #refresh(id: NodeId, entry: Entry): void {
    const { record, offered: before } = entry;
    this.#generation++;
    for (const { fn } of before) {
      const byNode = this.#offers.get(fn.name);
      byNode?.delete(id);
      if (byNode?.size === 0) this.#offers.delete(fn.name);
    }
    const offering = record !== undefined && entry.reach !== 'gone' && record.state === 'active';
    entry.offered = offering ? record.functions.map((fn) => offerOf(record, fn, entry.reach === 'suspect')) : [];
    for (const offer of entry.offered) {
      const byNode = getOrMake(this.#offers, offer.fn.name, () => new Map<NodeId, Offer[]>());
      getOrMake(byNode, id, () => []).push(offer);
    }
    this.#tell('added', entry.offered, before);
    this.#tell('removed', before, entry.offered);
  }

  /** Tells of each offer in `these` that is not among `those`. */
  #tell(change: 'added' | 'removed', these: readonly Offer[], those: readonly Offer[]): void {
    const known = new Set(those.map(({ fn }) => `${fn.name}\n${fn.version}`));
    for (const { fn, name, id } of these) {
      const key = `${fn.name}\n${fn.version}`;
      if (known.has(key)) continue;
      known.add(key);
      this.#effects.push({ change, fun: fn.name, id, kind: 'function', node: name, version: fn.version });
    }
  }
}

/** All that look-ups can show of a node, as a text; empty where that is nothing. */
function shownOf({ record, reach }: Entry): string {
  if (record === undefined || reach === 'gone') return '';
  const { name, addresses, state, resources, functions } = record;
  const offers = state === 'active' && functions.length > 0;
  return JSON.stringify([name, addresses[0], reach, resources, ...(offers ? [functions] : [])]);
}

function offerOf(record: NodeRecord, fn: FunctionRecord, suspect: boolean): Offer {
  return {
    address: record.addresses[0] ?? '',
    fn,
    id: record.id,
    name: record.name,
    resources: new Set([...record.resources, ...fn.resources]),
    suspect,
  };
}

/** Whether a node can be asked: `suspect` ones are asked last. */
export type Reach = 'alive' | 'suspect' | 'gone';

/** What a node may change about itself. */
export type SelfChange = Partial<Omit<NodeRecord, 'id' | 'version'>>;

/** One function on one node. */
export interface Offer {
  readonly fn: FunctionRecord;
  readonly id: NodeId;
  readonly name: string;
  readonly address: Address;
  /** The function's own and its node's. */
  readonly resources: ReadonlySet<string>;
  readonly suspect: boolean;
}

export type DirectoryEffect =
  /** A function began or ceased to be on offer. */
  | {
      readonly kind: 'function';
      readonly change: 'added' | 'removed';
      readonly fun: string;
      readonly version: string;
      readonly node: string;
      readonly id: NodeId;
    }
  /** A node in reach began or ceased to take new work. */
  | { readonly kind: 'work'; readonly id: NodeId; readonly name: string; readonly state: NodeRecord['state'] };

interface Entry {
  /** What it offers now: empty while it is gone or draining. */
  offered: readonly Offer[];
  reach: Reach;
  /** Undefined until one arrived. */
  record: NodeRecord | undefined;
  version: number;
  /** See `weight`. */
  weight: number;
}
