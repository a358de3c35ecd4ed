/** Publishers that wait for slow subscribers of other nodes, over links that a test holds in its hands. */
import { describe, expect, test } from 'vitest';
import type { Message } from '../../src/engine/core/node/inputs.ts';
import type { BrakeMessage } from '../../src/engine/core/topics/messages.ts';
import { Brakes } from '../../src/engine/flow/brakes.ts';
import { FlowLink } from '../../src/engine/flow/flow-link.ts';

/** Two nodes with a link each to the other, and a clock that a test turns. */
function world() {
  const due: { at: number; then: () => void }[] = [];
  let now = 0;
  const later = (ms: number, then: () => void) => void due.push({ at: now + ms, then });
  let isCut = false;
  const brakes = new Map<string, Brakes>();
  const links = new Map<string, FlowLink>();
  for (const [here, there] of [
    ['a', 'b'],
    ['b', 'a'],
  ] as const) {
    const send = (message: Message) => {
      if (!isCut) brakes.get(there)?.told(links.get(there) as FlowLink, message as BrakeMessage);
      return undefined;
    };
    const wire = { hold: () => undefined, isFull: false, release: () => undefined, runs: false, send };
    links.set(here, new FlowLink(1, { address: '', id: there, name: there, role: 'peer' }, wire));
    brakes.set(here, new Brakes({ later, linkTo: () => links.get(here) }));
  }
  const a = brakes.get('a') as Brakes;
  const b = brakes.get('b') as Brakes;
  return {
    a,
    b,
    cut: () => {
      isCut = true;
    },
    fromA: links.get('b') as FlowLink,
    pass: (ms: number) => {
      for (now += ms; due.some(({ at }) => at <= now); ) {
        const next = due.findIndex(({ at }) => at <= now);
        due.splice(next, 1)[0]?.then();
      }
    },
    toB: links.get('a') as FlowLink,
  };
}

let clients = 100;
function client(): FlowLink {
  const wire = { hold: () => undefined, isFull: false, release: () => undefined, runs: false, send: () => undefined };
  return new FlowLink(clients++, { name: 'c', role: 'client' }, wire);
}

function slow(number: number, ...patterns: string[]) {
  const counts = { sent: 0 };
  return { counts, slow: { number, patterns, sent: () => counts.sent } };
}

describe('a slow subscriber on another node', () => {
  test('is waited for by those who publish what it matches, and by nobody else, until it has room', () => {
    const { a, b, fromA } = world();
    const [ann, bob, cy] = [client(), client(), client()];
    expect(b.press(slow(7, 'order.#', '#.eu').slow, fromA)).toBe(true);
    expect(a.isApplied).toBe(true);
    a.published('order.eu', ann);
    a.published('cart.us', bob);
    cy.behind.add({ pump: () => undefined });
    a.published('order.eu', cy);
    expect([ann, bob, cy].map(({ isHeld }) => isHeld)).toEqual([true, false, false]);
    b.release(7);
    expect([ann.isHeld, a.isApplied]).toEqual([false, false]);
  });

  test('is waited for as long as it takes something, and not for one that takes nothing', () => {
    const { a, b, fromA, pass } = world();
    const one = slow(7, 'order.#');
    const ann = client();
    b.press(one.slow, fromA);
    a.published('order', ann);
    for (let i = 0; i < 30; i++) {
      one.counts.sent++;
      pass(1_000);
    }
    expect(ann.isHeld).toBe(true);
    for (let i = 0; i < 9; i++) pass(1_000);
    expect([ann.isHeld, b.press(one.slow, fromA)]).toEqual([true, true]);
    pass(1_000);
    expect([ann.isHeld, b.press(one.slow, fromA)]).toEqual([false, false]);
    one.counts.sent++;
    pass(1_000);
    expect(b.press(one.slow, fromA)).toBe(true);
    a.published('order', ann);
    expect(ann.isHeld).toBe(true);
  });

  test('is not waited for when its node is gone, or says nothing any more', () => {
    const { a, b, cut, fromA, pass, toB } = world();
    const ann = client();
    b.press(slow(7, 'order').slow, fromA);
    a.published('order', ann);
    a.closed(toB);
    expect(ann.isHeld).toBe(false);
    b.press(slow(8, 'order').slow, fromA);
    a.published('order', ann);
    expect(ann.isHeld).toBe(true);
    cut();
    for (let i = 0; i < 4; i++) pass(1_000);
    expect(ann.isHeld).toBe(false);
  });

  test('is waited for no more when another of two has room: each holds by itself', () => {
    const { a, b, fromA } = world();
    const ann = client();
    b.press(slow(7, 'order').slow, fromA);
    b.press(slow(8, 'order.#').slow, fromA);
    a.published('order', ann);
    b.release(7);
    expect(ann.isHeld).toBe(true);
    b.release(8);
    expect(ann.isHeld).toBe(false);
  });
});
