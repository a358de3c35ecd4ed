import fc from 'fast-check';
import { expect, test } from 'vitest';
import { candidates, type Place, type Places, type Wish } from '../../../src/engine/core/calls/placement.ts';
import { Shortlist } from '../../../src/engine/core/calls/shortlist.ts';
import { Directory, type Reach } from '../../../src/engine/core/directory/directory.ts';
import { functionOf, recordOf } from '../directory/records.ts';

const IDS = ['self', 'b', 'c', 'd'] as const;
const maybe = <Value>(...values: readonly Value[]) => fc.constantFrom(undefined, undefined, ...values);

const wishes = fc
  .record({
    fun: fc.constantFrom('f', 'g'),
    functionId: maybe('x'),
    locs: fc.constantFrom([], [], ['gpu'], ['gpu', 'eu']),
    node: maybe('self', 'b', 'B', 'nobody'),
    version: maybe('^1', '2.0.0', '*'),
  })
  .map((wish) => JSON.parse(JSON.stringify(wish)) as Wish);

/** Two wishes, and one that differs from the first in one thing. */
const nearby = fc
  .tuple(wishes, wishes, fc.constantFrom('functionId', 'locs', 'node', 'version'))
  .map(([one, two, key]) => [one, two, JSON.parse(JSON.stringify({ ...one, [key]: two[key] })) as Wish]);

const content = fc.record({
  functions: fc.array(
    fc.constantFrom(functionOf('f'), functionOf('f@1.2.0+gpu'), functionOf('f@2.0.0'), functionOf('g+eu'), {
      ...functionOf('g@0.1.0'),
      functionId: 'x',
    }),
    { maxLength: 3 },
  ),
  resources: fc.subarray(['gpu', 'eu']),
  state: fc.constantFrom('active' as const, 'active' as const, 'draining' as const),
});

const happenings = fc.oneof(
  { arbitrary: fc.record({ ask: fc.nat(2), onlyHere: fc.boolean(), tried: fc.subarray([...IDS]) }), weight: 4 },
  { arbitrary: fc.record({ id: fc.constantFrom(...IDS), says: content }), weight: 1 },
  {
    arbitrary: fc.record({
      id: fc.constantFrom('b', 'c', 'd'),
      reach: fc.constantFrom<Reach>('alive', 'suspect', 'gone'),
    }),
    weight: 1,
  },
  { arbitrary: fc.record({ forget: fc.constantFrom('b', 'c', 'd') }), weight: 1 },
);

test('whatever changes, and whoever asks for what, what is remembered is what a look at every place would find', () => {
  fc.assert(
    fc.property(nearby, fc.array(happenings, { maxLength: 60 }), (wanted, all) => {
      const directory = new Directory(recordOf('self', 1, { functions: [functionOf('f')] }));
      const shortlist = new Shortlist(directory, 'self');
      let version = 1;
      for (const one of all) {
        if ('ask' in one) {
          const wish = wanted[one.ask] as Wish;
          const meant = one.onlyHere ? { ...wish, node: 'self' } : wish;
          expect(shortlist.find(wish, one.tried, one.onlyHere)).toEqual(candidates(directory, meant, one.tried));
        } else if ('reach' in one) directory.reach(one.id, one.reach);
        else if ('forget' in one) directory.forget(one.forget);
        else if (one.id === 'self') directory.describe(one.says);
        else directory.merge(recordOf(one.id, ++version, one.says));
      }
    }),
    { numRuns: 2_000 },
  );
});

/** A directory that counts how often it is asked for all places of a function. */
function watched(directory: Directory): Places & { looks: number } {
  return {
    absent: (locs) => directory.absent(locs),
    equipped: (locs) => directory.equipped(locs),
    get generation() {
      return directory.generation;
    },
    looks: 0,
    node: (nameOrId) => directory.node(nameOrId),
    offers(fun): ReadonlyMap<string, readonly Place[]> | undefined {
      this.looks++;
      return directory.offers(fun);
    },
    resting: (fun) => directory.resting(fun),
  };
}

test.each<[string, Wish, boolean]>([
  ['for a function', { fun: 'f', locs: [] }, false],
  ['that came from another node', { fun: 'f', locs: [] }, true],
  ['for a function, a version and resources', { fun: 'f', locs: ['gpu'], version: '^1' }, false],
])('a second call %s walks over no places, until something changes that could matter', (_, wish, onlyHere) => {
  const directory = new Directory(recordOf('self', 1, { functions: [functionOf('f+gpu')] }));
  const places = watched(directory);
  const shortlist = new Shortlist(places, 'self');
  for (let i = 0; i < 5; i++) shortlist.find(wish, [], onlyHere);
  directory.describe({ load: 3 });
  shortlist.find(wish, [], onlyHere);
  expect(places.looks).toBe(1);
  directory.describe({ resources: ['eu'] });
  shortlist.find(wish, [], onlyHere);
  expect(places.looks).toBe(2);
});

test('a function that nobody had can be called with the first record that tells of it', () => {
  const directory = new Directory(recordOf('self', 1));
  const shortlist = new Shortlist(directory, 'self');
  const wish = { fun: 'new', locs: [] };
  expect(shortlist.find(wish, [], false).ok).toBe(false);
  directory.reach('b', 'alive');
  directory.merge(recordOf('b', 1, { functions: [functionOf('new')] }));
  const found = shortlist.find(wish, [], false);
  expect(found.ok ? found.value.map(({ id }) => id) : found.problem).toEqual(['b']);
});

test('any number of different wishes is answered, and few are kept', () => {
  const directory = new Directory(recordOf('self', 1, { functions: [functionOf('f')] }));
  const places = watched(directory);
  const shortlist = new Shortlist(places, 'self');
  const ask = (i: number) => shortlist.find({ fun: 'f', locs: [], version: `>=0.0.${i}` }, [], false).ok;
  for (let i = 0; i < 3_000; i++) expect(ask(i)).toBe(true);
  expect(places.looks).toBe(3_000);
  ask(0);
  expect(places.looks).toBe(3_001);
  ask(2_999);
  expect(places.looks).toBe(3_001);
});
