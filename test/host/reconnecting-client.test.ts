/** What becomes of requests whose link breaks, over links that a test holds in its hands. */
import { afterEach, describe, expect, test } from 'vitest';
import { Prng } from '../../src/engine/core/base/prng.ts';
import type { Message } from '../../src/engine/core/node/inputs.ts';
import { LinkClient } from '../../src/engine/host/client.ts';
import { ReconnectPolicy } from '../../src/engine/host/reconnect-policy.ts';
import { ReconnectingClient } from '../../src/engine/host/reconnecting-client.ts';
import type { WireLink } from '../../src/engine/host/wire-link.ts';
import type { PlanDocument } from '../../src/engine/index.ts';
import { payloadOf } from '../../src/engine/wire/payload.ts';

interface TestLink {
  readonly client: LinkClient;
  /** Plans that were sent on it, by their numbers. */
  readonly plans: number[];
  /** Calls of `f`. */
  readonly calls: number[];
}

function linkTo(url: string): TestLink {
  const plans: number[] = [];
  const calls: number[] = [];
  const link = {
    close: (reason: string) => client.end(reason, undefined),
    send: (message: Message) => {
      if (message.kind === 'plan') plans.push(message.id);
      if (message.kind === 'call' && message.fun === 'f') calls.push(message.id);
    },
  };
  const client: LinkClient = new LinkClient(link as unknown as WireLink, { id: url, name: url, url });
  return { calls, client, plans };
}

const clients: ReconnectingClient[] = [];
afterEach(() => Promise.all(clients.splice(0).map((client) => client.close())));

/** A client on a first link; each time that it connects again there is another one. */
function reconnecting() {
  const links = [linkTo('ws://a')];
  const client = new ReconnectingClient((links[0] as TestLink).client, {
    open: async (url) => {
      const next = linkTo(url);
      links.push(next);
      return next.client;
    },
    policy: new ReconnectPolicy(['ws://a', 'ws://b'], new Prng(1)),
    seeds: () => ['ws://a', 'ws://b'],
    waitMs: 5_000,
  });
  clients.push(client);
  return { client, links };
}

const step = (name: string, more: object = {}) => ({ fun: 'f', name, ...more });
const SAFE = { idempotent: true };

describe('a plan whose link breaks', () => {
  test.each<[string, PlanDocument]>([
    ['a list of steps', [step('a', SAFE), step('b', SAFE)]],
    ['an object with steps', { onError: 'continue', steps: [step('a', SAFE)] }],
  ])('is sent again where all its steps may run twice: %s', async (_, plan) => {
    const { client, links } = reconnecting();
    const reply = client.run(plan);
    links[0]?.client.end('reset', undefined);
    await expect.poll(() => links[1]?.plans).toEqual([expect.any(Number)]);
    const payload = payloadOf({ results: { a: 7 }, steps: [], tookMs: 1 });
    links[1]?.client.receive({ by: 'b', id: links[1].plans[0] as number, kind: 'result', payload });
    expect(await reply).toMatchObject({ results: { a: 7 } });
  });

  test.each<[string, PlanDocument]>([
    ['one of its steps may not run twice', [step('a', SAFE), step('b')]],
    ['one of them says so of itself', { steps: [step('a', { idempotent: false })] }],
    ['its steps say nothing', [step('a')]],
    ['it is no plan at all', { steps: 'many' }],
    ['it has none', []],
  ])('may have run, and is not sent again, where %s', async (_, plan) => {
    const { client, links } = reconnecting();
    const reply = client.run(plan);
    links[0]?.client.end('reset', undefined);
    await expect(reply).rejects.toMatchObject({ code: 'link-lost' });
    await expect.poll(() => client.connected).toBe(true);
    expect(links.map(({ plans }) => plans.length)).toEqual([1, 0]);
  });

  test('is not sent for ever: six times at most, then nobody knows', async () => {
    const { client, links } = reconnecting();
    const reply = client.run([step('a', SAFE)]);
    reply.catch(() => undefined);
    for (let i = 0; i < 6; i++) {
      await expect.poll(() => links[i]?.plans.length).toBe(1);
      links[i]?.client.end('reset', undefined);
    }
    await expect(reply).rejects.toMatchObject({ code: 'link-lost' });
  });
});

test.each([
  [0, 2],
  [1, 1],
])('an idempotent call of which %i items came is sent %i times', async (items, sends) => {
  const { client, links } = reconnecting();
  const seen: unknown[] = [];
  const asked = client.ask('f', [], { idempotent: true, onItem: (item) => seen.push(item) });
  asked.catch(() => undefined);
  const [id = 0] = links[0]?.calls ?? [];
  for (let i = 0; i < items; i++) links[0]?.client.receive({ id, kind: 'item', payload: payloadOf(i) });
  links[0]?.client.end('reset', undefined);
  await expect.poll(() => client.connected).toBe(true);
  await expect.poll(() => links.flatMap(({ calls }) => calls).length).toBe(sends);
  if (sends === 1) await expect(asked).rejects.toMatchObject({ code: 'link-lost' });
  expect(seen).toHaveLength(items);
});
