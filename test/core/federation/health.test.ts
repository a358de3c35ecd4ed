import { describe, expect, test } from 'vitest';
import { type Health, healthOf } from '../../../src/engine/core/federation/health.ts';
import type { FederationView } from '../../../src/engine/core/federation/view.ts';
import { but, cluster, hub, link, view } from './sights.ts';

const told = ({ reasons, score, state }: Health) =>
  [`${score} ${state}`, ...reasons.map(({ points, says }) => `-${points} ${says}`)].join('\n');
const clusterOf = (of: FederationView, id: string) =>
  told(healthOf(of).clusters.find((one) => one.cluster === id) as Health);
const linkOf = (of: FederationView) => told(healthOf(of).links[0] as Health);

test('a federation of which nothing is wrong has 100 points everywhere', () => {
  const { clusters, links, ...whole } = healthOf(view());
  expect(clusters.map((one) => [one.cluster, told(one)])).toEqual([
    ['east', '100 healthy'],
    ['mid', '100 healthy'],
    ['west', '100 healthy'],
  ]);
  expect(links.map((one) => [one.cluster, one.peer, told(one)])).toEqual([['mid', 'mid-1', '100 healthy']]);
  expect(whole).toMatchObject({ reasons: [], score: 100, state: 'healthy', unreachable: [] });
});

describe('a cluster', () => {
  const mid = { cluster: 'mid' };
  const link = { link: 'mid' };
  test.each<[string, FederationView, string]>([
    [
      'that cannot be reached is lost',
      but(mid, { forMs: 61_400, state: 'lost' }),
      '0 lost\n-100 no way leads there for 61 s',
    ],
    [
      'that was never seen is lost, too',
      but(mid, { forMs: 5_000, state: 'configured' }),
      '0 lost\n-100 it is configured and was never seen, for 5 s',
    ],
    [
      'with one hub hangs on it',
      but(mid, { hubs: ['mid-1'] }),
      '90 healthy\n-10 its only hub is all that joins it: a crash cuts it off',
    ],
    [
      'misses a hub that is gone',
      but({ hub: 'mid-2' }, { reachable: false }),
      '80 healthy\n-10 its last living hub is all that joins it: a crash cuts it off\n-10 mid-2 cannot be reached',
    ],
    ['does not miss a hub that has left', but({ hub: 'mid-2' }, { reachable: false, withdrawn: true }), '100 healthy'],
    [
      'is degraded where its link loses much',
      but(link, { loss: 0.11 }),
      '65 degraded\n-35 11% of echoes have no answer, more than 10%',
    ],
    ['may lose a little', but(link, { loss: 0.02 }), '100 healthy'],
    [
      'loses points where its link loses some',
      but(link, { loss: 0.021 }),
      '85 healthy\n-15 2.1% of echoes have no answer, more than 2%',
    ],
    [
      'is further away than it should be',
      but(link, { rttMs: 250 }),
      '85 healthy\n-15 a round trip takes 250 ms, more than the 134 ms that the distance explains',
    ],
    [
      'is much further away than it should be',
      but(link, { rttMs: 280 }),
      '70 degraded\n-30 a round trip takes 280 ms, more than the 134 ms that the distance explains',
    ],
    [
      'runs another version',
      but({ hub: 'mid-2' }, { software: '1.3.9' }),
      '95 healthy\n-5 it runs mpreg 1.3.9, older than 1.4.0 here',
    ],
    [
      'runs a version that may not understand',
      but({ hub: 'mid-2' }, { software: '2.0.0' }),
      '80 healthy\n-20 it runs mpreg 2.0.0, newer than 1.4.0 here',
    ],
    ['may run another patch', but({ hub: 'mid-2' }, { software: '1.4.9' }), '100 healthy'],
    [
      'has not been heard of for long',
      but({ hub: 'mid-1' }, { ageMs: 361_000 }),
      '90 healthy\n-10 what mid-1 says of itself is 361 s old',
    ],
    [
      'has not been heard of for very long',
      but({ hub: 'mid-1' }, { ageMs: 700_000 }),
      '70 degraded\n-30 what mid-1 says of itself is 700 s old',
    ],
    [
      'is reached over others where its own link is down',
      but(link, { reason: 'refused', state: 'waiting' }, but(mid, { way: ['east-1', 'mid-1'] })),
      '75 degraded\n-25 no direct link is up (refused); it is reached over 1 other hubs',
    ],
    [
      'is reached over others where the breaker of its own link is open',
      but(link, { breaker: 'open', state: 'open' }, but(mid, { way: ['east-1', 'mid-1'] })),
      '75 degraded\n-25 no direct link is up (their breaker is open); it is reached over 1 other hubs',
    ],
    ['is not ill because its link is drained', but(link, { state: 'drained' }), '100 healthy'],
  ])('%s', (_, seen, says) => expect(clusterOf(seen, 'mid')).toBe(says));

  test('of which too much is said is ill where that is not taken', () => {
    const refusal = {
      bytes: 140_000,
      bytesMax: 131_072,
      cluster: 'mid',
      hub: 'mid-1',
      limit: 'one',
      what: 'hub',
    } as const;
    expect(clusterOf(view({ refused: [refusal] }), 'mid')).toBe(
      '70 degraded\n-30 what mid says of its hub mid-1 is of 140000 bytes, more than the 131072 of one record: it is not taken here',
    );
    expect(clusterOf(view({ refused: [refusal] }), 'east')).toBe(clusterOf(view(), 'east'));
  });

  test('that nobody placed on the globe is compared with its network coordinates', () => {
    const far = but({ link: 'mid' }, { rttMs: 150 });
    const clusters = far.clusters.map(({ coordinates: _, ...one }) => one);
    expect(clusterOf({ ...far, clusters }, 'mid')).toBe(
      '85 healthy\n-15 a round trip takes 150 ms, more than the 80 ms that the distance explains',
    );
    const unknown = clusters.map(({ distanceMs: _, ...one }) => one);
    expect(clusterOf({ ...far, clusters: unknown }, 'mid')).toBe('100 healthy');
  });

  test('tells all that is wrong, the heaviest first, and cannot have less than nothing', () => {
    const ill = but(
      link,
      { loss: 0.5, rttMs: 900 },
      but({ hub: 'mid-1' }, { ageMs: 700_000, software: '2.0.0' }, but(mid, { hubs: ['mid-1'] })),
    );
    const { reasons, score, state } = healthOf(ill).clusters[1] as Health;
    expect([score, state]).toEqual([0, 'critical']);
    expect(reasons.map(({ points, what }) => [what, points])).toEqual([
      ['loss', 35],
      ['latency', 30],
      ['age', 30],
      ['version', 20],
      ['alone', 10],
    ]);
  });
});

