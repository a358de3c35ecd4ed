/**
 * What is retained of topics, between clusters: a stream that hubs answer to nodes of their own cluster and to each other.
 *
 *     a node ── {patterns} ──► its hub ── {patterns, for: its cluster} ──► a hub of each cluster that may retain some
 *            ◄─ what its cluster may import ─┘  ◄── what that one may export ─┘
 *
 * The nearest cluster is asked first, and of each topic the first value counts. Nothing is copied and nothing asked where nobody
 * subscribes. Limit: of one ask `TOPICS_MAX` topics, and no value of more than `VALUE_BYTES_MAX`; what is left out is logged.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { FunctionDefinition } from '../../api.ts';
import { parsePattern } from '../../core/topics/pattern.ts';
import { ProblemError, problemError } from '../../problem-error.ts';
import { isObject } from '../../wire/json-value.ts';
import { textOf } from '../text-of.ts';
import { packed, RETAINED, unpacked } from '../topics/retained-item.ts';
import type { FederationFace } from './federation-functions.ts';

export function retainedFunction(hub: () => FederationFace): FunctionDefinition {
  return {
    name: RETAINED,
    run(argument: unknown) {
      const { for: asker, patterns, ...more } = isObject(argument) ? argument : {};
      const [odd] = Object.keys(more);
      if (odd !== undefined) throw problemError('input-invalid', `${RETAINED} has no field "${odd}"`);
      const texts = patternsOf(patterns);
      if (asker === undefined) return elsewhere(hub(), texts);
      if (typeof asker !== 'string') throw problemError('input-invalid', '"for" must be the id of a cluster');
      return here(hub(), texts, asker);
    },
  };
}

export function patternsOf(patterns: unknown): readonly string[] {
  if (!Array.isArray(patterns) || patterns.length === 0 || patterns.length > PATTERNS_MAX) {
    throw problemError('input-invalid', `1 to ${PATTERNS_MAX} patterns are wanted`);
  }
  for (const pattern of patterns) {
    const parsed = parsePattern(String(pattern));
    if (!parsed.ok) throw new ProblemError(parsed.problem);
  }
  return patterns.map(String);
}

/** Of this cluster, what another one may have. */
async function* here(
  hub: FederationFace,
  patterns: readonly string[],
  asker: string,
): AsyncGenerator<readonly object[]> {
  const replay = hub.retained.find(patterns);
  const { topics } = hub.machine;
  let batch: object[] = [];
  let [bytes, count, leftOut] = [0, 0, 0];
  for (let isDone = false; !isDone; ) {
    const { done, found } = replay.step(STEP);
    isDone = done;
    for (const delivery of found) {
      if (!topics.mayGo(asker, delivery.topic)) continue;
      if (count >= TOPICS_MAX || delivery.payload.size > VALUE_BYTES_MAX) {
        leftOut++;
        continue;
      }
      count++;
      batch.push(packed(delivery));
      bytes += delivery.cost;
      if (bytes < BATCH_BYTES) continue;
      yield batch;
      [batch, bytes] = [[], 0];
    }
    await turn();
  }
  if (batch.length > 0) yield batch;
  if (leftOut > 0)
    hub.log('warn', `${leftOut} retained values of ${patterns.join(', ')} were not given to cluster ${asker}`);
}

/** Of other clusters, what this one may have. One that cannot be asked does not hide the others. */
async function* elsewhere(hub: FederationFace, patterns: readonly string[]): AsyncGenerator<readonly object[]> {
  const { topics } = hub.machine;
  const seen = new Set<string>();
  for (const cluster of topics.retainers(patterns)) {
    try {
      for await (const item of hub.retained.of(cluster, patterns)) {
        const news = unpacked(item).filter(({ topic }) => !seen.has(topic) && topics.admits(cluster, topic));
        for (const { topic } of news) seen.add(topic);
        if (news.length > 0) yield news.map(packed);
        if (seen.size >= TOPICS_MAX)
          return hub.log('warn', `more than ${seen.size} values are retained of ${patterns.join(', ')}`);
      }
    } catch (error) {
      hub.log('warn', `what cluster ${cluster} retains of ${patterns.join(', ')} could not be had: ${textOf(error)}`);
    }
  }
}

/** Of a subscription. */
const PATTERNS_MAX = 10_000;
/** Limit: topics of one ask. */
const TOPICS_MAX = 10_000;
/** What fits an item between clusters, with all that is said of it. */
const VALUE_BYTES_MAX = 15 * 2 ** 20;
/** Topics that are looked at in one piece, and bytes of an item. */
const STEP = 1_000;
const BATCH_BYTES = 64 * 1024;
