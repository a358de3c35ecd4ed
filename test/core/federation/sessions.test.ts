import { describe, expect, it } from 'vitest';
import { DEFAULT_FEDERATION_OPTIONS } from '../../../src/engine/core/federation/options.ts';
import { Sessions } from '../../../src/engine/core/federation/sessions.ts';

const MIB = 2 ** 20;
const OPTIONS = {
  ...DEFAULT_FEDERATION_OPTIONS,
  allBytesMax: 50 * MIB,
  hubBytesHeldMax: 40 * MIB,
  windowBytesMax: 10 * MIB,
};
const value = (mib: number) => ({ kind: 'value', payload: { size: mib * MIB } });

function begun() {
  const sessions = new Sessions<{ readonly kind: string; readonly payload?: { readonly size: number } }>(OPTIONS);
  sessions.start(1);
  const sent = () => sessions.drain().map((effect) => effect.n);
  return { sent, session: 2 ** 20 + 1, sessions };
}

describe('what is large on its way to another hub', () => {
  it('goes while little of it is not acknowledged, alone where it is larger than that, and overtakes nothing', () => {
    const { sent, session, sessions } = begun();
    for (const mib of [4, 6, 12, 1]) expect(sessions.send('b', value(mib), 0)).toBe(true);
    sessions.send('b', { kind: 'small' }, 0);
    expect(sent()).toEqual([1, 2]);
    sessions.acknowledged('b', session, 1, 10);
    expect(sent()).toEqual([]);
    sessions.acknowledged('b', session, 2, 20);
    expect(sent()).toEqual([3]);
    sessions.acknowledged('b', session, 3, 30);
    expect(sent()).toEqual([4, 5]);
  });

  it('takes room, of one hub and of all, until it is acknowledged or given up', () => {
    const { session, sessions } = begun();
    expect(sessions.room('b')).toBe(40 * MIB);
    sessions.send('b', value(9), 0);
    sessions.send('b', value(21), 0);
    expect([sessions.room('b'), sessions.room('c')]).toEqual([10 * MIB, 20 * MIB]);
    sessions.acknowledged('b', session, 1, 10);
    expect([sessions.room('b'), sessions.room('c')]).toEqual([19 * MIB, 29 * MIB]);
    sessions.send('c', value(30), 10);
    expect(sessions.room('b')).toBe(-1 * MIB);
    sessions.drop('b');
    expect(sessions.room('b')).toBe(20 * MIB);
    sessions.forget('c');
    expect([sessions.room('b'), sessions.room('c')]).toEqual([40 * MIB, 40 * MIB]);
  });
});
