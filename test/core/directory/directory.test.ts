import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AssertionError } from '../../../src/engine/core/base/assert.ts';
import { Directory, type Reach } from '../../../src/engine/core/directory/directory.ts';
import type { NodeRecord } from '../../../src/engine/core/directory/record.ts';
import { functionOf, recordOf } from './records.ts';

const IDS = ['b', 'c', 'd'];
const FUNCTIONS = ['f', 'g', 'f@2.0.0', 'g+gpu', 'h'];
const NAMES = ['f', 'g', 'h'];

/** Everything that look-ups can show. */
function lookUps(directory: Directory) {
  const offers = NAMES.flatMap((fun) =>
    [...(directory.offers(fun) ?? [])].flatMap(([id, all]) =>
      all.map(({ fn, name, address, resources, suspect }) =>
        JSON.stringify([fun, id, fn, name, address, [...resources], suspect]),
      ),
    ),
  );
  const nodes = ['self', ...IDS, 'SELF', 'B', 'C', 'D', 'TWIN'].map((name) => [name, directory.node(name)]);
  return {
    equipped: directory
      .equipped([])
      .map((place) => JSON.stringify({ ...place, resources: [...place.resources] }))
      .sort(),
    nodes,
    offers: offers.sort(),
  };
}

/** The newest record of a node in all its versions: each version has its own content, always the same. */
const content = fc.record(
  {
    functions: fc.subarray(FUNCTIONS).map((all) => all.map(functionOf)),
    load: fc.nat(10),
    name: fc.constantFrom('B', 'C', 'TWIN'),
    resources: fc.subarray(['eu', 'disk']),
    state: fc.constantFrom('active' as const, 'active' as const, 'draining' as const),
  },
  { requiredKeys: ['functions'] },
);
const histories = fc.array(fc.array(content, { maxLength: 4, minLength: 1 }), { maxLength: 3, minLength: 3 });
const reaches = fc.array(fc.constantFrom<Reach>('alive', 'suspect', 'gone'), { maxLength: 3, minLength: 3 });

describe('records may arrive', () => {
  test('in any order, any number of times, before or after membership speaks: the outcome is the same', () => {
    fc.assert(
      fc.property(histories, reaches, fc.infiniteStream(fc.nat()), (contents, ends, dice) => {
        const roll = (below: number) => (dice.next().value ?? 0) % below;
        const records = contents.flatMap((all, i) => all.map((one, v) => recordOf(IDS[i] ?? '', 3 * v + 2, one)));
        const play = (shuffled: boolean) => {
          const directory = new Directory(recordOf('self', 1));
          const acts: (() => void)[] = records.map((record) => () => void directory.merge(record));
          for (const [i, id] of IDS.entries()) acts.push(() => directory.reach(id, ends[i] ?? 'gone'));
          if (shuffled) {
            for (let i = acts.length - 1; i > 0; i--) {
              const j = roll(i + 1);
              [acts[i], acts[j]] = [acts[j] as () => void, acts[i] as () => void];
            }
            for (let i = roll(6); i > 0; i--)
              acts.splice(roll(acts.length + 1), 0, acts[roll(acts.length)] as () => void);
          }
          for (const act of acts) act();
          return { ...lookUps(directory), records: IDS.map((id) => [directory.version(id), directory.record(id)]) };
        };
        expect(play(true)).toEqual(play(false));
      }),
    );
  });

  test('and only the newest counts', () => {
    const directory = new Directory(recordOf('self', 1));
    expect(directory.merge(recordOf('b', 5))).toBe(true);
    expect(directory.merge(recordOf('b', 5, { name: 'other' }))).toBe(false);
    expect(directory.merge(recordOf('b', 4))).toBe(false);
    expect(directory.merge(recordOf('b', 6))).toBe(true);
    expect(directory.version('b')).toBe(6);
    expect(directory.version('nobody')).toBe(0);
  });

  test('with fields of a newer version, which stay in them', () => {
    const directory = new Directory(recordOf('self', 1));
    const record = {
      ...recordOf('b', 2, { functions: [{ ...functionOf('f'), quantum: true }] as never }),
      colour: 'blue',
    };
    directory.reach('b', 'alive');
    directory.merge(record);
    expect(directory.record('b')).toEqual(record);
    expect(directory.offers('f')?.get('b')?.[0]?.fn).toEqual({
      name: 'f',
      quantum: true,
      resources: [],
      version: '1.0.0',
    });
  });

  test('from others only: a record of this node is its own business', () => {
    const directory = new Directory(recordOf('self', 1));
    expect(() => directory.merge(recordOf('self', 9))).toThrow(AssertionError);
  });
});

