import { describe, expect, it } from 'vitest';
import { Prng } from '../../../src/engine/core/base/prng.ts';
import type { Carried } from '../../../src/engine/core/federation/effects.ts';
import { Federation } from '../../../src/engine/core/federation/federation.ts';
import { type HealthReason, healthOf } from '../../../src/engine/core/federation/health.ts';
import { LinkState, VERSION_MAX } from '../../../src/engine/core/federation/link-state.ts';
import {
  DEFAULT_FEDERATION_OPTIONS,
  type FederationConfig,
  type FederationOptions,
} from '../../../src/engine/core/federation/options.ts';
import type { HubRecord, OffersRecord } from '../../../src/engine/core/federation/records.ts';

const LIMITS = {
  allOffersBytesMax: 5_500,
  hubBytesMax: 2_500,
  hubsMax: 1_000,
  offersBytesMax: 5_000,
  recordMsMax: 1_000,
};

/** A hub of the own cluster or of another that says whatever it likes. */
const LIAR = 'LIAR';

describe('a hub whose neighbour lies', () => {
  it('takes no record that is larger than one may be, and no more of them than there is room for', () => {
    const links = new LinkState({ ...LIMITS, allHubsBytesMax: 12_000 });
    expect(links.put({ ...recordOf('A'), name: 'x'.repeat(2_500) }, 0, 0)).toBe(false);
    expect(links.put({ ...recordOf('A'), more: new Map([[1, [new Uint8Array(2_500)]]]) } as HubRecord, 0, 0)).toBe(
      false,
    );
    for (let i = 0; i < 100; i++) links.put({ ...recordOf(`H${i}`), name: 'x'.repeat(1_000) }, 0, 0);
    expect(links.size).toBeGreaterThan(3);
    expect(links.size).toBeLessThan(12);
    expect(links.put({ ...recordOf('A'), more: { big: 2n ** 63n, none: Number.NaN } } as HubRecord, 0, 0)).toBe(true);
    expect(links.putOffers({ ...offersOf('H0'), queues: ['q'.repeat(9_000)] }, 0, 0)).toBe(false);
    expect(links.putOffers({ ...offersOf('H0'), queues: ['q'.repeat(4_000)] }, 0, 0)).toBe(true);
    expect(links.putOffers({ ...offersOf('H1'), queues: ['q'.repeat(4_000)] }, 0, 0)).toBe(false);
    links.expire(1_001);
    expect(links.put({ ...recordOf('A'), name: 'x'.repeat(1_000) }, 0, 1_001)).toBe(true);
  });

  it('has the room of a record back when a smaller one takes its place', () => {
    const links = new LinkState({ ...LIMITS, allHubsBytesMax: 3_000 });
    expect(links.put({ ...recordOf('A'), name: 'x'.repeat(1_500) }, 0, 0)).toBe(true);
    expect(links.put({ ...recordOf('B'), name: 'x'.repeat(1_500) }, 0, 0)).toBe(false);
    expect(links.put({ ...recordOf('A'), version: 2 }, 0, 0)).toBe(true);
    expect(links.put({ ...recordOf('B'), name: 'x'.repeat(1_500) }, 0, 0)).toBe(true);
  });

  it('is not outrun by a version that leaves none to answer it with', () => {
    const { hub, hear } = listening();
    hear({ hubs: [{ ageMs: 0, record: { ...recordOf('SELF'), version: Number.MAX_SAFE_INTEGER } }] });
    hear({ offers: [{ ageMs: 0, record: { ...offersOf('SELF'), version: Number.MAX_SAFE_INTEGER } }] });
    for (const at of [2_000, 250_000, 251_000]) hub.advance(at);
    const own = told(hub, 'SELF');
    expect(own.length).toBeGreaterThan(0);
    expect(own.every((version) => version <= VERSION_MAX)).toBe(true);
  });

  it('keeps nothing of another hub whose version is beyond all that a hub can reach', () => {
    const { hub, hear } = listening();
    hear({ hubs: [{ ageMs: 0, record: { ...recordOf('FAR'), version: VERSION_MAX + 1 } }] });
    expect(hub.identityOf('FAR')).toBeUndefined();
  });

  it('remembers no more senders than hubs, however many names one uses', () => {
    const { hub } = listening({ hubsMax: 5 });
    const over = { ahead: ['SELF'], cluster: 'liars', life: 1, n: 1, session: 1, to: 'SELF' };
    for (let i = 0; i < 20; i++) {
      const message = { kind: 'letter', over: { ...over, from: `F${i}`, passed: [`F${i}`] } } as const;
      hub.receive({ node: LIAR }, message, 1_000);
    }
    expect(hub.drain().filter(({ kind }) => kind === 'deliver')).toHaveLength(5);
  });

  it('counts what it does not take for its size, and says of whom it is until something smaller comes', () => {
    const { hub, hear } = listening({ offersBytesMax: 2_000 });
    hear({ hubs: [{ ageMs: 0, record: recordOf('FAR') }] });
    const large = { ...offersOf('FAR'), queues: ['q'.repeat(3_000)] };
    for (let i = 0; i < 3; i++) hear({ offers: [{ ageMs: 0, record: large }] });
    const { counts, refused } = hub.view(1_000);
    expect(counts.recordsRefused).toBe(3);
    expect(refused).toMatchObject([{ bytesMax: 2_000, cluster: 'liars', hub: 'FAR', limit: 'one', what: 'offers' }]);
    expect(refused?.[0]?.bytes).toBeGreaterThan(3_000);
    hear({ offers: [{ ageMs: 0, record: { ...large, queues: ['q'], version: 2 } }] });
    expect(hub.view(1_000).refused).toBeUndefined();
  });

  it('holds no more bytes of what comes before what it follows than it may, and takes that when it comes again', () => {
    const { hub } = listening({ earlyBytesMax: 10_000 });
    let copied = 0;
    const payload = { kept: () => ({ ...payload, held: ++copied }), size: 3_000 };
    const over = { ahead: ['SELF'], cluster: 'liars', from: 'FAR', life: 1, passed: ['FAR'], session: 1, to: 'SELF' };
    const send = (n: number) => {
      hub.receive({ node: LIAR }, { kind: 'letter', over: { ...over, n }, payload } as never, 1_000);
      return hub.drain().flatMap((effect) => (effect.kind === 'deliver' ? [(effect.message as Carried).over?.n] : []));
    };
    for (const n of [2, 3, 3, 4, 5]) expect(send(n)).toEqual([]);
    expect(copied).toBe(2);
    expect(send(1)).toEqual([1, 2, 3]);
    expect(send(6)).toEqual([]);
    expect(send(4)).toEqual([4]);
    expect(send(5)).toEqual([5, 6]);
  });

  it('outlives edges by the hundred, costs and places out of all measure, and hubs that claim each other', () => {
    const { hub, hear } = listening();
    const edges = Array.from({ length: 500 }, (_, i) => ({
      cost: i % 2 === 0 ? 0 : 2 ** 53 - 1,
      life: i,
      to: `H${i}`,
    }));
    const wild = { at: [1e308, -1e308, 1e308], error: -5, height: -1e308 };
    const coordinates = { latitude: 1e308, longitude: -1e308 };
    for (let i = 0; i < 200; i++) {
      const record = recordOf(`H${i}`);
      const identity = { ...record.identity, cluster: `c${i}`, coordinates };
      hear({ hubs: [{ ageMs: 0, record: { ...record, edges, identity, position: wild, url: 'nowhere' } }] });
    }
    hub.advance(120_000);
    expect(hub.view(120_000).clusters.every(({ distanceMs }) => distanceMs === undefined || distanceMs >= 0)).toBe(
      true,
    );
  });
});

