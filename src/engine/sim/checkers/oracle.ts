/**
 * The plainest way to say what a plan's steps must get and give, to judge the clever one in `core/calls`. It knows the
 * functions of the simulated world and the rules for references, and nothing of nodes, messages or order.
 */
import type { StepTerms } from '../scenario.ts';

/** The value of another step; undefined where nobody can say. */
export type Lookup = (step: string) => { readonly value: unknown } | undefined;

/** `lost`: a reference leads nowhere. `unknown`: some step's value cannot be told. */
export type Resolved = { readonly kind: 'value'; readonly value: unknown } | { readonly kind: 'lost' | 'unknown' };

export interface Names {
  readonly all: ReadonlySet<string>;
  /** Whether a text that equals a name is a reference. */
  readonly texts: boolean;
}

interface Reference {
  readonly step: string;
  readonly path: readonly (string | number)[];
}

/** The steps that a value refers to. */
export function needsOf(value: unknown, names: Names): ReadonlySet<string> {
  const needs = new Set<string>();
  resolve(value, names, (step) => {
    needs.add(step);
    return undefined;
  });
  return needs;
}

export function resolve(value: unknown, names: Names, lookup: Lookup): Resolved {
  const reference = referenceIn(value, names);
  if (reference !== undefined) {
    const found = lookup(reference.step);
    return found === undefined ? { kind: 'unknown' } : walk(found.value, reference.path);
  }
  if (typeof value !== 'object' || value === null) return { kind: 'value', value };
  const keys = Object.keys(value);
  const fields = value as Record<string, unknown>;
  if (!Array.isArray(value) && keys.length === 1 && keys[0] === '$lit') return { kind: 'value', value: fields['$lit'] };
  // Why all are resolved before any is judged: who asks for the needs wants them all.
  const inner = keys.map((key) => ({ got: resolve(fields[key], names, lookup), key }));
  const bad = inner.find(({ got }) => got.kind === 'unknown') ?? inner.find(({ got }) => got.kind === 'lost');
  if (bad !== undefined) return bad.got;
  const entries = inner.map(({ key, got }) => [key, got.kind === 'value' ? got.value : undefined] as const);
  return { kind: 'value', value: Array.isArray(value) ? entries.map(([, item]) => item) : Object.fromEntries(entries) };
}

/** What `functions.ts` gives for these arguments; undefined for those that give what no argument decides. */
export function outputOf(fun: string, args: readonly unknown[], kwargs: StepTerms['kwargs'] = {}): unknown {
  switch (fun) {
    case 'add':
      return args.reduce((sum: number, term) => sum + Number(term), 0);
    case 'sleep':
    case 'flaky':
    case 'stream':
      return args[1];
    case 'pack':
      return { items: args, named: kwargs };
    case 'bulk':
      return { bulkBytes: args[0], x: args[1] };
    case 'count':
      return args.length;
    case 'which':
      return undefined;
    default:
      return args[0];
  }
}

function referenceIn(value: unknown, { all, texts }: Names): Reference | undefined {
  if (typeof value === 'object' && value !== null && '$ref' in value) {
    const { $ref, path = [] } = value as { $ref: string; path?: (string | number)[] };
    return { path, step: $ref };
  }
  if (typeof value !== 'string' || !texts) return undefined;
  const parts = value.split('.');
  for (let taken = parts.length; taken > 0; taken--) {
    const step = parts.slice(0, taken).join('.');
    if (all.has(step)) return { path: parts.slice(taken), step };
  }
  return undefined;
}

function walk(from: unknown, path: readonly (string | number)[]): Resolved {
  let value = from;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return { kind: 'lost' };
    if (Array.isArray(value) && !/^\d+$/.test(String(part))) return { kind: 'lost' };
    value = (value as Record<string | number, unknown>)[part];
  }
  return { kind: 'value', value };
}
