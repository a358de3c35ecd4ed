/** Whether each address of a file leads to the hub that the file means: connects to every one, and changes nothing. */
import { connect, type Problem, problem } from '../../engine/index.ts';
import { within } from '../deadline.ts';
import type { OptionsOf } from './connecting.ts';
import { hubsOf } from './deployment.ts';
import type { FederationFile, FileCluster } from './federation-schema.ts';
import { HUB } from './hub-access.ts';
import { line, problemOf } from './survey.ts';

export interface Probed {
  readonly cluster: string;
  readonly kind: 'server' | 'bridge';
  readonly url: string;
  readonly state: 'ok' | 'wrong' | 'unreachable';
  readonly node?: string;
  readonly version?: string;
  /** Milliseconds until it had said who it is. */
  readonly ms?: number;
  readonly problem?: Problem;
}

interface Place {
  readonly cluster: FileCluster;
  readonly kind: Probed['kind'];
  readonly url: string;
}

/** How many addresses are tried at once. */
const AT_ONCE = 32;

export async function probe(
  file: FederationFile,
  options: OptionsOf,
  { software, timeoutMs }: { readonly software: string; readonly timeoutMs: number },
): Promise<readonly Probed[]> {
  const places = file.clusters.flatMap((cluster) =>
    hubsOf(cluster).flatMap(({ bridgeUrl, serverUrl }): Place[] => [
      { cluster, kind: 'server', url: serverUrl },
      ...(bridgeUrl === serverUrl ? [] : [{ cluster, kind: 'bridge' as const, url: bridgeUrl }]),
    ]),
  );
  const found: Probed[] = [];
  for (let from = 0; from < places.length; from += AT_ONCE) {
    const some = places.slice(from, from + AT_ONCE);
    found.push(...(await Promise.all(some.map((place) => look(place, options, software, timeoutMs)))));
  }
  return found;
}

async function look({ cluster, kind, url }: Place, options: OptionsOf, software: string, ms: number): Promise<Probed> {
  const base = { cluster: cluster.cluster_id, kind, url };
  const began = performance.now();
  try {
    const client = await connect({ ...options(cluster), reconnect: false, urls: [url] });
    try {
      const { record } = await within(ms, `an answer of ${url}`, client.info());
      const wrong = misfit(cluster, record, software);
      const said = { ms: Math.round(performance.now() - began), node: record.name, version: record.software };
      return { ...base, ...said, ...(wrong && { problem: wrong }), state: wrong === undefined ? 'ok' : 'wrong' };
    } finally {
      void client.close().catch(() => undefined);
    }
  } catch (error) {
    const why = problemOf(error);
    const silent = why.code === 'nobody-there' || why.code === 'timed-out' || why.code === 'internal';
    return { ...base, problem: why, state: silent ? 'unreachable' : 'wrong' };
  }
}

interface Said {
  readonly cluster: string;
  readonly name: string;
  readonly resources: readonly string[];
  readonly software: string;
}

function misfit({ cluster_id: id }: FileCluster, said: Said, software: string): Problem | undefined {
  if (said.cluster !== id) return problem('cluster-wrong', `${said.name} is of cluster ${said.cluster}, not ${id}`);
  if (!said.resources.includes(HUB)) return problem('hub-missing', `${said.name} is no hub`);
  if (line(said.software) === line(software)) return undefined;
  return problem('version-unsupported', `${said.name} runs mpreg ${said.software}, and this is ${software}`);
}
