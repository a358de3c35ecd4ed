/** The screen: keys in, lines out. What they mean, and how they look, is the panel's. */
import { useApp, useInput, useStdin, useWindowSize } from 'ink';
import { type ReactNode, useEffect, useState, useSyncExternalStore } from 'react';
import { Lines } from './components/lines.tsx';
import { keyNames } from './keymap.ts';
import type { Panel, ScreenModel, Size } from './panel.ts';
import type { Store } from './store.ts';

export interface ScreenProps<Model extends ScreenModel, Input> {
  readonly panel: Panel<Model, Input>;
  readonly store: Store<Model, Input>;
  readonly color: boolean;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** In place of the terminal's own. */
  readonly size?: Size;
}

/** How often the age of the data is drawn anew. */
const TICK_MS = 200;

export function Screen<Model extends ScreenModel, Input>(props: ScreenProps<Model, Input>): ReactNode {
  const { panel, store, color, now, size: given } = props;
  const model = useSyncExternalStore(store.subscribe, store.get);
  const { exit } = useApp();
  const { isRawModeSupported } = useStdin();
  const terminal = useWindowSize();
  // One row less than there are: a terminal scrolls when its last one is written to the end.
  const size = given ?? { columns: terminal.columns, rows: Math.max(1, terminal.rows - 1) };
  const [, tick] = useState(0);

  useEffect(() => {
    const timer = setInterval(() => tick((count) => count + 1), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  useEffect(() => {
    if (model.ended) exit();
  }, [model.ended, exit]);
  useInput(
    (input, key) => {
      for (const name of keyNames(input, key)) {
        const meant = panel.pressed(store.get(), name, size);
        if (meant !== undefined) store.put(meant);
      }
    },
    { isActive: isRawModeSupported },
  );
  return <Lines color={color} lines={panel.frameOf(model, size, now())} />;
}
