/**
 * `federation monitor health-watch` and `federation topology --watch`: the federation on a whole terminal.
 */
import { checkKnown } from '../../cli/federation/health.ts';
import type { Client } from '../../engine/index.ts';
import { show } from '../show.ts';
import { Store } from '../store.ts';
import { FEDERATION_PANEL } from './federation-panel.ts';
import { FederationFeed, look } from './feed.ts';
import type { Tab } from './keymap.ts';
import { initialModel } from './model.ts';

export interface WatchFederationOptions {
  readonly client: Client;
  /** Connects to the first of these that answers, or to any node of this machine where there are none. */
  readonly open: (urls: readonly string[]) => Promise<Client>;
  readonly color: boolean;
  readonly signal: AbortSignal;
  readonly everyMs: number;
  /** What is shown first. */
  readonly view: Tab;
  /** Only these; empty: all. */
  readonly clusters: readonly string[];
}

/** Rejects with `hub-missing`, … before anything is drawn where there is nothing to watch. */
export async function watchFederation(options: WatchFederationOptions): Promise<void> {
  const { client, clusters, color, everyMs, open, signal, view } = options;
  const sight = await look(client, Date.now);
  checkKnown(sight.health, clusters);
  const store = new Store(FEDERATION_PANEL, initialModel(client.node, { clusters, view }));
  store.put({ kind: 'seen', sight });
  const watch = (leaving: AbortSignal): Promise<void> =>
    new FederationFeed({ emit: store.put, everyMs, now: Date.now, open, signal: leaving }).run(client);
  await show({ color, feed: watch, panel: FEDERATION_PANEL, signal, store });
}
