import { describe, expect, test } from 'vitest';
import { Prng } from '../../src/engine/core/base/prng.ts';
import { SimDisk } from '../../src/engine/sim/disk.ts';
import { Timeline } from '../../src/engine/sim/timeline.ts';

function machine(seed: number): { timeline: Timeline; disk: SimDisk; answered: number[]; write: (n: number) => void } {
  const timeline = new Timeline();
  const disk = new SimDisk(timeline, new Prng(seed), [1, 50]);
  const answered: number[] = [];
  /** Two keys in one commit, so that half a commit would show. */
  const write = (n: number) => {
    const value = `${n}`;
    disk.commit(
      [
        { key: 'left', value },
        { key: 'right', value },
        { key: `only ${n}`, value },
      ],
      () => answered.push(n),
    );
  };
  return { answered, disk, timeline, write };
}

describe('a disk', () => {
  test('has nothing of a commit before it answers, and all of it afterwards', () => {
    const { timeline, disk, answered, write } = machine(1);
    write(1);
    expect(disk.read('left')).toBeUndefined();
    timeline.runUntil(50);
    expect(answered).toEqual([1]);
    expect([disk.read('left'), disk.read('right')]).toEqual(['1', '1']);
  });

  test('answers commits in their order', () => {
    const { timeline, answered, write } = machine(2);
    for (let n = 0; n < 20; n++) write(n);
    timeline.runUntil(50);
    expect(answered).toEqual(Array.from({ length: 20 }, (_, n) => n));
  });

  test('removes a key that is set to null', () => {
    const { timeline, disk, write } = machine(3);
    write(1);
    disk.commit([{ key: 'left', value: null }], () => {});
    timeline.runUntil(100);
    expect([disk.read('left'), disk.read('right')]).toEqual([undefined, '1']);
  });

  test('that is wiped knows nothing', () => {
    const { timeline, disk, write } = machine(4);
    write(1);
    timeline.runUntil(50);
    disk.wipe();
    expect(disk.read('left')).toBeUndefined();
  });

  test('keeps through a crash all that it answered and of the rest some prefix, never half a commit', () => {
    const kept = new Map<number, number>();
    for (let seed = 0; seed < 300; seed++) {
      const { timeline, disk, answered, write } = machine(seed);
      for (let n = 0; n < 4; n++) {
        write(n);
        timeline.runUntil(timeline.now + 9);
      }
      disk.crash();
      const before = answered.length;
      timeline.runUntil(1_000);
      expect(answered).toHaveLength(before); // nobody is told any more
      const present = [0, 1, 2, 3].filter((n) => disk.read(`only ${n}`) !== undefined);
      expect(present).toEqual([0, 1, 2, 3].slice(0, present.length));
      expect(present.length).toBeGreaterThanOrEqual(before);
      expect(disk.read('left')).toBe(disk.read('right'));
      const lucky = present.length - before;
      kept.set(lucky, (kept.get(lucky) ?? 0) + 1);
    }
    expect([...kept.keys()].sort()).toEqual([0, 1, 2, 3, 4]); // from nothing to everything
  });
});
