/** How nodes come to know what each other listens to, where one has forgotten the other and not the other way round. */
import { expect, test } from 'vitest';
import { DEFAULT_TOPICS } from '../../../src/engine/core/topics/options.ts';
import { Mesh } from './mesh.ts';

test('interest is told to a node that does not ask, since it has known of it all the time', () => {
  const mesh = new Mesh(['a', 'b']);
  mesh.link('a', 'b');
  mesh.subscribe('b', ['order.#']);
  mesh.quiet();
  mesh.at('b').gone('a', mesh.now); // a was asleep, and never heard that
  mesh.at('b').linked('a', mesh.now);
  mesh.at('b').everywhere(7, mesh.now);
  mesh.quiet();
  mesh.pass(DEFAULT_TOPICS.retryMs);
  mesh.quiet();
  expect(mesh.everywhere).toEqual(['b 7']);
});
