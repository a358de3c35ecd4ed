/**
 * The laws of what clusters let each other use.
 *
 * Safety: what a hub's rules forbid does not cross it, from the moment on that it has the rules: neither out of the cluster that has
 * a thing (`exports`), nor into the one that uses it (`imports`). A call came over a hub that allowed it when the call came, and
 * left over one that allowed it when it left, or up to `FLIGHT_MS` before; a message of a topic was published when some hub of each of both allowed it.
 */
import type { NodeId } from '../../core/base/ids.ts';
import type { Instant } from '../../core/base/instant.ts';
import type { Payload } from '../../core/base/payload.ts';
import { DEFAULT_FEDERATION_OPTIONS } from '../../core/federation/options.ts';
import type { NodeEffect } from '../../core/node/effects.ts';
import type { Message, NodeInput } from '../../core/node/inputs.ts';
import type { DeliverMessage } from '../../core/topics/messages.ts';
import type { Ask } from '../client.ts';
import type { FarAsk } from '../far-queue-user.ts';
import type { RunEffect } from '../functions.ts';
import type { Use } from '../policies.ts';
import type { SimProcess } from '../process.ts';
import type { PolicyTerms } from '../scenario.ts';
import type { Listening, Publication } from '../topics-client.ts';
import type { World } from '../world.ts';
import { Checker, law } from './checker.ts';
import { who } from './membership.ts';
import { tokenOf } from './topics.ts';

/** What one hub has been told, in order. */
interface Hub {
  readonly process: SimProcess;
  readonly told: { readonly at: Instant; readonly terms: PolicyTerms }[];
  endedAt: Instant | undefined;
}

/** When a call was at a hub. */
interface Crossing {
  readonly hub: Hub;
  readonly at: Instant;
}

type Direction = 'exports' | 'imports';

/** A call that has found its way may wait so long for a link. */
const FLIGHT_MS = DEFAULT_FEDERATION_OPTIONS.partedMs + 2_000;

export class PoliciesChecker extends Checker {
  readonly #world: () => World;
  readonly #hubs = new Map<SimProcess, Hub>();
  readonly #clusterOf = new Map<NodeId, string>();
  /** `token cluster`: where a call entered that cluster, and where it left for it. */
  readonly #entered = new Map<string, Crossing[]>();
  readonly #left = new Map<string, Crossing[]>();
  /** The cluster of who asked; where and when messages were published, by their tokens. */
  readonly #askers = new Map<string, string>();
  readonly #published = new Map<string, { readonly at: Instant; readonly of: string }>();

  constructor(world: () => World) {
    super();
    this.#world = world;
  }

  override started(process: SimProcess): void {
    const { birth, cluster } = process;
    this.#clusterOf.set(birth.id, cluster);
    if (birth.hub === undefined) return;
    this.#hubs.set(process, { endedAt: undefined, process, told: [{ at: this.#now, terms: birth.hub.config }] });
  }

  override ended(process: SimProcess): void {
    const hub = this.#hubs.get(process);
    if (hub !== undefined) hub.endedAt ??= this.#now;
  }

  override asked({ event, tokens }: Ask): void {
    for (const token of tokens) this.#askers.set(token, this.#clusterAt(event.node));
  }

  override farAsked({ place, token }: FarAsk): void {
    this.#askers.set(token, this.#clusterAt(place));
  }

  override publishing({ client, token }: Publication): void {
    this.#published.set(token, { at: this.#now, of: this.#clusterAt(client.where.node) });
  }

