/**
 * What a node and a program of any language that runs its functions say to each other: one JSON object per line (UTF-8),
 * the node on the program's stdin, the program on its stdout. docs/functions.md specifies it for authors.
 *
 *     to the program      {"id":1,"fun":"predict","args":[…],"kwargs":{…},"step":"clean","deadlineMs":1767225600000,"depth":1}
 *                         {"cancel":1}    {"pause":1}    {"resume":1}
 *     from the program    {"hello":{"functions":[{"name":"predict","version":"1.2.0",…},…]}}
 *                         {"id":1,"item":…}
 *                         {"id":1,"result":…}    {"id":1,"error":{"name":"ValueError","message":"…","stack":"…"}}
 *
 * The calls that functions make themselves are in exec-calls.ts.
 *
 * Values that JSON has no form for travel as in `mpreg.v1.json` (wire/json-value.ts).
 */
import { done, failed, type Outcome } from '../../core/base/outcome.ts';
import type { Payload } from '../../core/base/payload.ts';
import { type Cause, problem } from '../../core/base/problems.ts';
import { definitionMisfit } from '../../define-function.ts';
import type { JsonSchema } from '../../standard-schema.ts';
import { isObject, valueFromJson, valueToJson } from '../../wire/json-value.ts';
import { encodable } from '../../wire/payload.ts';
import type { Job } from '../ports.ts';
import { readAsked } from './exec-calls.ts';
import type { Asked } from './nested-calls.ts';
import { type Described, type FunctionOffer, withSchemas } from './offer.ts';

/**
 * Bytes of one line, in both directions: what a frame of the mesh may hold.
 * Limit: lines are read and written on the node's loop; one as long as this holds it up for about a tenth of a second.
 */
export const LINE_BYTES_MAX = 16 * 1024 * 1024;
/** A number takes nine bytes as a value, and with its comma at least two in a line: a value is never so many times longer. */
const VALUE_PER_LINE = 5;
const CAUSE_LENGTH_MAX = 8_192;

/** What a line of the program means. `broken`: it answers the call with that number, but says nothing that can be used. */
export type Said =
  | { readonly kind: 'hello'; readonly offers: readonly FunctionOffer[] }
  | { readonly kind: 'item' | 'result'; readonly id: number; readonly payload: Payload }
  | { readonly kind: 'error'; readonly id: number; readonly cause: Cause }
  /** The function that runs call `id` makes one of its own. */
  | { readonly kind: 'call'; readonly id: number; readonly number: number; readonly asked: Outcome<Asked> }
  | { readonly kind: 'cancel'; readonly number: number }
  | { readonly kind: 'broken'; readonly id: number; readonly why: string }
  | { readonly kind: 'garbage'; readonly why: string };

/** The line that asks for a job. `deadlineMs`: since the Unix epoch. */
export function requestLine(id: number, job: Job, deadlineMs: number | undefined): Outcome<string> {
  const read = job.payload.value();
  if (!read.ok) return read;
  const { args = [], kwargs } = (read.value ?? {}) as { readonly args?: unknown; readonly kwargs?: unknown };
  const asked = {
    id,
    fun: job.fun,
    args,
    ...(kwargs !== undefined && kwargs !== null && { kwargs }),
    ...(job.step !== undefined && { step: job.step }),
    ...(deadlineMs !== undefined && { deadlineMs }),
    ...(job.depth !== undefined && { depth: job.depth }),
  };
  const line = lineOf(asked, job.payload.size);
  if (line !== undefined && line.length <= LINE_BYTES_MAX) return done(line);
  const size = line === undefined ? 'far too long' : `of ${line.length} bytes`;
  const message = `the arguments of ${job.fun} make a line ${size}, and its program takes ${LINE_BYTES_MAX}`;
  return failed(problem('limit-exceeded', message));
}

/** Undefined where it would be so long that it should not even be tried, or cannot be made. */
function lineOf(
  asked: { readonly args: unknown; readonly kwargs?: unknown },
  payloadBytes: number,
): string | undefined {
  if (payloadBytes > LINE_BYTES_MAX * VALUE_PER_LINE) return undefined;
  try {
    const { args, kwargs } = asked;
    const values = { args: valueToJson(args), ...(kwargs !== undefined && { kwargs: valueToJson(kwargs) }) };
    return `${JSON.stringify({ ...asked, ...values })}\n`;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** `name`: of the function, where a hello declares one without. */
export function readLine(line: string, name: string | undefined): Said {
  let said: unknown;
  try {
    said = JSON.parse(line);
  } catch {
    return { kind: 'garbage', why: 'is no JSON' };
  }
  if (!isObject(said)) return { kind: 'garbage', why: 'is no JSON object' };
  if ('hello' in said) return readHello(said['hello'], name);
  const { call, cancel, id } = said;
  if (typeof cancel === 'number') return { kind: 'cancel', number: cancel };
  if (typeof id !== 'number') return { kind: 'garbage', why: 'has no "id" of a call' };
  if (typeof call === 'number') return { asked: readAsked(said), id, kind: 'call', number: call };
  if ('error' in said) return { cause: readCause(said['error']), id, kind: 'error' };
  if ('item' in said) return readValue('item', id, said['item']);
  if ('result' in said) return readValue('result', id, said['result']);
  return { id, kind: 'broken', why: 'it has no "result", "item", "error" or "call"' };
}

/** The call that a line which is too long or torn answers, by how it begins. */
export function idIn(head: string): number | undefined {
  const found = /^\s*\{\s*"id"\s*:\s*(\d{1,15})\b/.exec(head)?.[1];
  return found === undefined ? undefined : Number(found);
}

function readValue(kind: 'item' | 'result', id: number, json: unknown): Said {
  try {
    const payload = encodable(valueFromJson(json), kind);
    if (payload.ok) return { id, kind, payload: payload.value };
    return { id, kind: 'broken', why: payload.problem.message };
  } catch (error) {
    return { id, kind: 'broken', why: `its ${kind}: ${(error as Error).message}` };
  }
}

function readCause(error: unknown): Cause {
  if (!isObject(error)) return { message: textOf(error), name: 'Error' };
  const { name = 'Error', message = '', stack } = error;
  return {
    message: textOf(message),
    name: textOf(name),
    ...(typeof stack === 'string' && { stack: stack.slice(0, CAUSE_LENGTH_MAX) }),
  };
}

function textOf(value: unknown): string {
  return (typeof value === 'string' ? value : JSON.stringify(value)).slice(0, CAUSE_LENGTH_MAX);
}

function readHello(hello: unknown, name: string | undefined): Said {
  const functions = isObject(hello) ? hello['functions'] : undefined;
  if (!Array.isArray(functions)) return { kind: 'garbage', why: 'has no list "functions" in its hello' };
  const offers: FunctionOffer[] = [];
  for (const declared of functions as unknown[]) {
    if (!isObject(declared)) return { kind: 'garbage', why: 'declares a function that is no object' };
    const { args, result, ...about }: Record<string, unknown> = { ...(name !== undefined && { name }), ...declared };
    const misfit = definitionMisfit({ ...about, run: () => undefined });
    if (misfit !== undefined) return { kind: 'garbage', why: `declares a function that cannot be: ${misfit}` };
    offers.push(withSchemas(about as unknown as Described, schemaIn(args), schemaIn(result)));
  }
  return { kind: 'hello', offers };
}

function schemaIn(value: unknown): JsonSchema | undefined {
  return isObject(value) ? value : undefined;
}
