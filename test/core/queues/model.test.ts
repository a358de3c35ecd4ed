/** Whatever is done with a queue, in whatever order, it is what a naive one is; and every message is counted once. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lenient } from '../../../src/engine/core/queues/leases.ts';
import { defaultOptions, withOptions } from '../../../src/engine/core/queues/options.ts';
import { NaiveQueue, type Sending, SWEPT_MS } from './naive.ts';
import { Shop } from './shop.ts';

interface Real {
  readonly shop: Shop;
  readonly number: number;
  /** All that were ever given, the newest first. */
  readonly receipts: string[];
}

type Run = (model: NaiveQueue, real: Real) => void;

class Step implements fc.Command<NaiveQueue, Real> {
  readonly #text: string;
  readonly #run: Run;

  constructor(text: string, run: Run) {
    this.#text = text;
    this.#run = run;
  }

  check(): boolean {
    return true;
  }

  run(model: NaiveQueue, real: Real): void {
    this.#run(model, real);
    compare(model, real);
  }

  toString(): string {
    return this.#text;
  }
}

function compare(model: NaiveQueue, { shop, number }: Real): void {
  for (const message of model.messages.filter(({ end, leaseUntil }) => end <= model.now && leaseUntil === undefined)) {
    if (shop.tables.message(number, message.id) === undefined) model.expire(message);
    else
      expect(model.now - Math.max(message.end, message.freeSince), `${message.id} is swept`).toBeLessThanOrEqual(
        SWEPT_MS,
      );
  }
  const { sent, ready, delayed, leased, done, dead, expired, purged } = shop.view('q').counts;
  expect(sent, 'conservation').toBe(ready + delayed + leased + dead + done + expired + purged);
  expect({ dead, done, expired, purged }).toEqual(model.ends);
  expect({ leased, resting: ready + delayed, sent }).toEqual({
    leased: model.leased.length,
    resting: model.messages.length - model.leased.length,
    sent: model.sent,
  });
  // Behind others of its group nobody looks whether it is due.
  if (model.options.kind !== 'fifo') expect(delayed, 'delayed').toBe(model.delayed.length);
  const deadQueue = shop.tables.all().find(({ name }) => name === 'q.dead');
  expect(deadQueue?.counts.messages ?? 0, 'dead letters').toBe(dead);
}

function send(orders: readonly Sending[]): Run {
  return (model, { shop }) => {
    const { kind } = model.options;
    const terms = orders.map(({ rank, group, ...rest }) => ({
      ...rest,
      group: kind === 'fifo' ? group : undefined,
      rank: kind === 'priority' ? rank : 0,
    }));
    const results = shop.send(
      'q',
      ...terms.map(({ rank, group, delayMs, ttlMs }) => ({
        content: 'x',
        ...(kind === 'priority' && { priority: 255 - rank }),
        ...(group !== undefined && { group }),
        ...(delayMs !== undefined && { delayMs }),
        ...(ttlMs !== undefined && { ttlMs }),
      })),
    );
    for (const [i, result] of results.entries()) model.send('id' in result ? result.id : -1, terms[i] as Sending);
  };
}

function receive(max: number, groupMax: number, visibilityMs: number): Run {
  return (model, { shop, receipts }) => {
    const isFifo = model.options.kind === 'fifo';
    const mine = new Set<number>();
    for (const { id, receives, token, receipt, leaseUntil } of shop.receive('q', { groupMax, max, visibilityMs })) {
      const open = model.receivable(mine, groupMax);
      const message = isFifo ? open.find((one) => one.id === id) : open[0];
      if (message === undefined) throw new Error(`${id} was received, and nothing could be`);
      mine.add(id);
      expect(token, 'tokens grow').toBeGreaterThan(model.token);
      model.token = token;
      model.grant(message, receipt, visibilityMs);
      expect({ id, leaseUntil, receives }).toEqual({
        id: message.id,
        leaseUntil: message.leaseUntil,
        receives: message.receives,
      });
      receipts.unshift(receipt);
    }
    // Of a group whose first message was found to be over, the next one comes when that is durable.
    const isAll = !isFifo || mine.size === 0 || model.messages.every(({ end }) => end > model.now);
    if (mine.size < max && isAll)
      expect(
        model.receivable().map(({ id }) => id),
        'left behind',
      ).toEqual([]);
  };
}

/** Uses one of the receipts that were ever given as somebody who cannot know whether it is the last. */
function useLeniently(kind: 'ack' | 'extend', which: number, ms: number): Run {
  return (model, real) => {
    const given = real.receipts[which % Math.max(1, real.receipts.length)];
    const message = given === undefined ? undefined : model.earlier(given);
    if (given === undefined || message === undefined) return;
    const receipt = lenient(given);
    const [result] = real.shop.handle(kind, 'q', [kind === 'ack' ? receipt : { receipt, visibilityMs: ms }]);
    const { leaseUntil = 0 } = message;
    if (kind === 'ack' && leaseUntil > 0) {
      expect(result).toMatchObject({ problem: { code: 'lease-lost' } });
      return;
    }
    expect(result).toMatchObject({ ok: true });
    if (kind === 'ack') model.end(message, 'done');
    else if (ms > 0 && model.now + ms >= leaseUntil)
      Object.assign(message, { leaseUntil: model.now + ms, writtenAt: model.now });
  };
}