describe('a node that is gone', () => {
  const gone = () => {
    const directory = new Directory(recordOf('self', 1));
    directory.reach('b', 'alive');
    directory.merge(recordOf('b', 7, { functions: [functionOf('f')] }));
    directory.reach('b', 'gone');
    return directory;
  };

  test('offers nothing, and is not found', () => {
    const directory = gone();
    expect(directory.offers('f')).toBeUndefined();
    expect(directory.node('b')).toBeUndefined();
  });

  test('does not come back with an older record', () => {
    const directory = gone();
    expect(directory.merge(recordOf('b', 6, { functions: [functionOf('f'), functionOf('g')] }))).toBe(false);
    directory.reach('b', 'alive');
    expect(directory.offers('g')).toBeUndefined();
    expect(directory.offers('f')?.size).toBe(1);
  });

  test('offers what its newest record says when it returns, whenever that record came', () => {
    const directory = gone();
    expect(directory.merge(recordOf('b', 8, { functions: [functionOf('g')] }))).toBe(true);
    expect(directory.offers('g')).toBeUndefined();
    directory.reach('b', 'suspect');
    expect(directory.offers('g')?.get('b')?.[0]?.suspect).toBe(true);
    expect(directory.offers('f')).toBeUndefined();
  });

  test('may be forgotten altogether, but for this node', () => {
    const directory = gone();
    directory.forget('b');
    directory.forget('nobody');
    directory.forget('self');
    expect(directory.version('b')).toBe(0);
    expect(directory.version('self')).toBe(1);
    expect(directory.merge(recordOf('b', 3))).toBe(true);
  });

  test('cannot be forgotten into staying: one that is in reach stops offering', () => {
    const directory = new Directory(recordOf('self', 1));
    directory.reach('b', 'alive');
    directory.merge(recordOf('b', 7, { functions: [functionOf('f')] }));
    directory.forget('b');
    expect(directory.offers('f')).toBeUndefined();
  });
});

describe('this node', () => {
  test('offers what it says at once, under the next version', () => {
    const directory = new Directory(recordOf('self', 10));
    expect(directory.describe({ functions: [functionOf('f')], resources: ['gpu'] })?.version).toBe(11);
    expect([...(directory.offers('f')?.get('self')?.[0]?.resources ?? [])]).toEqual(['gpu']);
    expect(directory.describe({ resources: ['gpu'] })).toBeUndefined();
    expect(directory.describe({ state: 'draining' })?.version).toBe(12);
    expect(directory.offers('f')).toBeUndefined();
    expect(directory.self).toBe(directory.record('self'));
  });

  test('goes on counting above what a former life of it said', () => {
    const directory = new Directory(recordOf('self', 10));
    expect(directory.outrun(9)).toBeUndefined();
    expect(directory.outrun(10)).toBeUndefined();
    expect(directory.outrun(40)?.version).toBe(41);
    expect(directory.version('self')).toBe(41);
  });
});

