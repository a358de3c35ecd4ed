import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MemberRumor } from '../../../src/engine/core/membership/messages.ts';
import { Rumors, transmissions } from '../../../src/engine/core/membership/rumors.ts';

function rumor(about: string, incarnation = 1): MemberRumor {
  return { kind: 'member', about, state: 'alive', incarnation, address: `ws://${about}`, by: about };
}

function about(rumors: readonly { readonly about: string }[]): string {
  return rumors.map((r) => r.about).join('');
}

describe('news waiting to be passed on', () => {
  test('goes out latest first, and what was sent least before what was sent more', () => {
    const rumors = new Rumors();
    for (const id of ['a', 'b', 'c']) rumors.put(rumor(id));
    expect(about(rumors.take(2, 9))).toBe('cb');
    expect(about(rumors.take(2, 9))).toBe('ac');
    rumors.put(rumor('d'));
    expect(about(rumors.take(4, 9))).toBe('dabc');
  });

  test('is dropped once it was sent often enough', () => {
    const rumors = new Rumors();
    rumors.put(rumor('a'));
    expect([1, 2, 3].map(() => about(rumors.take(5, 3)))).toEqual(['a', 'a', 'a']);
    expect(rumors.take(5, 3)).toEqual([]);
    expect(rumors.size).toBe(0);
  });

  test('replaces older news of its kind about the same node, and is counted anew', () => {
    const rumors = new Rumors();
    rumors.put(rumor('a', 1));
    rumors.put({ kind: 'cargo', about: 'a', version: 1, body: 'x' });
    rumors.take(5, 3);
    rumors.put(rumor('a', 2));
    expect(rumors.size).toBe(2);
    expect(rumors.take(5, 3).map((r) => (r.kind === 'member' ? r.incarnation : r.body))).toEqual([2, 'x']);
  });

  test('that was told to most already is passed on a few times only', () => {
    const rumors = new Rumors();
    rumors.put(rumor('a'), 4);
    rumors.put(rumor('b'));
    expect(about(rumors.take(2, 5))).toBe('ba');
    expect(about(rumors.take(2, 5))).toBe('b');
  });

  test('that is long counts for more; one goes out in any case', () => {
    const rumors = new Rumors(({ about: id }) => (id === 'L' ? 9 : 1));
    for (const id of ['a', 'b', 'L', 'c']) rumors.put(rumor(id));
    expect(about(rumors.take(5, 9))).toBe('cL');
    expect(about(rumors.take(5, 9))).toBe('bacL');
  });

  test('about a forgotten node is not passed on', () => {
    const rumors = new Rumors();
    rumors.put(rumor('a'));
    rumors.put(rumor('b'));
    rumors.drop('a');
    expect(about(rumors.take(5, 3))).toBe('b');
  });

  test('takes the order of a list that is sorted anew each time', () => {
    const command = fc.oneof(
      fc.record({ put: fc.constantFrom(...'abcdef') }),
      fc.record({ drop: fc.constantFrom(...'abcdef') }),
      fc.record({ take: fc.integer({ min: 1, max: 4 }) }),
    );
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
        const rumors = new Rumors();
        let naive: { about: string; sent: number }[] = []; // latest to reach its count first
        for (const each of commands) {
          if ('put' in each) {
            rumors.put(rumor(each.put));
            naive = [{ about: each.put, sent: 0 }, ...naive.filter((n) => n.about !== each.put)];
          } else if ('drop' in each) {
            rumors.drop(each.drop);
            naive = naive.filter((n) => n.about !== each.drop);
          } else {
            const taken = [...naive].sort((a, b) => a.sent - b.sent).slice(0, each.take);
            expect(about(rumors.take(each.take, 3))).toBe(about(taken));
            const rest = naive.filter((n) => !taken.includes(n));
            naive = [...taken.map((n) => ({ ...n, sent: n.sent + 1 })), ...rest].filter((n) => n.sent < 3);
          }
          expect(rumors.size).toBe(naive.length);
        }
      }),
    );
  });

  test('is passed on more often among more nodes', () => {
    expect([1, 3, 100, 1_000].map((n) => transmissions(n, 3))).toEqual([3, 6, 21, 30]);
  });
});
