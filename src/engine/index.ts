/**
 * The engine's front door: everything that commands, screens and users of the library may use of it, and no more.
 *
 * What is light is exported as it is. What brings sockets, stores and workers with it is loaded when it is first
 * called, so that `mpreg --help` and `mpreg errors` do not pay for a node that nobody starts.
 */
export type * from './api.ts';
export type { NodeId } from './core/base/ids.ts';
export { nearest } from './core/base/nearest.ts';
export {
  type Cause,
  didNotHappen,
  exitOf,
  kindOf,
  PROBLEMS,
  type Problem,
  type ProblemCode,
  type ProblemKind,
  problem,
} from './core/base/problems.ts';
export { compareVersions } from './core/base/semver.ts';
export type { Candidate, Explanation, Verdict } from './core/calls/explain.ts';
export type { PlanReply, StepOutcome } from './core/calls/messages.ts';
export type { Plan, ReadPlan, Step } from './core/calls/plan.ts';
export type { Coordinates, FunctionRecord, NodeRecord } from './core/directory/record.ts';
export * from './core/federation/alerting.ts';
export { CLUSTER_ID } from './core/federation/config.ts';
export type * from './core/federation/options.ts';
export { selects } from './core/federation/policy.ts';
export type { ClusterIdentity } from './core/federation/records.ts';
export type * from './core/federation/view.ts';
export type { NodeEvent } from './core/node/effects.ts';
export type { FunctionView, MemberView, NodeSnapshot } from './core/node/snapshot.ts';
export { context, defineFunction } from './define-function.ts';
export { errorDocument, replyDocument, resultsDocument } from './documents.ts';
export type * from './federation-api.ts';
export type { Found, Sighting } from './host/discovery/discovery-source.ts';
export type { QueuedMessage } from './host/functions/queue-feed.ts';
export { splitWords } from './host/functions/split-words.ts';
export type { RetryPolicy, TriggerMessage } from './host/functions/trigger.ts';
export type { TlsOptions } from './host/ports.ts';
export { processRuns } from './host/process-state.ts';
export { type PlanBuilder, type PlanOptions, plan, type Ref, type StepOptions } from './plan-builder.ts';
export { checkPlan, planFromJson } from './plan-document.ts';
export { type Resumption, resumption } from './plan-resume.ts';
export { ProblemError, problemError } from './problem-error.ts';
export type * from './queues-api.ts';
export { readScenario, writeScenario } from './sim/replay.ts';
export type { Scenario } from './sim/scenario.ts';
export type { SimulationFailure, SimulationOptions, SimulationProgress, SimulationReport } from './sim/simulate.ts';
export type { SimulationTopology } from './sim/topology.ts';
export type { SqsOptions } from './sqs-options.ts';
export type { StandardSchema } from './standard-schema.ts';
export type * from './topics-api.ts';
export { valueFromJson, valueToJson } from './wire/json-value.ts';
export { planToJson } from './wire/plan-json.ts';

import type { Client, ConnectOptions, MpregNode, NodeOptions } from './api.ts';
import type { Found } from './host/discovery/discovery-source.ts';
import type { RuntimeEntry } from './host/runtime-directory.ts';
import { problemError } from './problem-error.ts';
import type { SimulationOptions, SimulationReport } from './sim/simulate.ts';

/** Starts a node in this process. Rejects with a `ProblemError`. */
export async function createNode(options: NodeOptions = {}): Promise<MpregNode> {
  const { createNode: start } = await import('./create-node.ts');
  return start(options);
}

/** Connects to a mesh through any one of its nodes. Rejects with a `ProblemError`: `nobody-there`, `key-wrong`, … */
export async function connect(options: ConnectOptions = {}): Promise<Client> {
  const { connect: open } = await import('./connect.ts');
  return open(options);
}

/**
 * What one place of discovery says: `file:PATH`, `srv:NAME`, `http://…`, `mdns`, `ws://HOST:PORT`, `gossip:ws://HOST:PORT`. Rejects with a
 * `ProblemError`. `options` is what a member is connected to with.
 */
export async function discover(
  word: string,
  options: Omit<ConnectOptions, 'urls'>,
  signal: AbortSignal,
): Promise<Found> {
  const { discoverySource } = await import('./discovery.ts');
  const source = discoverySource(word, options);
  try {
    return await source.find(signal);
  } finally {
    await source.close();
  }
}

/** The nodes of this user on this machine, as their runtime directory shows them; `refusal` says why it is not used. */
export async function nearbyNodes(): Promise<{
  readonly path: string;
  readonly refusal: string | undefined;
  readonly nodes: readonly RuntimeEntry[];
}> {
  const { RuntimeDirectory } = await import('./host/runtime-directory.ts');
  const directory = new RuntimeDirectory();
  return { nodes: directory.list(), path: directory.path, refusal: directory.refusal };
}

/**
 * Runs the protocols in simulated worlds, one for each seed, until all is done or one run fails. Gives way to the rest
 * of the process between two runs; `signal` ends it there.
 */
export async function simulate(
  options: SimulationOptions & { readonly signal?: AbortSignal } = {},
): Promise<SimulationReport> {
  const { simulation } = await import('./sim/simulate.ts');
  const runs = simulation(options);
  for (;;) {
    const next = runs.next();
    if (next.done) return next.value;
    if (options.signal?.aborted) throw problemError('interrupted', `interrupted after ${next.value.done} runs`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
