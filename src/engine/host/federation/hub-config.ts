import type { NodeId } from '../../core/base/ids.ts';
import type { BreakerConfig, FederationConfig } from '../../core/federation/options.ts';
import type { Applied, HubOptions } from '../../federation-api.ts';
import { problemError } from '../../problem-error.ts';
import type { Log } from '../node-host-parts.ts';
import type { Store } from '../ports.ts';
import { changesOf, isSame, sorted } from './config-changes.ts';
import { readConfig } from './read-config.ts';

export interface HubConfigParts {
  readonly cluster: string;
  readonly store: Pick<Store, 'commit' | 'read'>;
  readonly log: Log;
  /** Puts it into force. */
  readonly configure: (config: FederationConfig) => void;
  /** The other hubs of this cluster that are in reach. */
  readonly siblings: () => readonly { readonly id: NodeId; readonly name: string }[];
  /** Gives it to one of them. */
  readonly tell: (hub: NodeId, config: FederationConfig) => Promise<void>;
}

/**
 * What operators want of a cluster's hubs, as this one has it: stored, in force, and the same on all hubs of the cluster.
 *
 *     a change ──► read, compared ──► stored ──► in force ──► told to the other hubs, which do the same
 *
 * Of two configurations the higher version counts; of two with the same one, which only hubs make that did not hear of each
 * other, all hubs take the same.
 *
 * Invariant: nothing is in force that is not stored, but for what the node was started with.
 */
export class HubConfig {
  readonly #parts: HubConfigParts;
  #config: FederationConfig;
  #turn: Promise<unknown> = Promise.resolve();
  /** The text of what a hub was told last. */
  readonly #told = new Map<NodeId, string>();

  constructor(parts: HubConfigParts, config: FederationConfig) {
    this.#parts = parts;
    this.#config = config;
  }

  get current(): FederationConfig {
    return this.#config;
  }

  /** Changes it; `change` gets what is in force when its turn comes. Rejects with a `ProblemError`. */
  change(
    change: (now: FederationConfig) => unknown,
    { dryRun = false, expect }: { readonly dryRun?: boolean; readonly expect?: number } = {},
  ): Promise<Applied> {
    return this.#inTurn(async () => {
      const before = this.#config;
      if (expect !== undefined && expect !== before.version) {
        const text = `the configuration of ${before.identity.cluster} is at version ${before.version}, not ${expect}`;
        throw problemError('exists-already', text, { hint: CHANGED_HINT });
      }
      const after = readConfig({ ...(change(before) as object), version: before.version }, this.#parts.cluster);
      const changes = changesOf(before, after);
      if (changes.length === 0 || dryRun) return { changes, told: [], untold: [], version: before.version };
      await this.#take({ ...after, version: before.version + 1 });
      return { changes, ...(await this.#tellAll()), version: this.#config.version };
    });
  }

  /** Another hub of the cluster has this one. */
  adopt(given: unknown): Promise<void> {
    return this.#inTurn(async () => {
      const theirs = readConfig(given, this.#parts.cluster);
      if (isNewer(theirs, this.#config)) await this.#take(theirs);
    });
  }

  /** Tells it to hubs that may not have it: they were away. Nothing where it was never changed. */
  async spread(): Promise<void> {
    if (this.#config.version > 0) await this.#inTurn(() => this.#tellAll());
  }

  async #take(config: FederationConfig): Promise<void> {
    await this.#parts.store.commit([{ key: CONFIG_KEY, value: JSON.stringify(config) }]);
    this.#config = config;
    this.#parts.configure(config);
  }

  async #tellAll(): Promise<Pick<Applied, 'told' | 'untold'>> {
    const text = sorted(this.#config);
    const siblings = this.#parts.siblings();
    const ids = new Set(siblings.map(({ id }) => id));
    for (const id of this.#told.keys()) if (!ids.has(id)) this.#told.delete(id);
    const asked = await Promise.all(
      siblings.map(async ({ id, name }) => {
        if (this.#told.get(id) === text) return { name, ok: true };
        try {
          await this.#parts.tell(id, this.#config);
          this.#told.set(id, text);
          return { name, ok: true };
        } catch (error) {
          this.#parts.log('warn', `hub ${name} could not be told the configuration: ${String(error)}`);
          return { name, ok: false };
        }
      }),
    );
    const names = (ok: boolean) => asked.filter((one) => one.ok === ok).map(({ name }) => name);
    return { told: names(true), untold: names(false) };
  }

  #inTurn<Value>(what: () => Promise<Value>): Promise<Value> {
    const mine = this.#turn.then(what);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }
}

/** What a hub begins with: what is stored, or else what it was started with. Throws where that cannot be read. */
export function firstConfig(
  { clusterName, coordinates, links = [], mode = 'explicit', region = '', tags = [] }: HubOptions,
  cluster: string,
  stored: string | undefined,
): FederationConfig {
  if (stored !== undefined) {
    try {
      return readConfig(JSON.parse(stored), cluster);
    } catch (error) {
      throw problemError('store-corrupt', `the configuration of the federation cannot be read: ${String(error)}`);
    }
  }
  const identity = { cluster, name: clusterName ?? cluster, region, tags };
  const about = coordinates === undefined ? identity : { ...identity, coordinates };
  return readConfig({ breaker: DEFAULT_BREAKER, identity: about, links, mode, version: 0 }, cluster);
}

function isNewer(theirs: FederationConfig, ours: FederationConfig): boolean {
  if (theirs.version !== ours.version) return theirs.version > ours.version;
  return !isSame(theirs, ours) && sorted(theirs) > sorted(ours);
}

/** The key of the node's store. */
export const CONFIG_KEY = 'federation';

export const DEFAULT_BREAKER: BreakerConfig = { failureThreshold: 5, successThreshold: 3, timeoutMs: 60_000 };

const CHANGED_HINT = 'Somebody else has changed it. Look at what is there, then try again.\nmpreg federation topology';
