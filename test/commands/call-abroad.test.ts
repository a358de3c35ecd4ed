/** `mpreg call` in a federation of real hubs: who is asked is one thing, where it runs another. */
import { afterAll, expect, test } from 'vitest';
import { BUILT, World } from '../cli/mpreg.ts';
import { Clusters, reached } from '../host/federation/two-clusters.ts';

const world = new World(BUILT);
const clusters = new Clusters();
afterAll(async () => {
  await world.close();
  await clusters.close();
});

test('a cluster in the environment says who is asked, and the flag where it runs', async () => {
  const far = await clusters.node('far', 'far-hub', {
    hub: { mode: 'permissive' },
    inline: [{ name: 'paint', run: (colour: string) => `all ${colour}` }],
  });
  const links = [{ addresses: [far.url], cluster: 'far' }];
  const near = await clusters.node('near', 'near-hub', { hub: { links } });
  await reached(await clusters.client(near), 'far', 'paint');
  const call = (...args: string[]) => {
    return world.mpreg(['call', ...args], { env: { MPREG_CLUSTER: 'near', MPREG_URL: near.url } });
  };
  expect(await call('paint', 'red')).toMatchObject({ code: 0, stdout: 'all red\n' });
  expect(await call('paint', 'red', '--cluster', 'far')).toMatchObject({ code: 0, stdout: 'all red\n' });
  expect(await call('paint', '--', '--cluster')).toMatchObject({ code: 0, stdout: 'all --cluster\n' });
  const bound = await call('paint', 'red', '--cluster=near');
  expect(bound.code).toBe(3);
  expect(bound.stderr).toContain('With --cluster near it runs there or nowhere');
  expect(bound.stderr).toContain('mpreg federation explain paint');
});
