/** What stands where, for screens of all sizes. */
import { describe, expect, test } from 'vitest';
import { width } from '../../src/cli/table.ts';
import { frameOf, roomOf } from '../../src/tui/layout.ts';
import { type Model, update } from '../../src/tui/model.ts';
import type { Size } from '../../src/tui/panel.ts';
import { cut, fitted, plain } from '../../src/tui/text.ts';
import { member, seeing } from './sights.ts';

const roomy = { columns: 120, rows: 24 };
const texts = (model: Model, size: Size, now = 1400) => frameOf(model, size, now).map((line) => plain(line).trimEnd());
const act = (model: Model, action: 'open' | 'help' | 'down' | 'last' | 'pause' | 'filter', size: Size = roomy) =>
  update(model, { action, kind: 'action', ...roomOf(model, size) });

const functions = [
  { description: 'learns', name: 'train', resources: ['gpu'], version: '2.1.0' },
  { name: 'infer', resources: [], version: '1.0.0' },
];
const mesh = seeing(
  member('alpha', { record: { functions, region: 'eu', resources: ['gpu', 'data'] }, self: true }),
  member('beta', { linked: false, record: { load: 10 }, state: 'suspect' }),
);
const many = seeing(...Array.from({ length: 100 }, (_, i) => member(`node-${String(i).padStart(3, '0')}`)));

test('a wide screen shows everything', () => {
  const frame = texts(mesh, roomy);
  expect(frame.filter((text) => text !== '')).toEqual([
    'mpreg weather · as of 0.4 s ago · 1 alive, 1 suspect · asked: alpha',
    '  NAME↓    STATE       FOR  LOAD           LINK  ADDRESS             REGION   RESOURCES   FUNCTIONS  ID',
    '▸ alpha *  ● alive    61 s  ▓▓▓░░░░░░░ 3   -     ws://10.0.0.1:7405  eu       gpu,data            2  id-alpha',
    '  beta     ? suspect  61 s  ▓▓▓▓▓▓▓▓▓▓ 10  no    ws://10.0.0.1:7404  -        -                   0  id-beta',
    'EVENTS',
    '⏎ details  esc back  / filter  s sort: name  space pause  ? help  q quit',
  ]);
  expect(frame).toHaveLength(24);
  expect(frame.at(-1)).toContain('q quit');
});

test('a narrow screen keeps the name, then the state, then what tells most', () => {
  const header = (columns: number) => texts(mesh, { columns, rows: 10 })[1]?.trim().split(/\s+/);
  expect(header(60)).toEqual(['NAME↓', 'STATE', 'FOR', 'ADDRESS', 'FUNCTIONS']);
  expect(header(40)).toEqual(['NAME↓', 'STATE', 'FOR']);
  expect(header(24)).toEqual(['NAME↓', 'STATE']);
  expect(texts(mesh, { columns: 24, rows: 10 })[3]).toBe('  beta     ? suspect');
});

test('a low screen gives up events, then keys, then headings, and the title last', () => {
  const has = (rows: number) => {
    const frame = texts(mesh, { columns: 80, rows }).join('\n');
    return ['EVENTS', 'q quit', 'NAME', 'alpha *', 'mpreg'].filter((text) => frame.includes(text));
  };
  expect(has(16)).toEqual(['EVENTS', 'q quit', 'NAME', 'alpha *', 'mpreg']);
  expect(has(15)).toEqual(['q quit', 'NAME', 'alpha *', 'mpreg']);
  expect(has(5)).toEqual(['NAME', 'alpha *', 'mpreg']);
  expect(has(3)).toEqual(['alpha *', 'mpreg']);
  expect(has(1)).toEqual(['mpreg']);
});

test('no frame is higher or wider than the screen, whatever is on it', () => {
  const odd = seeing(
    member('日本のノード', { address: `ws://${'x'.repeat(300)}:1`, record: { resources: ['👩‍🔬🚀', 'y'.repeat(99)] } }),
    member('\u001b[2Jevil\nname', { record: { cluster: '\u001b]0;title\u0007' } }),
  );
  const lost = update(odd, { at: 0, kind: 'lost', reason: 'z'.repeat(200) });
  for (const model of [odd, lost, act(lost, 'open'), act(lost, 'help'), act(lost, 'filter')]) {
    for (const columns of [1, 2, 7, 20, 33, 80, 200]) {
      for (const rows of [1, 2, 3, 5, 8, 16, 40]) {
        const frame = frameOf(model, { columns, rows }, 100);
        expect(frame.length).toBeLessThanOrEqual(rows);
        for (const line of frame) {
          expect(width(plain(line))).toBeLessThanOrEqual(columns);
          expect(plain(line)).not.toMatch(/\p{Cc}/u);
        }
      }
    }
  }
});

