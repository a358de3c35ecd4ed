/**
 * The laws of how plans end before their time. A plan is *over* at the instant at which its coordinator answers it, is
 * told that nobody wants it any more (a cancellation, its client's link gone), or dies. Then:
 *
 *     over ──────────────► settlingMs ──────────────►
 *     nothing of it begins  │ what was on its way     │ nothing of it begins
 *     on its coordinator    │ may still begin         │ anywhere
 *                           │ elsewhere               │
 *
 * The time counts from when the plan was over or the world became calm, whichever is later: what a blocked way holds up
 * is still on its way. And whoever was told to stop one step starts neither that step nor what builds upon it, unless it
 * is given such a step anew.
 *
 * Without any fault, a plan with a time limit is answered in time, and a step that may be tried again is, as often as it may.
 */
import type { LinkId, NodeId, TaskId } from '../../core/base/ids.ts';
import type { Instant } from '../../core/base/instant.ts';
import { readErrand } from '../../core/calls/errand.ts';
import type { CallMessage, PlanReply } from '../../core/calls/messages.ts';
import type { NodeEffect } from '../../core/node/effects.ts';
import type { NodeInput } from '../../core/node/inputs.ts';
import type { Ask } from '../client.ts';
import type { RunEffect } from '../functions.ts';
import type { SimProcess } from '../process.ts';
import { Checker, law } from './checker.ts';
import { type Fate, type Fates, tell } from './fates.ts';
import { who } from './membership.ts';

export interface PlanEndsParts {
  readonly fates: Fates;
  readonly quiet: boolean;
  readonly now: () => Instant;
  /** Since when nothing has been broken; `NEVER` while something is. */
  readonly calmSince: () => Instant;
}

/** A plan that a client has brought to a node. */
interface Brought {
  readonly ask: Ask;
  readonly coordinator: SimProcess;
  over: Over | undefined;
}

interface Over {
  readonly at: Instant;
  readonly why: string;
  /** What the coordinator had decided to run in the same step before it answered. */
  readonly before: ReadonlySet<TaskId>;
}

/** What one process has been told. */
interface Told {
  /** Plans by the client's link and number, calls by the node that gave them and its number. */
  readonly plans: Map<string, Brought>;
  readonly calls: Map<string, Fate>;
  readonly peers: Map<LinkId, NodeId>;
  /** Steps that it must not start. */
  readonly stopped: Set<Fate>;
}

/** A silent link is given up within 17 s, on both sides one after the other. */
const SETTLING_MS = 40_000;
const SETTLING_QUIET_MS = 3_000;
/** How long after its limit a plan is answered at the latest, where nothing is broken: a few times there and back. */
const LATE_MS = 2_000;

export class PlanEndsChecker extends Checker {
  readonly #parts: PlanEndsParts;
  readonly #told = new WeakMap<SimProcess, Told>();
  readonly #asks = new Map<number, Ask>();
  readonly #brought = new Map<Ask, Brought>();

  constructor(parts: PlanEndsParts) {
    super();
    this.#parts = parts;
  }

  override asked(ask: Ask): void {
    this.#asks.set(ask.id, ask);
  }

  override stepped(process: SimProcess, input: NodeInput, effects: readonly NodeEffect[]): void {
    const told = this.#toldOf(process);
    if (input.kind === 'link-up' && input.peer.role === 'peer') told.peers.set(input.link, input.peer.id);
    if (input.kind === 'message') this.#heard(process, told, input);
    if (input.kind === 'link-down') this.#linkDown(told, input.link);
    const before = new Set<TaskId>();
    for (const effect of effects) {
      if (effect.kind === 'run') before.add(effect.task);
      if (effect.kind !== 'send' || (effect.message.kind !== 'result' && effect.message.kind !== 'error')) continue;
      const key = keyOf(told, effect.link, effect.message.id);
      this.#over(told.plans.get(key), 'answered', before);
      told.plans.delete(key);
      told.calls.delete(key);
    }
  }