describe('a hub that spoke for its cluster in a former life, and does not now', () => {
  it('takes back what it said, once somebody still believes it', () => {
    const { hub, hear } = listening();
    hear({ hubs: [{ ageMs: 0, record: recordOf('FAR') }], offers: [] });
    hub.offer({ functions: [], queues: ['jobs'] }, 1_000);
    hub.advance(2_000);
    expect(offersTold(hub)).toEqual([]);
    hear({ offers: [{ ageMs: 0, record: { ...offersOf('SELF'), cluster: 'own', queues: ['old'], version: 7 } }] });
    for (const at of [2_000, 3_000, 4_000]) hub.advance(at);
    const told = offersTold(hub);
    expect(told).toMatchObject([{ hub: 'SELF', queues: [] }]);
    expect(told[0]?.version).toBeGreaterThan(2 ** 20);
  });
});

/** What it says now of what its cluster has. */
function offersTold(hub: Federation<{ readonly kind: 'letter' }>): readonly OffersRecord[] {
  return hub.drain().flatMap((effect) => {
    const isNews = effect.kind === 'tell' && effect.message.kind === 'hub-news';
    return isNews && effect.message.kind === 'hub-news' ? effect.message.offers.map(({ record }) => record) : [];
  });
}

describe('a hub whose own record is too large', () => {
  it('says so: what, how large, and what the limit is, until it is smaller', () => {
    const { hub } = listening({ offersBytesMax: 2_000 });
    hub.siblings([], 500); // it speaks for its cluster
    const own = () => sizeReasons(healthOf(hub.view(5_000)).clusters.find(({ self }) => self)?.reasons ?? []);
    hub.offer({ functions: [], queues: Array.from({ length: 100 }, (_, i) => `a queue of many ${i}`) }, 1_000);
    hub.advance(2_000);
    expect(hub.view(2_000).refused).toMatchObject([{ cluster: 'own', hub: 'SELF', what: 'offers' }]);
    expect(own()[0]?.says ?? 'nothing').toMatch(
      /^what this hub says of what its cluster has is of \d+ bytes, more than the 2000 of one record: no hub takes it/,
    );
    hub.offer({ functions: [], queues: ['one'] }, 3_000);
    hub.advance(4_000);
    expect(hub.view(4_000).refused).toBeUndefined();
    expect(own()).toEqual([]);
  });
});

