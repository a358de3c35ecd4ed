/**
 * Brings the hubs of all clusters of a file to what the file says.
 *
 * ```
 *   survey ──► compare ──► apply ──► wait until links are up
 *     │           │          │ one refuses
 *     │ one is    │ dry run  ▼
 *     ▼ missing   ▼         put back what was applied
 *   nothing was changed
 * ```
 *
 * Nothing is applied before every cluster was asked and has said what would change; each is changed only if nobody else has
 * changed it meanwhile (`expect`). With `partial`, clusters that are missing or refuse are left out and the others go on.
 *
 * Limit: two phases, no transaction. What cannot be put back, because a hub went away in that very moment, is said.
 */
import { type ConfigChange, didNotHappen, type Problem, ProblemError, problem } from '../../engine/index.ts';
import { awaitLinks, type LinkReport } from './await-links.ts';
import { deploymentOf, hubsOf, type WantedConfig } from './deployment.ts';
import type { FederationFile } from './federation-schema.ts';
import { type OpenCluster, type Present, problemOf, type Survey, survey } from './survey.ts';

export interface DeployOptions {
  /** The file's name, for messages. */
  readonly name: string;
  readonly open: OpenCluster;
  readonly software: string;
  readonly dryRun: boolean;
  readonly partial: boolean;
  /** For the links to come up, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Hears what is being done. */
  readonly note: (text: string) => void;
}

export interface ClusterReport {
  readonly cluster: string;
  /** `changed` also where it would be, in a dry run. */
  readonly state: 'changed' | 'unchanged' | 'missing' | 'failed';
  readonly hubs: readonly string[];
  /** Of the configuration in force; absent where that is not known. */
  readonly version?: number;
  readonly changes: readonly ConfigChange[];
  readonly problem?: Problem;
  /** Hubs that have not been told yet: they ask when they are back. */
  readonly untold: readonly string[];
}

export interface DeployReport {
  readonly dryRun: boolean;
  readonly clusters: readonly ClusterReport[];
  readonly links: readonly LinkReport[];
}

/** A cluster with what it is to be, and what that changes. */
interface Step extends Present {
  readonly config: WantedConfig;
  readonly changes: readonly ConfigChange[];
}

/** Rejects where anything is missing or refused and `partial` is not said; nothing is changed then. */
export async function deploy(file: FederationFile, options: DeployOptions): Promise<DeployReport> {
  const wanted = deploymentOf(file);
  const { missing, present } = await survey(file.clusters, options.open, options.software);
  try {
    if (missing.length > 0 && (!options.partial || present.length === 0)) throw absent(missing, options.name);
    for (const one of present) sayMissingHubs(one, file, options.note);
    const reports = new Map<string, ClusterReport>(
      missing.map(({ id, problem: why }) => [
        id,
        { changes: [], cluster: id, hubs: [], problem: why, state: 'missing', untold: [] },
      ]),
    );
    const steps = await compare(present, wanted, options, reports);
    if (!options.dryRun) await apply(steps, options, reports);
    const inForce = steps.filter(({ id }) => reports.get(id)?.state !== 'failed');
    const links = options.dryRun ? [] : await awaitLinks(inForce, options);
    const clusters = file.clusters.flatMap(({ cluster_id }) => reports.get(cluster_id) ?? []);
    return { clusters, dryRun: options.dryRun, links };
  } finally {
    await Promise.allSettled(present.map(({ access }) => access.close()));
  }
}

/** Why only said: the cluster is there, and hubs learn from each other what they missed. */
function sayMissingHubs({ hubs, id }: Present, { clusters }: FederationFile, note: DeployOptions['note']): void {
  const wanted = clusters.flatMap((cluster) => (cluster.cluster_id === id ? hubsOf(cluster) : [])).length;
  if (hubs.length >= wanted) return;
  note(
    `${id}: of its ${wanted} hubs there is ${hubs.map(({ name }) => name).join(', ')}; others learn what was deployed when they come`,
  );
}

function absent(missing: Survey['missing'], name: string): ProblemError {
  const [first] = missing;
  const says = missing.map(({ id, problem: { message } }) => `${id}: ${message}`).join('; ');
  const { hint, message: _, ...about } = first?.problem ?? problem('nobody-there', '');
  const isSilent = about.code === 'nobody-there' || about.code === 'timed-out';
  const silent = `Bring it up, or go on without it with --partial.\nmpreg federation validate-config ${name} --probe`;
  const advice = isSilent ? silent : hint;
  return new ProblemError({
    ...about,
    ...(advice !== undefined && { hint: advice }),
    message: `nothing was changed. ${says}`,
    outcome: 'did-not-happen',
  });
}

