import { beforeEach, describe, expect, test } from 'vitest';
import { Prng } from '../../src/engine/core/base/prng.ts';
import type { Peer } from '../../src/engine/core/links/messages.ts';
import type { Message } from '../../src/engine/core/node/inputs.ts';
import { Network } from '../../src/engine/sim/network.ts';
import type { Endpoint } from '../../src/engine/sim/stream.ts';
import { Timeline } from '../../src/engine/sim/timeline.ts';

const PATIENCE_MS = 9_000;
const DIAL_MS = 3_000;

/** Writes down what happens to it, as `kind what`. */
class Listener implements Endpoint {
  readonly place: number;
  readonly peer: Peer;
  readonly log: string[] = [];
  readonly links: number[] = [];
  /** Set while it has no time to shake hands. */
  asleep: (() => void)[] | undefined;

  constructor(place: number) {
    this.place = place;
    this.peer = { address: addressOf(place), id: `id ${place}`, name: `n${place}`, role: 'peer' };
  }

  answer(then: () => void): void {
    if (this.asleep === undefined) then();
    else this.asleep.push(then);
  }

  linkUp(link: number, peer: Peer): void {
    this.links.push(link);
    this.log.push(`up ${peer.name}`);
  }

  linkDown(_link: number, reason: string): void {
    this.log.push(`down ${reason}`);
  }

  dialFailed(dial: number, refused: boolean): void {
    this.log.push(`dial ${dial} ${refused ? 'refused' : 'failed'}`);
  }

  message(_link: number, message: Message): void {
    this.log.push(`got ${message.kind === 'nack' ? message.seq : message.kind}`);
  }

  drained(): void {
    this.log.push('drained');
  }
}

function addressOf(place: number): string {
  return `ws://sim-${place}:7000`;
}

let timeline: Timeline;
let network: Network;
let a: Listener;
let b: Listener;

function lasts(ms: number): void {
  timeline.runUntil(timeline.now + ms);
}

function say(from: Listener, ...seqs: number[]): void {
  for (const seq of seqs) network.send(from.links.at(-1) ?? 0, { kind: 'nack', seq });
}

beforeEach(() => {
  timeline = new Timeline();
  network = new Network(timeline, new Prng(7), {
    bytesPerMs: 1_000,
    dialMs: DIAL_MS,
    latencyMs: [1, 9],
    patienceMs: [PATIENCE_MS, PATIENCE_MS],
  });
  a = new Listener(0);
  b = new Listener(1);
  network.listen(addressOf(0), a);
  network.listen(addressOf(1), b);
});

function linked(): void {
  network.dial(a, 1, addressOf(1));
  lasts(100);
  expect([a.log, b.log]).toEqual([['up n1'], ['up n0']]);
  a.log.length = 0;
  b.log.length = 0;
}

describe('a dial', () => {
  test('brings both ends a link, and each the name of the other', () => {
    linked();
  });

  test('is refused where the machine runs and nobody listens', () => {
    network.vanish(b);
    network.dial(a, 5, addressOf(1));
    lasts(100);
    expect(a.log).toEqual(['dial 5 refused']);
  });

  test('to oneself is refused', () => {
    network.dial(a, 5, addressOf(0));
    lasts(100);
    expect(a.log).toEqual(['dial 5 refused']);
  });

  test.each(['from', 'to'] as const)('fails after its time when the way %s the other is blocked', (way) => {
    network.block((from, to) => (way === 'to' ? from === 0 && to === 1 : from === 1 && to === 0));
    network.dial(a, 5, addressOf(1));
    lasts(DIAL_MS - 1);
    expect(a.log).toEqual([]);
    lasts(1);
    expect(a.log).toEqual(['dial 5 failed']);
  });

  test('succeeds when the way is freed in time', () => {
    const block = () => true;
    network.block(block);
    network.dial(a, 5, addressOf(1));
    lasts(500);
    network.unblock(block);
    lasts(DIAL_MS - 500);
    expect(a.log).toEqual(['up n1']);
  });

  test('fails where the machine has no power', () => {
    network.darken(1);
    network.vanish(b);
    network.dial(a, 5, addressOf(1));
    lasts(DIAL_MS);
    expect(a.log).toEqual(['dial 5 failed']);
  });

  test('waits for a stopped process to shake hands, and no longer than its time', () => {
    b.asleep = [];
    network.dial(a, 5, addressOf(1));
    lasts(DIAL_MS + 100);
    for (const wake of b.asleep) wake();
    lasts(100);
    expect([a.log, b.log]).toEqual([['dial 5 failed'], []]);
  });
});

