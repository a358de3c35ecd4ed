import { done, failed, type Outcome } from '../base/outcome.ts';
import type { Payload, PayloadMaker } from '../base/payload.ts';
import { problem } from '../base/problems.ts';
import { isCount, isFlag, isListOf, isText } from './packed.ts';

/** A step that waits for the one before it. Its arguments are a template: what it refers to is that step's value. */
export interface ChainStep {
  readonly name: string;
  /** Where it stands in the plan, for messages: `steps[3]`. */
  readonly where: string;
  readonly fun: string;
  readonly args: unknown;
  readonly kwargs?: unknown;
  readonly locs: readonly string[];
  readonly version?: string;
  readonly functionId?: string;
  readonly cluster?: string;
  readonly region?: string;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly idempotent: boolean;
  /** Its value may stay where it was made, if it is large. */
  readonly hold: boolean;
}

/**
 * A step as it travels: a list of its fields, the three that are rarely there at its end.
 *
 * Why a list, and each step by itself: a list of short things is written and read by hand (`wire/small-value.ts`), and
 * steps pass through unread. A plan of ten steps took 0.95 ms of processor time with objects, all in one; 0.59 so.
 */
export function packStep(step: ChainStep, payload: PayloadMaker): Payload {
  const { name, where, fun, args, locs, timeoutMs, retries, idempotent, hold } = step;
  const { kwargs = null, version = null, functionId = null, cluster = null, region = null } = step;
  const fields = [name, where, fun, args, locs, timeoutMs, retries, idempotent, hold];
  if (cluster !== null || region !== null) return payload([...fields, kwargs, version, functionId, cluster, region]);
  const isBare = kwargs === null && version === null && functionId === null;
  return payload(isBare ? fields : [...fields, kwargs, version, functionId]);
}

/** Reads what a peer sent. */
export function readStep(packed: Payload): Outcome<ChainStep> {
  const fields = packed.value();
  if (!fields.ok) return fields;
  if (!isStep(fields.value)) {
    return failed(problem('protocol-violated', 'a step that follows in a chain cannot be understood'));
  }
  const [name, where, fun, args, locs, timeoutMs, retries, idempotent, hold, ...rare] = fields.value;
  const [kwargs, version, functionId, cluster, region] = rare;
  return done({
    ...{ args, fun, hold, idempotent, locs, name, retries, timeoutMs, where },
    ...(kwargs == null ? {} : { kwargs }),
    ...(version == null ? {} : { version }),
    ...(functionId == null ? {} : { functionId }),
    ...(cluster == null ? {} : { cluster }),
    ...(region == null ? {} : { region }),
  });
}

type PackedStep = readonly [
  ...[name: string, where: string, fun: string, args: readonly unknown[], locs: readonly string[]],
  ...[timeoutMs: number, retries: number, idempotent: boolean, hold: boolean],
  ...[kwargs?: unknown, version?: string | null, functionId?: string | null],
  ...[cluster?: string | null, region?: string | null],
];

function isStep(value: unknown): value is PackedStep {
  if (!Array.isArray(value)) return false;
  const [name, where, fun, args, locs, timeoutMs, retries, idempotent, hold, , ...rare] = value as readonly unknown[];
  return (
    isText(name) &&
    isText(where) &&
    isText(fun) &&
    Array.isArray(args) &&
    isListOf(locs, isText) &&
    isCount(timeoutMs) &&
    isCount(retries) &&
    isFlag(idempotent) &&
    isFlag(hold) &&
    rare.slice(0, 4).every((text) => text == null || isText(text))
  );
}
