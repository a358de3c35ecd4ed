import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Prng } from '../../../src/engine/core/base/prng.ts';
import { Costs } from '../../../src/engine/core/calls/costs.ts';
import { explain } from '../../../src/engine/core/calls/explain.ts';
import { candidates, choose, type Place, type Wish } from '../../../src/engine/core/calls/placement.ts';
import { Directory } from '../../../src/engine/core/directory/directory.ts';
import { functionOf, recordOf } from '../directory/records.ts';

const NODES: readonly (readonly [id: string, functions: readonly string[], more?: object])[] = [
  ['b', ['f@1.0.0']],
  ['c', ['f@2.0.0+gpu', 'f@1.5.0']],
  ['d', ['f@2.0.0'], { resources: ['gpu', 'eu'] }],
  ['e', ['f@3.0.0'], { state: 'draining' }],
  ['s', ['f@2.0.0+gpu']],
];

function mesh() {
  const directory = new Directory(recordOf('self', 1, { functions: [functionOf('g')] }));
  for (const [id, functions, more] of NODES) {
    directory.reach(id, id === 's' ? 'suspect' : 'alive');
    directory.merge(recordOf(id, 1, { functions: functions.map(functionOf), ...more }));
  }
  return directory;
}

function told(wish: Partial<Wish>, tried: readonly string[] = [], costs = new Costs(() => 0, 5_000)) {
  const parts = { costs, name: 'SELF', places: mesh(), self: 'self' };
  const { candidates: list, problem } = explain(parts, { fun: 'f', locs: [], ...wish }, tried, 0);
  const rows = list.map(({ node, version, verdict, why, share }) => `${node} ${version} ${verdict} ${share}: ${why}`);
  return problem === undefined ? rows : [...rows, problem.code];
}

describe('of a call is told', () => {
  test('who may take it, how likely, and why the others may not', () => {
    expect(told({})).toEqual([
      'C 2.0.0 eligible 0.5: no higher version fits',
      'D 2.0.0 eligible 0.5: no higher version fits',
      'B 1.0.0 lower-version 0: a higher version is there',
      'C 1.5.0 lower-version 0: a higher version is there',
      'E 3.0.0 draining 0: takes no new work',
      'S 2.0.0 suspect 0: does not answer at the moment',
    ]);
  });

  test.each<[string, Partial<Wish>, readonly string[], readonly string[]]>([
    [
      'whose version is another one',
      { version: '^1' },
      [],
      ['C 1.5.0 chosen 1: no higher version fits', 'D 2.0.0 other-version 0: 2.0.0 is not in ^1'],
    ],
    [
      'who lacks what',
      { locs: ['gpu', 'eu'] },
      [],
      ['D 2.0.0 chosen 1: has gpu, eu; no higher version fits', 'B 1.0.0 lacks-resources 0: lacks gpu, eu'],
    ],
    [
      'who is not the node asked for',
      { node: 'B' },
      [],
      ['B 1.0.0 chosen 1: no higher version fits', 'D 2.0.0 other-node 0: not B, which is asked for'],
    ],
    ['that nobody has the implementation', { functionId: 'x' }, [], ['function-unknown']],
    [
      'who has had it',
      {},
      ['c'],
      ['D 2.0.0 chosen 1: no higher version fits', 'C 2.0.0 tried 0: C has had it already'],
    ],
    ['that nobody has the resources', { locs: ['moon'] }, [], ['resource-unknown']],
    ['that nobody has the function', { fun: 'h' }, [], ['function-unknown']],
    ['that all have had it', {}, ['b', 'c', 'd', 's'], ['nobody-there']],
    ['that it is the only one', { fun: 'g' }, [], ['SELF 1.0.0 chosen 1: nobody else has it']],
    [
      'that nodes do it by themselves',
      { fun: 'mpreg.info' },
      [],
      ['SELF 0.0.0 chosen 1: every node does this by itself'],
    ],
    ['that no such node is there', { fun: 'mpreg.info', node: 'nobody' }, [], ['node-unknown']],
  ])('%s', (_, wish, tried, expected) => {
    expect(told(wish, tried)).toEqual(expect.arrayContaining([...expected]));
  });

  test('what each one costs, and so who is cheaper', () => {
    const costs = new Costs((node) => (node === 'd' ? 3 : 0), 5_000);
    costs.took('f', 'c', 50, 0);
    costs.failed('f', 'd', 0);
    expect(told({}, [], costs).slice(0, 2)).toEqual([
      'C 2.0.0 chosen 1: no higher version fits',
      'D 2.0.0 eligible 0: no higher version fits',
    ]);
    const { candidates: list } = explain(
      { costs, name: 'SELF', places: mesh(), self: 'self' },
      { fun: 'f', locs: [] },
      [],
      0,
    );
    expect(list.slice(0, 2)).toMatchObject([
      { cost: 50, failures: 0, inFlight: 0, latencyMs: 50 },
      { cost: 20, failures: 1, inFlight: 3 },
    ]);
  });
});

test('the shares are those that calls get', () => {
  const directory = new Directory(recordOf('self', 1, { functions: [functionOf('f')] }));
  for (const id of ['b', 'c', 'd', 'e']) {
    directory.reach(id, 'alive');
    directory.merge(recordOf(id, 1, { functions: [functionOf('f')] }));
  }
  const load = fc.record({ inFlight: fc.nat(3), ms: fc.option(fc.constantFrom(5, 50, 500)) });
  fc.assert(
    fc.property(fc.array(load, { maxLength: 5, minLength: 5 }), fc.nat(), (loads, seed) => {
      const ids = ['self', 'b', 'c', 'd', 'e'];
      const costs = new Costs((node) => loads[ids.indexOf(node)]?.inFlight ?? 0, 5_000);
      for (const [i, { ms }] of loads.entries()) if (ms !== null) costs.took('f', ids[i] as string, ms, 0);
      const wish = { fun: 'f', locs: [] };
      const places = candidates(directory, wish, []);
      const prng = new Prng(seed);
      const drawn = new Map<string, number>();
      for (let i = 0; i < 2_000; i++) {
        const order = (a: string, b: string) => costs.order('f', a, b, 0);
        const { id } = choose(places.ok ? places.value : [], 'self', order, prng) as Place;
        drawn.set(id, (drawn.get(id) ?? 0) + 1 / 2_000);
      }
      for (const { id, share } of explain({ costs, name: 'SELF', places: directory, self: 'self' }, wish, [], 0)
        .candidates) {
        expect(Math.abs((drawn.get(id) ?? 0) - (share as number))).toBeLessThan(0.06);
      }
    }),
    { numRuns: 50 },
  );
});