describe('a link', () => {
  const mid = { link: 'mid' };
  test.each<[string, FederationView, string]>([
    [
      'that is drained is well, and says so',
      but(mid, { state: 'drained' }),
      '100 healthy\n-0 it is drained by its operators',
    ],
    [
      'whose breaker is open is lost',
      but(mid, { breaker: 'open', forMs: 12_000, reason: '5 failures', state: 'open' }),
      '0 lost\n-100 it is down for 12 s, its breaker is open: 5 failures',
    ],
    [
      'that has just gone down may come back',
      but(mid, { forMs: 9_990, reason: 'closed', state: 'waiting' }),
      '60 degraded\n-40 it is not up for 10 s: closed',
    ],
    [
      'that stays down is lost',
      but(mid, { forMs: 10_001, reason: 'refused', state: 'dialling' }),
      '0 lost\n-100 it is not up for 10 s: refused',
    ],
    [
      'that is being tried again is as lost as before',
      but(mid, { breaker: 'half-open', forMs: 12_000, state: 'dialling' }),
      '0 lost\n-100 it is down for 12 s, its breaker is half open: it is being tried again',
    ],
    [
      'that fails now and then is healthy, and says so',
      but(mid, { failures: 2 }),
      '92 healthy\n-8 2 failures in a row; its breaker opens at 5',
    ],
    [
      'that is slow and loses is degraded',
      but(mid, { loss: 0.05, rttMs: 300 }),
      '55 degraded\n-30 a round trip takes 300 ms, more than the 134 ms that the distance explains\n-15 5% of echoes have no answer, more than 2%',
    ],
  ])('%s', (_, seen, says) => expect(linkOf(seen)).toBe(says));
});

describe('the whole', () => {
  test('is critical while a part of it is out of reach, and says which and since when', () => {
    const split = but({ cluster: 'east' }, { forMs: 90_000, state: 'lost' });
    expect(healthOf(split)).toMatchObject({
      reasons: [{ points: 33, says: '1 of 2 other clusters cannot be reached: east', value: 1, what: 'lost' }],
      score: 67,
      state: 'critical',
      unreachable: [{ cluster: 'east', forMs: 90_000 }],
    });
  });

  test('is lost for a cluster that reaches nobody, which knows that it is cut off', () => {
    const alone = but(
      { cluster: 'east' },
      { forMs: 1, state: 'lost' },
      but({ cluster: 'mid' }, { forMs: 2, state: 'lost' }),
    );
    const health = healthOf(alone);
    expect([health.state, health.score]).toEqual(['lost', 13]);
    expect(health.unreachable).toEqual([
      { cluster: 'mid', forMs: 2 },
      { cluster: 'east', forMs: 1 },
    ]);
    expect(clusterOf(alone, 'west')).toBe('40 critical\n-60 none of the 2 other clusters can be reached');
  });

  test('is degraded by an ill link though all clusters are well', () => {
    const two = { ...view(), links: [link('mid'), link('mid', { breaker: 'half-open', hub: 'mid-2' })] };
    const health = healthOf(two);
    expect([health.score, health.state]).toEqual([100, 'degraded']);
  });

  test('of a cluster that is alone and knows of no other is well', () => {
    const alone = view({
      clusters: [cluster('west', { self: true, state: 'self' })],
      hubs: [hub('west-1')],
      links: [],
    });
    expect(told(healthOf(alone))).toBe('100 healthy');
  });

  test('is the same for the same view', () => {
    const seen = but({ link: 'mid' }, { loss: 0.3 });
    expect(healthOf(seen)).toEqual(healthOf(structuredClone(seen)));
  });
});