describe('a link', () => {
  beforeEach(linked);

  test('delivers everything in order, however the latency varies', () => {
    const seqs = Array.from({ length: 200 }, (_, i) => i);
    say(a, ...seqs);
    lasts(100);
    expect(b.log).toEqual(seqs.map((seq) => `got ${seq}`));
  });

  test('is slower the more is sent', () => {
    const body = 'x'.repeat(100_000);
    const problem = { code: 'internal', message: body };
    network.send(a.links[0] ?? 0, { kind: 'goaway', problem });
    lasts(99);
    expect(b.log).toEqual([]);
    lasts(20);
    expect(b.log).toEqual(['got goaway']);
  });

  test('stalls in silence while the way is blocked, and delivers afterwards', () => {
    const block = () => true;
    network.block(block);
    say(a, 1, 2);
    lasts(PATIENCE_MS - 100);
    network.unblock(block);
    expect([a.log, b.log]).toEqual([[], []]);
    lasts(1_100);
    expect([a.log, b.log]).toEqual([[], ['got 1', 'got 2']]);
  });

  test('that is blocked one way still delivers the other way', () => {
    network.block((from) => from === 0);
    say(a, 1);
    say(b, 2);
    lasts(100);
    expect([a.log, b.log]).toEqual([['got 2'], []]);
  });

  test('is given up by the sender when blocked too long; the other end learns it when it speaks', () => {
    const block = () => true;
    network.block(block);
    say(a, 1);
    lasts(PATIENCE_MS + 100);
    network.unblock(block);
    lasts(5_000);
    expect([a.log, b.log]).toEqual([['down timed out'], []]);
    say(b, 2);
    lasts(100);
    expect([a.log, b.log]).toEqual([['down timed out'], ['down reset']]);
  });

  test('is reset when the process at its end dies', () => {
    network.vanish(b);
    lasts(100);
    expect(a.log).toEqual(['down reset']);
  });

  test('does not notice that the power failed; data finds out once the machine is back', () => {
    network.darken(1);
    network.vanish(b);
    say(a, 1);
    lasts(PATIENCE_MS - 100);
    expect(a.log).toEqual([]);
    network.lighten(1);
    network.listen(addressOf(1), new Listener(1));
    lasts(1_100);
    expect(a.log).toEqual(['down reset']);
  });

  test('never delivers after the power failed what was under way before', () => {
    say(b, 1);
    network.darken(1);
    network.vanish(b);
    lasts(100);
    network.lighten(1);
    lasts(5_000);
    expect(a.log).toEqual([]);
  });

  test('that is closed delivers what was sent before, then the reason', () => {
    say(a, 1, 2);
    network.close(a.links[0] ?? 0, 'idle');
    say(a, 3);
    lasts(100);
    expect([a.log, b.log]).toEqual([['down idle'], ['got 1', 'got 2', 'down idle']]);
  });

  test('of a process that ends in good order delivers its last words', () => {
    say(a, 1);
    network.closeAll(a, 'goodbye');
    lasts(100);
    expect([a.log, b.log]).toEqual([[], ['got 1', 'down goodbye']]);
  });

  test('that breaks tells both ends', () => {
    network.breakLinks(1, 0);
    lasts(100);
    expect([a.log, b.log]).toEqual([['down reset'], ['down reset']]);
  });

  test('does not break when only others do', () => {
    network.breakLinks(0, 0);
    network.breakLinks(0, 2);
    lasts(100);
    expect([a.log, b.log]).toEqual([[], []]);
  });

  test('carries a message as it was sent: changing it meanwhile is a bug', () => {
    const message = { kind: 'nack' as const, seq: 1 };
    network.send(a.links[0] ?? 0, message);
    message.seq = 2;
    expect(() => lasts(100)).toThrow('a message is not changed after it was sent');
  });

  test('that is not read delivers nothing until it is read again, and then all of it', () => {
    network.hold(b.links[0] ?? 0);
    say(a, 1, 2);
    lasts(5_000);
    expect(b.log).toEqual([]);
    network.release(b.links[0] ?? 0);
    lasts(100);
    expect(b.log).toEqual(['got 1', 'got 2']);
  });

  test('that is not read and is given up answers what waits with a reset', () => {
    network.hold(b.links[0] ?? 0);
    say(a, 1);
    lasts(100);
    network.close(b.links[0] ?? 0, 'it gave up');
    lasts(100);
    expect([a.log, b.log]).toEqual([['down reset'], ['down it gave up']]);
  });

  test('is full from so many bytes on, and has room again when half of them have arrived', () => {
    const problem = { code: 'internal', message: 'x'.repeat(800_000) };
    const link = a.links[0] ?? 0;
    network.send(link, { kind: 'goaway', problem });
    expect(network.isFull(link)).toBe(false);
    network.send(link, { kind: 'goaway', problem });
    expect(network.isFull(link)).toBe(true);
    lasts(1_000);
    expect([network.isFull(link), a.log]).toEqual([true, []]);
    lasts(1_000);
    expect([network.isFull(link), a.log]).toEqual([false, ['drained']]);
  });

  test('in a storm is late, but loses nothing', () => {
    network.storm({ delayMs: 2_000, share: 0.5 });
    say(a, ...Array.from({ length: 50 }, (_, i) => i));
    lasts(10);
    expect(b.log.length).toBeLessThan(50);
    lasts(3_000);
    expect(b.log).toHaveLength(50);
  });
});
