import { describe, expect, test } from 'vitest';
import { Prng } from '../../../src/engine/core/base/prng.ts';
import { Announcements } from '../../../src/engine/core/topics/announcements.ts';

describe('announcements', () => {
  test('bring whoever holds an earlier version, of this life or another, to the newest', () => {
    const prng = new Prng(5);
    const own = new Announcements(1_000);
    const held = new Map<number, ReadonlySet<string>>([
      [0, new Set()],
      [999, new Set(['of', 'a', 'former', 'life'])],
    ]);
    let full = 0;
    for (let i = 0; i < 200; i++) {
      const now = Array.from({ length: 40 }, (_, n) => `t.${n}`).filter(() => prng.chance(0.3));
      const before = own.version;
      const changed = own.update([...now, `only.${i}`].map((pattern) => ({ pattern })));
      expect([changed, own.version]).toEqual([true, before + 1]);
      held.set(own.version, new Set([...now, `only.${i}`]));
      for (const [version, set] of held) {
        const { from, removed, added } = own.since(version);
        if (from === 0) full++;
        const told = new Set(from === 0 ? [] : set);
        for (const { pattern } of removed) told.delete(pattern);
        for (const { pattern } of added) told.add(pattern);
        expect(told).toEqual(held.get(own.version));
      }
    }
    expect(own.since(1_190).from).toBe(1_190);
    expect(own.since(1_001).from).toBe(0);
    expect(full).toBeGreaterThan(400);
  });

  test('have a new version only where something changed', () => {
    const own = new Announcements(7);
    expect([own.update([{ pattern: 'a' }]), own.update([{ pattern: 'a' }]), own.version]).toEqual([true, false, 8]);
    expect([own.update([{ member: { group: 'g', id: 1 }, pattern: 'a' }]), own.version, own.size]).toEqual([
      true,
      9,
      1,
    ]);
  });
});
