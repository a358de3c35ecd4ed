/** What the simulator needs of a node, and how it makes one. The real one is `core/node/node.ts`. */
import type { Address, LinkId, NodeId } from '../core/base/ids.ts';
import type { Instant } from '../core/base/instant.ts';
import type { PayloadMaker } from '../core/base/payload.ts';
import type { FunctionRecord } from '../core/directory/record.ts';
import type { FederationView } from '../core/federation/view.ts';
import type { NodeEffect } from '../core/node/effects.ts';
import type { HubConfig } from '../core/node/federation-door.ts';
import type { NodeInput } from '../core/node/inputs.ts';
import type { NodeSnapshot } from '../core/node/snapshot.ts';
import type { NodeTuning } from '../core/node/tuning.ts';
import type { TopicsAbroad } from '../core/topics/abroad.ts';
import type { Exchange } from '../core/topics/exchange.ts';
import type { TopicsFlow } from '../flow/topics-flow.ts';
import type { TopicsFlowParts } from '../flow/topics-flow-parts.ts';

export interface NodeMachine {
  step(input: NodeInput, now: Instant): void;
  drain(): NodeEffect[];
  deadline(): Instant;
  snapshot(now: Instant): NodeSnapshot;
  /** What moves messages of topics beside it asks of it. */
  readonly exchange: Exchange<unknown> | undefined;
  /** Topics of other clusters, where it is a hub. */
  readonly abroad?: TopicsAbroad | undefined;
  /** What it knows of other clusters, where it is a hub. */
  readonly federation?: HubMachine | undefined;
  linkTo(node: NodeId): LinkId | undefined;
  isAlive(node: NodeId): boolean;
  /** Moves messages of topics in place of a `TopicsFlow`: for tests. */
  flow?(parts: TopicsFlowParts): TopicsFlow;
}

/** What is asked of a hub to judge it. */
export interface HubMachine {
  readonly speaks: boolean;
  /** What is kept of messages to other clusters, and of the ways that they go. */
  readonly held: number;
  view(now: Instant): FederationView;
}

/** All that a node is told when it is made. */
export interface Birth {
  readonly id: NodeId;
  readonly name: string;
  readonly cluster: string;
  readonly region?: string;
  readonly address: Address;
  readonly resources: readonly string[];
  readonly functions: readonly FunctionRecord[];
  readonly software: string;
  readonly seed: number;
  readonly payload: PayloadMaker;
  readonly tuning: NodeTuning;
  readonly hub?: HubConfig;
}

export type MakeNode = (birth: Birth) => NodeMachine;
