/**
 * The laws of membership.
 *
 * Safety, at every step: an incarnation never decreases in one observer's eyes; who was dead or has left returns only at
 * a higher one; nobody but the member makes incarnations; only who was asked to leave has left; a node speaks only
 * once its epoch would survive a crash; without any fault nobody is taken for dead.
 * Liveness: once faults stop, all see all living ones of their cluster alive and nobody else, and a small mesh is fully linked.
 */
import type { NodeId } from '../../core/base/ids.ts';
import { DEFAULT_LINKS } from '../../core/links/options.ts';
import type { NodeEffect } from '../../core/node/effects.ts';
import type { NodeInput } from '../../core/node/inputs.ts';
import type { MemberView } from '../../core/node/snapshot.ts';
import type { SimProcess } from '../process.ts';
import type { World } from '../world.ts';
import { Checker, law } from './checker.ts';

/** The highest incarnation that an observer has seen of a member, and whether it was gone at it. */
interface Seen {
  readonly incarnation: number;
  readonly gone: boolean;
}

export class MembershipChecker extends Checker {
  readonly #world: () => World;
  /** Whether nothing can go wrong in this scenario that could make a healthy node look dead. */
  readonly #quiet: boolean;
  readonly #seen = new Map<SimProcess, Map<NodeId, Seen>>();
  /** The highest incarnation that each member has had in its own eyes, as far as somebody had to ask. */
  readonly #highest = new Map<NodeId, number>();
  /** The same, in all its lives that are over. */
  readonly #made = new Map<NodeId, number>();
  readonly #askedToLeave = new Set<NodeId>();
  readonly #durable = new Set<SimProcess>();
  /** The names of all ids that ever were, for messages. */
  readonly #names = new Map<NodeId, string>();

  constructor(world: () => World, quiet: boolean) {
    super();
    this.#world = world;
    this.#quiet = quiet;
  }

  override started(process: SimProcess): void {
    this.#names.set(process.birth.id, process.birth.name);
    this.#seen.set(process, new Map());
  }

  override stepped(process: SimProcess, input: NodeInput, effects: readonly NodeEffect[]): void {
    if (input.kind === 'persisted') this.#durable.add(process);
    if (input.kind === 'leave') this.#askedToLeave.add(process.birth.id);
    if (this.#durable.has(process)) return;
    const spoke = effects.find(({ kind }) => kind === 'send');
    law(
      spoke === undefined,
      'a node speaks only once its epoch is durable',
      () => `${who(process)} sent ${text(spoke)}`,
    );
  }

  override ended(process: SimProcess): void {
    const { id } = process.birth;
    this.#made.set(id, Math.max(this.#made.get(id) ?? 0, this.#ownIncarnation(process)));
    this.#seen.delete(process);
    this.#durable.delete(process);
  }

  override inspect(process: SimProcess): void {
    const seen = this.#seen.get(process);
    if (seen === undefined || !process.alive) return;
    const { members, phase } = process.snapshot();
    const listed = new Set<NodeId>();
    for (const member of members) {
      listed.add(member.id);
      if (member.self) this.#judgeSelf(process, member, phase);
      else this.#judge(process, member, seen.get(member.id));
      const gone = member.state === 'dead' || member.state === 'left';
      seen.set(member.id, { gone, incarnation: member.incarnation });
    }
    for (const id of seen.keys()) if (!listed.has(id)) seen.delete(id); // forgotten: what it knew is gone with it
  }

  override unsettled(): string | undefined {
    const { living, scenario } = this.#world();
    const meshMax = scenario.fullMeshMax ?? DEFAULT_LINKS.fullMeshMax;
    for (const observer of living) {
      const cluster = living.filter((process) => process.cluster === observer.cluster);
      const ids = new Map(cluster.map((process) => [process.birth.id, process]));
      const { members } = observer.snapshot();
      const byId = new Map(members.map((member) => [member.id, member]));
      for (const [id, process] of ids) {
        const view = byId.get(id);
        if (view === undefined) return `${who(observer)} does not know ${who(process)}`;
        if (view.state !== 'alive' && view.state !== 'draining') {
          return `${who(observer)} sees ${who(process)} as ${view.state} though it lives`;
        }
        if (!view.linked && !view.self && cluster.length <= meshMax) {
          return `${who(observer)} has no link to ${who(process)}`;
        }
      }
      for (const view of members) {
        if (ids.has(view.id) || view.state === 'dead' || view.state === 'left') continue;
        return `${who(observer)} sees ${this.#names.get(view.id)} (${view.id}) as ${view.state} though it is gone`;
      }
    }
    return undefined;
  }

  #judgeSelf(process: SimProcess, self: MemberView, phase: string): void {
    const says = () => `${who(process)} sees itself as ${self.state} at incarnation ${self.incarnation}`;
    law(self.state !== 'dead' && self.state !== 'suspect', 'a node knows that it lives', says);
    const before = this.#made.get(self.id);
    const outlived = before === undefined || phase === 'starting' || self.incarnation > before;
    law(outlived, 'a new life has a higher incarnation', () => `${says()}, but had ${before} in its last life`);
  }

  #judge(process: SimProcess, member: MemberView, before: Seen | undefined): void {
    const { id, state, incarnation } = member;
    const says = () => `${who(process)} sees ${this.#names.get(id)} (${id}) as ${state} at incarnation ${incarnation}`;
    law(this.#names.has(id), 'nobody is made up', says);
    if (before !== undefined) {
      const kept = incarnation >= before.incarnation;
      law(kept, 'an incarnation never decreases', () => `${says()}, but saw ${before.incarnation} before`);
      const gone = state === 'dead' || state === 'left';
      const returned = before.gone && !gone && incarnation === before.incarnation;
      law(!returned, 'nobody returns at the incarnation at which it was gone', says);
    }
    law(incarnation <= this.#highestOf(id, incarnation), 'only the member itself makes incarnations', says);
    law(state !== 'left' || this.#askedToLeave.has(id), 'only who was asked to leave has left', says);
    law(!this.#quiet || state !== 'dead', 'without a fault nobody is taken for dead', says);
  }

  /** The highest incarnation that the member has made so far, or one that is at least `enough`. */
  #highestOf(id: NodeId, enough: number): number {
    const known = this.#highest.get(id) ?? 0;
    if (known >= enough) return known;
    const living = this.#world().living.find(({ birth }) => birth.id === id);
    const now = living === undefined ? 0 : this.#ownIncarnation(living);
    const highest = Math.max(known, now, this.#made.get(id) ?? 0);
    this.#highest.set(id, highest);
    return highest;
  }

  #ownIncarnation(process: SimProcess): number {
    return process.snapshot().members.find(({ self }) => self)?.incarnation ?? 0;
  }
}

/** A process for a message: name and life. */
export function who(process: SimProcess): string {
  return `${process.birth.name}.${process.life}`;
}

function text(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 200) ?? 'nothing';
}
