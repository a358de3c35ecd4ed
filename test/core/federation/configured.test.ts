import { expect, test } from 'vitest';
import { healthOf } from '../../../src/engine/core/federation/health.ts';
import { HubWorld } from './hub-world.ts';

test('a cluster that operators want and that was never seen is lost since they want it', () => {
  const world = new HubWorld([{ cluster: 'west', id: 'W', links: ['nowhere'] }]);
  world.run(7_000);
  const view = world.hub('W').view(world.now);
  expect(view.clusters.map(({ cluster, forMs, state }) => [cluster, state, forMs])).toContainEqual([
    'nowhere',
    'configured',
    7_000,
  ]);
  expect(healthOf(view).unreachable).toEqual([{ cluster: 'nowhere', forMs: 7_000 }]);
  const { config } = view;
  world
    .hub('W')
    .configure({ ...config, links: [...config.links, { addresses: ['ws://x:1'], cluster: 'other' }] }, world.now);
  world.run(1_000);
  const later = world
    .hub('W')
    .view(world.now)
    .clusters.map(({ cluster, forMs }) => [cluster, forMs]);
  expect(later).toEqual(
    expect.arrayContaining([
      ['nowhere', 8_000],
      ['other', 1_000],
    ]),
  );
});
