import { afterEach, describe, expect, test, vi } from 'vitest';
import type { FunctionDefinition } from '../../../src/engine/api.ts';
import { InlineRunner } from '../../../src/engine/host/functions/inline-runner.ts';
import { offerOf, type PartRunner } from '../../../src/engine/host/functions/offer.ts';
import { Runners } from '../../../src/engine/host/functions/runners.ts';
import { soon } from '../../soon.ts';
import { Caller, clock, nobody } from './harness.ts';

/** Calls of `held` that were begun and not let go. */
let begun: (() => void)[] = [];
let most = 0;
afterEach(() => {
  begun = [];
  most = 0;
});

const held = (limits: Partial<FunctionDefinition>): FunctionDefinition => ({
  name: 'held',
  run: () =>
    new Promise<string>((resolve) => {
      begun.push(() => resolve('let go'));
      most = Math.max(most, begun.length);
    }),
  ...limits,
});

function runners(...definitions: readonly FunctionDefinition[]): Runners {
  const parts = [new InlineRunner({ clock, definitions, log: () => undefined })];
  return new Runners({ node: 'alpha', now: () => clock.now(), open: nobody, parts });
}

const letGo = async (count: number) => {
  await vi.waitFor(() => expect(begun.length).toBeGreaterThanOrEqual(count), soon);
  for (const done of begun.splice(0, count)) done();
};

describe('a function with limits', () => {
  test('runs so many times at once, holds so many more, and refuses the next at once', async () => {
    const caller = new Caller(runners(held({ concurrency: 2, queue: 3 })));
    const calls = Array.from({ length: 5 }, () => caller.call('held'));
    expect(await caller.problem('held')).toMatchObject({
      code: 'overloaded',
      hint: expect.stringContaining('concurrency (2) or queue (3)'),
      message: 'held runs 2 times on alpha already, and 3 calls wait for it there',
    });
    expect(caller.runner.describe('held')).toMatchObject({ concurrency: 2, queue: 3, running: 2, waiting: 3 });
    for (const count of [2, 2, 1]) await letGo(count);
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 5 }, () => 'let go'));
    expect(most).toBe(2);
    expect(caller.runner.describe('held')).toMatchObject({ running: 0, waiting: 0 });
  });

  test('keeps nobody from other functions', async () => {
    const caller = new Caller(runners(held({ concurrency: 1, queue: 0 }), { name: 'free', run: () => 1 }));
    void caller.call('held');
    expect(await caller.problem('held')).toMatchObject({ code: 'overloaded' });
    expect(await caller.call('free')).toBe(1);
  });

  test('starts what waits in the order of its arrival', async () => {
    const order: number[] = [];
    const run = async (n: number) => void order.push(n);
    const caller = new Caller(runners({ concurrency: 1, name: 'one', run }));
    await Promise.all([1, 2, 3, 4].map((n) => caller.call('one', [n])));
    expect(order).toEqual([1, 2, 3, 4]);
  });

  test('does not begin what was taken back while it waited, and its place is free', async () => {
    const caller = new Caller(runners(held({ concurrency: 1, queue: 1 })));
    const first = caller.call('held');
    const second = caller.problem('held');
    caller.runner.abort(caller.last, 'changed my mind');
    expect(await second).toMatchObject({ code: 'cancelled', outcome: 'did-not-happen' });
    const third = caller.call('held');
    await letGo(1);
    await letGo(1);
    expect(await Promise.all([first, third])).toEqual(['let go', 'let go']);
  });

  test('turns those away that wait when the node stops', async () => {
    const caller = new Caller(runners(held({ concurrency: 1 })));
    void caller.call('held');
    const waiting = caller.problem('held');
    await caller.runner.close(0);
    expect(await waiting).toMatchObject({ code: 'node-stopping' });
  });

  test('has a queue by default that carries a plan of many steps', () => {
    const all = runners(held({ concurrency: 1 }), held({ concurrency: 900, name: 'wide' }), {
      name: 'free',
      run: () => 1,
    });
    const limits = ['held', 'wide', 'free'].map((name) => all.describe(name)).map((fn) => [fn?.concurrency, fn?.queue]);
    expect(limits).toEqual([
      [1, 1_000],
      [900, 3_600],
      [10_000, 40_000],
    ]);
  });
});

describe('what a runner offers changes', () => {
  /** A runner whose functions the test decides, which answers nothing by itself. */
  class Changing implements PartRunner {
    readonly concurrency = 1;
    offers: PartRunner['offers'] = [];
    events: Parameters<PartRunner['own']>[0] | undefined;
    readonly ran: number[] = [];
    own(events: Parameters<PartRunner['own']>[0]): void {
      this.events = events;
    }
    run({ task }: { readonly task: number }): void {
      this.ran.push(task);
    }
    abort(): void {}
    async close(): Promise<void> {}
    offer(...names: readonly string[]): void {
      this.offers = names.map((name) => offerOf({ name, run: () => 1 }));
      this.events?.changed();
    }
  }

  test('and its node is told; who waits for what is gone is sent elsewhere', async () => {
    const part = new Changing();
    const changed = vi.fn();
    part.offer('a', 'b');
    const all = new Runners({ changed, node: 'alpha', now: () => clock.now(), open: nobody, parts: [part] });
    const caller = new Caller(all);
    void caller.call('a');
    const waiting = caller.problem('a');
    part.offer('b', 'c');
    expect(changed).toHaveBeenCalledTimes(1);
    expect(all.functions.map(({ name }) => name)).toEqual(['b', 'c']);
    expect(await waiting).toMatchObject({ code: 'not-here' });
    expect(await caller.problem('a')).toMatchObject({ code: 'not-here' });
    void caller.call('c');
    expect(part.ran).toEqual([1, 4]);
  });
});
