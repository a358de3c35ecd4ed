/** A hub that watches its federation, with a view of the test's own in place of the machine's. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { AlertEntry } from '../../../src/engine/core/federation/alert-records.ts';
import type { AlertingConfig, AlertRule } from '../../../src/engine/core/federation/alerting.ts';
import type { FederationView } from '../../../src/engine/core/federation/view.ts';
import { ALERTS_KEY, HubWatch, type HubWatchParts } from '../../../src/engine/host/federation/hub-watch.ts';
import { watchFunctions } from '../../../src/engine/host/federation/watch-functions.ts';
import type { Store } from '../../../src/engine/host/ports.ts';
import { MemoryStore } from '../../../src/engine/host/stores/memory.ts';
import { ProblemError } from '../../../src/engine/problem-error.ts';
import { but, view } from '../../core/federation/sights.ts';

const soon = { interval: 10, timeout: 60_000 };
const LOST: AlertRule = { comparison: '>', metric: 'cluster-lost', name: 'lost', severity: 'critical', threshold: 0 };

let server: Server;
let heard: { change: string; alerts: { id: string }[] }[];
let status: number;
let watches: HubWatch[];
let entries: AlertEntry[];
let logged: string[];

beforeEach(async () => {
  heard = [];
  status = 200;
  watches = [];
  entries = [];
  logged = [];
  server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    request.on('end', () => {
      if (status === 200) heard.push(JSON.parse(text));
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  for (const watch of watches) watch.close();
  server.closeAllConnections();
  server.close();
});

function seen(alerting: Partial<AlertingConfig> | undefined, from: FederationView = view()): FederationView {
  const { port } = server.address() as AddressInfo;
  const channels = [{ kind: 'webhook', name: 'hook', retries: 0, url: `http://127.0.0.1:${port}/` }] as const;
  const rules = alerting === undefined ? {} : { alerting: { channels, groupMs: 0, rules: [LOST], ...alerting } };
  return { ...from, config: { ...from.config, healthCheckMs: 100, ...rules } };
}

function begin(
  sight: FederationView,
  store: Pick<Store, 'commit' | 'read'> = new MemoryStore(),
  others: Pick<HubWatchParts, 'siblings' | 'tell'> = {},
) {
  const now = { sight };
  const watch = new HubWatch({
    commandsAllowed: false,
    log: (level, message) => logged.push(`${level}: ${message}`),
    now: () => Math.floor(performance.timeOrigin + performance.now()),
    onEntry: (entry) => entries.push(entry),
    store,
    view: () => now.sight,
    ...others,
  });
  watches.push(watch);
  return { now, store, watch };
}

const eastLost = (forMs = 5_000) => but({ cluster: 'east' }, { forMs, state: 'lost' });

test('a record that is too large stands in the log, once, with its size and the limit', async () => {
  const about = { bytes: 5_000_000, bytesMax: 4_194_304, cluster: 'west', hub: 'west-1', limit: 'one' } as const;
  const { watch } = begin(seen(undefined, view({ refused: [{ ...about, what: 'offers' }] })));
  watch.look();
  watch.look();
  expect(logged).toHaveLength(1);
  expect(logged[0]).toMatch(/^error: what this hub says of what its cluster has is of 5000000 bytes, .* 4194304 /);
});

describe('when another hub of the cluster begins to speak', () => {
  /** Two hubs of a cluster that can tell each other; the second one speaks once the first is gone. */
  function two(sight: FederationView) {
    const hubs = new Map<string, HubWatch>();
    const others = (self: string): Pick<HubWatchParts, 'siblings' | 'tell'> => ({
      siblings: () => [...hubs.keys()].filter((hub) => hub !== self),
      tell: async (hub, book) => void hubs.get(hub)?.hear(self, JSON.parse(JSON.stringify(book))),
    });
    const second = (from: FederationView, reachable: boolean) => ({
      ...from,
      hub: 'west-2',
      hubs: from.hubs.map((hub) => (hub.hub === 'west-1' ? { ...hub, reachable } : hub)),
      name: 'west-2',
    });
    const one = begin(sight, undefined, others('west-1'));
    const other = begin(second(sight, true), undefined, others('west-2'));
    hubs.set('west-1', one.watch).set('west-2', other.watch);
    const lose = () => {
      hubs.delete('west-1');
      one.watch.close();
      other.now.sight = second(sight, false);
      other.watch.look();
    };
    return { lose, one, other, second };
  }

  test('what the one before has told is not told again, and its end is told', async () => {
    const { lose, one, other, second } = two(seen({}, eastLost()));
    await vi.waitFor(() => expect(one.watch.alerts().alerts).toMatchObject([{ told: ['hook'] }]), soon);
    expect(other.watch.alerts().alerts).toEqual([]);
    lose();
    expect(other.watch.alerts().alerts).toMatchObject([{ id: 'lost:east', state: 'firing', told: ['hook'] }]);
    other.now.sight = second(seen({}), false);
    await vi.waitFor(() => expect(heard.map(({ change }) => change)).toEqual(['firing', 'resolved']), soon);
    await vi.waitFor(() => expect(other.watch.alerts().alerts).toEqual([]), soon);
  });

  test('what somebody has acknowledged stays acknowledged', async () => {
    const { lose, one, other } = two(seen({}, eastLost()));
    await vi.waitFor(() => expect(one.watch.alerts().alerts).toMatchObject([{ told: ['hook'] }]), soon);
    await one.watch.acknowledge('lost', 'ann', 'at it');
    lose();
    expect(other.watch.alerts().alerts).toMatchObject([{ acknowledged: { by: 'ann' }, state: 'acknowledged' }]);
  });
});

