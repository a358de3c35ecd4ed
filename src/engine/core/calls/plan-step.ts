import { didYouMean, type Flaws } from './flaws.ts';
import type { CallsOptions } from './options.ts';
import { isPlainObject, NAME_MAX } from './references.ts';

/** One step as it is written: not yet what it needs, and who needs it. */
export interface StepTerms {
  readonly name: string;
  readonly fun: string;
  readonly args: readonly unknown[];
  readonly kwargs?: Readonly<Record<string, unknown>>;
  readonly locs: readonly string[];
  readonly version?: string;
  readonly functionId?: string;
  /** The id of a cluster, or a region, that it shall run in. */
  readonly cluster?: string;
  readonly region?: string;
  /** Milliseconds; 0: no limit of its own. */
  readonly timeoutMs: number;
  /** How often it is tried again, where that is allowed. */
  readonly retries: number;
  readonly idempotent: boolean;
  readonly onError: OnError;
}

export type OnError = 'fail' | 'continue';

const STEP_FIELDS = [
  'name',
  'fun',
  'args',
  'kwargs',
  'locs',
  'version',
  'functionId',
  'cluster',
  'region',
  'timeoutMs',
  'retries',
  'idempotent',
  'onError',
];

/** Limit: tries of one step. With the back-off's longest wait, a hundred take a quarter of an hour. */
const RETRIES_MAX = 100;

/** Reads one step and adds what is wrong with it to `flaws`; in the place of a wrong field stands its default. */
export function readStep(
  raw: unknown,
  at: string,
  planOnError: OnError,
  options: CallsOptions,
  flaws: Flaws,
): StepTerms {
  if (!isPlainObject(raw)) {
    flaws.add(at, `${at} must be an object with "name" and "fun", not ${nameOf(raw)}`);
    return { args: [], fun: '', idempotent: false, locs: [], name: '', onError: planOnError, retries: 0, timeoutMs: 0 };
  }
  const named = isText(raw['name']) ? raw['name'] : undefined;
  const wrong = (field: string, says: string) => flaws.add(`${at}.${field}`, `${at}.${field} ${says}`, named);
  const read = <Value>(field: string, without: Value, fits: (value: unknown) => boolean, says: string): Value => {
    const value = raw[field];
    if (value === undefined && without !== '') return without;
    if (fits(value)) return value as Value;
    wrong(field, says);
    return without;
  };
  for (const field of Object.keys(raw)) {
    if (STEP_FIELDS.includes(field)) continue;
    const says = `${at} has an unknown field "${field}"; a step has ${STEP_FIELDS.join(', ')}`;
    flaws.add(`${at}.${field}`, `${says}${didYouMean(field, STEP_FIELDS)}`, named);
  }
  const name = read('name', '', isText, 'must be a text that is not empty');
  if (name.length > NAME_MAX) wrong('name', `is longer than ${NAME_MAX} characters`);
  const fun = read('fun', '', isText, 'must be the name of a function');
  let args = read<readonly unknown[]>('args', [], Array.isArray, `must be a list, not ${nameOf(raw['args'])}`);
  let kwargs = read<StepTerms['kwargs']>('kwargs', undefined, isPlainObject, 'must be an object');
  if (deeperThan([args, kwargs], options.depthMax)) {
    const limit = `the limit of ${options.depthMax} (depthMax)`;
    flaws.add(at, `the arguments of ${at} are nested deeper than ${limit}`, named);
    [args, kwargs] = [[], undefined];
  }
  const version = read<string | undefined>('version', undefined, isText, 'must be a text');
  const functionId = read<string | undefined>('functionId', undefined, isText, 'must be a text');
  const cluster = read<string | undefined>('cluster', undefined, isText, 'must be the id of a cluster');
  const region = read<string | undefined>('region', undefined, isText, 'must be a text');
  return {
    args,
    ...(cluster === undefined ? {} : { cluster }),
    fun,
    ...(functionId === undefined ? {} : { functionId }),
    idempotent: read('idempotent', false, (value) => typeof value === 'boolean', 'must be true or false'),
    ...(kwargs === undefined ? {} : { kwargs }),
    locs: read<readonly string[]>('locs', [], isTexts, 'must be a list of texts'),
    name: name.length > NAME_MAX ? '' : name,
    ...(region === undefined ? {} : { region }),
    onError: read('onError', planOnError, isOnError, 'must be "fail" or "continue"'),
    retries: read('retries', 0, isRetries, `must be a whole number from 0 to ${RETRIES_MAX}`),
    timeoutMs: read('timeoutMs', 0, isCount, 'must be a whole number of milliseconds'),
    ...(version === undefined ? {} : { version }),
  };
}

export function isOnError(value: unknown): value is OnError {
  return value === 'fail' || value === 'continue';
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** What a value is that should have been something else: `a list`, `a string`. */
export function nameOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText);
}

function isRetries(value: unknown): boolean {
  return isCount(value) && value <= RETRIES_MAX;
}

function deeperThan(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (depth === 0) return true;
  const inner: Iterable<unknown> = Array.isArray(value) ? value : isPlainObject(value) ? Object.values(value) : [];
  for (const item of inner) if (deeperThan(item, depth - 1)) return true;
  return false;
}
