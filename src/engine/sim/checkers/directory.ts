/**
 * The laws of the directory.
 *
 * Safety: a record's version never decreases in one observer's eyes; one version of one node's record has one content.
 * Liveness: once faults stop, everybody's record of every living node is that node's own, so the functions that are
 * offered are those of living nodes.
 */
import type { NodeId } from '../../core/base/ids.ts';
import type { NodeRecord } from '../../core/directory/record.ts';
import { digest } from '../digest.ts';
import type { SimProcess } from '../process.ts';
import type { World } from '../world.ts';
import { Checker, law } from './checker.ts';
import { who } from './membership.ts';

export class DirectoryChecker extends Checker {
  readonly #world: () => World;
  readonly #versions = new Map<SimProcess, Map<NodeId, number>>();
  /** The content of each version of each record, as first seen: `id version` → hash. */
  readonly #contents = new Map<string, number>();
  readonly #hashes = new WeakMap<NodeRecord, number>();

  constructor(world: () => World) {
    super();
    this.#world = world;
  }

  override started(process: SimProcess): void {
    this.#versions.set(process, new Map());
  }

  override ended(process: SimProcess): void {
    this.#versions.delete(process);
  }

  override inspect(process: SimProcess): void {
    const versions = this.#versions.get(process);
    if (versions === undefined || !process.alive) return;
    const { members, record: own, phase } = process.snapshot();
    const listed = new Set<NodeId>();
    for (const { id, record, self } of members) {
      if (record === undefined || (self && phase === 'starting')) continue;
      listed.add(id);
      const before = versions.get(id) ?? 0;
      const says = () => `${who(process)} has version ${record.version} of ${record.name} (${id}) after ${before}`;
      law(record.id === id, 'a record is about its member', says);
      law(record.version >= before, 'the version of a record never decreases', says);
      versions.set(id, record.version);
      this.#judgeContent(process, record);
    }
    if (phase !== 'starting') this.#judgeContent(process, own);
    for (const id of versions.keys()) if (!listed.has(id)) versions.delete(id);
  }

  override unsettled(): string | undefined {
    const living = this.#world().living.map((process) => ({ process, snapshot: process.snapshot() }));
    const own = new Map(living.map(({ snapshot }) => [snapshot.id, snapshot.record]));
    for (const { process, snapshot } of living) {
      for (const { id, name, record, state } of snapshot.members) {
        const truth = own.get(id);
        if (truth === undefined || state === 'dead' || state === 'left') continue;
        if (record === undefined) return `${who(process)} has no record of ${name}`;
        if (this.#hash(record) !== this.#hash(truth)) {
          return `${who(process)} has version ${record.version} of the record of ${name}, which is at ${truth.version}`;
        }
      }
    }
    return this.#functionsMissing();
  }

  /** A node offers what its place was told to offer. */
  #functionsMissing(): string | undefined {
    for (const { process, functions } of this.#world().places) {
      if (!process?.alive) continue;
      const offered = process
        .snapshot()
        .record.functions.map(({ name }) => name)
        .sort();
      const wanted = functions.map(({ name }) => name).sort();
      if (offered.join() !== wanted.join()) return `${who(process)} offers ${offered}, not ${wanted}`;
    }
    return undefined;
  }

  #judgeContent(process: SimProcess, record: NodeRecord): void {
    const key = `${record.id} ${record.version}`;
    const hash = this.#hash(record);
    const known = this.#contents.get(key);
    law(known === undefined || known === hash, 'one version of a record has one content', () => {
      return `${who(process)} has another version ${record.version} of ${record.name}: ${JSON.stringify(record)}`;
    });
    this.#contents.set(key, hash);
  }

  #hash(record: NodeRecord): number {
    let hash = this.#hashes.get(record);
    if (hash === undefined) {
      hash = digest(record).hash;
      this.#hashes.set(record, hash);
    }
    return hash;
  }
}
