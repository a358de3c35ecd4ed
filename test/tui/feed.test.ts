/** The feed against nodes of the test's own: what it asks, when it gives one up, and where it goes then. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Client, MemberView } from '../../src/engine/index.ts';
import { Feed } from '../../src/tui/feed.ts';
import type { Input, SeenEvent } from '../../src/tui/model.ts';
import { member } from './sights.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** A node of which a test decides what it answers. */
class Host {
  readonly name: string;
  asked = 0;
  inspections: (string | undefined)[] = [];
  silent = false;
  #event: (event: SeenEvent) => void = () => {};
  #close: (reason: string) => void = () => {};
  readonly client: Client;

  constructor(name: string, members: readonly MemberView[]) {
    this.name = name;
    const closed = new Promise<string>((resolve) => {
      this.#close = resolve;
    });
    const client: Partial<Client> = {
      close: async () => this.#close('closed'),
      closed,
      events: () => this.#events(),
      info: (node) => {
        this.inspections.push(node);
        return Promise.reject(new Error('no answer'));
      },
      members: () => {
        this.asked++;
        return this.silent ? new Promise(() => {}) : Promise.resolve(members);
      },
      node: { id: `id-${name}`, name, url: `ws://${name}` },
    };
    this.client = client as Client;
  }

  die(): void {
    this.#close('the link ended');
  }

  tell(event: SeenEvent): void {
    this.#event(event);
  }

  async *#events(): AsyncGenerator<SeenEvent> {
    for (;;) {
      yield await new Promise<SeenEvent>((resolve) => {
        this.#event = resolve;
      });
    }
  }
}

function follow(first: Host, others: Readonly<Record<string, Host>> = {}, looksAt?: string) {
  const inputs: Input[] = [];
  const tried: (readonly string[])[] = [];
  const stop = new AbortController();
  const feed = new Feed({
    emit: (input) => inputs.push(input),
    now: () => Date.now(),
    open: async (urls) => {
      tried.push(urls);
      const found = urls.map((url) => others[url]).find(Boolean);
      if (found === undefined) throw new Error('nobody there');
      return found.client;
    },
    signal: stop.signal,
    wanted: () => looksAt,
  });
  const done = feed.run(first.client);
  const kinds = () => inputs.map(({ kind }) => kind);
  return { done, feed, inputs, kinds, stop, tried };
}

const alive = [member('a', { address: 'ws://a', self: true }), member('b', { address: 'ws://b' })];
const dead = member('c', { address: 'ws://c', state: 'dead' });

test('asks every second, and soon after something has happened', async () => {
  const a = new Host('a', alive);
  const { done, kinds, stop } = follow(a);
  await vi.advanceTimersByTimeAsync(0);
  expect(kinds()).toEqual(['connected', 'seen']);
  await vi.advanceTimersByTimeAsync(2000);
  expect(a.asked).toBe(3);
  a.tell({ at: 1, kind: 'paused', ms: 9 });
  await vi.advanceTimersByTimeAsync(200);
  expect(kinds().slice(-2)).toEqual(['event', 'seen']);
  expect(a.asked).toBe(4);
  stop.abort();
  await done;
});

test('goes on with another node that was alive when this one is gone, and says so in between', async () => {
  const a = new Host('a', [...alive, dead]);
  const b = new Host('b', alive);
  const { done, inputs, stop, tried } = follow(a, { 'ws://b': b });
  await vi.advanceTimersByTimeAsync(500);
  a.die();
  await vi.advanceTimersByTimeAsync(10);
  expect(tried).toEqual([['ws://b', 'ws://a']]);
  expect(inputs.map(({ kind }) => kind)).toEqual(['connected', 'seen', 'lost', 'connected', 'seen']);
  expect(inputs[2]).toMatchObject({ kind: 'lost', reason: 'the link ended' });
  expect(inputs[3]).toMatchObject({ kind: 'connected', name: 'b' });
  stop.abort();
  await done;
});

test('gives up a node that holds the connection and says nothing for three seconds', async () => {
  const a = new Host('a', alive);
  const b = new Host('b', alive);
  const { done, inputs, stop } = follow(a, { 'ws://b': b });
  await vi.advanceTimersByTimeAsync(0);
  a.silent = true;
  await vi.advanceTimersByTimeAsync(3900);
  expect(inputs.some(({ kind }) => kind === 'lost')).toBe(false);
  await vi.advanceTimersByTimeAsync(200);
  expect(inputs.at(-1)).toMatchObject({ kind: 'seen' });
  expect(inputs.find(({ kind }) => kind === 'lost')).toMatchObject({ reason: 'it does not answer' });
  stop.abort();
  await done;
});

test('never gives up the mesh: tries on, also what is near, until it is told to stop', async () => {
  const a = new Host('a', alive);
  const { done, inputs, stop, tried } = follow(a);
  await vi.advanceTimersByTimeAsync(0);
  a.die();
  await vi.advanceTimersByTimeAsync(30_000);
  expect(tried.slice(0, 2)).toEqual([['ws://b', 'ws://a'], []]);
  expect(tried.length).toBeGreaterThan(20);
  expect(inputs.filter(({ kind }) => kind === 'lost')).toHaveLength(1);
  stop.abort();
  await done;
});

test('asks the node that is looked at about itself, and tells when it does not answer', async () => {
  const a = new Host('a', alive);
  const { done, inputs, stop } = follow(a, {}, 'id-b');
  await vi.advanceTimersByTimeAsync(0);
  expect(a.inspections).toEqual(['id-b']);
  expect(inputs.at(-1)).toEqual({ id: 'id-b', kind: 'inspected', snapshot: undefined });
  stop.abort();
  await done;
});
