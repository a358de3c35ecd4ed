/**
 * A user's own mesh as a scenario: the nodes by name, what fails when, and which calls are made. The command line reads
 * it from a file and checks its shape; here names become indexes.
 */
import { done, failed, type Outcome } from '../core/base/outcome.ts';
import { problem } from '../core/base/problems.ts';
import type { FunctionRecord } from '../core/directory/record.ts';
import { functionRecord } from './faults.ts';
import type { Scenario, ScenarioEvent, ScenarioNode } from './scenario.ts';

/** As it stands in the file. All durations and instants in milliseconds. */
export interface SimulationTopology {
  readonly nodes: readonly TopologyNode[];
  /** One way, from and to. Default 1 to 5. */
  readonly latencyMs?: readonly [number, number];
  /** Length of the phase in which things may fail; default: 10 s after the last event. */
  readonly durationMs?: number;
  /** Names of the nodes that everybody is told of; default: everybody finds everybody. */
  readonly seeds?: readonly string[];
  readonly faults?: readonly TopologyFault[];
  readonly calls?: readonly TopologyCall[];
}

export interface TopologyNode {
  readonly name: string;
  readonly region?: string;
  readonly resources?: readonly string[];
  readonly functions?: readonly (string | TopologyFunction)[];
  /** Default 0. */
  readonly startMs?: number;
}

export interface TopologyFunction {
  readonly name: string;
  readonly version?: string;
  readonly resources?: readonly string[];
}

/** Nodes by name. `forMs` absent: until the end of the faults; a crash or leave without it is for good. */
export type TopologyFault = { readonly atMs: number; readonly forMs?: number } & (
  | { readonly kind: 'crash'; readonly node: string; readonly silent?: boolean; readonly wiped?: boolean }
  | { readonly kind: 'pause' | 'leave' | 'drain'; readonly node: string }
  | { readonly kind: 'slow'; readonly node: string; readonly blockedMs: number; readonly freeMs: number }
  /** These nodes on one side, all others on the other. */
  | { readonly kind: 'partition'; readonly nodes: readonly string[] }
  | { readonly kind: 'cut'; readonly from: string; readonly to: string; readonly oneWay?: boolean }
  | { readonly kind: 'storm'; readonly share: number; readonly delayMs: number }
);

export interface TopologyCall {
  readonly atMs: number;
  /** The node that the client is connected to. */
  readonly node: string;
  readonly fun: string;
  readonly args?: readonly unknown[];
  readonly locs?: readonly string[];
  readonly timeoutMs?: number;
}

/** Refused (`node-unknown`, `input-invalid`) where a name is nobody's or given twice. */
export function scenarioOf(topology: SimulationTopology, seed: number): Outcome<Scenario> {
  const names = topology.nodes.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) return failed(problem('input-invalid', `two nodes are named ${twice}`, { path: 'nodes' }));
  if (names.length === 0) return failed(problem('input-invalid', 'the topology has no nodes', { path: 'nodes' }));
  const { faults = [], calls = [], seeds = [], latencyMs = [1, 5] } = topology;
  const unknown = [...faults.flatMap(namesIn), ...calls.map(({ node }) => node), ...seeds].find(
    (name) => !names.includes(name),
  );
  if (unknown !== undefined) {
    return failed(problem('node-unknown', `the topology speaks of ${unknown}, which is none of its nodes`));
  }
  const last = Math.max(0, ...faults.map(({ atMs, forMs = 0 }) => atMs + forMs), ...calls.map(({ atMs }) => atMs));
  const faultsMs = topology.durationMs ?? last + 10_000;
  const index = (name: string): number => names.indexOf(name);
  const events = [
    ...faults.map((fault) => faultEvent(fault, index, names.length, faultsMs)),
    ...calls.map((call) => callEvent(call, index)),
  ];
  return done({
    calmMs: 5_000,
    diskMs: [0, 5],
    events: events.sort((a, b) => a.atMs - b.atMs),
    faultsMs,
    nodes: topology.nodes.map(nodeOf),
    seed,
    seeds: seeds.map(index),
    settleMs: 90_000,
    weather: { bytesPerMs: 100_000, dialMs: 5_000, latencyMs, patienceMs: [20_000, 60_000] },
  });
}

function namesIn(fault: TopologyFault): readonly string[] {
  if (fault.kind === 'partition') return fault.nodes;
  if (fault.kind === 'cut') return [fault.from, fault.to];
  return fault.kind === 'storm' ? [] : [fault.node];
}

function nodeOf({ name, region, resources = [], functions = [], startMs = 0 }: TopologyNode): ScenarioNode {
  const offered = functions.map((fun): FunctionRecord => {
    if (typeof fun === 'string') return functionRecord(fun);
    const { version, resources: needed } = fun;
    return { ...functionRecord(fun.name), ...(version ? { version } : {}), ...(needed ? { resources: needed } : {}) };
  });
  return { driftPpm: 0, functions: offered, name, resources, startMs, ...(region === undefined ? {} : { region }) };
}

function faultEvent(
  fault: TopologyFault,
  index: (name: string) => number,
  count: number,
  faultsMs: number,
): ScenarioEvent {
  const { atMs } = fault;
  const forMs = fault.forMs ?? Math.max(0, faultsMs - atMs);
  switch (fault.kind) {
    case 'crash': {
      const { silent = false, wiped = false } = fault;
      return { atMs, forMs: fault.forMs ?? null, kind: 'crash', node: index(fault.node), silent, wiped };
    }
    case 'leave':
      return { atMs, forMs: fault.forMs ?? null, graceMs: 5_000, kind: 'leave', node: index(fault.node) };
    case 'slow':
      return { ...fault, forMs, node: index(fault.node) };
    case 'partition': {
      const apart = new Set(fault.nodes.map(index));
      return {
        atMs,
        forMs,
        groups: Array.from({ length: count }, (_, i) => (apart.has(i) ? 1 : 0)),
        kind: 'partition',
      };
    }
    case 'cut':
      return { atMs, bothWays: !fault.oneWay, forMs, from: index(fault.from), kind: 'cut', to: index(fault.to) };
    case 'storm':
      return { atMs, forMs, kind: 'storm', storm: { delayMs: fault.delayMs, share: fault.share } };
    default:
      return { atMs, forMs, kind: fault.kind, node: index(fault.node) };
  }
}

function callEvent(call: TopologyCall, index: (name: string) => number): ScenarioEvent {
  const { atMs, node, fun, args = [], locs = [], timeoutMs = 0 } = call;
  return { args, atMs, fun, idempotent: false, kind: 'call', locs, node: index(node), timeoutMs };
}
