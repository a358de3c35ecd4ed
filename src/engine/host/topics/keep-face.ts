/** How a client has topics kept: a call of one node, and a look at whether the others know. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from '../../api.ts';
import { problemError } from '../../problem-error.ts';
import type { KeepOptions, KeepView, Kept, OfNode } from '../../topics-api.ts';

/** What a node knows of who keeps a pattern. */
export interface KeeperSeen {
  readonly id: string;
  readonly node: string;
  readonly inReach: boolean;
}

export async function keepOn(
  client: Client,
  pattern: string,
  node: string | undefined,
  options: KeepOptions,
  ask: () => Promise<readonly OfNode<KeeperSeen>[]>,
): Promise<Kept> {
  const asked = node === undefined ? {} : { node };
  const view = (await client.call.with(asked)('mpreg.keep', pattern, options)) as KeepView;
  const name = await nameOf(client, node);
  const until = performance.now() + KNOWN_MS;
  // Why: what is published on a node that does not know yet would not be kept.
  while (performance.now() < until) {
    const seen = await ask();
    if (seen.every(({ found, problem }) => problem !== undefined || found.length > 0)) break;
    await pause(ASK_MS);
  }
  return { ...view, node: name };
}

/** Throws `keep-unknown` or `keeper-away`. */
export function keeperIn(pattern: string, [seen]: readonly KeeperSeen[]): string {
  if (seen === undefined) throw problemError('keep-unknown', `no node keeps ${pattern}`);
  if (seen.inReach) return seen.id;
  throw problemError('keeper-away', `${seen.node}, which keeps ${pattern}, is out of reach`);
}

export async function nameOf(client: Client, node: string | undefined): Promise<string> {
  if (node === undefined) return client.node.name;
  const members = await client.members();
  return members.find(({ id, name }) => id === node || name === node)?.name ?? node;
}

const KNOWN_MS = 5_000;
const ASK_MS = 50;
