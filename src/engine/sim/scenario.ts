/**
 * Everything that will be done to a simulated mesh, as plain data: its nodes, its weather, and a list of what happens
 * when. A seed is drawn into a scenario, a topology file is read into one, shrinking removes lines from one; a run is
 * made of a scenario and nothing else, so the same scenario is the same run.
 */
import type { FunctionRecord } from '../core/directory/record.ts';
import type { PolicyRule } from '../core/federation/options.ts';
import type { Kind } from '../core/queues/options.ts';
import type { SlowPolicy } from '../core/topics/outbox.ts';
import type { Storm, Weather } from './network.ts';

export interface ScenarioNode {
  readonly name: string;
  readonly region?: string;
  /** Default: one cluster of all. */
  readonly cluster?: string;
  /** It is a hub of its cluster, and has links to these others. */
  readonly hub?: { readonly links: readonly string[] };
  readonly functions: readonly FunctionRecord[];
  readonly resources: readonly string[];
  /** When it is first started. */
  readonly startMs: number;
  /** Parts per million by which its clock is wrong. */
  readonly driftPpm: number;
}

/** Something that happens at `atMs`; nodes are meant by their index. Ends by itself after `forMs`, or with the faults. */
export type ScenarioEvent = { readonly atMs: number } & (
  | {
      /** The process is killed; `silent`: the machine loses power; `wiped`: it returns as a new node at the same address. */
      readonly kind: 'crash';
      readonly node: number;
      /** Null: it stays away for good. */
      readonly forMs: number | null;
      readonly silent: boolean;
      readonly wiped: boolean;
    }
  /** SIGSTOP, then SIGCONT. */
  | { readonly kind: 'pause'; readonly node: number; readonly forMs: number }
  /** Lifeguard's slow node: blocked for up to `blockedMs`, free for up to `freeMs`, and so on. */
  | {
      readonly kind: 'slow';
      readonly node: number;
      readonly forMs: number;
      readonly blockedMs: number;
      readonly freeMs: number;
    }
  /** Nodes in different groups cannot reach each other. */
  | { readonly kind: 'partition'; readonly groups: readonly number[]; readonly forMs: number }
  /** What `from` sends to `to` does not arrive; with `bothWays` also the reverse. */
  | {
      readonly kind: 'cut';
      readonly from: number;
      readonly to: number;
      readonly bothWays: boolean;
      readonly forMs: number;
    }
  /** All links between the two break at once, and both notice. */
  | { readonly kind: 'break'; readonly from: number; readonly to: number }
  | { readonly kind: 'storm'; readonly storm: Storm; readonly forMs: number }
  | { readonly kind: 'slow-disk'; readonly node: number; readonly delayMs: number; readonly forMs: number }
  /** Leaves in good order, and is started again after `forMs`; null: never. */
  | { readonly kind: 'leave'; readonly node: number; readonly graceMs: number; readonly forMs: number | null }
  | { readonly kind: 'drain'; readonly node: number; readonly forMs: number }
  /** A crash at the worst moment: the next time from `atMs` on that the node comes to it. */
  | {
      readonly kind: 'ambush';
      readonly node: number;
      readonly moment: Moment;
      /** What it decided at that moment is still done; else all of it is lost. */
      readonly carriedOut: boolean;
      readonly forMs: number;
      readonly silent: boolean;
    }
  | { readonly kind: 'add-function'; readonly node: number; readonly fun: string; readonly version?: string }
  | { readonly kind: 'remove-function'; readonly node: number; readonly fun: string }
  | ({ readonly kind: 'call'; readonly steps?: undefined } & Asked & CallTerms)
  | ({ readonly kind: 'plan'; readonly steps: readonly StepTerms[] } & Asked & PlanTerms)
  | ({ readonly kind: 'subscribe' } & ByClient & SubscribeTerms)
  | ({ readonly kind: 'publish' } & ByClient & PublishTerms)
  | ({ readonly kind: 'read' } & ByClient & ReadTerms)
  /** The node keeps what matches; `memory`: as long as its process lives. */
  | {
      readonly kind: 'keep';
      readonly node: number;
      readonly pattern: string;
      readonly memory?: true;
      readonly countMax?: number;
    }
  /** What is kept there cannot be stored. */
  | { readonly kind: 'full-disk'; readonly node: number; readonly forMs: number }
  /** From then on, a queue of the node is used until faults stop; then it is emptied. */
  | ({ readonly kind: 'queue'; readonly node: number } & QueueTerms)
  /** From then on until faults stop, a client of the node uses the queue of another cluster. */
  | ({ readonly kind: 'far-queue'; readonly node: number } & FarQueueTerms)
  /** What the hubs of a cluster let others use, and use of others, from then on. */
  | ({ readonly kind: 'policy'; readonly cluster: string } & PolicyTerms)
);

/** Absent: everything. */
export interface PolicyTerms {
  readonly exports?: readonly PolicyRule[];
  readonly imports?: readonly PolicyRule[];
}

export interface FarQueueTerms {
  /** The kind of the queue that it uses: what it sends must fit. */
  readonly of: Kind;
  readonly everyMs: number;
  readonly seed: number;
}

export interface QueueTerms {
  readonly options: Readonly<Record<string, unknown>> & { readonly kind: Kind };
  /** Its users do something at least so often. */
  readonly everyMs: number;
  /** The share of batches that the disk refuses, as long as faults last. */
  readonly refusing: number;
  /** Of what its users do. */
  readonly seed: number;
  /** Where they do everything that can be done (`wide-queue.ts`): of that. */
  readonly wide?: number;
}

