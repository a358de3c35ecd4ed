/** How commands ask hubs: one of the cluster that they are connected to, all of it, or one of another cluster. */
import { type Client, type MemberView, ProblemError, problem } from '../../engine/index.ts';

export interface HubAsk {
  /** The cluster whose hub is asked, in place of the own one. */
  readonly from?: string | undefined;
}

/** What every hub has; the one that is asked is the node itself where it is one, else the first by name. */
export async function askHub<Value>(client: Client, fun: string, ask: object, { from }: HubAsk = {}): Promise<Value> {
  const name = `mpreg.federation.${fun}`;
  if (from !== undefined) return (await client.call.with({ cluster: from, idempotent: true })(name, ask)) as Value;
  const [hub] = await hubsOf(client);
  return (await client.call.with({ idempotent: true, node: hub.id })(name, ask)) as Value;
}

/** What each hub of the cluster answers. Those that fail are left out, unless all do. */
export async function askHubs<Value>(client: Client, fun: string, ask: object): Promise<readonly Value[]> {
  const hubs = await hubsOf(client);
  const name = `mpreg.federation.${fun}`;
  const asked = hubs.map(({ id }) => client.call.with({ idempotent: true, node: id })(name, ask));
  const answers = await Promise.allSettled(asked);
  const good = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value as Value] : []));
  if (good.length > 0) return good;
  throw answers.find((answer) => answer.status === 'rejected')?.reason;
}

/** The hubs of the cluster that can be reached; `hub-missing` where there is none. */
export async function hubsOf(client: Client): Promise<readonly [MemberView, ...MemberView[]]> {
  const members = await client.members();
  const hubs = members
    .filter(({ record, state }) => state !== 'dead' && state !== 'left' && record?.resources.includes('role:hub'))
    .sort((a, b) => Number(b.self) - Number(a.self) || (a.name < b.name ? -1 : 1));
  const [first, ...others] = hubs;
  if (first !== undefined) return [first, ...others];
  const message = `no node of this cluster is a hub, as ${client.node.name} sees it`;
  throw new ProblemError(problem('hub-missing', message));
}
