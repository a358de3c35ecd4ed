/** A list at an address of the web, as JSON: `["ws://hub.example:7400"]`, or objects with `url` and what else is known. */
import { ProblemError } from '../../problem-error.ts';
import { type DiscoverySource, DOCUMENT_BYTES_MAX, type Found } from './discovery-source.ts';
import { sightingsOf } from './sightings.ts';
import { interrupted, senseless, silent } from './source-problems.ts';

const EVERY_MS = 30_000;

export interface HttpSourceOptions {
  /** For the whole answer, in milliseconds; default 5 000. Longer: slow places are heard; shorter: dead ones hold nobody up. */
  readonly timeoutMs?: number;
}

export function httpSource(url: string, { timeoutMs = 5_000 }: HttpSourceOptions = {}): DiscoverySource {
  const closed = new AbortController();
  return {
    close: async () => closed.abort(),
    everyMs: EVERY_MS,
    find: async (given): Promise<Found> => {
      const late = AbortSignal.timeout(timeoutMs);
      const ended = AbortSignal.any([given, closed.signal]);
      try {
        return await ask(url, AbortSignal.any([ended, late]));
      } catch (error) {
        if (ended.aborted) throw interrupted(url);
        if (error instanceof ProblemError) throw error;
        if (late.aborted) throw silent(url, `no answer within ${timeoutMs} ms`);
        const { cause, message } = error as Error;
        throw silent(url, cause instanceof Error ? cause.message || message : message);
      }
    },
    name: url,
  };
}

async function ask(url: string, signal: AbortSignal): Promise<Found> {
  const response = await fetch(url, { headers: { accept: 'application/json' }, signal });
  if (!response.ok) {
    await response.body?.cancel();
    throw silent(url, `it answered ${response.status} ${response.statusText}`.trim());
  }
  const content = await bodyOf(url, response);
  let document: unknown;
  try {
    document = JSON.parse(content);
  } catch (error) {
    throw senseless(url, `what it answered is no JSON: ${(error as Error).message}`);
  }
  const found = sightingsOf(document);
  if (found === undefined) throw senseless(url, 'what it answered is no list');
  return found;
}

async function bodyOf(url: string, { body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    if (bytes > DOCUMENT_BYTES_MAX) throw senseless(url, `what it answers is larger than ${DOCUMENT_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
