import { describe, expect, test } from 'vitest';
import { deploy } from '../../../src/cli/federation/deploy.ts';
import type { FederationFile, FileCluster } from '../../../src/cli/federation/federation-schema.ts';
import { problemError } from '../../../src/engine/index.ts';
import { Towns } from './towns.ts';

const file: FederationFile = {
  clusters: ['aa', 'bb', 'cc'].map((id, n) => ({
    cluster_id: id,
    region: id,
    server_url: `ws://127.0.0.1:${7601 + n}`,
  })),
  federation: {},
  version: '1.0',
};

interface Options {
  readonly dryRun?: boolean;
  readonly note?: (text: string) => void;
  readonly partial?: boolean;
  readonly timeoutMs?: number;
}

function run(towns: Towns, options: Options = {}, given = file) {
  return deploy(given, {
    dryRun: false,
    name: 'f.json',
    note: () => undefined,
    open: towns.access,
    partial: false,
    signal: new AbortController().signal,
    software: '0.1.3',
    timeoutMs: 10_000,
    ...options,
  });
}

const linksOf = (towns: Towns) =>
  [...towns.towns.values()].map(({ config, id }) => `${id}: ${config.links.map(({ cluster }) => cluster).join(' ')}`);
const states = (report: Awaited<ReturnType<typeof run>>) =>
  report.clusters.map(({ cluster, state }) => `${cluster} ${state}`);