describe('a node is found', () => {
  const directory = new Directory(recordOf('self', 1));
  for (const [id, more] of [
    ['b', {}],
    ['c', { name: 'TWIN' }],
    ['d', { name: 'TWIN' }],
    ['e', { name: 'b', state: 'draining' }],
  ] as const) {
    directory.merge(recordOf(id, 2, more));
    if (id !== 'd') directory.reach(id, id === 'e' ? 'suspect' : 'alive');
  }

  test('by its id rather than by a name that looks the same', () => {
    expect(directory.node('b')).toEqual({ address: 'ws://b', id: 'b', name: 'B' });
    expect(directory.node('e')).toEqual({ address: 'ws://e', id: 'e', name: 'b' });
    expect(directory.node('SELF')?.id).toBe('self');
  });

  test('by its name, while only one in reach has it', () => {
    expect(directory.node('TWIN')?.id).toBe('c');
    directory.reach('d', 'alive');
    expect(directory.node('TWIN')).toBeUndefined();
    expect(directory.node('d')?.id).toBe('d');
    expect(directory.node('nobody')).toBeUndefined();
  });
});

/** Says and does the same as a directory, by looking at everything each time. */
class Naive {
  readonly records = new Map<string, NodeRecord>([['self', recordOf('self', 1)]]);
  readonly reaches = new Map<string, Reach>([['self', 'alive']]);

  offered(): string[] {
    const all: string[] = [];
    for (const [id, record] of this.records) {
      const reach = this.reaches.get(id) ?? 'gone';
      if (reach === 'gone' || record.state !== 'active') continue;
      for (const fn of record.functions) {
        const resources = [...new Set([...record.resources, ...fn.resources])];
        all.push(JSON.stringify([fn.name, id, fn, record.name, record.addresses[0], resources, reach === 'suspect']));
      }
    }
    return all.sort();
  }
}

const operations = fc.array(
  fc.oneof(
    fc.record({
      do: fc.constant('merge' as const),
      id: fc.constantFrom(...IDS),
      more: content,
      version: fc.integer({ max: 6, min: 1 }),
    }),
    fc.record({
      do: fc.constant('reach' as const),
      id: fc.constantFrom(...IDS),
      reach: fc.constantFrom<Reach>('alive', 'alive', 'suspect', 'gone'),
    }),
    fc.record({ do: fc.constant('forget' as const), id: fc.constantFrom(...IDS) }),
    fc.record({ do: fc.constant('describe' as const), more: content }),
    fc.record({ do: fc.constant('outrun' as const), version: fc.nat(50) }),
  ),
  { maxLength: 30 },
);

test('after any operations: the index is what a look at everything gives, the generation tells of changes and of nothing else, events add up', () => {
  fc.assert(
    fc.property(operations, (all) => {
      const directory = new Directory(recordOf('self', 1));
      const naive = new Naive();
      const told = new Set<string>();
      for (const one of all) {
        const [before, generation] = [lookUps(directory), directory.generation];
        if (one.do === 'merge') {
          const record = recordOf(one.id, one.version, one.more);
          const newer = record.version > (naive.records.get(one.id)?.version ?? 0);
          if (newer) naive.records.set(one.id, record);
          expect(directory.merge(record)).toBe(newer);
        } else if (one.do === 'reach') {
          naive.reaches.set(one.id, one.reach);
          directory.reach(one.id, one.reach);
        } else if (one.do === 'forget') {
          naive.records.delete(one.id);
          naive.reaches.delete(one.id);
          directory.forget(one.id);
        } else {
          if (one.do === 'describe') directory.describe(one.more);
          else directory.outrun(one.version);
          expect(directory.version('self')).toBe(directory.self.version);
          naive.records.set('self', directory.self);
        }
        const after = lookUps(directory);
        expect(after.offers).toEqual(naive.offered());
        const same = JSON.stringify(before) === JSON.stringify(after);
        expect(directory.generation > generation).toBe(!same);
        for (const effect of directory.drain()) {
          if (effect.kind !== 'function') continue;
          const { change, id, fun, version } = effect;
          const key = `${id} ${fun} ${version}`;
          expect(told.has(key)).toBe(change === 'removed');
          if (change === 'added') told.add(key);
          else told.delete(key);
        }
      }
      const offered = [...naive.records].flatMap(([id, { functions, state }]) =>
        state === 'active' && (naive.reaches.get(id) ?? 'gone') !== 'gone'
          ? functions.map((fn) => `${id} ${fn.name} ${fn.version}`)
          : [],
      );
      expect(told).toEqual(new Set(offered));
    }),
    { numRuns: 500 },
  );
});
