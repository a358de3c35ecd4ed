/** What stands on the federation's screen: pure, from the model to lines. */
import { describe, expect, test } from 'vitest';
import { width } from '../../src/cli/table.ts';
import { TABS } from '../../src/tui/federation/keymap.ts';
import { frameOf, roomOf } from '../../src/tui/federation/layout.ts';
import { type Model, update } from '../../src/tui/federation/model.ts';
import { mapRows, worldMap } from '../../src/tui/federation/world-map.ts';
import type { Size } from '../../src/tui/panel.ts';
import { plain } from '../../src/tui/text.ts';
import { but, cluster, link, view } from '../core/federation/sights.ts';
import { alert, seeing, sight } from './federation-sights.ts';

const wide: Size = { columns: 110, rows: 14 };
const frame = (model: Model, size = wide) =>
  frameOf(model, size, 1_500)
    .map(plain)
    .map((line) => line.trimEnd());
const act = (model: Model, action: 'open' | 'help' | 'map' | 'alerts' | 'events' | 'pause' | 'sort') =>
  update(model, { action, kind: 'action', length: 3, page: 3 });
const lost = () => but({ cluster: 'east' }, { forMs: 90_000, state: 'lost' });

test('a split federation is told at a glance, the worst cluster first', () => {
  expect(frame(seeing(sight(lost(), [alert('lost:east')])))).toEqual([
    'mpreg federation · ! critical 67 · as of 0.5 s ago · as west-1 of west sees it',
    '[1 clusters]  2 links   3 tree   4 map   5 alerts (1)   6 events',
    '✕ this side cannot reach east for 90 s',
    '  CLUSTER  STATE      SCORE           REGION       HUBS  NODES    AWAY  WHY',
    expect.stringMatching(/^▸ east +✕ lost +░░░░░░░░░░ 0 +region-east +2 +3 +120 ms +no way leads there for 90 s$/),
    expect.stringMatching(/^ {2}mid +● healthy +▓▓▓▓▓▓▓▓▓▓ 100 +region-mid +2 +3 +40 ms$/),
    expect.stringMatching(/^ {2}west \* +● healthy +▓▓▓▓▓▓▓▓▓▓ 100 +region-west +2 +3$/),
    ...['', '', '', '', '', ''],
    'tab next view  ⏎ why  esc back  / filter  s sort: score  space pause  ? help  q quit',
  ]);
});

test('the reasons of a cluster stand in its details, each with what was measured', () => {
  const details = frame(act(seeing(sight(lost())), 'open'));
  expect(details).toContain('state        ✕ lost, 0 points for 90 s');
  expect(details).toContain('hub          east-1  ws://east-1:9000  mpreg 1.4.0');
  expect(frame(act(seeing(sight(lost())), 'open'), { columns: 110, rows: 30 })).toContain(
    '  -100 no way leads there for 90 s  (lost: 90000, threshold 0)',
  );
});

test('links, alerts and events have lists of their own', () => {
  const ill = but({ link: 'mid' }, { loss: 0.2 });
  const links = frame(seeing(sight(ill), { view: 'links' }));
  expect(links[3]).toMatch(/^▸ mid +◐ degraded +up +60 s +40 ms +20% +▓▓▓▓▓▓▓░░░ 65 +west-1 +mid-1/);
  const acknowledged = { at: 5, by: 'ann', note: 'cable cut' };
  const alerts = [alert('lost:east'), alert('slow:mid', { acknowledged, severity: 'warning', state: 'acknowledged' })];
  const listed = frame(act(seeing(sight(view(), alerts)), 'alerts'));
  expect(listed.slice(3, 5)).toEqual([
    expect.stringMatching(/^▸ lost:east +critical +firing +2 s +west-1 +no way leads there for 90 s$/),
    expect.stringMatching(/^ {2}slow:mid +warning +acknowledged by ann +2 s +west-1 +cable cut$/),
  ]);
  const event = { at: 3_600_000, cluster: 'east', kind: 'cluster', reason: 'no way', state: 'lost' } as const;
  const told = update(act(seeing(), 'events'), { event, kind: 'event' });
  expect(frame(told)[3]).toMatch(/^▸ 01:00:00 +cluster lost +east +no way$/);
});

test('the map stands above what it cannot say', () => {
  const lines = frame(seeing(sight(), { view: 'map' }), { columns: 80, rows: 24 });
  expect(lines.some((line) => /●.west/.test(line))).toBe(true);
  expect(lines.join('\n')).toMatch(/● east {2}The east, region-east\n● mid/);
});

test('only the clusters that were asked for are listed', () => {
  const some = frame(seeing(sight(lost()), { clusters: ['mid'] }));
  expect(some.join('\n')).not.toContain('east');
  expect(some.join('\n')).toContain('▸ mid');
});

test('while it is paused nothing moves but the age', () => {
  const paused = act(seeing(), 'pause');
  const later = update(paused, { kind: 'seen', sight: sight(lost(), [], 1_400) });
  expect(frame(later)).toEqual(frame(paused));
  expect(frame(later)[0]).toContain('PAUSED');
  expect(frame(act(later, 'pause')).join('\n')).toContain('cannot reach east');
});

