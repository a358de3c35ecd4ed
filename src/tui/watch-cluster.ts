/**
 * `cluster status --watch`: the members of the mesh on a whole terminal, until `q`, Ctrl-C or a signal.
 *
 * Whatever happens, the terminal is given back as it was: the alternate screen is left, the cursor shown, keys echoed.
 */
import type { Client } from '../engine/index.ts';
import { Feed } from './feed.ts';
import { initialModel, wanted } from './model.ts';
import { Store } from './store.ts';

export interface WatchOptions {
  readonly client: Client;
  /** Connects to the first of these that answers, or to any node of this machine where there are none. */
  readonly open: (urls: readonly string[]) => Promise<Client>;
  readonly color: boolean;
  readonly signal: AbortSignal;
}

/** How the terminal is used. `maxFps`: drawn at most so often in a second. */
export const TERMINAL = {
  alternateScreen: true,
  exitOnCtrlC: false,
  incrementalRendering: true,
  interactive: true,
  maxFps: 10,
  patchConsole: false,
} as const;

export async function watchCluster({ client, open, color, signal }: WatchOptions): Promise<void> {
  process.env['NODE_ENV'] ??= 'production'; // before React is loaded: its other build checks everything, and is slow
  const [{ render }, { createElement }, { Screen }] = await Promise.all([
    import('ink'),
    import('react'),
    import('./screen.tsx'),
  ]);
  const now = (): number => Date.now();
  const store = new Store(initialModel(client.node.name, client.node.url));
  const leaving = new AbortController();
  const feed = new Feed({
    emit: store.put,
    now,
    open,
    signal: leaving.signal,
    wanted: () => wanted(store.get()),
  });
  let looking: string | undefined;
  store.subscribe(() => {
    const looks = wanted(store.get());
    if (looks !== looking && looks !== undefined) feed.wake();
    looking = looks;
  });
  const feeding = feed.run(client);
  const screen = render(createElement(Screen, { color, now, store }), TERMINAL);
  signal.addEventListener('abort', () => screen.unmount(), { once: true });
  try {
    await Promise.race([screen.waitUntilExit(), feeding]);
  } finally {
    screen.unmount();
    leaving.abort();
    await feeding;
  }
}
