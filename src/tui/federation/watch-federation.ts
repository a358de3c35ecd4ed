/**
 * `federation monitor health-watch` and `federation topology --watch`: the federation on a whole terminal, until `q`, Ctrl-C or a
 * signal. Whatever happens, the terminal is given back as it was.
 */
import type { Client } from '../../engine/index.ts';
import { TERMINAL } from '../watch-cluster.ts';
import { FederationFeed, look } from './feed.ts';
import type { Tab } from './keymap.ts';
import { initialModel } from './model.ts';
import { FederationStore } from './store.ts';

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
  process.env['NODE_ENV'] ??= 'production'; // before React is loaded: its other build checks everything, and is slow
  const now = (): number => Date.now();
  const [sight, { render }, { createElement }, { FederationScreen }] = await Promise.all([
    look(client, now),
    import('ink'),
    import('react'),
    import('./screen.tsx'),
  ]);
  const store = new FederationStore(initialModel(client.node, { clusters, view }));
  store.put({ kind: 'seen', sight });
  const leaving = new AbortController();
  const feed = new FederationFeed({ emit: store.put, everyMs, now, open, signal: leaving.signal });
  const feeding = feed.run(client);
  const screen = render(createElement(FederationScreen, { color, now, store }), TERMINAL);
  signal.addEventListener('abort', () => screen.unmount(), { once: true });
  try {
    await Promise.race([screen.waitUntilExit(), feeding]);
  } finally {
    screen.unmount();
    leaving.abort();
    await feeding;
  }
}
