/** What is owed to groups, whatever members come, go, refuse and fall silent in whatever order. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Debts } from '../../../src/engine/core/topics/debts.ts';
import { keyFor, type Member, memberKey, memberOf } from '../../../src/engine/core/topics/groups.ts';

const LIMITS = { aloneTicks: 1_000_000, bytesMax: 1_000_000, messagesMax: 1_000_000 };

interface Item {
  readonly n: number;
  readonly key: string | undefined;
}

type Act =
  | { readonly kind: 'owe'; readonly key: string | undefined }
  | { readonly kind: 'done' | 'refused'; readonly pick: number }
  | { readonly kind: 'join'; readonly node: string; readonly window: number }
  | { readonly kind: 'leave'; readonly pick: number }
  | { readonly kind: 'lost'; readonly node: string }
  | { readonly kind: 'tick' };

const node = fc.constantFrom('a', 'b');
const acts: fc.Arbitrary<Act[]> = fc.array(
  fc.oneof(
    {
      arbitrary: fc.record({ key: fc.constantFrom(undefined, 'k', 'l'), kind: fc.constant('owe' as const) }),
      weight: 6,
    },
    {
      arbitrary: fc.record({ kind: fc.constantFrom('done' as const, 'refused' as const), pick: fc.nat(99) }),
      weight: 6,
    },
    fc.record({ kind: fc.constant('join' as const), node, window: fc.integer({ max: 3, min: 1 }) }),
    fc.record({ kind: fc.constant('leave' as const), pick: fc.nat(99) }),
    fc.record({ kind: fc.constant('lost' as const), node }),
    { arbitrary: fc.constant({ kind: 'tick' } as const), weight: 3 },
  ),
  { maxLength: 80 },
);

/** A world of members that take what they are handed, and remember it. */
class World {
  readonly members: Member[] = [];
  readonly debts = new Debts<Item>(LIMITS, () => this.members);
  readonly out = new Map<number, { readonly item: Item; readonly member: Member }>();
  readonly done: number[] = [];
  /** By member and message: with which attempts it was handed. */
  readonly handed = new Map<string, number[]>();
  readonly items: Item[] = [];
  #ids = 0;

  act(act: Act): void {
    switch (act.kind) {
      case 'owe': {
        const item = { key: act.key, n: this.items.length + 1 };
        this.items.push(item);
        this.debts.owe({ bytes: 1, group: 'g', item, key: act.key, topic: 't' });
        break;
      }
      case 'done':
      case 'refused': {
        const debt = [...this.out.keys()][act.pick % this.out.size];
        if (debt !== undefined) this.#settle(debt, act.kind);
        break;
      }
      case 'join':
        this.members.push(memberOf('g', act.node, ++this.#ids, { window: act.window }));
        break;
      case 'leave': {
        const [left] = this.members.splice(act.pick % Math.max(1, this.members.length), 1);
        for (const [debt, { member }] of [...this.out]) if (member === left) this.#settle(debt, 'left');
        break;
      }
      case 'lost':
        for (const [debt, { member }] of this.out) if (member.node === act.node) this.out.delete(debt);
        this.debts.lost(act.node);
        break;
      case 'tick':
        this.debts.tick(true);
        break;
    }
    this.take();
  }

  #settle(debt: number, how: 'done' | 'refused' | 'left'): void {
    const held = this.out.get(debt);
    this.out.delete(debt);
    if (how !== 'done') this.debts.back(debt, how);
    else if (this.debts.done(debt) && held !== undefined) this.done.push(held.item.n);
    this.take();
  }

  take(): void {
    for (const effect of this.debts.drain()) {
      expect(effect.kind).toBe('hand');
      if (effect.kind !== 'hand') continue;
      const { attempt, debt, item, member } = effect;
      expect(this.out.has(debt)).toBe(false);
      if (item.key !== undefined) this.#checkKey(item, member);
      this.out.set(debt, { item, member });
      const before = this.handed.get(`${memberKey(member)} ${item.n}`) ?? [];
      // At most once per member, unless it is marked.
      if (before.length > 0) expect(attempt).toBeGreaterThan(Math.max(...before));
      this.handed.set(`${memberKey(member)} ${item.n}`, [...before, attempt]);
      const has = [...this.out.values()].filter((one) => one.member === member).length;
      expect(has).toBeLessThanOrEqual(member.window ?? 0);
    }
  }

  /** A key is with one member at a time, and what is older and not done has gone out before. */
  #checkKey(item: Item, member: Member): void {
    for (const one of this.out.values()) {
      if (one.item.key === item.key) expect(memberKey(one.member)).toBe(memberKey(member));
    }
    const out = new Set([...this.out.values()].map((one) => one.item.n));
    const older = this.items.filter((one) => one.key === item.key && one.n < item.n && !this.done.includes(one.n));
    expect(older.filter(({ n }) => !out.has(n))).toEqual([]);
    this.handedOfKey.set(item.key ?? '', [...(this.handedOfKey.get(item.key ?? '') ?? []), item.n]);
  }

