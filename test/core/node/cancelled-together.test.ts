import { expect, test } from 'vitest';
import { type HubEffect, withoutCancelled } from '../../../src/engine/core/node/federation-door.ts';
import { payloadOf } from '../../../src/engine/wire/payload.ts';

const call = (from: string, id: number): HubEffect => {
  const about = { fun: 'f', idempotent: false, kind: 'call', locs: [], routed: false, timeoutMs: 0 } as const;
  return { cluster: 'c', from, kind: 'deliver', message: { ...about, id, payload: payloadOf({ args: [] }) } };
};
const cancel = (from: string, id: number): HubEffect => {
  return { cluster: 'c', from, kind: 'deliver', message: { id, kind: 'cancel', reason: 'over' } };
};

test('a call from abroad that is taken back by what comes along with it is not begun', () => {
  const others = [call('a', 1), call('b', 2), cancel('a', 3)];
  expect(withoutCancelled(others)).toEqual(others);
  expect(withoutCancelled([call('a', 1), call('a', 2), call('b', 2), cancel('a', 2)])).toEqual([
    call('a', 1),
    call('b', 2),
    cancel('a', 2),
  ]);
});
