/**
 * Puts a panel onto the whole terminal, until `q`, Ctrl-C or a signal.
 *
 * Whatever happens, the terminal is given back as it was: the alternate screen is left, the cursor shown, keys echoed.
 */
import type { Panel, ScreenModel } from './panel.ts';
import type { Store } from './store.ts';

/** How the terminal is used. `maxFps`: drawn at most so often in a second. */
export const TERMINAL = {
  alternateScreen: true,
  exitOnCtrlC: false,
  incrementalRendering: true,
  interactive: true,
  maxFps: 10,
  patchConsole: false,
} as const;

export interface ShowOptions<Model extends ScreenModel, Input> {
  readonly panel: Panel<Model, Input>;
  readonly store: Store<Model, Input>;
  readonly color: boolean;
  readonly signal: AbortSignal;
  /** Brings what is to be seen into the store, until it is told to stop. */
  readonly feed: (leaving: AbortSignal) => Promise<void>;
}

export async function show<Model extends ScreenModel, Input>(options: ShowOptions<Model, Input>): Promise<void> {
  const { color, feed, panel, signal, store } = options;
  process.env['NODE_ENV'] ??= 'production'; // before React is loaded: its other build checks everything, and is slow
  const [{ render }, { createElement }, { Screen }] = await Promise.all([
    import('ink'),
    import('react'),
    import('./screen.tsx'),
  ]);
  const leaving = new AbortController();
  const feeding = feed(leaving.signal);
  const screen = render(createElement(Screen<Model, Input>, { color, now: Date.now, panel, store }), TERMINAL);
  signal.addEventListener('abort', () => screen.unmount(), { once: true });
  try {
    await Promise.race([screen.waitUntilExit(), feeding]);
  } finally {
    screen.unmount();
    leaving.abort();
    await feeding;
  }
}
