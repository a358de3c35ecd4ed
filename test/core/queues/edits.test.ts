/**
 * A queue that is turned into another while it holds messages of every guarantee, its disk fills, its node dies and the
 * calendar jumps: each message is counted once, an id is recognised for as long as was said, and none is left behind.
 */
import { expect, test } from 'vitest';
import { Prng } from '../../../src/engine/core/base/prng.ts';
import { Shop } from './shop.ts';

const CONSUMERS = ['ann', 'bob', 'cid'];
const SEEDS = 60;
const STEPS = 150;

/** What a queue may be turned into. */
const EDITS: readonly (readonly [string, readonly unknown[]])[] = [
  ['bytesMax', [null, 40, 300]],
  ['deadLetter', [null, 'q.dead', 'other']],
  ['dedupeMs', [1, 500, 60_000]],
  ['delayMs', [0, 0, 300, 5_000]],
  ['expired', ['drop', 'dead-letter']],
  ['leaseWriteMs', [0, 100, 1_000]],
  ['leasesMax', [1, 4, 100]],
  ['maxReceives', [null, 1, 3]],
  ['messagesMax', [null, 1, 5, 30]],
  ['retry', [{ baseMs: 0 }, { baseMs: 100, jitter: 0 }, { baseMs: 2_000, jitter: 1 }]],
  ['ttlMs', [null, 500, 4_000]],
  ['visibilityMs', [0, 200, 1_000, 30_000]],
];

/** With it, whatever is left comes at once, and as often as it takes. */
const CALM = { leasesMax: 1_000, maxReceives: null, retry: { baseMs: 0 }, ttlMs: null, visibilityMs: 1_000 };

class Trial {
  readonly #prng: Prng;
  readonly #kind: string;
  readonly #shop = new Shop();
  /** Receipts that were ever given, and the last token. */
  readonly #receipts: string[] = [];
  #token = 0;
  /** Ids that were sent: of which message, and until when they are remembered. */
  readonly #ids = new Map<string, { readonly id: number; readonly until: number }>();
  /** The latest moment that there was: what was over then need not be known, nor forgotten, once the calendar has jumped back. */
  #latest = 0;

  constructor(seed: number) {
    this.#prng = new Prng(seed);
    this.#kind = this.#prng.pick(['standard', 'fifo', 'priority']) ?? '';
    this.#shop.pass(100_000_000); // room for the calendar to jump back
    this.#shop.create('q', { kind: this.#kind });
    this.#shop.create('other');
  }

