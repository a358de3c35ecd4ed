/**
 * Messages that travel in one piece reach whom they would reach one by one: the same world twice, once with links that take
 * runs and once with links that do not, and everybody in it hears the same.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Message } from '../../src/engine/core/node/inputs.ts';
import { Exchange } from '../../src/engine/core/topics/exchange.ts';
import { WINDOW_BYTES } from '../../src/engine/core/topics/messages.ts';
import { DEFAULT_TOPICS } from '../../src/engine/core/topics/options.ts';
import type { SlowPolicy } from '../../src/engine/core/topics/outbox.ts';
import type { Delivery } from '../../src/engine/flow/delivery.ts';
import type { MessageLog } from '../../src/engine/flow/message-log.ts';
import { TopicsFlow } from '../../src/engine/flow/topics-flow.ts';
import { payloadOf } from '../../src/engine/wire/payload.ts';
import { runOf } from '../../src/engine/wire/run.ts';

const SEED = 20_261_123;
const TOPICS = ['order.eu', 'order.us', 'cart'];
const REMOTE = 'remote';
/** The publishers' links. */
const PUBLISHERS = [1, 2];
const PEER = 3;

/** One end of a link, and what the other end would make of what comes. */
class TestWire {
  isFull = false;
  held = false;
  readonly runs: boolean;
  readonly heard: string[] = [];
  constructor(runs: boolean) {
    this.runs = runs;
  }
  hold(): void {
    this.held = true;
  }
  release(): void {
    this.held = false;
  }
  send(message: Message): undefined {
    if ('missed' in message && message.missed) this.heard.push(`${message.missed} missed`);
    switch (message.kind) {
      case 'deliver':
      case 'forward':
        this.heard.push(said(message, message.seq, message.payload.value()));
        break;
      case 'deliver-run':
      case 'forward-run': {
        expect(this.runs).toBe(true);
        let { seq } = message;
        for (const payload of runOf(message.payload)?.payloads() ?? []) {
          this.heard.push(said(message, seq++, payload.value()));
        }
        break;
      }
      case 'error':
        this.heard.push(message.problem.code);
        break;
      default:
    }
  }
}

const nothingIsKept = new Proxy({} as MessageLog, {
  get: (_, name) => {
    throw new Error(`nothing is kept here, and yet somebody asks for ${String(name)}`);
  },
});

const said = ({ by, topic }: { by: string; topic: string }, seq: number, value: object) =>
  `${topic} ${by}/${seq} ${(value as { value: Uint8Array }).value.length}`;

const made = new Map<number, Uint8Array>();
function bytesOf(size: number): Uint8Array {
  const bytes = made.get(size) ?? new Uint8Array(size);
  made.set(size, bytes);
  return bytes;
}

interface Listener {
  readonly patterns: string[];
  readonly policy: SlowPolicy;
  readonly messagesMax: number;
  readonly bytesMax: number;
  readonly paced: boolean;
  readonly group: string | undefined;
}

class World {
  readonly exchange = new Exchange<Delivery>('self', 1, DEFAULT_TOPICS);
  readonly flow: TopicsFlow;
  readonly wires = new Map<number, TestWire>();
  readonly #runs: boolean;
  readonly #next = new Map<number, number>();

  constructor(runs: boolean, listeners: readonly Listener[], remote: readonly string[]) {
    this.#runs = runs;
    this.flow = new TopicsFlow({
      exchange: () => this.exchange,
      input: (input) => {
        if (input.kind !== 'message' || input.message.kind !== 'unsubscribe') return;
        const number = input.link - 10;
        this.exchange.unsubscribe(number, 0);
        this.flow.unsubscribed({ kind: 'unsubscribed', subscription: number });
      },
      isAlive: () => true,
      later: () => undefined,
      life: 'life',
      linkTo: () => PEER,
      memory: nothingIsKept,
      stored: [],
      wallClock: () => 1,
    });
    for (const id of PUBLISHERS) this.#open(id, { name: 'p', role: 'client' });
    this.#open(PEER, { address: '', id: REMOTE, name: REMOTE, role: 'peer' });
    this.exchange.linked(REMOTE, 0);
    const added = remote.map((pattern) => ({ pattern }));
    this.exchange.receive(REMOTE, { added, from: 0, kind: 'interest', removed: [], version: 1 }, 0);
    for (const { group, messagesMax, bytesMax, paced, patterns, policy } of listeners) {
      const made = this.exchange.subscribe(
        { limits: { bytesMax, messagesMax, policy }, patterns, ...(group && { group }) },
        0,
      );
      if (!made.ok) throw new Error(made.problem.message);
      const link = 10 + made.value.id;
      this.#open(link, { name: 's', role: 'client' });
      this.flow.subscribed({ id: 7, kind: 'subscribed', link, paced, subscription: made.value.id });
    }
  }

  #open(id: number, peer: Parameters<TopicsFlow['opened']>[1]): void {
    const wire = new TestWire(this.#runs);
    this.wires.set(id, wire);
    this.flow.opened(id, peer, wire);
  }