function sizeReasons(reasons: readonly HealthReason[]): readonly HealthReason[] {
  return reasons.filter(({ what }) => what === 'size');
}

function listening(options: Partial<FederationOptions> = {}) {
  const hub = new Federation<{ readonly kind: 'letter' }>({
    about: { address: 'ws://self:1', load: 0, name: 'self', nodes: 1, software: '1', url: 'ws://self:1' },
    config: CONFIG,
    options: { ...DEFAULT_FEDERATION_OPTIONS, ...options },
    prng: new Prng(7),
    self: 'SELF',
  });
  hub.start(1, 0);
  hub.siblings([{ id: LIAR, name: 'liar' }], 0);
  hub.drain();
  const hear = (news: { hubs?: unknown[]; offers?: unknown[] }) =>
    hub.receive({ node: LIAR }, { hubs: [], kind: 'hub-news', offers: [], ...news } as never, 1_000);
  return { hear, hub };
}

/** The versions of its own records that it says now. */
function told(hub: Federation<{ readonly kind: 'letter' }>, about: string): number[] {
  return hub.drain().flatMap((effect) => {
    if (effect.kind !== 'tell' || effect.message.kind !== 'hub-news') return [];
    const { hubs, offers } = effect.message;
    return [...hubs, ...offers].flatMap(({ record }) => (record.hub === about ? record.version : []));
  });
}

const CONFIG: FederationConfig = {
  breaker: { failureThreshold: 5, successThreshold: 1, timeoutMs: 1_000 },
  identity: { cluster: 'own', name: 'own', region: 'r', tags: [] },
  links: [],
  mode: 'explicit',
  version: 1,
};

function recordOf(hub: string): HubRecord {
  return {
    address: `ws://${hub}:1`,
    edges: [],
    hub,
    identity: { cluster: 'liars', name: 'liars', region: 'r', tags: [] },
    name: hub,
    nodes: 1,
    software: '1',
    url: `ws://${hub}:1`,
    version: 1,
  };
}

function offersOf(hub: string): OffersRecord {
  return { cluster: 'liars', functions: [], hub, queues: [], version: 1 };
}
