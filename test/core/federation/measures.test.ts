import { expect, test } from 'vitest';
import { healthOf } from '../../../src/engine/core/federation/health.ts';
import { measuresOf } from '../../../src/engine/core/federation/measures.ts';
import type { FederationView } from '../../../src/engine/core/federation/view.ts';
import { but, link, view } from './sights.ts';

function lines(seen: FederationView, failedPerMinute = 0): readonly string[] {
  const measures = measuresOf(seen, healthOf(seen), failedPerMinute);
  return measures.map(
    ({ cluster, metric, value }) => `${metric}${cluster === undefined ? '' : `:${cluster}`} ${value}`,
  );
}

test('each cluster but the own, each link and the whole are measured', () => {
  expect(lines(view(), 7)).toEqual([
    'link-down:mid 0',
    'link-failures:mid 0',
    'link-score:mid 100',
    'link-loss:mid 0',
    'link-rtt:mid 40',
    'cluster-lost:east 0',
    'cluster-score:east 100',
    'cluster-hubs:east 2',
    'cluster-nodes:east 3',
    'cluster-distance:east 120',
    'cluster-lost:mid 0',
    'cluster-score:mid 100',
    'cluster-hubs:mid 2',
    'cluster-nodes:mid 3',
    'cluster-distance:mid 40',
    'federation-failed 7',
    'federation-lost 0',
    'federation-score 100',
  ]);
});

test('of a cluster that is lost nothing else is known than for how long', () => {
  const lost = but({ cluster: 'east' }, { forMs: 9_000, state: 'lost' });
  const measured = lines(lost);
  expect(measured.filter((line) => line.includes(':east'))).toEqual(['cluster-lost:east 9000', 'cluster-score:east 0']);
  expect(measured).toContain('federation-lost 1');
});

test('what is well by one measure is not said to be ill for another reason', () => {
  const frail = but({ hub: 'mid-2' }, { reachable: false });
  const says = (metric: string) =>
    measuresOf(frail, healthOf(frail), 0).find((one) => one.cluster === 'mid' && one.metric === metric)?.says;
  expect(says('cluster-hubs')).toContain('its last living hub');
  expect([says('cluster-lost'), says('link-down')]).toEqual(['', '']);
});

test('of several links to one cluster the best counts, and a drained one not at all', () => {
  const down = link('mid', { forMs: 20_000, hub: 'mid-2', rttMs: 5, state: 'waiting' });
  const some = [down, link('mid', { loss: 0.5 }), link('mid', { rttMs: 60 }), link('east', { state: 'drained' })];
  expect(lines(view({ links: some })).filter((line) => line.startsWith('link-'))).toEqual([
    'link-down:mid 0',
    'link-failures:mid 0',
    'link-score:mid 100',
    'link-loss:mid 0',
    'link-rtt:mid 60',
  ]);
  expect(lines(view({ links: [down] })).filter((line) => line.startsWith('link-'))).toEqual([
    'link-down:mid 20000',
    'link-failures:mid 0',
    'link-score:mid 0',
  ]);
});

test('a hub that crashed is no living one', () => {
  const crashed = but({ hub: 'mid-2' }, { reachable: false });
  expect(lines(crashed)).toContain('cluster-hubs:mid 1');
  const says = healthOf(crashed).clusters.flatMap(({ reasons }) => reasons.map((reason) => reason.says));
  expect(says).toEqual(['its last living hub is all that joins it: a crash cuts it off', 'mid-2 cannot be reached']);
});

test('clusters and the whole are told by the living hub with the least id alone', () => {
  const second = view({ hub: 'west-2' });
  expect(lines(second).every((line) => line.startsWith('link-'))).toBe(true);
  const survivor = but({ hub: 'west-1' }, { reachable: false }, second);
  expect(lines(survivor)).toContain('federation-lost 0');
});
