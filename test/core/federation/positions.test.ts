import { expect, test } from 'vitest';
import { type Birth, HubWorld } from './hub-world.ts';
import { median, PAIRS, REGIONS, rttMs } from './regions.ts';

/** Each region has links with three others: the one before it and two farther on. */
const BIRTHS: readonly Birth[] = REGIONS.map(({ name }, i) => ({
  cluster: name,
  mode: 'permissive',
  id: `hub ${String(i).padStart(2, '0')}`,
  links: [1, 5, 11].map((step) => REGIONS[(i + step) % REGIONS.length]?.name ?? ''),
}));

const indexOf = ({ id }: Birth) => Number(id.slice(4));

test('a hub tells how far clusters are with which it has no link, within a quarter in the middle', () => {
  const world = new HubWorld(BIRTHS, (a, b) => rttMs(indexOf(a), indexOf(b)) / 2);
  world.run(150_000);
  const views = BIRTHS.map(({ id }) => world.hub(id).view(world.now).clusters);
  const errors: number[] = [];
  for (const [a, b] of PAIRS) {
    const from = BIRTHS[a] as Birth;
    const to = BIRTHS[b] as Birth;
    if (from.links?.includes(to.cluster) || to.links?.includes(from.cluster)) continue;
    const told = views[a]?.find(({ cluster }) => cluster === to.cluster)?.distanceMs;
    expect(told).toBeDefined();
    errors.push(Math.abs((told ?? 0) - rttMs(a, b)) / rttMs(a, b));
  }
  expect(errors.length).toBeGreaterThan(100);
  expect(median(errors)).toBeLessThan(0.25);
});