describe('a deployment', () => {
  test('brings every cluster to what the file says, and waits until the links are up; again, it changes nothing', async () => {
    const towns = new Towns('aa', 'bb', 'cc');
    const report = await run(towns);
    expect(states(report)).toEqual(['aa changed', 'bb changed', 'cc changed']);
    expect(linksOf(towns)).toEqual(['aa: bb cc', 'bb: aa cc', 'cc: aa bb']);
    expect(report.links).toEqual([
      { from: 'aa', rttMs: 1, state: 'up', to: 'bb' },
      { from: 'aa', rttMs: 1, state: 'up', to: 'cc' },
      { from: 'bb', rttMs: 1, state: 'up', to: 'cc' },
    ]);
    const again = await run(towns);
    expect(states(again)).toEqual(['aa unchanged', 'bb unchanged', 'cc unchanged']);
    expect([...towns.towns.values()].map(({ applied }) => applied)).toEqual([1, 1, 1]);
    expect(towns.open).toBe(0);
  });

  test('that is only tried says what would change, and changes nothing', async () => {
    const towns = new Towns('aa', 'bb', 'cc');
    const report = await run(towns, { dryRun: true });
    expect(report.clusters[0]?.changes.map(({ path }) => path)).toContain('links');
    expect(linksOf(towns)).toEqual(['aa: ', 'bb: ', 'cc: ']);
    expect(towns.open).toBe(0);
  });

  test.each<[string, (towns: Towns) => void, string, string]>([
    [
      'is not there',
      (towns) => Object.assign(towns.town('bb'), { there: false }),
      'nobody-there',
      'no node answered at bb',
    ],
    [
      'is another',
      (towns) => Object.assign(towns.town('bb'), { says: 'dd' }),
      'cluster-wrong',
      'the cluster dd, and not bb',
    ],
    [
      'runs another line',
      (towns) => Object.assign(towns.town('bb'), { software: '0.2.0' }),
      'version-unsupported',
      '0.2.0',
    ],
  ])('changes nothing anywhere where one cluster %s', async (_, spoil, code, says) => {
    const towns = new Towns('aa', 'bb', 'cc');
    spoil(towns);
    await expect(run(towns)).rejects.toMatchObject({
      problem: { code, message: expect.stringMatching(new RegExp(`^nothing was changed. bb: .*${says}`)) },
    });
    expect(linksOf(towns)).toEqual(['aa: ', 'bb: ', 'cc: ']);
    expect(towns.open).toBe(0);
  });

  test('in part goes on without a cluster that is not there, and waits for no link to it', async () => {
    const towns = new Towns('aa', 'bb', 'cc');
    towns.town('bb').there = false;
    const report = await run(towns, { partial: true });
    expect(states(report)).toEqual(['aa changed', 'bb missing', 'cc changed']);
    expect(report.clusters[1]?.problem?.code).toBe('nobody-there');
    expect(report.links.map(({ from, state, to }) => `${from}-${to} ${state}`)).toEqual(['aa-cc up']);
    expect(linksOf(towns)).toEqual(['aa: bb cc', 'bb: ', 'cc: aa bb']); // it is expected back
    towns.town('bb').there = true;
    expect(states(await run(towns))).toEqual(['aa unchanged', 'bb changed', 'cc unchanged']);
  });

  test('says which hubs there are where a cluster has fewer than the file, and goes on', async () => {
    const notes: string[] = [];
    const [first, ...others] = file.clusters;
    const clusters = [{ ...(first as FileCluster), hubs: [{ server_url: 'ws://127.0.0.1:7699' }] }, ...others];
    const report = await run(new Towns('aa', 'bb', 'cc'), { note: (text) => notes.push(text) }, { ...file, clusters });
    expect(states(report)).toEqual(['aa changed', 'bb changed', 'cc changed']);
    expect(notes).toEqual(['aa: of its 2 hubs there is aa-hub-1; others learn what was deployed when they come']);
  });

  test('does no harm to another of the same file that runs at the same time', async () => {
    const towns = new Towns('aa', 'bb', 'cc');
    const reports = await Promise.all([run(towns), run(towns)]);
    expect(reports.flatMap(({ links }) => links.map(({ state }) => state))).toEqual(Array(6).fill('up'));
    expect([...towns.towns.values()].map(({ applied }) => applied)).toEqual([1, 1, 1]);
    const other = { ...file, federation: { mode: 'permissive' as const } };
    const [first, second] = await Promise.allSettled([run(towns, {}, other), run(towns, {}, { ...file, links: [] })]);
    expect([first.status, second.status]).toContain('rejected');
  });

  test('puts the others back as they were where one refuses midway', async () => {
    const towns = new Towns('aa', 'bb', 'cc');
    towns.town('cc').refuses = problemError('store-failed', 'the disk is full');
    await expect(run(towns)).rejects.toMatchObject({
      problem: { code: 'store-failed', message: 'cc: the disk is full; the others are as they were' },
    });
    expect(linksOf(towns)).toEqual(['aa: ', 'bb: ', 'cc: ']);
    expect(towns.town('aa').applied).toBe(2);
  });

  test('puts back also where nobody knows whether it was applied', async () => {
    const towns = new Towns('aa', 'bb', 'cc');
    towns.town('cc').mute = true;
    await expect(run(towns)).rejects.toMatchObject({ problem: { code: 'link-lost' } });
    // Its answers are lost, and what they answer is done all the same.
    expect(linksOf(towns)).toEqual(['aa: ', 'bb: ', 'cc: ']);
  });

  test('says what it could not put back', async () => {
    const towns = new Towns('aa', 'bb', 'cc');
    towns.town('cc').refuses = problemError('store-failed', 'the disk is full');
    const { town } = { town: towns.town('aa') };
    const apply = town.apply.bind(town);
    town.apply = (ask) => {
      if (town.applied > 0 && ask.dryRun !== true) throw problemError('nobody-there', 'it is gone');
      return apply(ask);
    };
    await expect(run(towns)).rejects.toThrow('these could not be put back: aa (it is gone)');
    expect(linksOf(towns)).toEqual(['aa: bb cc', 'bb: ', 'cc: ']);
  });

  test('in part keeps what was applied where one refuses', async () => {
    const towns = new Towns('aa', 'bb', 'cc');
    towns.town('cc').refuses = problemError('store-failed', 'the disk is full');
    expect(states(await run(towns, { partial: true }))).toEqual(['aa changed', 'bb changed', 'cc failed']);
  });

  test('touches nothing that somebody else has changed meanwhile', async () => {
    const towns = new Towns('aa', 'bb', 'cc');
    const town = towns.town('bb');
    const apply = town.apply.bind(town);
    town.apply = (ask) => {
      const done = apply(ask);
      if (ask.dryRun) town.config = { ...town.config, version: 7 };
      return done;
    };
    await expect(run(towns)).rejects.toMatchObject({ problem: { code: 'exists-already' } });
    expect(linksOf(towns)).toEqual(['aa: ', 'bb: ', 'cc: ']);
  });

  test('reports links that do not come up in time, with the reason', async () => {
    const towns = new Towns('aa', 'bb', 'cc');
    const town = towns.town('cc');
    Object.defineProperty(town, 'there', { get: () => town.applied === 0 }); // it goes as soon as it is changed
    const { links } = await run(towns, { timeoutMs: 300 });
    expect(links).toContainEqual({ from: 'aa', reason: 'aa-hub-1: nobody answers', state: 'waiting', to: 'cc' });
    expect(links).toContainEqual({ from: 'aa', rttMs: 1, state: 'up', to: 'bb' });
  });

  test('waits for no message over a link that is drained', async () => {
    const towns = new Towns('aa', 'bb', 'cc');
    const links = [
      { drained: true, from: 'aa', to: 'bb' },
      { from: 'bb', to: 'cc' },
    ];
    const report = await run(towns, {}, { ...file, links });
    expect(report.links.map(({ state }) => state)).toEqual(['drained', 'up']);
  });
});
