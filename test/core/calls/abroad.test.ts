import { expect, test } from 'vitest';
import { done } from '../../../src/engine/core/base/outcome.ts';
import { Prng } from '../../../src/engine/core/base/prng.ts';
import { problem } from '../../../src/engine/core/base/problems.ts';
import type { Abroad } from '../../../src/engine/core/calls/abroad.ts';
import { Calls } from '../../../src/engine/core/calls/calls.ts';
import { DEFAULT_CALLS } from '../../../src/engine/core/calls/options.ts';
import { TestPlaces } from './places.ts';
import { plain } from './values.ts';

function machine(abroad: Abroad): Calls {
  return new Calls({
    abroad,
    address: () => 'ws://self',
    name: () => 'self',
    options: DEFAULT_CALLS,
    payload: plain,
    places: new TestPlaces(),
    prng: new Prng(1),
    self: 'self',
  });
}

const FAR = {
  fun: 'far',
  idempotent: false,
  kind: 'call',
  locs: [],
  payload: plain({ args: [] }),
  routed: false,
  timeoutMs: 60_000,
} as const;

test('a hub that knows nobody yet is not the last that is asked: a call goes on to the other hub of the cluster', () => {
  const hubs = ['h1', 'h2'];
  const abroad: Abroad = {
    isHome: () => true,
    places: (_, tried) =>
      done(
        hubs
          .filter((id) => !tried.includes(id))
          .map((id) => ({
            ...{ address: '', far: 'hub', fn: { version: '0.0.0' } },
            ...{ id, name: id, resources: new Set<string>(), suspect: false },
          })),
      ),
  };
  const calls = machine(abroad);
  const unknown = problem('function-unknown', 'no node in reach offers far');
  calls.request({ link: 1 }, { ...FAR, id: 7 }, 0);
  for (const hub of hubs) {
    const [sent] = calls.drain();
    expect(sent).toMatchObject({ kind: 'forward', message: { abroad: true, fun: 'far' }, to: hub });
    if (sent?.kind === 'forward') calls.answer(hub, { id: sent.message.id, kind: 'error', problem: unknown }, 1);
  }
  expect(calls.drain()).toMatchObject([{ kind: 'answer', message: { id: 7, kind: 'error', problem: unknown } }]);
});
