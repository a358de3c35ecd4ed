/**
 * The calls that the functions of a program make: lines of the program, lines back. Each process numbers its own.
 *
 *     from the program    {"id":1,"call":7,"fun":"total","args":["tea"]}      {"cancel":7}
 *     to the program      {"called":7,"result":…}      {"called":7,"error":{"code":"function-failed","message":"…",…}}
 */
import { failed, type Outcome } from '../../core/base/outcome.ts';
import { problem } from '../../core/base/problems.ts';
import { isObject, valueFromJson, valueToJson } from '../../wire/json-value.ts';
import { Misfit } from '../../wire/misfit.ts';
import { encodable } from '../../wire/payload.ts';
import { callOf } from '../call-request.ts';
import type { RawReply, Settle } from '../client.ts';
import type { Asked, Cancel } from './nested-calls.ts';

const OPTIONS: Readonly<Record<string, readonly [fits: (held: unknown) => boolean, what: string]>> = {
  cluster: [isText, 'text'],
  functionId: [isText, 'text'],
  idempotent: [(held) => typeof held === 'boolean', 'true or false'],
  locs: [(held) => Array.isArray(held) && held.every(isText), 'a list of names'],
  node: [isText, 'text'],
  region: [isText, 'text'],
  timeoutMs: [(held) => Number.isSafeInteger(held) && Number(held) >= 0, 'a whole number of milliseconds'],
  version: [isText, 'text'],
};

function isText(held: unknown): held is string {
  return typeof held === 'string';
}

/** What a line of the program asks for. */
export function readAsked(said: Readonly<Record<string, unknown>>): Outcome<Asked> {
  const { id: _, call: __, fun, args = [], kwargs, ...options } = said;
  const wrong = Object.keys(options).find((name) => !Object.hasOwn(OPTIONS, name));
  if (wrong !== undefined)
    return refused(`a call has no field ${wrong}; it has fun, args, kwargs, ${Object.keys(OPTIONS).join(', ')}`);
  if (!isText(fun)) return refused('fun must be the name of a function');
  if (!Array.isArray(args)) return refused('args must be a list');
  if (kwargs !== undefined && !isObject(kwargs)) return refused('kwargs must be an object');
  for (const [name, held] of Object.entries(options)) {
    const [fits, what] = OPTIONS[name] as (typeof OPTIONS)[string];
    if (!fits(held)) return refused(`${name} must be ${what}`);
  }
  try {
    const given = Object.entries(kwargs ?? {}).map(([key, value]) => [key, valueFromJson(value)] as const);
    const about = { ...options, ...(kwargs !== undefined && { kwargs: Object.fromEntries(given) }) };
    const { call, args: all } = callOf(fun, valueFromJson(args) as unknown[], about);
    const payload = encodable(all, 'arguments');
    return payload.ok ? { ok: true, value: { call, payload: payload.value } } : payload;
  } catch (error) {
    if (!(error instanceof Misfit)) throw error;
    return refused(`${error.pathFrom('arguments')}: ${error.message}`);
  }
}

function refused(why: string): Outcome<Asked> {
  return failed(problem('input-invalid', `this call cannot be read: ${why}`));
}

/** The line that answers it. */
export function answerLine(number: number, outcome: Outcome<RawReply>, bytesMax: number): string {
  const value = outcome.ok ? outcome.value.payload.value() : outcome;
  if (!value.ok) return `${JSON.stringify({ called: number, error: value.problem })}\n`;
  const line = `${JSON.stringify({ called: number, result: valueToJson(value.value) })}\n`;
  if (line.length <= bytesMax) return line;
  const message = `its value makes a line of ${line.length} bytes, and a program takes ${bytesMax}`;
  return answerLine(number, failed(problem('limit-exceeded', message, { outcome: 'unknown' })), bytesMax);
}

/** The calls that are open, of all processes of one program. */
export class ExecCalls<Process extends object> {
  readonly #open = new WeakMap<Process, Map<number, Cancel>>();

  make(process: Process, number: number, ask: (settle: Settle) => Cancel, settle: Settle): void {
    const open = this.#open.get(process) ?? new Map<number, Cancel>();
    this.#open.set(process, open);
    const cancel = ask((outcome) => {
      open.delete(number);
      settle(outcome);
    });
    open.set(number, cancel);
  }

  cancel(process: Process, number: number): void {
    this.#open.get(process)?.get(number)?.('the function no longer wants it');
  }
}
