/** `cluster status --watch`: the members of the mesh on a whole terminal. */
import type { Client } from '../engine/index.ts';
import { CLUSTER_PANEL } from './cluster-panel.ts';
import { Feed } from './feed.ts';
import { initialModel, wanted } from './model.ts';
import { show } from './show.ts';
import { Store } from './store.ts';

export interface WatchOptions {
  readonly client: Client;
  /** Connects to the first of these that answers, or to any node of this machine where there are none. */
  readonly open: (urls: readonly string[]) => Promise<Client>;
  readonly color: boolean;
  readonly signal: AbortSignal;
}

export async function watchCluster({ client, open, color, signal }: WatchOptions): Promise<void> {
  const store = new Store(CLUSTER_PANEL, initialModel(client.node.name, client.node.url));
  const watch = (leaving: AbortSignal): Promise<void> => {
    const feed = new Feed({
      emit: store.put,
      now: Date.now,
      open,
      signal: leaving,
      wanted: () => wanted(store.get()),
    });
    let looking: string | undefined;
    store.subscribe(() => {
      const looks = wanted(store.get());
      if (looks !== looking && looks !== undefined) feed.wake();
      looking = looks;
    });
    return feed.run(client);
  };
  await show({ color, feed: watch, panel: CLUSTER_PANEL, signal, store });
}