test('what is no book of alerts is refused', () => {
  const { watch } = begin(seen({}));
  for (const book of [undefined, {}, [1], [{ alert: 'a', rule: 'b', since: 0, told: [['log', -1, null]] }]]) {
    expect(watch.hear('west-2', book)).toBe(false);
  }
  expect(watch.hear('west-2', [{ alert: 'a', rule: 'b', since: 0, told: [['log', 1, null]] }])).toBe(true);
});

test('what fires is told, and so is its end, with nobody asking', async () => {
  const { now, watch } = begin(seen({}, eastLost()));
  await vi.waitFor(() => expect(heard).toMatchObject([{ alerts: [{ id: 'lost:east' }], change: 'firing' }]), soon);
  await vi.waitFor(() => expect(watch.alerts().alerts).toMatchObject([{ state: 'firing', told: ['hook'] }]), soon);
  now.sight = seen({});
  await vi.waitFor(() => expect(heard.map(({ change }) => change)).toEqual(['firing', 'resolved']), soon);
  await vi.waitFor(() => expect(watch.alerts().alerts).toEqual([]), soon);
  expect(entries.map(({ change }) => change)).toEqual(['firing', 'resolved']);
});

test('what a hub knew of alerts is there in its next life: told once, and acknowledged for good', async () => {
  const first = begin(seen({}, eastLost()));
  await vi.waitFor(() => expect(first.watch.alerts().alerts).toMatchObject([{ told: ['hook'] }]), soon);
  await first.watch.acknowledge('lost', 'ann', 'looking');
  first.watch.close();
  const { watch } = begin(seen({}, eastLost()), first.store);
  expect(watch.alerts().alerts).toMatchObject([
    { acknowledged: { by: 'ann', note: 'looking' }, state: 'acknowledged' },
  ]);
  expect(watch.alerts().history.map(({ change }) => change)).toEqual(['acknowledged', 'firing']);
  await new Promise((resolve) => setTimeout(resolve, 250));
  expect(heard).toHaveLength(1);
});

test('a channel that does not take it is said, and the alert is not taken for told', async () => {
  status = 500;
  const { watch } = begin(seen({}, eastLost()));
  await vi.waitFor(() => expect(watch.alerts().channels).toMatchObject([{ delivered: 0, failed: 1 }]), soon);
  expect(watch.alerts()).toMatchObject({
    alerts: [{ id: 'lost:east', told: [] }],
    history: [{ change: 'untold' }, { change: 'firing' }],
  });
  expect(logged).toEqual([expect.stringMatching(/^warn: an alert could not be told: hook: .* answered 500$/)]);
});

