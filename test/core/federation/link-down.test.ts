import { expect, test } from 'vitest';
import type { FederationEvent } from '../../../src/engine/core/federation/effects.ts';
import { type HealthReason, healthOf } from '../../../src/engine/core/federation/health.ts';
import { HubWorld } from './hub-world.ts';

const breaker = { failureThreshold: 2, successThreshold: 3, timeoutMs: 3_000 };

function pair(): HubWorld {
  const world = new HubWorld([
    { breaker, cluster: 'west', id: 'W', links: ['east'] },
    { breaker, cluster: 'east', id: 'E', mode: 'permissive' },
  ]);
  world.run(5_000);
  return world;
}

function link(world: HubWorld) {
  const view = world.hub('W').view(world.now);
  const seen = view.links[0];
  const [reason] = healthOf(view).links[0]?.reasons ?? ([] as readonly HealthReason[]);
  return { breaker: seen?.breaker, forMs: seen?.forMs ?? -1, says: reason?.says ?? '', state: seen?.state };
}

function changes(world: HubWorld): readonly string[] {
  const told = ({ event }: { readonly event: FederationEvent }) => (event.kind === 'bridge' ? event.change : []);
  return world.events.filter(({ by }) => by === 'W').flatMap(told);
}

test('a link is down since it went down, however often it is tried meanwhile', () => {
  const world = pair();
  world.kill('E');
  let before = -1;
  for (let second = 1; second <= 30; second++) {
    world.run(1_000);
    const { forMs, state } = link(world);
    expect([second, state !== 'up', forMs >= before + 1_000]).toEqual([second, true, true]);
    before = forMs;
  }
  expect(before).toBeGreaterThan(29_900);
});

test('a link over which nothing goes because its breaker is open is down since then, not since it was made', () => {
  const world = pair();
  world.run(60_000);
  world.cut('west', 'east');
  for (let turn = 0; turn < 100 && link(world).breaker === 'closed'; turn++) world.run(100);
  world.run(500);
  const { forMs, says, state } = link(world);
  expect([state, forMs < 2_000]).toEqual(['open', true]);
  expect(says).toMatch(/^it is down for 0\.\d s, its breaker is open: \d+ echoes were not answered$/);
  world.heal('west', 'east');
  world.run(20_000);
  expect(link(world)).toMatchObject({ breaker: 'closed', state: 'up' });
  expect(link(world).forMs).toBeGreaterThan(60_000);
});

test('each attempt of an open breaker is told as half-open', () => {
  const world = pair();
  world.kill('E');
  world.run(12_000);
  world.restart('E');
  world.run(20_000);
  const told = changes(world);
  expect(told.slice(0, 5)).toEqual(['up', 'down', 'open', 'half-open', 'open']);
  expect(told.slice(-3)).toEqual(['half-open', 'up', 'closed']);
  const tried = told.filter((change) => change === 'half-open').length;
  expect(tried).toBe(told.filter((change) => change === 'open').length);
});

test('an open breaker is tried once in each timeout, however long it has been open', () => {
  const world = pair();
  world.kill('E');
  world.run(600_000);
  const tried: number[] = [];
  for (let now = 0; now < 30_000; now++) {
    const before = changes(world).length;
    world.run(1);
    if (changes(world).slice(before).includes('half-open')) tried.push(now);
  }
  const between = tried.slice(1).map((at, i) => at - (tried[i] ?? 0));
  expect(between.length).toBeGreaterThan(5);
  // In this world nobody answers after one round trip.
  expect(new Set(between)).toEqual(new Set([breaker.timeoutMs + 20]));
});

test('a link whose breaker is half open says that it is tried again', () => {
  const world = pair();
  world.kill('E');
  world.run(12_000);
  world.restart('E');
  for (let turn = 0; turn < 100 && link(world).breaker !== 'half-open'; turn++) world.run(100);
  for (let turn = 0; turn < 100 && link(world).state !== 'open'; turn++) world.run(50);
  expect(link(world)).toMatchObject({ breaker: 'half-open', state: 'open' });
  expect(link(world).says).toMatch(/^it is down for 1\d s, its breaker is half open: it is being tried again$/);
});
