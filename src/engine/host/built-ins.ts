import type { CallContext, FunctionDefinition } from '../api.ts';
import type { Outcome } from '../core/base/outcome.ts';
import type { Explanation } from '../core/calls/explain.ts';
import type { Wish } from '../core/calls/placement.ts';
import type { NodeEvent } from '../core/node/effects.ts';
import type { NodeInput } from '../core/node/inputs.ts';
import type { NodeSnapshot } from '../core/node/snapshot.ts';
import { functionViews } from '../core/node/views.ts';
import { ProblemError, problemError } from '../problem-error.ts';
import type { SubscriptionView, TopicMatch } from '../topics-api.ts';
import { ItemQueue } from './item-queue.ts';
import { type KeepHost, keepFunctions } from './topics/keep-functions.ts';

/** What the node's own functions need of it. */
export interface BuiltInHost extends KeepHost {
  snapshot(): NodeSnapshot;
  explain(wish: Wish, tried: readonly string[]): Explanation;
  input(input: NodeInput): void;
  onEvent(listener: (event: NodeEvent) => void): () => void;
  subscriptions(): readonly SubscriptionView[];
  matches(topic: string): Outcome<readonly TopicMatch[]>;
}

/** Small functions that every node offers, so that a fresh mesh has something to call. Version 0.0.0: a user's own win. */
export const SAMPLES: readonly FunctionDefinition[] = [
  {
    description: 'returns its argument (built in)',
    idempotent: true,
    name: 'echo',
    run: (value: unknown) => value,
    version: '0.0.0',
  },
  {
    description: 'returns all its arguments as a list (built in)',
    idempotent: true,
    name: 'echos',
    run: (...values: readonly unknown[]) => values,
    version: '0.0.0',
  },
];

const DEFAULT_GRACE_MS = 30_000;

/**
 * What a node does for whoever asks by name: `mpreg.info`, `mpreg.functions`, `mpreg.events`, `mpreg.drain`,
 * `mpreg.undrain`, `mpreg.leave`, `mpreg.explain`, `mpreg.subscriptions`, `mpreg.matches`. They are ordinary calls: `{ node: 'beta' }` has them done by another node. They are in
 * nobody's list of functions, because every node has them.
 */
export function builtIns(host: BuiltInHost): readonly FunctionDefinition[] {
  return [
    { name: 'mpreg.info', run: () => host.snapshot() },
    { name: 'mpreg.functions', run: () => functionViews(host.snapshot().members) },
    { name: 'mpreg.explain', run: (fun: unknown, wish: unknown) => explained(host, fun, wish) },
    { name: 'mpreg.subscriptions', run: () => host.subscriptions() },
    { name: 'mpreg.matches', run: (topic: unknown) => matches(host, topic) },
    ...keepFunctions(host),
    { name: 'mpreg.drain', run: () => host.input({ kind: 'drain' }) ?? null },
    { name: 'mpreg.undrain', run: () => host.input({ kind: 'undrain' }) ?? null },
    { name: 'mpreg.leave', run: (graceMs: number | null) => leave(host, graceMs) },
    {
      name: 'mpreg.events',
      run(this: CallContext) {
        return events(host, this.signal);
      },
    },
  ];
}

/** Throws `input-invalid`: what is asked comes from outside. */
function explained(host: BuiltInHost, fun: unknown, given: unknown): Explanation {
  if (typeof fun !== 'string' || fun === '') throw invalid('the function', 'a name');
  if (given !== undefined && (typeof given !== 'object' || given === null)) throw invalid('the wish', 'an object');
  const { locs = [], node, version, functionId, tried = [], ...more } = (given ?? {}) as Record<string, unknown>;
  const [extra] = Object.keys(more);
  if (extra !== undefined) throw problemError('input-invalid', `the wish has no field "${extra}"`);
  for (const [name, list] of Object.entries({ locs, tried })) {
    if (!Array.isArray(list) || !list.every((one) => typeof one === 'string')) throw invalid(name, 'a list of texts');
  }
  const texts = Object.entries({ functionId, node, version }).filter(([, value]) => value !== undefined);
  for (const [name, value] of texts) if (typeof value !== 'string') throw invalid(name, 'a text');
  return host.explain({ fun, locs: locs as string[], ...Object.fromEntries(texts) }, tried as string[]);
}

/** Throws `topic-invalid` or `input-invalid`. */
function matches(host: BuiltInHost, topic: unknown): readonly TopicMatch[] {
  if (typeof topic !== 'string') throw invalid('the topic', 'a text');
  const found = host.matches(topic);
  if (!found.ok) throw new ProblemError(found.problem);
  return found.value;
}

function invalid(what: string, must: string): ProblemError {
  return problemError('input-invalid', `${what} must be ${must}`);
}

/** Why later: the answer must be on its way before the node closes its links. */
function leave(host: BuiltInHost, graceMs: number | null): null {
  setImmediate(() => host.input({ graceMs: graceMs ?? DEFAULT_GRACE_MS, kind: 'leave' }));
  return null;
}

async function* events(host: BuiltInHost, signal: AbortSignal): AsyncGenerator<NodeEvent & { readonly at: number }> {
  const queue = new ItemQueue<NodeEvent & { readonly at: number }>(() => undefined);
  const off = host.onEvent((event) => queue.push({ ...event, at: Date.now() }));
  const end = () => queue.end();
  signal.addEventListener('abort', end, { once: true });
  try {
    yield* queue;
  } finally {
    off();
    signal.removeEventListener('abort', end);
  }
}
