/** The federation's screen: keys in, lines out. What they mean is the model's, how they look the layout's. */
import { useApp, useInput, useStdin, useWindowSize } from 'ink';
import { type ReactNode, useEffect, useState, useSyncExternalStore } from 'react';
import { Lines } from '../components/lines.tsx';
import { keyNames } from '../keymap.ts';
import { actionOf } from './keymap.ts';
import { frameOf, roomOf, type Size } from './layout.ts';
import type { FederationStore } from './store.ts';

export interface FederationScreenProps {
  readonly store: FederationStore;
  readonly color: boolean;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** In place of the terminal's own. */
  readonly size?: Size;
}

/** How often the age of the data is drawn anew. */
const TICK_MS = 200;

export function FederationScreen({ store, color, now, size: given }: FederationScreenProps): ReactNode {
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
      for (const name of keyNames(input, key)) press(store, name, size);
    },
    { isActive: isRawModeSupported },
  );
  return <Lines color={color} lines={frameOf(model, size, now())} />;
}

function press(store: FederationStore, key: string, size: Size): void {
  const model = store.get();
  if (model.typing && key !== 'ctrl-c' && key !== 'up' && key !== 'down') return store.put({ key, kind: 'typed' });
  const action = actionOf(key, model.view);
  if (action !== undefined) store.put({ action, kind: 'action', ...roomOf(model, size) });
}
