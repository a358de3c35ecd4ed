/**
 * One run: a scenario, a maker of nodes, and what came of it.
 *
 *     safety phase                liveness phase
 *     anything may fail           nothing fails any more
 *     ├───────────────────────────┼───────────────── settled for calmMs ── exam ──┤
 *     0                        faultsMs   ≤ settleMs
 *
 * The laws of safety are checked all the time. The world has settled when it stays so for a while; in the exam a function
 * is added to a node, called through another, and removed again.
 */
import type { Instant } from '../core/base/instant.ts';
import { AlertsChecker } from './checkers/alerts.ts';
import { CallsChecker } from './checkers/calls.ts';
import { Checkers, LawBroken } from './checkers/checker.ts';
import { DirectoryChecker } from './checkers/directory.ts';
import { FarQueuesChecker } from './checkers/far-queues.ts';
import { Fates } from './checkers/fates.ts';
import { FederationChecker } from './checkers/federation.ts';
import { FederationRestChecker } from './checkers/federation-rest.ts';
import { KeptChecker } from './checkers/kept.ts';
import { MembershipChecker } from './checkers/membership.ts';
import { PlanEndsChecker } from './checkers/plan-ends.ts';
import { PlansChecker } from './checkers/plans.ts';
import { PoliciesChecker } from './checkers/policies.ts';
import { QueuesChecker } from './checkers/queues.ts';
import { TopicAccounts } from './checkers/topic-accounts.ts';
import { TopicOracle } from './checkers/topic-oracle.ts';
import { TopicPathsChecker } from './checkers/topic-paths.ts';
import { TopicRestChecker } from './checkers/topic-rest.ts';
import { TopicsChecker } from './checkers/topics.ts';
import type { Ask } from './client.ts';
import { ownFunction } from './draw-federation.ts';
import { Faults, functionRecord } from './faults.ts';
import type { MakeNode } from './machine.ts';
import { QUEUE } from './queue-users.ts';
import type { PublishEvent, Scenario, ScenarioEvent } from './scenario.ts';
import { type Place, World } from './world.ts';

/** `safety`: a law was broken. `liveness`: it did not settle. `crash`: a node threw, or an invariant of its own broke. */
export type FailureKind = 'safety' | 'liveness' | 'crash';

export interface Failure {
  readonly kind: FailureKind;
  /** The law, in one sentence. */
  readonly law: string;
  /** Who saw what. */
  readonly message: string;
  readonly atMs: Instant;
  /** The last lines of the trace. */
  readonly trace: readonly string[];
}

/** What came of one call or plan of the scenario. */
export interface CallReport {
  readonly atMs: Instant;
  readonly node: string;
  /** The function; for a plan, its functions. */
  readonly fun: string;
  /** `lost`: the client or its node went away first. */
  readonly came: 'result' | 'error' | 'lost';
  /** The node that ran it; for an error, its code. */
  readonly by?: string;
  readonly tookMs?: number;
}

export interface RunResult {
  readonly scenario: Scenario;
  /** Equal for equal runs. */
  readonly hash: string;
  readonly steps: number;
  /** How long after the faults everything had settled; undefined where it never did. */
  readonly settledMs: number | undefined;
  readonly calls: readonly CallReport[];
  readonly failure: Failure | undefined;
}

/** A run that makes more events than this has lost itself. */
const EVENTS_MAX = 20_000_000;
const SLICE_MS = 250;

export function run(scenario: Scenario, make: MakeNode): RunResult {
  const one = new Run(scenario, make);
  const failure = one.go();
  const { trace } = one.world;
  const calls = one.world.asks.map((ask) => callReport(ask, one.world));
  return { calls, failure, hash: trace.hash, scenario, settledMs: one.settledMs, steps: trace.steps };
}

function callReport({ event, sentAt, answeredAt, answers }: Ask, world: World): CallReport {
  const fun = event.kind === 'call' ? event.fun : event.steps.map((step) => step.fun).join(', ');
  const about = { atMs: event.atMs, fun, node: world.place(event.node).plan.name };
  const [answer] = answers;
  if (answer === undefined || sentAt === undefined || answeredAt === undefined) return { ...about, came: 'lost' };
  const by = answer.kind === 'result' ? answer.by : answer.problem.code;
  return { ...about, by, came: answer.kind, tookMs: answeredAt - sentAt };
}

class Stuck extends Error {
  override readonly name = 'Stuck';
}

class Run {
  readonly world: World;
  readonly #scenario: Scenario;
  readonly #checkers: Checkers;
  readonly #faults: Faults;
  readonly #topics: TopicsChecker;
  settledMs: number | undefined;

