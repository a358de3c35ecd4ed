import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IdTable } from '../../../src/engine/core/base/id-table.ts';

describe('a table of ids', () => {
  it('holds what a map would, whatever ids come and go', () => {
    const id = fc.oneof(
      fc.nat(40),
      fc.nat(4).map((n) => n * 64), // all of one place
      fc.constantFrom(2 ** 31 - 1, 2 ** 31, 2 ** 32 + 3, Number.MAX_SAFE_INTEGER),
    );
    const step = fc.tuple(fc.constantFrom('set', 'set', 'delete'), id, fc.nat(9));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300, size: 'max' }), (steps) => {
        const table = new IdTable<number>();
        const map = new Map<number, number>();
        for (const [what, id, value] of steps) {
          if (what === 'delete') expect(table.delete(id)).toBe(map.delete(id));
          else {
            table.set(id, value);
            map.set(id, value);
          }
          expect([table.size, table.get(id)]).toEqual([map.size, map.get(id)]);
        }
        expect(table.entries()).toEqual([...map].sort(([a], [b]) => a - b));
        expect(table.values()).toHaveLength(map.size);
        table.clear();
        expect([table.size, table.entries()]).toEqual([0, []]);
      }),
    );
  });

  it('holds a hundred thousand at once, and finds each', () => {
    const table = new IdTable<string>();
    for (let id = 1; id <= 100_000; id++) table.set(id, `${id}`);
    expect(table.size).toBe(100_000);
    expect([table.get(1), table.get(70_000), table.get(100_001)]).toEqual(['1', '70000', undefined]);
    expect(table.values()[99_999]).toBe('100000');
  });
});