describe('of a long list', () => {
  const size = { columns: 80, rows: 12 };
  const rows = (model: Model) => frameOf(model, size, 0).filter((line) => /node-\d/.test(plain(line)));

  test('only the rows that are seen are made, with the cursor among them', () => {
    expect(rows(many)).toHaveLength(9);
    let model = many;
    for (const wanted of ['node-001', 'node-002', 'node-003']) {
      model = act(model, 'down', size);
      expect(plain(rows(model).find(({ chosen }) => chosen) ?? { spans: [] })).toContain(wanted);
    }
    const last = act(many, 'last', size);
    expect(rows(last).map(plain).at(-1)).toContain('▸ node-099');
  });

  test('the screen knows how far it goes', () => {
    expect(roomOf(many, size)).toEqual({ length: 100, page: 9 });
  });
});

test('the age of the data is told, in tenths while they matter', () => {
  expect(texts(mesh, roomy, 1000)[0]).toContain('as of 0.0 s ago');
  expect(texts(mesh, roomy, 4200)[0]).toContain('as of 3.2 s ago');
  expect(texts(mesh, roomy, 13_600)[0]).toContain('as of 13 s ago');
  expect(texts(mesh, roomy, 900)[0]).toContain('as of 0.0 s ago');
});

test('a pause, a lost connection and a filter are told', () => {
  expect(texts(act(mesh, 'pause'), roomy)[0]).toContain('PAUSED');
  const lost = update(mesh, { at: 1000, kind: 'lost', reason: 'it does not answer' });
  expect(texts(lost, roomy, 3500)[1]).toBe(
    '! reconnecting: no connection to alpha for 2.5 s (it does not answer); trying the others',
  );
  const typing = update(act(mesh, 'filter'), { key: 'b', kind: 'typed' });
  const filtered = update(update(typing, { key: 'e', kind: 'typed' }), { key: 't', kind: 'typed' });
  const frame = texts(filtered, roomy);
  expect(frame[1]).toBe('/ bet▏ (1 of 2)');
  expect(frame.at(-1)).toBe('⏎ keep  esc clear');
  expect(texts(update(filtered, { key: 'x', kind: 'typed' }), roomy)).toContain('  no member fits the filter');
});

test('details tell what the node says of itself, what it has and how it is linked', () => {
  const open = act(mesh, 'open');
  expect(texts(open, roomy)).toContain('calls        not known: it does not answer');
  const snapshot = {
    calls: { held: 0, running: 2, waiting: 5 },
    generation: 1,
    health: 0,
    id: 'id-alpha',
    links: { clients: 4, peers: 3 },
    members: mesh.sight?.members ?? [],
    phase: 'running' as const,
    record: member('alpha').record as NonNullable<ReturnType<typeof member>['record']>,
  };
  const asked = update(open, { id: 'id-alpha', kind: 'inspected', snapshot });
  const frame = texts(asked, roomy);
  for (const text of [
    'name         alpha',
    'state        ● alive for 61 s',
    'link         this is the node that is asked',
    'region       eu',
    'calls        2 running, 5 waiting',
    'links        3 to nodes, 4 to clients',
    'sees         1 of 2 members alive',
    '  gpu',
    '  train@2.1.0  [gpu]  learns',
    '  infer@1.0.0',
  ]) {
    expect(frame).toContain(text);
  }
  const other = update(open, { id: 'id-beta', kind: 'inspected', snapshot });
  expect(texts(other, roomy)).toContain('calls        not known: it does not answer');
});

test('the newest events stand under the list, the newest first', () => {
  const left = { address: 'ws://b', id: 'id-beta', kind: 'member', name: 'beta', reason: 'it said goodbye' } as const;
  const first = update(mesh, { event: { ...left, at: 5, before: 'alive', state: 'suspect' }, kind: 'event' });
  const model = update(first, { event: { ...left, at: 6, before: 'suspect', state: 'left' }, kind: 'event' });
  const frame = texts(model, roomy);
  const at = frame.indexOf('EVENTS');
  expect(frame[at + 1]).toMatch(/^ {2}\d\d:\d\d:\d\d beta: suspect → left: it said goodbye$/);
  expect(frame[at + 2]).toMatch(/beta: alive → suspect/);
});

test('help names every key of the table', () => {
  const frame = texts(act(mesh, 'help'), roomy).join('\n');
  for (const text of ['↑ k', '↓ j', '⏎', 'esc', '/', 'space', 'q', 'sort', 'pause']) expect(frame).toContain(text);
});

test('text is cut where the screen counts columns, not where JavaScript counts units', () => {
  expect(cut('日本語', 5)).toBe('日本…');
  expect(cut('abc', 3)).toBe('abc');
  expect(cut('abcd', 3)).toBe('ab…');
  expect(fitted('ab', 4)).toBe('ab  ');
  expect(fitted('ab', 4, 'right')).toBe('  ab');
});