  step(): void {
    const prng = this.#prng;
    const shop = this.#shop;
    const dice = prng.below(100);
    const [option, values] = prng.pick(EDITS) ?? ['', []];
    if (dice < 30) this.#send();
    else if (dice < 50) this.#receive(prng.between(1, 6), prng.pick([undefined, ...CONSUMERS]));
    else if (dice < 65) this.#handle();
    else if (dice < 78) shop.ask({ kind: 'edit', options: { [option]: prng.pick(values) }, queue: 'q' });
    else if (dice < 88) shop.pass(prng.pick([1, 100, 700, 3_000]) ?? 0);
    else if (dice < 91) shop.restart(prng.pick([0, 0, -3_600_000, -500, 60_000]));
    else if (dice < 94) this.#redrive();
    else if (dice < 97) shop.ask({ consumer: prng.pick(CONSUMERS), kind: this.#subscribing(), queue: 'q' });
    else if (dice < 98 && !shop.full) this.#purge();
    else shop.full = prng.chance(0.5);
    this.#judge();
  }

  finish(): void {
    const shop = this.#shop;
    shop.full = false;
    shop.pass(2_000);
    shop.get({ kind: 'edit', options: CALM, queue: 'q' });
    for (let i = 0; i < 300 && this.#left > 0; i++) {
      for (const consumer of [undefined, ...CONSUMERS]) {
        const given = this.#receive(100, consumer);
        if (given.length > 0) shop.handle('ack', 'q', given);
      }
      shop.pass(i < 100 ? 300 : 3_600_000);
      this.#judge();
    }
    expect({ bytes: shop.view('q').counts.bytes, left: this.#left }).toEqual({ bytes: 0, left: 0 });
  }

  get #left(): number {
    const { ready, delayed, leased } = this.#shop.view('q').counts;
    return ready + delayed + leased;
  }

  #send(): void {
    const shop = this.#shop;
    const { full } = shop;
    const { options, counts } = shop.view('q');
    const order = this.#order();
    const answer = shop.answers.get(shop.ask({ kind: 'send', orders: [order], queue: 'q' }));
    if (answer === undefined || 'problem' in answer || answer.reply.kind !== 'sent') return;
    const [sent] = answer.reply.results;
    const { dedupeId } = order;
    if (sent === undefined || 'problem' in sent) {
      expect(shop.view('q').counts.sent, 'what is refused is not counted').toBe(counts.sent);
    } else if (dedupeId !== undefined && !full) {
      const past = this.#ids.get(dedupeId);
      const known = past !== undefined && past.until > shop.now ? past : undefined;
      const isKnown = sent.duplicate === true;
      if (known === undefined || known.until > this.#latest) expect(isKnown).toBe(known !== undefined);
      if (isKnown) expect(sent.id).toBe(known?.id);
      else this.#ids.set(dedupeId, { id: sent.id, until: shop.now + options.dedupeMs });
    }
  }

  #order(): { readonly content: string; readonly bytes: number; readonly dedupeId?: string } {
    const prng = this.#prng;
    const usual = Array.from({ length: 6 }, () => ({}));
    const several = [{ guarantee: 'broadcast' }, { guarantee: 'quorum', quorum: 2 }];
    return {
      bytes: prng.between(1, 20),
      content: 'x',
      ...(this.#kind === 'fifo' && { group: prng.pick(['a', 'b']) }),
      ...(this.#kind === 'priority' && { priority: prng.pick([0, 9, 255]) }),
      ...(prng.chance(0.2) && { delayMs: prng.pick([0, 400, 9_000]) }),
      ...(prng.chance(0.1) && { ttlMs: 900 }),
      ...(prng.chance(0.3) && { dedupeId: `d${prng.below(4)}` }),
      ...prng.pick([...usual, ...several, { guarantee: 'fire-and-forget' }]),
    };
  }

  #receive(max: number, consumer: string | undefined): readonly string[] {
    const who = consumer === undefined ? {} : { consumer };
    const command = {
      groupMax: this.#prng.between(1, 3),
      kind: 'receive',
      max,
      queue: 'q',
      waitMs: 0,
      ...who,
    } as const;
    const answer = this.#shop.answers.get(this.#shop.ask(command));
    if (answer === undefined || 'problem' in answer || answer.reply.kind !== 'received') return [];
    const leases = answer.reply.leases.filter(({ guarantee }) => guarantee !== 'fire-and-forget');
    for (const { token, receipt } of leases) {
      expect(token, 'tokens grow').toBeGreaterThan(this.#token);
      this.#token = token;
      this.#receipts.unshift(receipt);
    }
    return leases.map(({ receipt }) => receipt);
  }

  #handle(): void {
    const prng = this.#prng;
    const receipt = this.#receipts[prng.below(6)];
    if (receipt === undefined) return;
    const kind = prng.pick(['ack', 'ack', 'nack', 'extend', 'release'] as const) ?? 'ack';
    const delay = prng.chance(0.5) ? { delayMs: prng.pick([0, 400]) } : {};
    const visibilityMs = prng.pick([0, 100, 5_000]);
    const item = { ack: receipt, extend: { receipt, visibilityMs }, nack: { receipt, ...delay }, release: receipt };
    this.#shop.ask({ kind, queue: 'q', receipts: [item[kind]] });
  }

  #redrive(): void {
    const prng = this.#prng;
    const to = { queue: prng.pick(['q.dead', 'other']) ?? '', to: prng.pick(['origin', 'q', 'other']) };
    this.#shop.ask({ kind: 'redrive', ...to, ...prng.pick([{}, { max: 2 }, { rate: 0.5 }, { rate: 20 }]) });
  }

  #subscribing(): 'subscribe' | 'unsubscribe' {
    return this.#prng.chance(0.6) ? 'subscribe' : 'unsubscribe';
  }

  #purge(): void {
    this.#shop.get({ kind: 'purge', queue: 'q' });
    this.#ids.clear();
  }

  #judge(): void {
    const { now, tables } = this.#shop;
    this.#latest = Math.max(this.#latest, now);
    for (const { name } of tables.all()) {
      const { sent, ready, delayed, leased, done, dead, expired, purged, bytes } = this.#shop.view(name).counts;
      expect(sent, `${name} is conserved`).toBe(ready + delayed + leased + done + dead + expired + purged);
      expect(Math.min(ready, delayed, leased, bytes), `${name} has no less than nothing`).toBeGreaterThanOrEqual(0);
    }
  }
}

test.each(Array.from({ length: SEEDS }, (_, i) => i + 1))(
  'a queue keeps its laws whatever it is turned into (%i)',
  (seed) => {
    const trial = new Trial(seed);
    for (let i = 0; i < STEPS; i++) trial.step();
    trial.finish();
  },
);
