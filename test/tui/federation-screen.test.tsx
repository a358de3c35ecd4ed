/** The federation's screen with its keys, in a terminal of the test's own; and what feeds it, from a node that answers as a hub. */
import { cleanup, render } from 'ink-testing-library';
import { afterEach, expect, test, vi } from 'vitest';
import { connect } from '../../src/engine/index.ts';
import { FEDERATION_PANEL } from '../../src/tui/federation/federation-panel.ts';
import { FederationFeed, look } from '../../src/tui/federation/feed.ts';
import { initialModel } from '../../src/tui/federation/model.ts';
import { Screen } from '../../src/tui/screen.tsx';
import { Store } from '../../src/tui/store.ts';
import { hubLike } from '../commands/hub-like.ts';
import { but, view } from '../core/federation/sights.ts';
import { alert, seeing, sight } from './federation-sights.ts';

afterEach(cleanup);

const ESC = String.fromCharCode(27);
const soon = { interval: 10, timeout: 60_000 };
const size = { columns: 100, rows: 20 };

function open() {
  const store = new Store(
    FEDERATION_PANEL,
    seeing(sight(but({ cluster: 'mid' }, { hubs: ['mid-1'] }), [alert('lost:east')])),
  );
  const screen = render(<Screen color={false} now={() => 1_500} panel={FEDERATION_PANEL} size={size} store={store} />);
  const frame = () => screen.lastFrame() ?? '';
  return {
    frame,
    /** Presses keys, and waits until the screen shows it. */
    press: async (keys: string, shows: string) => {
      screen.stdin.write(keys);
      await vi.waitFor(() => expect(frame()).toContain(shows), soon);
    },
    store,
  };
}

test('digits and tab lead through the views, ⏎ in, esc back, ? to the help, which knows every key', async () => {
  const { frame, press } = open();
  await press('', '▸ mid');
  await press('\r', '-10  its only hub');
  await press(ESC, '▸ mid');
  await press('2', '[2 links]');
  await press('\t', '[3 tree]');
  expect(frame()).toContain('└─ ● mid');
  await press('4', '● west');
  await press('5', '▸ lost:east');
  await press('\r', 'mpreg federation alerts ack lost:east');
  await press('?', 'Keys');
  await press(ESC, 'mpreg federation alerts ack lost:east');
  await press('6', 'nothing has happened since this began');
  await press('1', '▸ mid');
  await press('j', '▸ east');
  await press('G', '▸ west *');
});

test('a filter is typed, in which keys are letters; sort turns to names; pause holds', async () => {
  const { frame, press, store } = open();
  await press('/', '⏎ keep');
  await press('eq', '/ eq▏ (0 of 3)');
  await press(String.fromCharCode(127), '/ e▏ (3 of 3)');
  await press('ast', '▸ east');
  expect(frame()).not.toContain('  mid ');
  await press('\r', '/ east (1 of 3)');
  await press(ESC, '▸ mid');
  await press('s', '▸ east');
  await press(' ', 'PAUSED');
  store.put({ kind: 'seen', sight: sight(view({ name: 'other' })) });
  expect(frame()).not.toContain('as other of');
  await press(' ', 'as other of');
  await press('q', '');
  await vi.waitFor(() => expect(store.get().ended).toBe(true), soon);
});

test('the feed asks each interval, wakes for events, and goes on with another node', async () => {
  const hub = await hubLike();
  const again: { close: () => Promise<unknown> }[] = [];
  const stop = new AbortController();
  try {
    const first = await connect({ urls: [hub.node.url] });
    const store = new Store(FEDERATION_PANEL, initialModel(first.node));
    const opened = async () => {
      const next = await hubLike('west-2');
      again.push({ close: () => next.node.kill() });
      return connect({ urls: [next.node.url] });
    };
    const told: string[] = [];
    const feed = new FederationFeed({
      emit: (input) => {
        told.push(input.kind);
        store.put(input);
      },
      everyMs: 60_000,
      now: () => 7,
      open: opened,
      signal: stop.signal,
    });
    const running = feed.run(first);
    await vi.waitFor(() => expect(store.get().sight?.health.state).toBe('healthy'), soon);
    hub.sight = but({ cluster: 'east' }, { forMs: 1_000, state: 'lost' });
    const telling = setInterval(
      () => hub.tell({ cluster: 'east', kind: 'cluster', reason: 'no way', state: 'lost' }),
      50,
    );
    await vi
      .waitFor(() => expect(store.get().sight?.health.state).toBe('critical'), soon)
      .finally(() => clearInterval(telling));
    expect(store.get().events[0]).toMatchObject({ cluster: 'east', reason: 'no way' });
    await hub.node.kill();
    await vi.waitFor(() => expect(told).toContain('lost'), soon);
    await vi.waitFor(
      () => expect(store.get()).toMatchObject({ connection: { kind: 'connected', name: 'west-2' } }),
      soon,
    );
    stop.abort();
    await running;
  } finally {
    stop.abort();
    await Promise.all([hub.node.kill(), ...again.map((one) => one.close())]);
  }
});

test('without a hub there is nothing to watch, which is said before anything is drawn', async () => {
  const hub = await hubLike();
  try {
    const client = await connect({ urls: [hub.node.url] });
    const members = await client.members();
    const none = {
      ...client,
      members: async () => members.map((one) => ({ ...one, record: undefined })),
      node: client.node,
    };
    await expect(look(none as never, () => 0)).rejects.toMatchObject({ problem: { code: 'hub-missing' } });
    await client.close();
  } finally {
    await hub.node.kill();
  }
});
