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

/** A node that is no hub, and knows these. */
function hubs(...ids: readonly string[]): Abroad {
  return {
    isHome: () => true,
    isNew: () => false,
    places: (_, tried) =>
      done(
        ids
          .filter((id) => !tried.includes(id))
          .map((id) => ({
            ...{ address: '', far: 'hub', fn: { version: '0.0.0' } },
            ...{ id, name: id, resources: new Set<string>(), suspect: false },
          })),
      ),
  };
}

/** Who gets the call now, under which id. */
function sent(calls: Calls): readonly { readonly to: string; readonly id: number }[] {
  return calls
    .drain()
    .flatMap((effect) =>
      effect.kind === 'forward' && effect.message.kind === 'call' ? { id: effect.message.id, to: effect.to } : [],
    );
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
  const calls = machine(hubs('h1', 'h2'));
  const unknown = problem('function-unknown', 'no node in reach offers far');
  calls.request({ link: 1 }, { ...FAR, id: 7 }, 0);
  for (const hub of ['h1', 'h2']) {
    const [sent] = calls.drain();
    expect(sent).toMatchObject({ kind: 'forward', message: { abroad: true, fun: 'far' }, to: hub });
    if (sent?.kind === 'forward') calls.answer(hub, { id: sent.message.id, kind: 'error', problem: unknown }, 1);
  }
  expect(calls.drain()).toMatchObject([{ kind: 'answer', message: { id: 7, kind: 'error', problem: unknown } }]);
});

test('what a hub says may be repeated goes to another one when that hub is lost', () => {
  const calls = machine(hubs('h1', 'h2'));
  calls.request({ link: 1 }, { ...FAR, id: 7 }, 0);
  const [first] = sent(calls);
  calls.placed('h1', { id: first?.id ?? 0, idempotent: true, kind: 'placed' });
  calls.losses.broken('h1', 'h1', 'it was killed', 5);
  const [second] = sent(calls);
  expect(second?.to).toBe('h2');
  calls.answer('h2', { by: 'x', id: second?.id ?? 0, kind: 'result', payload: plain(1) }, 9);
  expect(calls.drain()).toMatchObject([{ message: { id: 7, kind: 'result' } }]);
});

test.each<[string, (calls: Calls, id: number) => void]>([
  ['of which no hub says that it may be', () => {}],
  [
    'that may be no more',
    (calls, id) => {
      calls.placed('h1', { id, idempotent: true, kind: 'placed' });
      calls.placed('h1', { id, idempotent: false, kind: 'placed' });
    },
  ],
  ['of which somebody else says so', (calls, id) => calls.placed('h2', { id, idempotent: true, kind: 'placed' })],
  [
    'of which an item has come',
    (calls, id) => {
      calls.placed('h1', { id, idempotent: true, kind: 'placed' });
      calls.answer('h1', { id, kind: 'item', payload: plain(0) }, 2);
      calls.placed('h1', { id, idempotent: true, kind: 'placed' });
    },
  ],
])('a call is not repeated %s: it may have run', (_, say) => {
  const calls = machine(hubs('h1', 'h2'));
  calls.request({ link: 1 }, { ...FAR, id: 7 }, 0);
  say(calls, sent(calls)[0]?.id ?? 0);
  calls.drain();
  calls.losses.broken('h1', 'h1', 'it was killed', 5);
  const [answer, ...rest] = calls.drain();
  expect(answer).toMatchObject({ kind: 'answer', message: { id: 7, kind: 'error', problem: { code: 'link-lost' } } });
  expect(answer?.kind === 'answer' && answer.message.kind === 'error' && answer.message.problem).not.toHaveProperty(
    'soon',
  );
  expect(rest).toEqual([]);
});

test('a call waits for the only hub, which is asked again and again, and not for ever', () => {
  const calls = machine(hubs('h1'));
  calls.request({ link: 1 }, { ...FAR, id: 7, idempotent: true }, 0);
  const asked: number[] = [];
  let answer: unknown;
  for (let now = 1; now < 60_000 && answer === undefined; now++) {
    calls.advance(now);
    for (const effect of calls.drain()) {
      if (effect.kind === 'answer') answer = effect.message;
      else asked.push(now);
    }
    calls.losses.broken('h1', 'h1', 'it is away', now);
  }
  expect(asked.length).toBeGreaterThan(5);
  expect(asked.at(-1)).toBeLessThanOrEqual(1 + DEFAULT_CALLS.awayMs);
  expect(answer).toMatchObject({ id: 7, kind: 'error', problem: { code: 'link-lost' } });
});

test('a call that another node has given to this one does not wait here: that one knows other hubs', () => {
  const calls = machine(hubs('h1'));
  calls.request({ node: 'n' }, { ...FAR, id: 7, idempotent: true }, 0);
  calls.losses.broken('h1', 'h1', 'it is away', 5);
  expect(calls.drain().at(-1)).toMatchObject({
    message: { id: 7, kind: 'error', problem: { code: 'link-lost', soon: true } },
    to: { node: 'n' },
  });
});

test('a hub tells the node that gave it a call whether it may be repeated where it goes, once', () => {
  const far = { address: '', far: 'cluster', fn: { idempotent: true, version: '1.0.0' } } as const;
  const calls = machine({
    ...hubs(),
    places: () => done([{ ...far, id: 'x', name: 'x', resources: new Set<string>(), suspect: false }]),
  });
  calls.request({ node: 'n' }, { ...FAR, id: 7 }, 0);
  calls.request({ node: 'n' }, { ...FAR, id: 8, idempotent: true }, 0);
  calls.request({ link: 1 }, { ...FAR, id: 9 }, 0);
  const said = calls.drain().flatMap((effect) => (effect.kind === 'answer' ? [effect.to, effect.message] : []));
  expect(said).toEqual([{ node: 'n' }, { id: 7, idempotent: true, kind: 'placed' }]);
});
