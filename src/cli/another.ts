import type { Client } from '../engine/index.ts';
import { after } from './waiting.ts';

export interface AnotherOptions {
  /** Connects to the first of these that answers, or to any node of this machine where there are none. */
  readonly open: (urls: readonly string[]) => Promise<Client>;
  readonly signal: AbortSignal;
}

/** Tries addresses, and what is near, until a node answers; undefined when it was told to stop. */
export async function another(
  { open, signal }: AnotherOptions,
  addresses: readonly string[],
): Promise<Client | undefined> {
  for (let wait = RETRY_MS; !signal.aborted; wait = Math.min(RETRY_MS_MAX, wait * 2)) {
    for (const urls of [addresses, []]) {
      const client = await open(urls).catch(() => undefined);
      if (client === undefined) continue;
      if (!signal.aborted) return client;
      await client.close();
    }
    await after(wait, undefined, signal);
  }
  return undefined;
}

/** Of many addresses, those that are tried in one round; the one that was lost is the last. */
export function tried(others: readonly string[], lost: string): readonly string[] {
  return [...others.slice(0, ADDRESSES_MAX), lost];
}

const RETRY_MS = 250;
const RETRY_MS_MAX = 2_000;
const ADDRESSES_MAX = 8;