  override stepped(process: SimProcess, input: NodeInput, effects: readonly NodeEffect[]): void {
    const hub = this.#hubs.get(process);
    if (hub === undefined) return;
    if (input.kind === 'federation' && 'config' in input) hub.told.push({ at: this.#now, terms: input.config });
    if (input.kind === 'message') this.#enters(hub, input.message);
    for (const effect of effects) if (effect.kind === 'send') this.#leaves(hub, effect.message);
  }

  override began(process: SimProcess, run: RunEffect): void {
    const token = callTokenOf(run.payload);
    const by = this.#askers.get(token);
    const of = process.cluster;
    if (by === undefined || by === of) return;
    const queue = run.fun.startsWith(OF_QUEUES) ? queueOf(run.payload) : undefined;
    const use: Use =
      queue === undefined ? { by, name: run.fun, of, what: 'functions' } : { by, name: queue, of, what: 'queues' };
    const entered = this.#entered.get(`${token} ${of}`) ?? [];
    const left = this.#left.get(`${token} ${of}`) ?? [];
    const says = () => `${who(process)} runs ${token} (${use.name}) for ${by}; ${tell(entered)}, ${tell(left)}`;
    law(entered.length > 0 && left.length > 0, 'what comes from another cluster came over hubs of both', says);
    const exported = entered.some(({ at, hub }) => !this.#hasForbidden(hub, 'exports', use, at));
    law(exported, 'what is not exported is not used by others', says);
    const imported = left.some(({ at, hub }) => !this.#hasForbidden(hub, 'imports', use, at - FLIGHT_MS));
    law(imported, 'what is not imported is not used of others', says);
  }

  override delivered(listening: Listening, message: DeliverMessage): void {
    const token = tokenOf(message.payload);
    const published = this.#published.get(token);
    const by = this.#clusterAt(listening.client.where.node);
    if (published === undefined || published.of === by) return;
    const { at, of } = published;
    const use: Use = { by, name: message.topic, of, what: 'topics' };
    const says = () => `${token} on ${message.topic}, published in ${of} at ${at} ms, comes to ${by}`;
    const exported = this.#hubsOf(of).some((hub) => !this.#hasForbidden(hub, 'exports', use, at));
    law(exported, 'what is not exported is not heard by others', says);
    const imported = this.#hubsOf(by).some((hub) => !this.#hasForbidden(hub, 'imports', use, at));
    law(imported, 'what is not imported is not heard of others', says);
  }

  get #now(): Instant {
    return this.#world().timeline.now;
  }

  #clusterAt(place: number): string {
    return this.#world().place(place).plan.cluster ?? '';
  }

  #hubsOf(cluster: string): readonly Hub[] {
    return [...this.#hubs.values()].filter(({ process }) => process.cluster === cluster);
  }

  /** From that instant on until now, or until its end, without a break. One that had ended before can have had no part in it. */
  #hasForbidden({ endedAt, told }: Hub, direction: Direction, use: Use, since: Instant): boolean {
    if (endedAt !== undefined && endedAt < since) return true;
    const { policies } = this.#world();
    const last = told.findLastIndex(({ terms }) => policies[direction](terms, use));
    // Told at once after it: from then on it is forbidden.
    const from = last === told.length - 1 ? undefined : told[last + 1]?.at;
    // Why not in the same instant: a process that wakes takes what came before the rules first.
    return from !== undefined && from < since;
  }

  #enters(hub: Hub, message: Message): void {
    if (message.kind !== 'call' || message.over === undefined) return;
    const { ahead, to } = message.over;
    if (to !== hub.process.birth.id || ahead[0] !== to) return;
    this.#note(this.#entered, `${callTokenOf(message.payload)} ${hub.process.cluster}`, hub);
  }

  #leaves(hub: Hub, message: Message): void {
    if (message.kind !== 'call' || message.over === undefined || message.over.passed.length !== 1) return;
    this.#note(this.#left, `${callTokenOf(message.payload)} ${this.#clusterOf.get(message.over.to)}`, hub);
  }

  #note(crossings: Map<string, Crossing[]>, key: string, hub: Hub): void {
    const known = crossings.get(key);
    if (known === undefined) crossings.set(key, [{ at: this.#now, hub }]);
    else known.push({ at: this.#now, hub });
  }
}

const OF_QUEUES = 'mpreg.queue.';

interface Called {
  readonly args: readonly unknown[];
}

/** Of a call its first argument, or what that says of itself. */
function callTokenOf(payload: Payload): string {
  const given = payload.value();
  const [first] = given.ok ? ((given.value as Partial<Called> | null)?.args ?? []) : [];
  return typeof first === 'string' ? first : String((first as { readonly token?: unknown } | undefined)?.token);
}

function queueOf(payload: Payload): string {
  const given = payload.value();
  const [first] = given.ok ? (given.value as Called).args : [];
  return String((first as { readonly queue?: unknown } | undefined)?.queue);
}

function tell(crossings: readonly Crossing[]): string {
  return crossings.length === 0
    ? 'over nobody'
    : crossings.map(({ at, hub }) => `${at} ms ${who(hub.process)}`).join(' ');
}