/** Asks each what would change. */
async function compare(
  present: readonly Present[],
  wanted: ReadonlyMap<string, WantedConfig>,
  { partial }: DeployOptions,
  reports: Map<string, ClusterReport>,
): Promise<readonly Step[]> {
  const asked = await Promise.all(
    present.map(async (one): Promise<Step | undefined> => {
      const config = wanted.get(one.id);
      if (config === undefined) return undefined;
      try {
        return await wouldChange(one, config);
      } catch (error) {
        reports.set(one.id, failed(one, problemOf(error)));
        return undefined;
      }
    }),
  );
  const refused = [...reports.values()].find(({ state }) => state === 'failed');
  if (refused?.problem !== undefined && !partial) throw stopped(refused.cluster, refused.problem, '');
  const steps = asked.filter((step) => step !== undefined);
  for (const step of steps) {
    const state = step.changes.length === 0 ? 'unchanged' : 'changed';
    const { version } = step.view.config;
    reports.set(step.id, { ...told(step), changes: step.changes, state, version: version });
  }
  return steps;
}

/** Looks again where somebody has changed it since it was looked at. */
async function wouldChange(one: Present, config: WantedConfig): Promise<Step> {
  try {
    const expect = one.view.config.version;
    const { changes } = await one.access.apply(one.view.hub, { config, dryRun: true, expect });
    return { ...one, changes, config };
  } catch (error) {
    if (!isConflict(error)) throw error;
    const view = await one.access.view();
    const { changes } = await one.access.apply(view.hub, { config, dryRun: true, expect: view.config.version });
    return { ...one, changes, config, view };
  }
}

function isConflict(error: unknown): boolean {
  return problemOf(error).code === 'exists-already';
}

/** Changes all that are to be changed; where one refuses, all are put back, unless `partial`. */
async function apply(
  steps: readonly Step[],
  { note, partial }: DeployOptions,
  reports: Map<string, ClusterReport>,
): Promise<void> {
  const due = steps.filter(({ changes }) => changes.length > 0);
  const done = await Promise.all(
    due.map(async (step) => {
      try {
        const expect = step.view.config.version;
        const { changes, untold, version } = await step.access.apply(step.view.hub, { config: step.config, expect });
        reports.set(step.id, { ...told(step), changes, state: 'changed', untold, version });
        return { step, version };
      } catch (error) {
        const same = isConflict(error) ? await versionOfSame(step).catch(() => undefined) : undefined;
        if (same !== undefined) {
          reports.set(step.id, { ...told(step), changes: [], state: 'unchanged', version: same });
          return { step, version: step.view.config.version };
        }
        const why = problemOf(error);
        reports.set(step.id, failed(step, why));
        return { step, why };
      }
    }),
  );
  const [refusal] = done.filter(({ why }) => why !== undefined);
  if (refusal?.why === undefined || partial) return;
  note(`${refusal.step.id} refused: putting the others back as they were`);
  const stuck: string[] = [];
  await Promise.all(
    done.map(async ({ step, version, why }) => {
      if (why !== undefined && didNotHappen(why)) return;
      await putBack(step, version).catch((error: Error) => stuck.push(`${step.id} (${error.message})`));
    }),
  );
  throw stopped(refusal.step.id, refusal.why, stuck.join(', '));
}

/** Its version, where somebody else has just given it the very same, as another deployment of the same file does. */
async function versionOfSame({ access, config, view }: Step): Promise<number | undefined> {
  const { changes, version } = await access.apply(view.hub, { config, dryRun: true });
  return changes.length === 0 ? version : undefined;
}

/** `version`: of what was applied; where nobody knows whether it was, what is there now is looked at. */
async function putBack({ access, view }: Step, version: number | undefined): Promise<void> {
  const { version: former, ...config } = view.config;
  const now = version ?? (await access.view(view.hub)).config.version;
  if (now !== former) await access.apply(view.hub, { config, expect: now });
}

function stopped(cluster: string, why: Problem, stuck: string): ProblemError {
  const others = stuck === '' ? 'the others are as they were' : `these could not be put back: ${stuck}`;
  return new ProblemError({ ...why, message: `${cluster}: ${why.message}; ${others}` });
}

function told({ hubs, id }: Present): Pick<ClusterReport, 'cluster' | 'hubs' | 'untold'> {
  return { cluster: id, hubs: hubs.map(({ name }) => name), untold: [] };
}

function failed(one: Present, why: Problem): ClusterReport {
  return { ...told(one), changes: [], problem: why, state: 'failed' };
}
