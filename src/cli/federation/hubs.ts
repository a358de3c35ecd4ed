/** How commands ask hubs: all of the cluster that they are connected to, one of it, or one of another cluster. */
import { setTimeout as pause } from 'node:timers/promises';
import { type Client, type MemberView, ProblemError, problem } from '../../engine/index.ts';

export interface HubAsk {
  /** The cluster whose hub is asked, in place of the own one. */
  readonly from?: string | undefined;
}

/** What the hubs of a cluster answer; the names of those that did not. */
export interface HubAnswers<Value> {
  readonly answers: readonly [Value, ...Value[]];
  readonly silent: readonly string[];
}

/** Once one has answered, the others have so long: a hub that hangs is not to hold up what the others say. */
const SIBLING_MS = 1_500;

/** What every hub has; the one that counts is the node itself where it is one, else the first by name that answers. */
export async function askHub<Value>(client: Client, fun: string, ask: object, { from }: HubAsk = {}): Promise<Value> {
  const { answers } = await askEach<Value>(client, fun, ask, { from });
  return answers[0];
}

/** What each hub of the cluster answers. Of those that do not, `warn` hears; it rejects where none does. */
export async function askHubs<Value>(
  client: Client,
  fun: string,
  ask: object,
  warn: (message: string) => void = () => undefined,
): Promise<readonly Value[]> {
  const { answers, silent } = await askEach<Value>(client, fun, ask);
  if (silent.length > 0) warn(silentText(silent));
  return answers;
}

/** As `askHubs`; of another cluster one hub alone is asked. */
export async function askEach<Value>(
  client: Client,
  fun: string,
  ask: object,
  { from }: HubAsk = {},
): Promise<HubAnswers<Value>> {
  const name = `mpreg.federation.${fun}`;
  if (from !== undefined) {
    return { answers: [(await client.call.with({ cluster: from, idempotent: true })(name, ask)) as Value], silent: [] };
  }
  const hubs = await hubsOf(client);
  const enough = new AbortController();
  const asked = hubs.map(({ id }) => {
    return client.call.with({ idempotent: true, node: id, signal: enough.signal })(name, ask) as Promise<Value>;
  });
  const all = Promise.allSettled(asked);
  await Promise.any(asked).catch(() => undefined);
  await Promise.race([all, pause(SIBLING_MS, undefined, { signal: enough.signal }).catch(() => undefined)]);
  enough.abort();
  const settled = await all;
  const good = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const [first, ...others] = good;
  if (good.length === 0) throw settled.find((one) => one.status === 'rejected')?.reason;
  const silent = hubs.filter((_, at) => settled[at]?.status === 'rejected').map((hub) => hub.name);
  return { answers: [first as Value, ...others], silent };
}

export function silentText(silent: readonly string[]): string {
  const whose = silent.length === 1 ? 'what it alone knows is' : 'what they alone know is';
  return `${silent.join(', ')} ${silent.length === 1 ? 'does' : 'do'} not answer: ${whose} missing here`;
}

/** The hubs of the cluster that can be reached; `hub-missing` where there is none. Those in doubt come last. */
export async function hubsOf(client: Client): Promise<readonly [MemberView, ...MemberView[]]> {
  const members = await client.members();
  const hubs = members
    .filter(({ record, state }) => state !== 'dead' && state !== 'left' && record?.resources.includes('role:hub'))
    .sort(
      (a, b) =>
        Number(b.self) - Number(a.self) || Number(inDoubt(a)) - Number(inDoubt(b)) || (a.name < b.name ? -1 : 1),
    );
  const [first, ...others] = hubs;
  if (first !== undefined) return [first, ...others];
  const message = `no node of this cluster is a hub, as ${client.node.name} sees it`;
  throw new ProblemError(problem('hub-missing', message));
}

function inDoubt({ state }: MemberView): boolean {
  return state === 'suspect';
}