/** A client that stays: all events of one number are about the same one. */
export interface ByClient {
  readonly client: number;
  /** The node that it is connected to, and the machine that it runs on. */
  readonly node: number;
  readonly from: number;
}

export interface SubscribeTerms {
  readonly patterns: readonly string[];
  readonly group?: string;
  readonly everywhere?: true;
  readonly policy?: SlowPolicy;
  readonly messagesMax?: number;
  readonly bytesMax?: number;
  /** A member of a group acknowledges, and has so many at most that it has not acknowledged. */
  readonly window?: number;
  /** Of those it gives back the first of so many, once each. */
  readonly refuses?: number;
  /** What it has to do with each message, until faults stop; then it is quick. */
  readonly takeMs: number;
  /** It reads all that comes and says what it has dealt with; else it does not read while it has to do. */
  readonly paced?: true;
  /** Null: it stays. */
  readonly forMs: number | null;
  /** How it ends: with its whole connection, or by a word. */
  readonly hangsUp?: true;
}

export interface PublishTerms {
  readonly topic: string;
  readonly count: number;
  readonly everyMs: number;
  /** What each message weighs beyond its letters. */
  readonly bytes: number;
  readonly confirm: boolean;
  /** The client counts its messages itself; else its node does. */
  readonly named: boolean;
  readonly key?: string;
}

/** A function of it ended; it starts one; it gives a call to another node; it answers another node, or a client. */
export type Moment = 'ran' | 'run' | 'forward' | 'answer';

/** Who asks, and for how long it wants the answer. */
export interface Asked {
  /** The node that the client is connected to. */
  readonly node: number;
  /** 0: as long as it takes. */
  readonly timeoutMs: number;
  /** The client takes it back, or hangs up, so long after asking. */
  readonly cancelMs?: number;
  readonly hangUpMs?: number;
}

export interface CallTerms {
  readonly fun: string;
  /** What the function gets, after the token by which the run is recognised. */
  readonly args: readonly unknown[];
  readonly locs: readonly string[];
  readonly idempotent: boolean;
  readonly version?: string;
  /** Of a call: in that cluster and nowhere else. */
  readonly cluster?: string;
  /** Of a call: the client says which items of its stream it has taken, each a little after it came. */
  readonly paced?: boolean;
}

/** One step of a plan. References to other steps stand in `args` and `kwargs`, as users write them. */
export interface StepTerms extends CallTerms {
  /** Default: `s` and its index. */
  readonly name?: string;
  readonly kwargs?: Readonly<Record<string, unknown>>;
  readonly timeoutMs?: number;
  readonly retries?: number;
  readonly onError?: 'fail' | 'continue';
}

/** What a plan's document has beside its steps; where it has nothing, the document is the list of steps. */
export interface PlanTerms {
  readonly return?: 'all' | readonly string[];
  readonly refs?: 'strings' | 'explicit';
  readonly onError?: 'fail' | 'continue';
  /** The limit in the document; `timeoutMs` is the client's. */
  readonly planTimeoutMs?: number;
  readonly resumable?: boolean;
}

/** A reader of what is kept. */
export interface ReadTerms {
  readonly patterns: readonly string[];
  /** Where it begins; empty: with what comes. */
  readonly start: { readonly from?: number; readonly last?: number; readonly ageMs?: number };
  readonly durable?: string;
  readonly takeMs: number;
  readonly paced?: true;
  /** Null: it stays. */
  readonly forMs: number | null;
  /** When its connection was lost it is started anew, and knows nothing but its name. */
  readonly forgets?: true;
}

export type ReadEvent = Extract<ScenarioEvent, { readonly kind: 'read' }>;
export type SubscribeEvent = Extract<ScenarioEvent, { readonly kind: 'subscribe' }>;
export type PublishEvent = Extract<ScenarioEvent, { readonly kind: 'publish' }>;
export type FarQueueEvent = Extract<ScenarioEvent, { readonly kind: 'far-queue' }>;
export type PolicyEvent = Extract<ScenarioEvent, { readonly kind: 'policy' }>;
export type QueueEvent = Extract<ScenarioEvent, { readonly kind: 'queue' }>;
export type PlanEvent = Extract<ScenarioEvent, { readonly kind: 'plan' }>;

/** The name of each step, in order. */
export function stepNames({ steps }: PlanEvent): readonly string[] {
  return steps.map(({ name }, index) => name ?? `s${index}`);
}

export interface Scenario {
  /** The chance that is left: latencies, durations, seeds of nodes. */
  readonly seed: number;
  readonly nodes: readonly ScenarioNode[];
  /** Which nodes everybody is told of; empty: whoever lives at the time, as the runtime directory does. */
  readonly seeds: readonly number[];
  readonly weather: Weather;
  /** More that it takes from one region to another, one way; absent: nothing. */
  readonly distancesMs?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Up to how many others a node keeps a link to each; beyond, it keeps some. Absent: as nodes do by themselves. */
  readonly fullMeshMax?: number;
  readonly diskMs: readonly [number, number];
  /** What may wait on a node for one other node. Absent: as nodes have it. */
  readonly nodeMessagesMax?: number;
  /** The safety phase: anything may fail. */
  readonly faultsMs: number;
  /** Once faults have stopped: within this, everything must have settled, … */
  readonly settleMs: number;
  /** … and so long it must stay so. */
  readonly calmMs: number;
  readonly events: readonly ScenarioEvent[];
  /** Hubs tell of alerts. */
  readonly alerting?: true;
}