type Kind = 'ack' | 'nack' | 'extend' | 'release';

/** Settles one of the receipts that were ever given: good ones and stale ones. */
function settle(kind: Kind, which: number, ms: number | undefined): Run {
  return (model, { shop, receipts }) => {
    const receipt = receipts[which % Math.max(1, receipts.length)];
    if (receipt === undefined) return;
    const delay = ms === undefined ? {} : { delayMs: ms };
    const item = {
      ack: receipt,
      extend: { receipt, visibilityMs: ms ?? 0 },
      nack: { receipt, ...delay },
      release: receipt,
    };
    const [result] = shop.handle(kind, 'q', [item[kind]]);
    const isLate = kind === 'ack' || kind === 'extend';
    const message = isLate ? model.latest(receipt) : model.held(receipt);
    if (message === undefined) {
      expect(result).toMatchObject({ problem: { code: 'lease-lost' } });
      return;
    }
    expect(result).toMatchObject({ ok: true });
    if (kind === 'ack') model.end(message, 'done');
    else if (kind === 'nack') model.giveBack(message, 'nacked', ms);
    else if (kind === 'release') model.giveBack(message, 'released');
    else if (!ms) message.leaseUntil === undefined || model.giveBack(message, 'timed-out');
    else Object.assign(message, { leaseUntil: model.now + ms, writtenAt: model.now });
  };
}

function pass(ms: number): Run {
  return (model, { shop }) => {
    model.pass(ms);
    shop.pass(ms);
  };
}

const purge: Run = (model, { shop }) => {
  expect(shop.get({ kind: 'purge', queue: 'q' })).toEqual({ kind: 'purged', purged: model.messages.length });
  model.purge();
};

const peek: Run = (model, { shop }) => {
  const before = shop.view('q');
  const held = new Set(model.leased.map(({ id }) => id));
  expect(shop.get({ kind: 'peek', queue: 'q' })).toMatchObject({ held });
  expect(shop.view('q')).toEqual(before);
};

const restart: Run = (model, { shop }) => {
  model.restart();
  shop.restart();
};

const few = fc.constantFrom(...[0, 1, 200, 999, 1_000, 2_500]);
const orders = fc.array(
  fc.record({
    delayMs: fc.option(fc.constantFrom(0, 100, 1_500), { nil: undefined }),
    group: fc.constantFrom('a', 'b', 'c'),
    rank: fc.constantFrom(0, 7, 255),
    ttlMs: fc.option(fc.constantFrom(700, 2_000), { freq: 4, nil: undefined }),
  }),
  { maxLength: 4, minLength: 1 },
);
const visibility = fc.constantFrom(500, 1_000, 3_000);
const kinds = fc.constantFrom<Kind>('ack', 'ack', 'nack', 'extend', 'release');
const steps = [
  orders.map((given) => new Step(`send ${JSON.stringify(given)}`, send(given))),
  fc
    .tuple(fc.constantFrom(1, 2, 10), fc.constantFrom(1, 3), visibility)
    .map(([max, groupMax, ms]) => new Step(`receive ${max} of ${groupMax} for ${ms}`, receive(max, groupMax, ms))),
  fc
    .tuple(kinds, fc.nat(6), fc.option(few, { nil: undefined }))
    .map(([kind, which, ms]) => new Step(`${kind} ${which} ${ms}`, settle(kind, which, ms))),
  fc
    .tuple(fc.constantFrom('ack', 'extend'), fc.nat(6), few)
    .map(([kind, which, ms]) => new Step(`${kind}~ ${which} ${ms}`, useLeniently(kind, which, ms))),
  few.map((ms) => new Step(`pass ${ms}`, pass(ms))),
  fc.constantFrom(new Step('peek', peek), new Step('restart', restart), new Step('purge', purge)),
];
const options = fc.record({
  delayMs: fc.constantFrom(0, 0, 300),
  expired: fc.constantFrom('drop', 'dead-letter'),
  kind: fc.constantFrom('standard', 'fifo', 'priority'),
  leaseWriteMs: fc.constantFrom(0, 1_000),
  maxReceives: fc.constantFrom(null, 1, 3),
  retry: fc.constant({ baseMs: 100, factor: 2, jitter: 0, maxMs: 300 }),
  ttlMs: fc.constantFrom(null, null, 4_000),
});

test('a queue is what a naive one is, whatever is done with it', () => {
  const doings = fc.commands(steps, { maxCommands: 60, size: 'max' });
  fc.assert(
    fc.property(options, doings, (given, commands) => {
      fc.modelRun(() => {
        const shop = new Shop();
        const { number } = shop.create('q', given);
        const settled = withOptions(defaultOptions('q'), given);
        if (!settled.ok) throw new Error(settled.problem.message);
        return { model: new NaiveQueue(settled.value, shop.now), real: { number, receipts: [], shop } };
      }, commands);
    }),
    { numRuns: 300 },
  );
});
