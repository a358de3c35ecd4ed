import type { Payload } from '../base/payload.ts';
import type { ChainStep } from './chain-step.ts';
import type { CallMessage } from './messages.ts';
import type { Step } from './plan.ts';

/** What the calls of a plan's steps have in common. */
const BARE = { id: 0, idempotent: false, kind: 'call', locs: [], routed: false, timeoutMs: 0 } as const;

/** What stands for a plan among calls. */
export function planCall(id: number, document: Payload): CallMessage {
  return { ...BARE, fun: 'plan', id, payload: document };
}

/** The function by which one node asks another for a value that it holds; the core answers it by itself. */
export const VALUE = 'mpreg.value';

/** A step as a call; it has no number, for nobody but its plan asks. */
export function stepCall(step: Step | ChainStep, payload: Payload): CallMessage {
  const { name, fun, locs, idempotent, timeoutMs, version, functionId, cluster, region } = step;
  return {
    ...BARE,
    fun,
    idempotent,
    locs,
    payload,
    step: name,
    timeoutMs,
    ...(version === undefined ? {} : { version }),
    ...(functionId === undefined ? {} : { functionId }),
    ...(cluster === undefined ? {} : { cluster }),
    ...(region === undefined ? {} : { region }),
  };
}
