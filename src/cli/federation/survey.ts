/** Who is there of a file's clusters, and whether they are who the file says: asked of all at once, before anything is done. */
import { type FederationView, type Problem, ProblemError, problem } from '../../engine/index.ts';
import type { FileCluster } from './federation-schema.ts';
import type { HubAccess, HubName } from './hub-access.ts';

/** Connects to a cluster of the file. */
export type OpenCluster = (cluster: FileCluster) => Promise<HubAccess>;

/** A cluster that is there, and fit to be configured. */
export interface Present {
  readonly id: string;
  readonly access: HubAccess;
  readonly view: FederationView;
  readonly hubs: readonly HubName[];
}

export interface Survey {
  readonly present: readonly Present[];
  readonly missing: readonly { readonly id: string; readonly problem: Problem }[];
}

/** `software`: our own version. Whoever calls closes what is present. */
export async function survey(clusters: readonly FileCluster[], open: OpenCluster, software: string): Promise<Survey> {
  const present: Present[] = [];
  const missing: { id: string; problem: Problem }[] = [];
  await Promise.all(
    clusters.map(async (cluster) => {
      const { cluster_id: id } = cluster;
      try {
        present.push(await look(id, await open(cluster), software));
      } catch (error) {
        missing.push({ id, problem: problemOf(error) });
      }
    }),
  );
  const order = new Map(clusters.map(({ cluster_id }, at) => [cluster_id, at]));
  const byFile = (a: { id: string }, b: { id: string }): number => (order.get(a.id) ?? 0) - (order.get(b.id) ?? 0);
  return { missing: missing.sort(byFile), present: present.sort(byFile) };
}

async function look(id: string, access: HubAccess, software: string): Promise<Present> {
  try {
    const view = await access.view();
    const wrong = misfit(id, view, software);
    if (wrong !== undefined) throw new ProblemError(wrong);
    return { access, hubs: await access.hubs(), id, view };
  } catch (error) {
    await access.close().catch(() => undefined);
    throw error;
  }
}

/** Why a cluster is not the one that the file means, or not to be configured from here. */
function misfit(id: string, view: FederationView, software: string): Problem | undefined {
  if (view.cluster !== id) {
    return problem('cluster-wrong', `at its address is the cluster ${view.cluster}, and not ${id}`, {
      hint: 'Correct its server_url or its cluster_id.\nmpreg federation validate-config --help',
    });
  }
  const old = view.hubs.find((hub) => hub.cluster === id && !hub.withdrawn && line(hub.software) !== line(software));
  if (old === undefined) return undefined;
  return problem('version-unsupported', `${old.name} runs mpreg ${old.software}, and this is ${software}`);
}

/** Versions of one line understand each other: of the same first number, and while that is 0, of the same second. */
export function line(version: string): string {
  const [major = '', minor = ''] = version.split('.');
  return major === '0' ? `0.${minor}` : major;
}

export function problemOf(error: unknown): Problem {
  return error instanceof ProblemError ? error.problem : problem('internal', (error as Error).message);
}
