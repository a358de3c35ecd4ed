import { expect, test } from 'vitest';
import { breakerOf } from '../../../src/engine/core/federation/breaker.ts';
import { HubWorld } from './hub-world.ts';

test('a link is left alone after the failures, tried after the timeout, and used again after the successes', () => {
  const breaker = breakerOf({ failureThreshold: 2, successThreshold: 2, timeoutMs: 60 });
  breaker.failed(0);
  expect(breaker.state).toBe('closed');
  breaker.failed(5);
  expect([breaker.state, breaker.permits(64), breaker.permits(65)]).toEqual(['open', false, true]);
  breaker.tried();
  breaker.succeeded(65);
  expect([breaker.state, breaker.permits(66)]).toEqual(['half-open', true]);
  breaker.tried();
  breaker.failed(70);
  expect([breaker.state, breaker.permittedAt]).toEqual(['open', 130]);
  for (const _ of [1, 2]) {
    breaker.tried();
    breaker.succeeded(130);
  }
  expect([breaker.state, breaker.failures]).toEqual(['closed', 0]);
});

test('a link whose breaker opened while it stood is used again once it answers, without a new one', () => {
  const breaker = { failureThreshold: 2, successThreshold: 2, timeoutMs: 3_000 };
  const world = new HubWorld([
    { breaker, cluster: 'west', id: 'W', links: ['east'] },
    { breaker, cluster: 'east', id: 'E', mode: 'permissive' },
  ]);
  world.run(5_000);
  world.cut('west', 'east');
  world.run(2_500);
  world.heal('west', 'east');
  world.run(20_000);
  const changes = world.events.flatMap(({ by, event }) => (by === 'W' && event.kind === 'bridge' ? event.change : []));
  expect(changes).toEqual(['up', 'open', 'half-open', 'closed']);
  world.send('W', 'E', 'hello');
  world.run(1_000);
  expect(world.delivered.map(({ text }) => text)).toEqual(['hello']);
});