test('a lost connection is told, and what was seen stays', () => {
  const gone = update(seeing(), { at: 1_000, kind: 'lost', reason: 'it was killed' });
  expect(frame(gone)[2]).toBe('! reconnecting: no connection to west-1 for 0.5 s (it was killed); trying the others');
  expect(frame(gone).join('\n')).toContain('▸ east');
});

describe('whatever the size,', () => {
  const many = Array.from({ length: 40 }, (_, at) =>
    cluster(`cluster-\u001b[2J${at}-東京`, { coordinates: { latitude: at * 2, longitude: at * 9 - 180 } }),
  );
  const seen = sight(view({ clusters: [...view().clusters, ...many], links: many.map((one) => link(one.cluster)) }), [
    alert('a:b'),
  ]);
  const sizes = [1, 2, 3, 5, 8, 13, 24, 50].flatMap((rows) =>
    [1, 2, 7, 20, 40, 80, 200].map((columns) => ({ columns, rows })),
  );
  test.each([...TABS, 'help', 'details'] as const)('%s fits, and nothing in it moves the cursor', (where) => {
    const model =
      where === 'help'
        ? act(seeing(seen), 'help')
        : where === 'details'
          ? act(seeing(seen), 'open')
          : seeing(seen, { view: where });
    for (const size of sizes) {
      const lines = frameOf(model, size, 2_000);
      expect(lines.length).toBeLessThanOrEqual(size.rows);
      for (const line of lines) {
        expect(width(plain(line))).toBeLessThanOrEqual(size.columns);
        expect(plain(line)).not.toContain('\u001b');
      }
      const { length, page } = roomOf(model, size);
      expect(page).toBeLessThanOrEqual(size.rows);
      expect(length).toBeGreaterThanOrEqual(0);
    }
  });
});

describe('the map', () => {
  const { topology } = sight();
  const rows = (columns: number, of = topology) => worldMap(of, { columns, rows: 200 }).map(plain);

  test.each([10, 37, 80, 160, 300])('is %i columns wide, and as high as the world is', (columns) => {
    const map = rows(columns);
    expect(map).toHaveLength(mapRows(columns));
    for (const line of map) expect(width(line)).toBe(columns);
  });

  test('is narrower where it would be too high', () => {
    const map = worldMap(topology, { columns: 160, rows: 10 }).map(plain);
    expect(map.length).toBeLessThanOrEqual(10);
    expect(map.every((line) => width(line) <= 52)).toBe(true);
  });

  test('has land where land is, and sea where sea is', () => {
    const at = (map: readonly string[], latitude: number, longitude: number): string => {
      const row = Math.floor(((84 - latitude) / 140) * map.length);
      return [...(map[row] ?? '')][Math.floor(((longitude + 180) / 360) * 120)] ?? '';
    };
    const map = rows(120, { ...topology, clusters: [], links: [] });
    const land = [
      [48, 20],
      [40, -100],
      [-25, 135],
      [0, 25],
      [60, 100],
      [-10, -55],
      [25, 78],
    ] as const;
    const sea = [
      [0, -150],
      [30, -45],
      [-30, 80],
      [-40, -20],
      [0, -25],
      [10, 65],
    ] as const;
    for (const [latitude, longitude] of land) expect(at(map, latitude, longitude)).toMatch(/[\u2801-\u28ff]/);
    for (const [latitude, longitude] of sea) expect(at(map, latitude, longitude)).toBe(' ');
  });

  test('has a sign at each place, also at the edges, and its name beside it where there is room', () => {
    const edges = [
      cluster('nw', { coordinates: { latitude: 90, longitude: -180 } }),
      cluster('se', { coordinates: { latitude: -90, longitude: 180 } }),
      cluster('fiji', { coordinates: { latitude: -17, longitude: 179.9 }, state: 'lost' }),
      cluster('nowhere'),
    ];
    const map = rows(80, sight(view({ clusters: edges, hubs: [], links: [] })).topology);
    expect(map[0]?.startsWith('● nw')).toBe(true);
    expect(map.at(-1)?.startsWith('● se')).toBe(true);
    expect(map.some((line) => line.endsWith('fiji ✕'))).toBe(true);
    expect(map.join('\n')).not.toContain('nowhere');
  });

  test('draws the short way over the Pacific, broken where the link is', () => {
    const tokyo = cluster('tokyo', { coordinates: { latitude: 35.7, longitude: 139.7 } });
    const to = (state: 'up' | 'waiting') => {
      const seen = view({ clusters: [...view().clusters, tokyo], edges: [], links: [link('tokyo', { state })] });
      return worldMap(sight(seen).topology, { columns: 120, rows: 60 });
    };
    const dots = (lines: ReturnType<typeof to>, style: string) =>
      lines.flatMap(({ spans }) => {
        let at = 0;
        return spans.flatMap((span) => {
          const from = at;
          at += width(span.text);
          return span.style === style ? Array.from({ length: width(span.text) }, (_, i) => from + i) : [];
        });
      });
    const way = dots(to('up'), 'cyan');
    expect(way.length).toBeGreaterThan(20);
    expect(way.every((column) => column < 25 || column > 100)).toBe(true);
    const broken = dots(to('waiting'), 'red');
    expect(broken.length).toBeGreaterThan(10);
    expect(broken.length).toBeLessThanOrEqual(way.length);
  });
});
