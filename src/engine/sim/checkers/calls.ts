/**
 * The laws of calls, and of the steps of plans as far as they are calls.
 *
 * Safety: one outcome for one call; a result comes from a node that ran it, and is the right one; a stream's items come
 * in order, once each, before the result; what is said not to have happened never runs; what is not declared idempotent
 * runs at most once; what asks for a version runs in one that fits, and in the highest where nothing changes; without any
 * fault no call is lost.
 * Liveness: every call ends, unless its client or its entry node went away; nothing of it is left on any node.
 */
import { didNotHappen, type Problem } from '../../core/base/problems.ts';
import { compareVersions } from '../../core/base/semver.ts';
import { within } from '../../core/base/version-range.ts';
import type { Ask } from '../client.ts';
import { digest } from '../digest.ts';
import type { RunEffect } from '../functions.ts';
import type { SimProcess } from '../process.ts';
import type { ScenarioEvent } from '../scenario.ts';
import type { World } from '../world.ts';
import { Checker, law } from './checker.ts';
import { expectedValue, type Fate, type Fates, tell } from './fates.ts';
import { who } from './membership.ts';

export class CallsChecker extends Checker {
  readonly #world: () => World;
  readonly #fates: Fates;
  /** Whether nothing goes wrong in this scenario that could lose a message. */
  readonly #quiet: boolean;

  constructor(world: () => World, fates: Fates, quiet: boolean) {
    super();
    this.#world = world;
    this.#fates = fates;
    this.#quiet = quiet;
  }

  override began(process: SimProcess, run: RunEffect, version: string): void {
    const fate = this.#fates.of(run);
    if (fate === undefined) return;
    const { terms, denied, runs } = fate;
    const says = () => `${tell(fate)}; now on ${who(process)}`;
    law(denied === undefined, 'what was said not to have happened never runs', says);
    const mayRepeat = terms.idempotent || runs.every((one) => isDeclared(one.process, run.fun));
    law(mayRepeat || runs.length === 1, 'what is not idempotent runs at most once', says);
    law(run.fun === terms.fun, 'a call runs the function that it names', says);
    const fits = terms.version === undefined || within(terms.version)(version);
    law(fits, 'a call runs a version that it asked for', () => `${says()}: ${version} is not ${terms.version}`);
    // Why only the first run: on a second try it may have to do with another node.
    if (this.#isSteady() && runs.length === 1 && terms.fun !== 'narrow') {
      const better = this.#versions(fate).find((other) => compareVersions(other, version) > 0);
      law(better === undefined, 'the highest version that fits is run', () => `${says()}: ${better} is there, too`);
    }
  }

  override streamed(ask: Ask): void {
    const { items, answers, event } = ask;
    const says = () => `call ${ask.id} got ${JSON.stringify(items)} after ${answers.length} answers`;
    law(event.kind === 'call' && event.fun === 'stream', 'only a stream has items', says);
    law(answers.length === 0, 'no item comes after the outcome', says);
    law(items.at(-1) === items.length - 1, "a stream's items come in order, once each", says);
  }

  override answered(ask: Ask): void {
    const says = () => `call ${ask.id} got ${ask.answers.map((answer) => JSON.stringify(answer)).join(' and ')}`;
    law(ask.answers.length === 1, 'a call has one outcome', says);
    const [answer] = ask.answers;
    if (answer === undefined) return;
    if (answer.kind === 'error') {
      law(!this.#quiet || answer.problem.code !== 'link-lost', 'without a fault no call is lost', says);
      if (didNotHappen(answer.problem)) for (const fate of this.#fates.ofAsk(ask)) deny(fate, answer.problem);
      return;
    }
    const value = answer.payload.value();
    law(value.ok, 'a result can be read', says);
    if (ask.event.kind === 'call') this.#judgeResult(ask, answer.by, value.value, says);
  }

  override unsettled(): string | undefined {
    const world = this.#world();
    for (const ask of world.asks) {
      const open = ask.answers.length === 0 && !ask.lost;
      if (open)
        return `call ${ask.id} (${ask.event.kind} through ${world.place(ask.event.node).plan.name}) has no answer`;
    }
    for (const process of world.living) {
      const left = Object.entries(process.snapshot().calls).filter(([, count]) => count > 0);
      if (left.length > 0) {
        return `${who(process)} has calls left: ${left.map(([what, count]) => `${count} ${what}`).join(', ')}`;
      }
    }
    return undefined;
  }

  /** Everybody knows what everybody offers, and that does not change. */
  #isSteady(): boolean {
    const { scenario, timeline } = this.#world();
    const startedMs = Math.max(...scenario.nodes.map(({ startMs }) => startMs));
    const changes = scenario.events.some(({ kind }) => !ASKS.has(kind));
    return this.#quiet && !changes && timeline.now > startedMs + GOSSIP_MS;
  }

  /** Every version on offer that a call could run. */
  #versions({ terms }: Fate): readonly string[] {
    const { fun, locs, version } = terms;
    return this.#world().places.flatMap(({ functions, plan }) => {
      const offered = functions.filter(({ name }) => name === fun);
      const equipped = offered.filter((one) =>
        locs.every((loc) => [...plan.resources, ...one.resources].includes(loc)),
      );
      return equipped.map((one) => one.version).filter((one) => version === undefined || within(version)(one));
    });
  }

  #judgeResult(ask: Ask, by: string, value: unknown, says: () => string): void {
    const [fate] = this.#fates.ofAsk(ask);
    if (fate === undefined) return;
    law(ranOn(fate, by), 'a result comes from a node that ran the call', says);
    const expected = expectedValue(fate);
    const right = expected === undefined || digest(expected.value).hash === digest(value).hash;
    law(right, 'a call gets its own result', says);
    const { fun, args } = fate.terms;
    law(fun !== 'stream' || ask.items.length === args[0], 'a stream that ends well is whole', says);
  }
}

/** What changes nothing about what is offered. */
const ASKS: ReadonlySet<ScenarioEvent['kind']> = new Set([
  'call',
  'plan',
  'publish',
  'subscribe',
  'read',
  'keep',
  'full-disk',
]);

/** Until then all have heard what a new node offers, where nothing is broken. */
const GOSSIP_MS = 15_000;

/** Whether that node has run it to a good end. */
export function ranOn({ runs }: Fate, node: string | undefined): boolean {
  return runs.some(({ process, outcome }) => process.birth.name === node && outcome?.ok);
}

/** Somebody says that it did not happen: it must not have, and must not later. */
export function deny(fate: Fate, why: Problem): void {
  fate.denied = why;
  law(fate.runs.length === 0, 'what is said not to have happened did not run', () => {
    return `${tell(fate)}, but it was answered ${JSON.stringify(why)}`;
  });
}

/** Whether a node says that running a function of its twice does no more than running it once. */
function isDeclared({ birth }: SimProcess, fun: string): boolean {
  return birth.functions.some(({ idempotent, name }) => name === fun && idempotent === true);
}