  override ended(process: SimProcess): void {
    for (const brought of this.#toldOf(process).plans.values()) this.#over(brought, 'without its coordinator');
  }

  override began(process: SimProcess, run: RunEffect): void {
    const fate = this.#parts.fates.of(run);
    if (fate === undefined) return;
    const told = this.#toldOf(process).stopped.has(fate);
    law(!told, 'who was told to stop a step starts neither it nor what builds upon it', () => {
      return `${tell(fate)}; on ${who(process)}`;
    });
    const brought = this.#brought.get(fate.ask);
    if (brought?.over === undefined) return;
    const { over, coordinator } = brought;
    const now = this.#parts.now();
    const says = () => `${tell(fate)}; on ${who(process)} at ${now}; plan ${over.why} at ${over.at}`;
    const excused = over.before.has(run.task);
    law(process !== coordinator || excused, 'a plan that is over starts nothing on its coordinator', says);
    const settlingMs = this.#parts.quiet ? SETTLING_QUIET_MS : SETTLING_MS;
    const late = now - Math.max(over.at, this.#parts.calmSince()) > settlingMs;
    law(!late, 'a plan that is over starts nothing anywhere', says);
  }

  override answered(ask: Ask): void {
    const { event, answers, sentAt, answeredAt } = ask;
    if (event.kind !== 'plan' || !this.#parts.quiet || sentAt === undefined || answeredAt === undefined) return;
    const limits = [event.timeoutMs, event.planTimeoutMs ?? 0].filter((ms) => ms > 0);
    const tookMs = answeredAt - sentAt;
    law(tookMs <= Math.min(...limits) + LATE_MS, 'a plan with a time limit is answered in time', () => {
      return `plan ${ask.id} was answered after ${tookMs} ms, with limits of ${limits.join(', ')} ms`;
    });
    const reply = answers[0]?.kind === 'result' ? answers[0].payload.value() : undefined;
    if (reply?.ok) this.#judgeTries(ask, reply.value as PlanReply);
  }

  #judgeTries(ask: Ask, { steps }: PlanReply): void {
    for (const fate of this.#parts.fates.ofAsk(ask)) {
      const outcome = steps.find(({ name }) => name === fate.name);
      const threw = outcome?.state === 'failed' && outcome.problem?.code === 'function-failed';
      const tries = fate.terms.idempotent ? 1 + (fate.terms.retries ?? 0) : 1;
      law(!threw || fate.runs.length === tries, 'a step that may be tried again is', () => tell(fate));
    }
  }

  #heard(process: SimProcess, told: Told, { link, message }: Extract<NodeInput, { kind: 'message' }>): void {
    if (message.kind === 'plan') {
      const ask = this.#asks.get(message.id);
      if (ask === undefined || told.peers.has(link)) return;
      const brought: Brought = { ask, coordinator: process, over: undefined };
      this.#brought.set(ask, brought);
      told.plans.set(keyOf(told, link, message.id), brought);
    } else if (message.kind === 'call') {
      const fate = this.#parts.fates.of(message);
      if (fate === undefined) return;
      told.calls.set(keyOf(told, link, message.id, ownerOf(message)), fate);
      for (const one of this.#buildingOn(fate)) told.stopped.delete(one);
    } else if (message.kind === 'cancel') {
      const key = keyOf(told, link, message.id);
      this.#over(told.plans.get(key), 'cancelled');
      const fate = told.calls.get(keyOf(told, link, message.id, message.at));
      if (fate !== undefined) for (const one of this.#buildingOn(fate)) told.stopped.add(one);
    }
  }

  #linkDown(told: Told, link: LinkId): void {
    if (told.peers.delete(link)) return;
    for (const [key, brought] of told.plans) {
      if (key.startsWith(`${link} `)) this.#over(brought, 'without its client');
    }
  }

  #buildingOn(fate: Fate): Fate[] {
    return this.#parts.fates.ofAsk(fate.ask).filter((one) => one === fate || one.ancestors.has(fate));
  }

  #over(brought: Brought | undefined, why: string, before: ReadonlySet<TaskId> = new Set()): void {
    if (brought !== undefined) brought.over ??= { at: this.#parts.now(), before, why };
  }

  #toldOf(process: SimProcess): Told {
    let told = this.#told.get(process);
    if (told === undefined) {
      told = { calls: new Map(), peers: new Map(), plans: new Map(), stopped: new Set() };
      this.#told.set(process, told);
    }
    return told;
  }
}

/**
 * Why by node where a node asks: the answer or the cancellation may take a newer link to it. `owner`: whose number it is,
 * where not the asker's.
 */
function keyOf({ peers }: Told, link: LinkId, id: number, owner = peers.get(link)): string {
  return `${owner ?? link} ${id}`;
}

/** The node whose chain a call is. */
function ownerOf(call: CallMessage): NodeId | undefined {
  const read = readErrand(call);
  return read?.ok && read.value.chain !== undefined ? read.value.at : undefined;
}
