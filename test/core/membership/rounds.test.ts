import { describe, expect, test } from 'vitest';
import { Prng } from '../../../src/engine/core/base/prng.ts';
import { Rounds } from '../../../src/engine/core/membership/rounds.ts';

describe('the order of probes', () => {
  test('holds everybody once per round, newcomers included, in another order each time', () => {
    const rounds = new Rounds(new Prng(5));
    const all = [...'abcdefgh'];
    for (const id of all) rounds.add(id);
    const round = () => all.map(() => rounds.next(() => true) as string);
    const first = round();
    const second = round();
    expect([...first].sort()).toEqual(all);
    expect([...second].sort()).toEqual(all);
    expect(second).not.toEqual(first);
    const begun = [rounds.next(() => true), rounds.next(() => true)];
    rounds.add('z');
    const rest = all.slice(1).map(() => rounds.next(() => true));
    expect([...begun, ...rest].sort()).toEqual([...all, 'z']);
  });

  test('drops whom nobody wants, and takes them again when they return', () => {
    const rounds = new Rounds(new Prng(5));
    for (const id of 'abc') rounds.add(id);
    expect([1, 2, 3, 4].map(() => rounds.next((id) => id === 'b'))).toEqual(['b', 'b', 'b', 'b']);
    rounds.add('c');
    expect([1, 2].map(() => rounds.next(() => true)).sort()).toEqual(['b', 'c']);
    expect(rounds.next(() => false)).toBeUndefined();
    expect(rounds.next(() => true)).toBeUndefined();
  });
});