  constructor(scenario: Scenario, make: MakeNode) {
    const world = () => this.world;
    this.#scenario = scenario;
    const quiet = scenario.events.every(isHarmless);
    const fates = new Fates();
    const now = () => this.world.timeline.now;
    const calmSince = () => this.#faults.calmSince;
    const oracle = new TopicOracle();
    const accounts = new TopicAccounts(world, oracle);
    this.#topics = new TopicsChecker(world, oracle, quiet && scenario.events.every(stays));
    // Why not both: the accounts of topics are those of one cluster, where one node takes a message from its publisher.
    const ofOne = [
      accounts,
      new TopicPathsChecker(world, accounts),
      new TopicRestChecker(world, oracle, topicsOf(scenario)),
    ];
    const ofMany = [
      new FederationChecker(world),
      new FederationRestChecker(world),
      new PoliciesChecker(world),
      new FarQueuesChecker(world),
      new AlertsChecker(world),
    ];
    this.#checkers = new Checkers([
      new MembershipChecker(world, quiet),
      new DirectoryChecker(world),
      fates,
      new CallsChecker(world, fates, quiet),
      new PlansChecker(fates, quiet),
      new PlanEndsChecker({ calmSince, fates, now, quiet }),
      this.#topics,
      new KeptChecker(world, oracle),
      new QueuesChecker(world),
      ...(scenario.nodes.some(({ hub }) => hub) ? ofMany : ofOne),
    ]);
    this.world = new World(scenario, make, this.#checkers);
    this.#faults = new Faults(this.world);
  }

  go(): Failure | undefined {
    try {
      this.#until(this.#scenario.faultsMs, () => false);
      this.#faults.stop();
      this.#settle('everything settles once faults stop', this.#scenario.calmMs);
      this.settledMs = this.world.timeline.now - this.#scenario.faultsMs - this.#scenario.calmMs;
      this.#exam();
      return undefined;
    } catch (error) {
      return this.#failure(error);
    }
  }

  /** Lets time pass until `enough`, which is asked now and then; false where it was not by `until`. */
  #until(until: Instant, enough: () => boolean): boolean {
    const { timeline } = this.world;
    while (timeline.now < until) {
      timeline.runUntil(Math.min(timeline.now + SLICE_MS, until));
      if (timeline.events > EVENTS_MAX) throw new Error(`more than ${EVENTS_MAX} events`);
      for (const process of this.world.living) this.#checkers.inspect(process);
      if (enough()) return true;
    }
    return false;
  }

  /** Waits until nothing is unsettled, and has not been for `calmMs`. */
  #settle(condition: string, calmMs = 0): void {
    const { timeline } = this.world;
    let since = timeline.now;
    let why: string | undefined;
    const settled = this.#until(timeline.now + this.#scenario.settleMs + calmMs, () => {
      const found = this.#checkers.unsettled();
      if (found !== undefined) {
        why = `at ${timeline.now} ms ${found}`;
        since = timeline.now + SLICE_MS;
      }
      return found === undefined && timeline.now - since >= calmMs;
    });
    if (!settled) throw new Stuck(`${condition}: not within ${this.#scenario.settleMs} ms; ${why}`);
  }

  /** A new function is offered everywhere and can be called from elsewhere; once removed, it is gone everywhere. */
  #exam(): void {
    const living = this.world.places.filter(({ process }) => process?.alive);
    const owner = this.world.prng.pick(living);
    const asker = this.world.prng.pick(living);
    if (owner === undefined || asker === undefined) return;
    this.#offer(owner, [...owner.functions, functionRecord('exam')]);
    this.#settle('a new function is known to all');
    const terms = { args: ['passed'], fun: 'exam', idempotent: false, locs: [] };
    const passed = this.world.ask({ atMs: 0, kind: 'call', node: asker.index, timeoutMs: 0, ...terms });
    this.#settle('a call in a settled world ends');
    const [by, of] = [asker, owner].map(({ plan }) => plan.cluster ?? '') as [string, string];
    const isAllowed = by === of || this.world.policies.allow({ by, name: 'exam', of, what: 'functions' });
    if (passed.answers[0]?.kind !== (isAllowed ? 'result' : 'error')) {
      const got = JSON.stringify(passed.answers[0] ?? 'no answer');
      throw new Stuck(`a function that is known can be called, where it may be: got ${got}`);
    }
    this.#offer(owner, owner.functions.slice(0, -1));
    this.#settle('a removed function is gone everywhere');
    this.#examClusters(living);
    this.#examFarQueues(living);
    this.#examTopics(living);
  }

  /** Some function of each other cluster can be called from each cluster. */
  #examClusters(living: readonly Place[]): void {
    const { prng } = this.world;
    const clusters = new Set(living.map(({ plan }) => plan.cluster));
    for (const [to, from] of [...clusters].flatMap((one) => [...clusters].map((other) => [one, other] as const))) {
      const fun = living.find(({ functions, plan }) => plan.cluster === to && functions[0])?.functions[0]?.name;
      const asker = prng.pick(living.filter(({ plan }) => plan.cluster === from));
      if (to === undefined || to === from || fun !== ownFunction(to) || asker === undefined) continue;
      const use = { by: from ?? '', name: fun, of: to, what: 'functions' } as const;
      const isAllowed = this.world.policies.allow(use);
      const terms = { args: ['passed'], fun, idempotent: false, locs: [] };
      const asked = this.world.ask({ atMs: 0, kind: 'call', node: asker.index, timeoutMs: 0, ...terms });
      this.#settle('a call to another cluster ends in a settled world');
      if (asked.answers[0]?.kind === (isAllowed ? 'result' : 'error')) continue;
      const got = JSON.stringify(asked.answers[0] ?? 'no answer');
      const may = isAllowed ? 'can' : 'cannot';
      throw new Stuck(`a function of another cluster ${may} be called: ${fun} from ${asker.plan.name} got ${got}`);
    }
  }

  /** A queue can be used from each cluster that may, and from no other. */
  #examFarQueues(living: readonly Place[]): void {
    const { policies, prng } = this.world;
    const owners = [...this.world.queueUsers.keys()].filter((place) => this.world.place(place).process?.alive);
    const having = [...new Set(owners.map((place) => this.world.place(place).plan.cluster ?? ''))];
    if (having.length === 0) return;
    for (const by of new Set(living.map(({ plan }) => plan.cluster ?? ''))) {
      if (having.includes(by)) continue;
      const from = prng.pick(living.filter(({ plan }) => plan.cluster === by));
      if (from === undefined) continue;
      const can = having.map((of) => policies.allow({ by, name: QUEUE, of, what: 'queues' }));
      const user = this.world.useFarQueue({ ...FAR_USER, node: from.index });
      const asked = user.ask({ kind: 'info', queue: QUEUE });
      this.#settle('a command to a queue of another cluster ends in a settled world');
      const isDone = asked.outcome?.ok === true;
      // Why not each by itself: where several clusters have a queue of the name, the first that may be used is asked.
      if (isDone ? can.includes(true) : can.includes(false)) continue;
      const got = JSON.stringify(asked.outcome ?? 'no answer');
      throw new Stuck(`a queue of another cluster ${isDone ? 'cannot' : 'can'} be used: ${from.plan.name} got ${got}`);
    }
  }

  /** A message on each topic, from anywhere, reaches exactly those who listen. */
  #examTopics(living: readonly Place[]): void {
    const { prng, timeline } = this.world;
    for (const topic of topicsOf(this.#scenario)) {
      const node = prng.pick(living)?.index ?? 0;
      const client = this.world.topicsClient({ client: EXAMINER + node, from: node, node });
      const publication = client.publishOne({ ...FRESH, client: client.where.client, from: node, node, topic });
      this.#topics.examine(publication);
      this.#until(timeline.now + SLICE_MS, () => false);
    }
    if (topicsOf(this.#scenario).length > 0) this.#settle('a fresh message reaches exactly the live subscribers');
  }

  #offer(owner: Place, functions: Place['functions']): void {
    owner.functions = functions;
    owner.process?.describe(functions);
  }

  #failure(error: unknown): Failure {
    const trace = this.world.trace.lines();
    const atMs = this.world.timeline.now;
    if (error instanceof LawBroken) return { atMs, kind: 'safety', law: error.law, message: error.message, trace };
    const said = error instanceof Error ? error : new Error(String(error));
    const law = said.message.split(':')[0] ?? said.message;
    if (error instanceof Stuck) return { atMs, kind: 'liveness', law, message: said.message, trace };
    return { atMs, kind: 'crash', law: said.message, message: said.stack ?? said.message, trace };
  }
}

