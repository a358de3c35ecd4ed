/**
 * What the clusters of a run let each other use, as operators have said it last, and a judge of rules that is as plain as can
 * be: the laws of what crosses are judged by it, not by the policy that they are about.
 *
 * It knows only the rules that are drawn: clusters by their id, by `region:NAME`, or all; names as they are, by how they begin, or all.
 */
import type { FederationConfig, PolicyRule } from '../core/federation/options.ts';
import type { PolicyEvent, PolicyTerms, ScenarioNode } from './scenario.ts';

export type Crossing = 'functions' | 'queues' | 'topics';

/** Who may use a thing of that name, and whose it is. */
export interface Use {
  readonly what: Crossing;
  readonly name: string;
  /** The cluster that has it, or publishes it. */
  readonly of: string;
  /** The cluster that uses it, or listens. */
  readonly by: string;
}

const BREAKER = { failureThreshold: 5, successThreshold: 3, timeoutMs: 10_000 } as const;

export class Policies {
  readonly #regions: ReadonlyMap<string, string>;
  readonly #rules = new Map<string, { readonly terms: PolicyTerms; readonly version: number }>();

  constructor(nodes: readonly ScenarioNode[]) {
    this.#regions = new Map(nodes.map(({ cluster = 'sim', region = '' }) => [cluster, region]));
  }

  set({ cluster, exports, imports }: PolicyEvent): void {
    const version = this.#versionOf(cluster) + 1;
    this.#rules.set(cluster, { terms: { ...(exports && { exports }), ...(imports && { imports }) }, version });
  }

  /** What the hubs of a cluster are told now; `links`: of one of them. */
  configOf(cluster: string, links: FederationConfig['links']): FederationConfig {
    const identity = { cluster, name: cluster, region: this.#regions.get(cluster) ?? '', tags: [] };
    const { terms } = this.#rules.get(cluster) ?? { terms: {} };
    return { breaker: BREAKER, identity, links, mode: 'explicit', version: this.#versionOf(cluster), ...terms };
  }

  /** Whether both clusters want it so now. */
  allow(use: Use): boolean {
    const { by, of } = use;
    return this.exports(this.#rules.get(of)?.terms ?? {}, use) && this.imports(this.#rules.get(by)?.terms ?? {}, use);
  }

  /** By the rules of the cluster that has it. */
  exports(rules: PolicyTerms, { by, name, what }: Use): boolean {
    return this.#permit(rules.exports, by, what, name);
  }

  /** By the rules of the cluster that uses it. */
  imports(rules: PolicyTerms, { name, of, what }: Use): boolean {
    return this.#permit(rules.imports, of, what, name);
  }

  #versionOf(cluster: string): number {
    return this.#rules.get(cluster)?.version ?? 1;
  }

  #permit(rules: readonly PolicyRule[] | undefined, other: string, what: Crossing, name: string): boolean {
    if (rules === undefined) return true;
    const region = `region:${this.#regions.get(other)}`;
    const rule = rules.find(({ clusters }) => clusters.some((one) => ['*', other, region].includes(one)));
    return (rule?.[what] ?? []).some((one) => fits(one, name));
  }
}

function fits(wanted: string, name: string): boolean {
  if (wanted === '#' || wanted === name) return true;
  return wanted.endsWith('*') && name.startsWith(wanted.slice(0, -1));
}