  publish(link: number, topic: string, sizes: readonly number[]): void {
    const by = `p${link}`;
    const seq = this.#next.get(link) ?? 1;
    this.#next.set(link, seq + sizes.length);
    if (this.#runs) {
      const payload = payloadOf(sizes.map((size) => payloadOf(bytesOf(size)).bytes()));
      this.flow.take(link, { by, kind: 'publish-run', payload, seq, topic });
      return;
    }
    sizes.forEach((size, i) => {
      this.flow.take(link, { by, id: 0, kind: 'publish', payload: payloadOf(bytesOf(size)), seq: seq + i, topic });
    });
  }

  forwarded(topic: string, sizes: readonly number[]): void {
    const seq = this.#next.get(PEER) ?? 1;
    this.#next.set(PEER, seq + sizes.length);
    if (this.#runs) {
      const payload = payloadOf(sizes.map((size) => payloadOf(bytesOf(size)).bytes()));
      this.flow.take(PEER, { at: 5, by: 'far', kind: 'forward-run', payload, seq, topic });
      return;
    }
    sizes.forEach((size, i) => {
      const payload = payloadOf(bytesOf(size));
      const more = { at: 5, by: 'far', members: [], plain: true, seq: seq + i };
      this.flow.take(PEER, { ...more, kind: 'forward', payload, topic });
    });
  }

  /** Everything that can be seen from outside. */
  seen(): unknown {
    const wires = [...this.wires].map(([id, { heard, held }]) => ({ heard, held, id }));
    const views = this.flow.views().map(({ delivered, dropped, waiting }) => ({ delivered, dropped, waiting }));
    // What comes for a subscription that has just ended: in one piece with what ended it, it is counted, and by itself it is not.
    const { dropped, ...counters } = this.flow.counters;
    const ended = wires.some(({ heard }) => heard.includes('limit-exceeded'));
    return { counters: ended ? counters : { ...counters, dropped }, views, wires };
  }
}

const patterns = fc.subarray([...TOPICS, 'order.*', '#'], { maxLength: 2, minLength: 1 });
const listener = fc.record({
  bytesMax: fc.constantFrom(300, 2_000, 5_000_000),
  group: fc.constantFrom(undefined, undefined, undefined, 'g'),
  messagesMax: fc.integer({ max: 12, min: 1 }),
  paced: fc.boolean(),
  patterns,
  policy: fc.constantFrom<SlowPolicy>('drop-oldest', 'drop-newest', 'disconnect', 'block'),
});
const sizes = fc.array(fc.oneof(fc.nat(60), fc.constant(1_500)), { maxLength: 9, minLength: 1 });
/** Large enough that a few of them fill a window. */
const huge = fc.array(fc.constantFrom(WINDOW_BYTES / 4, WINDOW_BYTES / 3, 10), { maxLength: 6, minLength: 1 });
const topic = fc.constantFrom(...TOPICS);
const step = fc.oneof(
  {
    arbitrary: fc.record({ kind: fc.constant('publish'), link: fc.constantFrom(...PUBLISHERS), sizes, topic }),
    weight: 5,
  },
  { arbitrary: fc.record({ kind: fc.constant('forwarded'), link: fc.constant(0), sizes, topic }), weight: 2 },
  { arbitrary: fc.record({ kind: fc.constant('publish'), link: fc.constant(1), sizes: huge, topic }), weight: 1 },
  fc.record({ kind: fc.constant('full'), link: fc.integer({ max: 15, min: 1 }), sizes, topic }),
  fc.record({ kind: fc.constant('drained'), link: fc.integer({ max: 15, min: 1 }), sizes, topic }),
  fc.record({ kind: fc.constant('taken'), link: fc.integer({ max: 15, min: 10 }), sizes, topic }),
);

describe('messages in one piece', () => {
  it('reach whom they would reach one by one, in order, with the same losses told in the same places', () => {
    const met = { blocked: 0, dropped: 0, ended: 0, forwarded: 0 };
    const steps = fc.array(step, { maxLength: 40, minLength: 1 });
    const listeners = fc.array(listener, { maxLength: 5, minLength: 1 });
    fc.assert(
      fc.property(listeners, fc.subarray(['order.*', 'cart']), steps, (there, remote, done) => {
        const worlds = [new World(true, there, remote), new World(false, there, remote)];
        for (const { kind, link, sizes, topic } of done) {
          for (const world of worlds) act(world, kind, link, sizes, topic);
          expect(worlds[0]?.seen()).toEqual(worlds[1]?.seen());
        }
        const { flow, wires } = worlds[0] as World;
        met.dropped += flow.counters.dropped;
        met.forwarded += flow.counters.forwardedOut;
        met.blocked += PUBLISHERS.filter((id) => wires.get(id)?.held).length;
        met.ended += [...wires.values()].filter(({ heard }) => heard.includes('limit-exceeded')).length;
      }),
      { numRuns: 400, seed: SEED },
    );
    expect(Math.min(...Object.values(met))).toBeGreaterThan(10);
  });
});

function act(world: World, kind: string, link: number, sizes: readonly number[], topic: string): void {
  const wire = world.wires.get(link);
  if (kind === 'publish') world.publish(link, topic, sizes);
  else if (kind === 'forwarded') world.forwarded(topic, sizes);
  else if (wire === undefined) return;
  else if (kind === 'full') wire.isFull = true;
  else if (kind === 'taken') world.flow.take(link, { bytes: WINDOW_BYTES / 4, id: 7, kind: 'taken' });
  else {
    wire.isFull = false;
    world.flow.drained(link);
  }
}