test('rules count from the moment they are there, and withdraw their alerts with them', async () => {
  const { now, watch } = begin(seen(undefined, eastLost()));
  expect(watch.alerts().alerts).toEqual([]);
  now.sight = seen({ groupMs: 60_000 }, eastLost());
  watch.look();
  expect(watch.alerts().alerts).toMatchObject([{ id: 'lost:east', state: 'firing' }]);
  now.sight = seen(undefined, eastLost());
  watch.look();
  expect(watch.alerts()).toMatchObject({ alerts: [], channels: [] });
  expect(entries.map(({ change }) => change)).toEqual(['firing', 'withdrawn']);
});

test('messages that were not delivered are counted by the minute', async () => {
  const rule: AlertRule = { ...LOST, metric: 'federation-failed', name: 'failing' };
  const { now, watch } = begin(seen({ rules: [rule] }, { ...view(), counts: { ...view().counts, failed: 7 } }));
  await new Promise((resolve) => setTimeout(resolve, 50));
  watch.look();
  expect(watch.alerts().alerts).toEqual([]);
  now.sight = seen({ rules: [rule] }, { ...view(), counts: { ...view().counts, failed: 9 } });
  await new Promise((resolve) => setTimeout(resolve, 5));
  watch.look();
  expect(watch.alerts().alerts).toMatchObject([{ id: 'failing', state: 'firing' }]);
});

describe('what was stored', () => {
  test('that cannot be read is said, and the hub goes on', async () => {
    const store = new MemoryStore();
    await store.commit([{ key: ALERTS_KEY, value: '{"alerts": 5}' }]);
    const { watch } = begin(seen({ groupMs: 60_000 }, eastLost()), store);
    expect(logged).toEqual(['error: what is known of alerts cannot be read: what fires is told anew']);
    expect(watch.alerts().alerts).toHaveLength(1);
  });

  test('or rather was not is no acknowledgement', async () => {
    const refuse = { commit: () => Promise.reject(new Error('no space')), read: () => undefined };
    const { watch } = begin(seen({ groupMs: 60_000 }, eastLost()), refuse);
    await expect(watch.acknowledge('lost', 'ann')).rejects.toThrow('no space');
  });
});

describe('the functions of a hub', () => {
  const run = async (watch: HubWatch, name: string, ...args: unknown[]): Promise<unknown> => {
    const named = new Map(watchFunctions(() => watch).map((fun) => [fun.name, fun.run]));
    return (named.get(`mpreg.federation.${name}`) as (...args: readonly unknown[]) => unknown)(...args);
  };

  test('tell of health and alerts', async () => {
    const { watch } = begin(seen({ groupMs: 60_000 }, eastLost()));
    expect(await run(watch, 'health')).toMatchObject({ state: 'critical', unreachable: [{ cluster: 'east' }] });
    expect(await run(watch, 'alerts')).toMatchObject({ alerts: [{ id: 'lost:east' }], leftOut: 0, name: 'west-1' });
    expect(await run(watch, 'ack', { alert: 'lost:east', by: 'ann' })).toMatchObject([{ state: 'acknowledged' }]);
  });

  test.each([
    [{ alert: 'lost', by: '' }, 'input-invalid', 'by must be a text'],
    [{ alert: 'lost', by: 'ann', until: 5 }, 'input-invalid', 'no field "until"'],
    [{ alert: 'nothing', by: 'ann' }, 'alert-unknown', 'no alert "nothing" fires'],
    [undefined, 'input-invalid', 'alert must be a text'],
  ])('refuse %j', async (ask, code, says) => {
    const { watch } = begin(seen({ groupMs: 60_000 }, eastLost()));
    const refused = await run(watch, 'ack', ask).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ProblemError);
    expect((refused as ProblemError).problem).toMatchObject({ code, message: expect.stringContaining(says) });
  });
});
