/** The screen with its keys, in a terminal of the test's own. */
import { EventEmitter } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { render as renderInk } from 'ink';
import { cleanup, render } from 'ink-testing-library';
import { createElement } from 'react';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { CLUSTER_PANEL } from '../../src/tui/cluster-panel.ts';
import type { Input, Model } from '../../src/tui/model.ts';
import { Screen } from '../../src/tui/screen.tsx';
import { TERMINAL } from '../../src/tui/show.ts';
import { Store } from '../../src/tui/store.ts';
import { member, seeing } from './sights.ts';

afterEach(cleanup);

const ESC = String.fromCharCode(27);
const soon = { interval: 10, timeout: 60_000 };
const size = { columns: 90, rows: 20 };

function open(color = false) {
  const store = new Store(
    CLUSTER_PANEL,
    seeing(member('alpha', { self: true }), member('beta', { state: 'suspect' }), member('gamma')),
  );
  const screen = render(<Screen color={color} now={() => 1500} panel={CLUSTER_PANEL} size={size} store={store} />);
  const frame = () => screen.lastFrame() ?? '';
  return {
    frame,
    /** Presses keys, and waits until the screen shows it. */
    press: async (keys: string, shows: string) => {
      screen.stdin.write(keys);
      await vi.waitFor(() => expect(frame()).toContain(shows), soon);
    },
    screen,
    store,
  };
}

describe('the keys', () => {
  test('move the cursor, open details, close them, and find help', async () => {
    const { press, frame } = open();
    await press('', '▸ alpha *');
    await press('j', '▸ beta');
    await press(`${ESC}[B`, '▸ gamma');
    await press('kk', '▸ alpha *');
    await press('j\r', 'name         beta');
    expect(frame()).toContain('state        ? suspect for 61 s');
    await press('?', 'Keys');
    await press(ESC, 'name         beta');
    await press(ESC, '▸ beta');
  });

  test('type a filter, in which they are letters', async () => {
    const { press, frame } = open();
    await press('/', '⏎ keep');
    await press('gq', '/ gq▏ (0 of 3)');
    await press(String.fromCharCode(127), '/ g▏ (1 of 3)');
    expect(frame()).toContain('▸ gamma');
    expect(frame()).not.toContain('beta');
    await press('\r', '/ g (1 of 3)');
    await press(ESC, '▸ gamma');
    await vi.waitFor(() => expect(frame()).toContain('beta'), soon);
  });

  test('sort and pause', async () => {
    const { press, store } = open();
    await press('s', 'STATE↓');
    await press(' ', 'PAUSED');
    store.put({ kind: 'seen', sight: { at: 1000, members: [member('alone')] } });
    await press('s', 'FOR↓');
    await press(' ', 'alone');
  });

  test.each([['q'], [String.fromCharCode(3)]])('end it with %j', async (key) => {
    const { screen, store } = open();
    await pause(20);
    screen.stdin.write(key);
    await vi.waitFor(() => expect(store.get().ended).toBe(true), soon);
  });
});

test('colour is there when wanted, and never alone', async () => {
  const { frame, press } = open(false);
  await press('', 'suspect');
  expect(frame()).not.toContain(ESC);
  expect(frame()).toContain('? suspect');
});

test('a flood of news is drawn at most ten times a second', async () => {
  const store = new Store(CLUSTER_PANEL, seeing(member('alpha')));
  let drawn = 0;
  const stdout = Object.assign(new EventEmitter(), {
    columns: 80,
    isTTY: true,
    rows: 24,
    write: (_: string, done?: () => void) => {
      done?.();
      return true;
    },
  });
  const screen = renderInk(
    createElement(Screen<Model, Input>, { color: false, now: () => 0, panel: CLUSTER_PANEL, size, store }),
    {
      ...TERMINAL,
      onRender: () => drawn++,
      stdin: Object.assign(new EventEmitter(), { isTTY: false }) as unknown as NodeJS.ReadStream,
      stdout: stdout as unknown as NodeJS.WriteStream,
    },
  );
  const began = performance.now();
  let news = 0;
  while (news <= 20 || performance.now() - began < 1000) {
    store.put({ kind: 'seen', sight: { at: ++news, members: [member(`node-${news}`)] } });
    await pause(5);
  }
  const seconds = (performance.now() - began) / 1000;
  screen.unmount();
  await screen.waitUntilExit();
  expect(drawn).toBeGreaterThan(1);
  expect(drawn).toBeLessThanOrEqual(Math.ceil(seconds * 10) + 2); // the first and the last come on top
});