/** Nobody who listens leaves. */
function stays(event: ScenarioEvent): boolean {
  return event.kind !== 'subscribe' || (event.forMs === null && event.policy !== 'disconnect');
}

/** The topics that clients publish to; the first few of them. */
function topicsOf({ events }: Scenario): readonly string[] {
  const topics = new Set(events.flatMap((event) => (event.kind === 'publish' ? [event.topic] : [])));
  return [...topics].slice(0, TOPICS_MAX);
}

/** Who uses a queue only when it is asked to. */
const FAR_USER = { atMs: 0, everyMs: 1_000_000_000, kind: 'far-queue', of: 'standard', seed: 0 } as const;
const TOPICS_MAX = 6;
/** From this number on, clients are the run's own. */
const EXAMINER = 1_000_000;
const FRESH: Omit<PublishEvent, 'client' | 'from' | 'node' | 'topic'> = {
  atMs: 0,
  bytes: 0,
  confirm: true,
  count: 1,
  everyMs: 0,
  kind: 'publish',
  named: true,
};

/** Events that give nobody a reason to take a living node for dead. */
function isHarmless({ kind }: ScenarioEvent): boolean {
  return HARMLESS.has(kind);
}

const HARMLESS: ReadonlySet<ScenarioEvent['kind']> = new Set([
  'call',
  'plan',
  'publish',
  'queue',
  'subscribe',
  'read',
  'keep',
  'full-disk',
  'add-function',
  'remove-function',
  'drain',
  'far-queue',
  'policy',
]);