  readonly handedOfKey = new Map<string, number[]>();

  /** Faults stop: a member is there that acknowledges at once, until nothing is left. */
  settle(): void {
    this.act({ kind: 'join', node: 'z', window: 1 });
    for (let i = 0; i < 5_000 && this.debts.size > 0; i++) {
      const [debt] = this.out.keys();
      if (debt === undefined) this.act({ kind: 'tick' });
      else this.#settle(debt, 'done');
    }
  }
}

describe('what is owed to a group', () => {
  test('is done by exactly one member each, whatever happens before, and nothing is left behind', () => {
    fc.assert(
      fc.property(acts, (list) => {
        const world = new World();
        for (const act of list) world.act(act);
        world.settle();
        expect(world.done.sort((a, b) => a - b)).toEqual(world.items.map(({ n }) => n));
        expect([world.debts.size, world.debts.bytes, world.debts.nodes.size]).toEqual([0, 0, 0]);
      }),
      { numRuns: 300 },
    );
  });

  test('goes out in order for each key while nobody gives anything back', () => {
    const steady = acts.map((list) => list.filter(({ kind }) => kind === 'owe' || kind === 'done' || kind === 'join'));
    fc.assert(
      fc.property(steady, (list) => {
        const world = new World();
        for (const act of list) world.act(act);
        world.settle();
        for (const handed of world.handedOfKey.values()) expect(handed).toEqual([...handed].sort((a, b) => a - b));
      }),
    );
  });

  test('is with one member, though that which had it when its node was lost says something of it later', () => {
    const members = [memberOf('g', 'a', 1, { window: 1 }), memberOf('g', 'b', 2, { window: 1 })];
    const debts = new Debts<Item>(LIMITS, () => members);
    const handed = () => debts.drain().map((one) => one.kind === 'hand' && [one.member.node, one.debt, one.attempt]);
    debts.owe({ bytes: 1, group: 'g', item: { key: undefined, n: 1 }, key: undefined, topic: 't' });
    expect(handed()).toEqual([['a', 1, 1]]);
    debts.lost('a');
    expect(handed()).toEqual([['b', 2, 2]]);
    debts.tick(true);
    expect([debts.back(1, 'unseen'), debts.back(1, 'refused'), debts.done(1), handed()]).toEqual([
      false,
      false,
      false,
      [],
    ]);
    expect([debts.done(2), debts.size]).toEqual([true, 0]);
  });

  test.each([
    [{ user: '7' }, 'said', '7'],
    [{ user: '' }, 'said', ''],
    [{}, 'said', 'said'],
    [undefined, undefined, undefined],
  ])('with headers %j and the key %s has the key %s', (headers, said, key) => {
    expect(keyFor({ group: 'g', key: 'user', members: [], owed: true }, headers, said)).toBe(key);
  });
});
