/**
 * The engine's front door: everything that commands, screens and users of the library may use of it, and no more.
 *
 * What is light is exported as it is. What brings sockets, stores and workers with it is loaded when it is first
 * called, so that `mpreg --help` and `mpreg errors` do not pay for a node that nobody starts.
 */
export type * from './api.ts';
export type { NodeId } from './core/base/ids.ts';
export {
  type Cause,
  didNotHappen,
  kindOf,
  PROBLEMS,
  type Problem,
  type ProblemCode,
  type ProblemKind,
  problem,
} from './core/base/problems.ts';
export type { PlanReply, StepOutcome } from './core/calls/messages.ts';
export type { Coordinates, FunctionRecord, NodeRecord } from './core/directory/record.ts';
export type { NodeEvent } from './core/node/effects.ts';
export type { FunctionView, MemberView, NodeSnapshot } from './core/node/snapshot.ts';
export type { TlsOptions } from './host/ports.ts';
export { ProblemError, problemError } from './problem-error.ts';
export { valueFromJson, valueToJson } from './wire/json-value.ts';

import type { Client, ConnectOptions, MpregNode, NodeOptions } from './api.ts';

// Named by variables while these modules are being written by others; plain imports as soon as they are here.
const createNodeModule: string = './create-node.ts';
const clientModule: string = './host/client.ts';

/** Starts a node in this process. Rejects with a `ProblemError`. */
export async function createNode(options: NodeOptions = {}): Promise<MpregNode> {
  const { createNode: start } = (await import(createNodeModule)) as { createNode: typeof createNode };
  return start(options);
}

/** Connects to a mesh through any one of its nodes. Rejects with a `ProblemError`: `nobody-there`, `key-wrong`, … */
export async function connect(options: ConnectOptions = {}): Promise<Client> {
  const { connect: open } = (await import(clientModule)) as { connect: typeof connect };
  return open(options);
}
