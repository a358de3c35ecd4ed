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

test.each(['well', 'dead'])('a cluster that is %s is not missed once its link is taken away', (how) => {
  const world = new HubWorld([
    { cluster: 'west', id: 'W', links: ['east'] },
    { cluster: 'east', id: 'E', links: ['west'] },
  ]);
  world.run(5_000);
  if (how === 'dead') world.kill('E');
  world.run(30_000);
  const west = world.hub('W');
  const seen = () => west.view(world.now).clusters.map(({ cluster, state }) => [cluster, state]);
  expect(seen()).toContainEqual(['east', how === 'dead' ? 'lost' : 'reachable']);
  const { config } = west.view(world.now);
  west.configure({ ...config, links: [] }, world.now);
  world.run(1_000);
  expect(seen()).toEqual([['west', 'self']]);
  expect(healthOf(west.view(world.now))).toMatchObject({ state: 'healthy', unreachable: [] });
  west.configure(config, world.now);
  world.run(30_000);
  expect(seen()).toContainEqual(['east', how === 'dead' ? 'lost' : 'reachable']);
});
