/** `federation health`, `topology`, `routes`, `explain`, `alerts`, `monitor`: as processes, against a node that answers as a hub. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { AlertView } from '../../src/engine/index.ts';
import { BUILT, ended, eventually, type Ran, World } from '../cli/mpreg.ts';
import { but, cluster, link, view } from '../core/federation/sights.ts';
import { dotStatements } from './dot.ts';
import { type HubLike, hubLike } from './hub-like.ts';

const world = new World(BUILT);
let hub: HubLike;

beforeAll(async () => {
  hub = await hubLike();
});
beforeEach(() => {
  hub.sight = view();
  hub.alerts = { alerts: [], channels: [], history: [] };
});
afterAll(async () => {
  await world.close();
  await hub.node.kill();
});

function mpreg(...args: string[]): Promise<Ran> {
  return world.mpreg(args, { env: { MPREG_URL: hub.node.url } });
}

const lost = () => but({ cluster: 'east' }, { forMs: 90_000, state: 'lost' });
const json = ({ stdout }: Ran) => JSON.parse(stdout) as unknown;
const lines = ({ stdout }: Ran) => stdout.replace(/\n$/, '').split('\n');

describe('health', () => {
  test('has a line for each cluster and link, and is found well', async () => {
    const ran = await mpreg('federation', 'health', '--exit-code');
    expect(ran).toMatchObject({ code: 0, stderr: 'healthy, 100 points, as west-1 sees it\n' });
    expect(lines(ran)).toEqual([
      'cluster\teast\t● healthy\t100\tregion-east\t120 ms\t',
      'cluster\tmid\t● healthy\t100\tregion-mid\t40 ms\t',
      'cluster\twest *\t● healthy\t100\tregion-west\t\t',
      'link\twest (west-1) ↔ mid (mid-1)\t● healthy\t100\t\t40 ms\t',
    ]);
  });

  test('says what this side cannot reach, and is found wanting', async () => {
    hub.sight = lost();
    const { code, stderr, stdout } = await mpreg('federation', 'health', '--exit-code');
    expect(code).toBe(8);
    expect(stdout).toContain('cluster\teast\t✕ lost\t0\tregion-east\t120 ms\t-100 no way leads there for 90 s\n');
    expect(stderr).toMatch(/cannot reach east for 90 s\nerror: not well: east is lost\n.*found-wanting/s);
    const quiet = await mpreg('federation', 'health', '--json', '--exit-code');
    expect([quiet.code, json(quiet)]).toMatchObject([8, { state: 'critical', unreachable: [{ cluster: 'east' }] }]);
    expect((await mpreg('federation', 'health', '--exit-code', '--clusters', 'mid,west')).code).toBe(0);
  });

  test('of a cluster that nobody knows is exit 3, and not well', async () => {
    const ran = await mpreg('federation', 'health', '--exit-code', '--clusters', 'mid,eats');
    expect(ran).toMatchObject({ code: 3, stdout: '' });
    expect(ran.stderr).toMatch(/west-1 knows no cluster eats.*Did you mean east\?/s);
    const watched = await mpreg('federation', 'monitor', 'health-watch', '--clusters', 'eats', '--count', '1');
    expect(watched).toMatchObject({ code: 3, stdout: '' });
  });

  test('is asked of a hub, whatever node one is connected to', async () => {
    const plain = await world.node(['--name', 'alone', '--peer', hub.node.url]);
    const asked = async () => world.mpreg(['federation', 'health', '--json'], { env: { MPREG_URL: plain.url } });
    expect(json(await eventually(asked, ({ code }) => code === 0))).toMatchObject({ name: 'west-1' });
    plain.child.kill('SIGTERM');
    await plain.ended;
  });

  test('of a cluster without hubs is exit 5, with the way out', async () => {
    const plain = await world.node(['--name', 'plain', '--cluster', 'other']);
    const ran = await world.mpreg(['federation', 'health', '--cluster', 'other'], { env: { MPREG_URL: plain.url } });
    expect(ran.code).toBe(5);
    expect(ran.stderr).toMatch(/hub-missing.*mpreg node start --hub/s);
  });
});

describe('topology', () => {
  test('is a tree', async () => {
    const { code, stdout } = await mpreg('federation', 'topology');
    expect(code).toBe(0);
    expect(stdout).toContain(
      [
        'region-mid',
        '└─ ● mid  The mid, 100 points, 3 nodes, 40 ms away',
        '   ├─ mid-1  ws://mid-1:9000',
        '   │  ├─ ↔ east  east-1  90 ms',
        '   │  └─ ↔ west  west-1  40 ms',
        '   └─ mid-2  ws://mid-2:9000',
      ].join('\n'),
    );
  });

  test('is a map of any width, with a legend', async () => {
    const { stdout } = await mpreg('federation', 'topology', '--format', 'map', '--width', '60');
    const map = stdout.split('\n');
    expect(map.slice(0, 12).every((row) => [...row].length <= 60)).toBe(true);
    expect(stdout).toMatch(/●.west.*●.mid/);
    expect(stdout).toContain('● west *  The west, region-west');
    expect(stdout).toContain('  mid ── east  90 ms');
  });

  test('is JSON, the same with --json and --format json', async () => {
    const topology = json(await mpreg('federation', 'topology', '--format', 'json'));
    expect(topology).toMatchObject({
      cluster: 'west',
      clusters: [
        { id: 'east' },
        { coordinates: { latitude: 38.9, longitude: -77.4 }, id: 'mid' },
        { id: 'west', self: true },
      ],
      hub: 'west-1',
      links: [
        { from: 'west', fromHub: 'west-1', loss: 0, ms: 40, state: 'up', to: 'mid', toHub: 'mid-1' },
        { from: 'mid', fromHub: 'mid-1', loss: null, ms: 90, state: 'up', to: 'east', toHub: 'east-1' },
      ],
      state: 'healthy',
    });
    expect(json(await mpreg('federation', 'topology', '--json'))).toEqual(topology);
  });

  test('is a graph for Graphviz, which reads it whatever names others chose', async () => {
    const odd = cluster('mean"; x [label="', { name: 'a\\" <b>\n]', region: '--> "' });
    hub.sight = view({
      clusters: [...view().clusters, odd],
      links: [link('mid'), link(odd.cluster, { state: 'waiting' })],
    });
    const { stdout } = await mpreg('federation', 'topology', '--format', 'dot');
    expect(stdout).toContain('"west" -- "mid" [label="40 ms"];');
    expect(dotStatements(stdout)).toEqual({ edges: 3, nodes: 4, subgraphs: 4 });
    if (existsSync('/usr/bin/dot')) execFileSync('/usr/bin/dot', ['-Tcanon'], { input: stdout });
  });
});

test('topology for Mermaid holds nothing that its grammar would read as more than a label', async () => {
  const odd = cluster('mean"]', { name: 'x"| --> "c1', region: 'end' });
  const unseen = cluster('never seen', { region: '' });
  hub.sight = view({
    clusters: [...view().clusters, odd, unseen],
    links: [link('mid'), link(odd.cluster, { state: 'open' })],
  });
  const [first, ...rest] = lines(await mpreg('federation', 'topology', '--format', 'mermaid'));
  expect(first).toBe('graph LR');
  const label = '"[\\p{L}\\p{N} .,:;%()/+#<>-]+"'; // an empty one is a fault of syntax there
  const statement = new RegExp(
    `^  (subgraph r\\d+\\[${label}\\]|end|  c\\d+\\[${label}\\]:::\\w+|c\\d+ (---|-\\.-)\\|${label}\\| c\\d+|classDef \\w+ stroke:\\w+)$`,
    'u',
  );
  for (const line of rest) expect(line).toMatch(statement);
  expect(rest).toContain('  c2 -.-|"breaker open"| c3');
  expect(rest.filter((line) => line.includes(':::'))).toHaveLength(5);
  expect(rest).toContain('  subgraph r4["no region"]');
});

describe('routes', () => {
  const west = { cluster: 'west', hub: 'west-1', name: 'west-1' };
  const mid = { cluster: 'mid', hub: 'mid-1', name: 'mid-1' };
  const east = { cluster: 'east', hub: 'east-1', name: 'east-1' };

  test('show each way with its cost and hops', async () => {
    hub.ways = [
      { cost: 40_000, hubs: [west, mid], kind: 'best', to: 'mid' },
      { cost: 130_000, hubs: [west, mid, east], kind: 'best', to: 'east' },
    ];
    const ran = await mpreg('federation', 'routes', '--hops', '2', '--avoid', 'x');
    expect(lines(ran)).toEqual([
      'mid\tbest\t40 ms\t1\twest-1 (west) → mid-1 (mid)',
      'east\tbest\t130 ms\t2\twest-1 (west) → mid-1 (mid) → east-1 (east)',
    ]);
    expect(hub.asked.get('routes')).toEqual({ avoid: ['x'], hops: 2 });
    expect(json(await mpreg('federation', 'routes', '--json'))).toEqual(hub.ways);
  });

  test('over a drained link say so, and not what it would cost', async () => {
    hub.ways = [{ cost: 2 ** 30 + 40, hubs: [west, mid], kind: 'best', to: 'mid' }];
    expect(lines(await mpreg('federation', 'routes'))).toEqual(['mid\tbest\tdrained\t1\twest-1 (west) → mid-1 (mid)']);
  });

  test('to where none leads are exit 3', async () => {
    hub.ways = [];
    const ran = await mpreg('federation', 'routes', '--to', 'east', '--hops', '1');
    expect(ran.code).toBe(3);
    expect(ran.stderr).toContain('no way leads to east within these limits');
  });
});

describe('explain', () => {
  test('tells of what the name is the name of', async () => {
    const ran = await mpreg('federation', 'explain', 'predict', '--loc', 'gpu');
    expect(ran.code).toBe(0);
    expect(lines(ran)).toEqual(['mid\tyes\t40 ms\thas it as function', 'mid\tyes\t40 ms\thas it as topic']);
    const one = await mpreg('federation', 'explain', 'predict', '--kind', 'topic', '--json');
    expect(json(one)).toMatchObject([
      { clusters: [{ cluster: 'mid', fits: true }], from: 'west', kind: 'topic', name: 'predict' },
    ]);
  });

  test('says why nobody fits, with exit 3', async () => {
    const ran = await mpreg('federation', 'explain', 'nothing');
    expect([ran.code, ran.stdout]).toEqual([3, 'mid\tno\t40 ms\thas nothing of that name\n']);
    expect(ran.stderr).toContain('no cluster in reach can take nothing');
  });
});

const alert: AlertView = {
  cluster: 'east',
  comparison: '>',
  id: 'lost:east',
  metric: 'cluster-lost',
  rule: 'lost',
  says: 'no way leads there',
  severity: 'critical',
  since: Date.now() - 60_000,
  state: 'firing',
  threshold: 0,
  told: ['log'],
  value: 5,
};

describe('alerts', () => {
  test('are listed, those that fire first, with what their channels do', async () => {
    const acknowledged = { at: 5, by: 'ann', note: 'at it' };
    const seen: AlertView = { ...alert, acknowledged, id: 'lost:mid', state: 'acknowledged' };
    const pending: AlertView = { ...alert, id: 'slow:mid', state: 'pending' };
    const channels = [{ delivered: 1, failed: 2, kind: 'webhook', name: 'hook', trouble: 'no answer' }] as const;
    hub.alerts = { alerts: [pending, seen, alert], channels, history: [] };
    const ran = await mpreg('federation', 'alerts', 'list', '--exit-code');
    expect(ran.code).toBe(8);
    expect(lines(ran)).toEqual(
      [
        'lost:east\tcritical\tfiring\t60 s\t5\tcluster-lost > 0\tlog\twest-1\tno way leads there',
        'lost:mid\tcritical\tacknowledged by ann\t60 s\t5\tcluster-lost > 0\tlog\twest-1\tat it',
      ].map((line) =>
        expect.stringMatching(
          new RegExp(`^${line.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replace('60 s', '\\d+ s')}$`),
        ),
      ),
    );
    expect(ran.stderr).toContain('hook of west-1 does not take alerts: no answer');
    expect(json(await mpreg('federation', 'alerts', 'list', '--all', '--json'))).toMatchObject({
      alerts: [{ hub: 'west-1', id: 'lost:east' }, { id: 'lost:mid' }, { id: 'slow:mid' }],
      channels: [{ hub: 'west-1', name: 'hook' }],
    });
  });

  test('are acknowledged by name', async () => {
    const ran = await mpreg('federation', 'alerts', 'ack', 'lost:east', '--by', 'ann', '--note', 'at it');
    expect(ran).toMatchObject({ code: 0, stdout: 'lost:east acknowledged by ann\n' });
    expect(hub.asked.get('ack')).toEqual({ alert: 'lost:east', by: 'ann', note: 'at it' });
  });

  test('have a history, newest first', async () => {
    const entry = { alert: 'lost:east', rule: 'lost', says: 'why', severity: 'critical', value: 5 } as const;
    const history = [
      { ...entry, at: 3_000, by: 'ann', change: 'acknowledged', note: 'at it' },
      { ...entry, at: 2_000, change: 'firing' },
      { at: 1_000, change: 'untold', says: 'hook: no answer' },
    ] as const;
    hub.alerts = { alerts: [], channels: [], history };
    expect(lines(await mpreg('federation', 'alerts', 'history'))).toEqual([
      '1970-01-01T00:00:03.000Z\tacknowledged by ann\tlost:east\tcritical\t5\twest-1\tat it',
      '1970-01-01T00:00:02.000Z\tfiring\tlost:east\tcritical\t5\twest-1\twhy',
      '1970-01-01T00:00:01.000Z\tuntold\t\t\t\twest-1\thook: no answer',
    ]);
    expect(
      json(await mpreg('federation', 'alerts', 'history', '--rule', 'lost', '--last', '1', '--json')),
    ).toMatchObject([{ at: 3_000 }]);
  });
});

describe('monitor', () => {
  test('health-watch prints a line per change where there is no terminal', async () => {
    const child = world.spawn(['federation', 'monitor', 'health-watch', '--interval', '0.1', '--json'], {
      env: { MPREG_URL: hub.node.url },
    });
    const seen: { kind: string; name: string; state: string; before: string | null }[] = [];
    const all = ended(child);
    const changed = new Promise<void>((resolve) => {
      let rest = '';
      child.stdout.on('data', (text: string) => {
        rest += text;
        const whole = rest.split('\n');
        rest = whole.pop() ?? '';
        seen.push(...whole.map((line) => JSON.parse(line)));
        if (seen.length === 5) hub.sight = lost();
        if (seen.some(({ before }) => before !== null)) resolve();
      });
    });
    await Promise.race([changed, all]);
    child.kill('SIGINT');
    expect((await all).code).toBe(130);
    expect(seen.slice(0, 5).map(({ before, kind, state }) => [kind, before, state])).toEqual([
      ['federation', null, 'healthy'],
      ['cluster', null, 'healthy'],
      ['cluster', null, 'healthy'],
      ['cluster', null, 'healthy'],
      ['link', null, 'healthy'],
    ]);
    expect(seen.slice(5)).toMatchObject([
      { before: 'healthy', kind: 'federation', name: 'west-1', state: 'critical' },
      { before: 'healthy', kind: 'cluster', name: 'east', reasons: ['no way leads there for 90 s'], state: 'lost' },
    ]);
  });

  test('health-watch ends after so many looks', async () => {
    const ran = await mpreg(
      'federation',
      'monitor',
      'health-watch',
      '--count',
      '2',
      '--interval',
      '100ms',
      '--clusters',
      'mid',
    );
    expect(ran.code).toBe(0);
    expect(lines(ran).map((line) => line.split('\t').slice(1))).toEqual([
      ['federation', 'west-1', 'healthy', '100'],
      ['cluster', 'mid', 'healthy', '100'],
      ['link', 'west (west-1) ↔ mid (ws://mid-1:9000)', 'healthy', '100'],
    ]);
  });

  test('metrics-watch prints a line for each hub each time', async () => {
    const ran = await mpreg('federation', 'monitor', 'metrics-watch', '--count', '2', '--interval', '0.1', '--json');
    const rows = lines(ran).map((line) => JSON.parse(line) as object);
    const about = { firing: 0, hub: 'west-1', links: 1, linksUp: 1, lost: 0, reachable: 2, rttMs: 40 };
    expect(rows).toMatchObject([
      { ...about, sent: null, totals: { sent: 10 } },
      { ...about, sent: 0 },
    ]);
    const text = await mpreg('federation', 'monitor', 'metrics-watch', '--count', '1');
    expect(text.stdout).toMatch(/^\S+\twest-1\t2\/2\t1\/1\t40 ms\t0%\t\t\t\t\t0\n$/);
  });

  test('events come as they happen', async () => {
    const child = world.spawn(['federation', 'monitor', 'events', '--kind', 'cluster', '--count', '1'], {
      env: { MPREG_URL: hub.node.url },
    });
    const telling = setInterval(() => {
      hub.tell({ change: 'up', cluster: 'mid', kind: 'bridge', peer: 'mid-1', reason: 'dialled' });
      hub.tell({ cluster: 'east', kind: 'cluster', reason: 'no way', state: 'lost' });
    }, 20);
    const ran = await ended(child).finally(() => clearInterval(telling));
    expect(ran).toMatchObject({ code: 0, stdout: '2023-11-14T22:13:20.000Z\tcluster\teast\tlost\tno way\n' });
  });
});

test('completion knows clusters and alerts', async () => {
  hub.alerts = { ...hub.alerts, alerts: [alert] };
  const complete = async (...words: string[]) =>
    lines(await world.mpreg(['complete', '--', 'federation', ...words], { env: { MPREG_URL: hub.node.url } })).map(
      (line) => line.split('\t')[0],
    );
  expect(await complete('routes', '--to', '')).toEqual(['east', 'mid', 'west']);
  expect(await complete('alerts', 'ack', '')).toEqual(['lost:east', 'lost']);
});
