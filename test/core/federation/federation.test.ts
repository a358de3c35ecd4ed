import { describe, expect, it } from 'vitest';
import { interestOf } from '../../../src/engine/core/federation/interest.ts';
import { DEFAULT_FEDERATION_OPTIONS } from '../../../src/engine/core/federation/options.ts';
import { type Birth, HubWorld } from './hub-world.ts';

/** west ── mid ── east, and a second mid. */
const CHAIN: readonly Birth[] = [
  { cluster: 'west', id: 'W', links: ['mid'] },
  { cluster: 'mid', id: 'M1', links: ['west', 'east'] },
  { cluster: 'mid', id: 'M2', links: ['west', 'east'] },
  { cluster: 'east', id: 'E', links: ['mid'] },
];

describe('hubs', () => {
  it('find each other through hubs between them, and say so', () => {
    const world = new HubWorld(CHAIN);
    world.run(5_000);
    const { clusters } = world.hub('W').view(world.now);
    expect(clusters.map(({ cluster, state }) => `${cluster} ${state}`)).toEqual([
      'east reachable',
      'mid reachable',
      'west self',
    ]);
    expect(world.hub('E').ways.to('W')?.hubs).toHaveLength(2);
  });

  it('know how far a cluster is that they are linked with before they know where it is', () => {
    const world = new HubWorld(CHAIN);
    world.run(2_500);
    const { clusters } = world.hub('W').view(world.now);
    expect(clusters.find(({ cluster }) => cluster === 'mid')?.distanceMs).toBe(20);
  });

  it('carry messages over hubs between them, each once and in order', () => {
    const world = new HubWorld(CHAIN);
    world.run(5_000);
    for (let i = 0; i < 50; i++) world.send('W', 'E', `${i}`);
    world.run(5_000);
    expect(world.delivered.map(({ text }) => Number(text))).toEqual([...Array(50).keys()]);
    expect(world.delivered.every(({ at, from, passed }) => at === 'E' && from === 'W' && passed === 2)).toBe(true);
  });

  it('reach as far as so many links lead, and not one further', () => {
    const { hopsMax } = DEFAULT_FEDERATION_OPTIONS;
    const row = Array.from({ length: hopsMax + 2 }, (_, i): Birth => {
      return { cluster: `c${i}`, id: `N${i}`, links: [`c${i - 1}`, `c${i + 1}`].filter((c) => c !== 'c-1') };
    });
    const world = new HubWorld(row);
    world.run(20_000);
    world.send('N0', `N${hopsMax}`, 'to the last');
    world.send('N0', `N${hopsMax + 1}`, 'too far');
    world.run(5_000);
    expect(world.delivered).toEqual([{ at: `N${hopsMax}`, from: 'N0', passed: hopsMax, text: 'to the last' }]);
    expect(world.undelivered).toEqual([{ by: 'N0', text: 'too far' }]);
  });

  it('say at once where no way leads', () => {
    const world = new HubWorld([...CHAIN, { cluster: 'island', id: 'I' }]);
    world.run(5_000);
    world.send('W', 'I', 'hello');
    expect(world.undelivered).toEqual([{ by: 'W', text: 'hello' }]);
  });

  it('lose nothing when a hub between them is killed while messages pass', () => {
    const world = new HubWorld(CHAIN);
    world.run(5_000);
    for (let i = 0; i < 200; i++) {
      world.send('W', 'E', `${i}`);
      world.run(3);
      if (i === 100) world.kill(world.hub('W').ways.to('E')?.hubs[0] ?? '');
    }
    world.run(30_000);
    expect(world.delivered.map(({ text }) => Number(text))).toEqual([...Array(200).keys()]);
    expect(world.lost).toEqual([]);
  });

  it('are told of one that is lost, once, and of a cluster that cannot be reached and comes back by itself', () => {
    const world = new HubWorld(CHAIN);
    world.run(5_000);
    world.send('W', 'E', 'before');
    world.run(1_000);
    world.cut('mid', 'east');
    world.run(60_000);
    expect(world.lost.filter(({ by }) => by === 'W')).toEqual([{ by: 'W', hub: 'E' }]);
    expect(
      world
        .hub('W')
        .view(world.now)
        .clusters.find(({ cluster }) => cluster === 'east')?.state,
    ).toBe('lost');
    world.heal('mid', 'east');
    world.run(60_000);
    world.send('W', 'E', 'after');
    world.run(1_000);
    expect(world.delivered.map(({ text }) => text)).toEqual(['before', 'after']);
    const told = world.events.filter(
      ({ by, event }) => by === 'W' && event.kind === 'cluster' && event.cluster === 'east',
    );
    expect(told.map(({ event }) => event.kind === 'cluster' && event.state)).toEqual([
      'reachable',
      'lost',
      'reachable',
    ]);
  });

  it('take a restarted hub for another life: what was under way there is in doubt', () => {
    const world = new HubWorld(CHAIN);
    world.run(5_000);
    world.send('W', 'E', 'one');
    world.run(1_000);
    world.kill('E');
    world.run(100);
    world.restart('E');
    world.run(20_000);
    expect(world.lost.filter(({ by }) => by === 'W')).toEqual([{ by: 'W', hub: 'E' }]);
    world.send('W', 'E', 'two');
    world.send('E', 'W', 'three');
    world.run(1_000);
    expect(world.delivered.map(({ text }) => text)).toEqual(['one', 'two', 'three']);
  });

  it('hand nothing to a new life of a hub that was sent to the former one', () => {
    const isFar = ({ cluster }: Birth) => cluster === 'west';
    const world = new HubWorld(CHAIN, (a, b) => (isFar(a) || isFar(b) ? 400 : 10), { resendMs: 100 });
    world.run(5_000);
    world.send('W', 'E', 'one');
    world.run(415);
    world.kill('E');
    world.restart('E');
    world.run(20_000);
    expect(world.delivered.map(({ text }) => text)).toEqual(['one']);
    expect(world.lost).toEqual([{ by: 'W', hub: 'E' }]);
  });

  it('answer one that has begun anew and asks before its record has come round', () => {
    for (const awayMs of [100, 10_000]) {
      const world = new HubWorld(CHAIN);
      world.run(5_000);
      world.send('W', 'E', 'one');
      world.send('E', 'W', 'two');
      world.run(1_000);
      world.kill('W');
      world.run(awayMs);
      world.restart('W');
      for (let ms = 0; ms < 60_000 && world.hub('W').ways.to('E') === undefined; ms++) world.run(1);
      world.send('W', 'E', 'question');
      for (let ms = 0; ms < 1_000 && world.delivered.at(-1)?.text !== 'question'; ms++) world.run(1);
      const lost = world.lost.filter(({ by }) => by === 'E');
      world.send('E', 'W', 'answer');
      world.run(20_000);
      expect(world.delivered.map(({ text }) => text)).toEqual(['one', 'two', 'question', 'answer']);
      expect(world.lost.filter(({ by }) => by === 'E')).toEqual(lost);
    }
  });

  it('send what found no way as soon as there is one', () => {
    const world = new HubWorld(CHAIN, () => 10, { partedMs: 120_000, resendMs: 120_000 });
    world.run(5_000);
    world.send('W', 'E', 'one');
    world.run(1_000);
    for (const hub of CHAIN.map(({ id }) => id).slice(1, -1)) world.kill(hub);
    world.send('W', 'E', 'under way');
    world.run(2_000);
    world.send('W', 'E', 'later');
    for (const hub of CHAIN.map(({ id }) => id).slice(1, -1)) world.restart(hub);
    for (let ms = 0; ms < 60_000 && world.hub('W').ways.to('E') === undefined; ms++) world.run(1);
    world.run(1_000);
    expect(world.delivered.map(({ text }) => text)).toEqual(['one', 'under way', 'later']);
  });

  it('keep the records of those that live for as long as they live, and forget those that died', () => {
    const world = new HubWorld(CHAIN, () => 10, { recordMsMax: 60_000, refreshMs: 20_000 });
    world.run(3_600_000);
    expect(
      world
        .hub('W')
        .view(world.now)
        .hubs.map(({ hub }) => hub)
        .sort(),
    ).toEqual(['E', 'M1', 'M2', 'W']);
    world.kill('E');
    world.run(180_000);
    expect(
      world
        .hub('W')
        .view(world.now)
        .hubs.map(({ hub }) => hub)
        .sort(),
    ).toEqual(['M1', 'M2', 'W']);
  });

  it('keep what those that live have said for three days, with the times that records have by default', () => {
    const world = new HubWorld(CHAIN, () => 10, { echoMs: 300_000 }); // links are not what this is about
    world.run(5_000);
    for (const { id } of CHAIN) world.hub(id).offer({ functions: [], queues: ['jobs'] }, world.now);
    world.run(5_000);
    const { recordMsMax, refreshMs } = DEFAULT_FEDERATION_OPTIONS;
    for (let ms = 0; ms < 3 * 86_400_000; ms += recordMsMax / 3) {
      world.run(recordMsMax / 3);
      for (const { id } of CHAIN) {
        const { clusters, hubs } = world.hub(id).view(world.now);
        expect(hubs.filter(({ ageMs, reachable }) => reachable && ageMs <= refreshMs + 1_000)).toHaveLength(4);
        expect(clusters.filter(({ self, state }) => self || state === 'reachable')).toHaveLength(3);
        expect(clusters.filter(({ queues, self }) => self || queues.includes('jobs'))).toHaveLength(3);
      }
    }
    expect(world.events.filter(({ event }) => event.kind === 'cluster' && event.state === 'lost')).toEqual([]);
  });

  it('link with nobody whom they were not told to link with', () => {
    const world = new HubWorld([
      { cluster: 'a', id: 'A', links: ['b'] },
      { cluster: 'b', id: 'B' },
      { cluster: 'c', id: 'C', links: ['d'], mode: 'permissive' },
      { cluster: 'd', id: 'D', mode: 'permissive' },
      { cluster: 'e', id: 'E', links: ['d'], mode: 'strict' },
    ]);
    world.run(5_000);
    expect(world.hub('A').ways.to('B')).toBeUndefined();
    expect(world.hub('C').ways.to('D')).toBeDefined();
    expect(world.hub('D').ways.to('E')).toBeUndefined();
    world.run(60_000);
    const link = world
      .hub('A')
      .view(world.now)
      .links.find(({ cluster }) => cluster === 'b');
    expect(link?.failures).toBeGreaterThan(4);
  });

  it('know over which links a message gets to all clusters that listen, each link once', () => {
    const world = new HubWorld(CHAIN);
    world.run(5_000);
    for (const id of ['W', 'M1', 'E']) {
      const interest = interestOf(id === 'E' ? ['order.#'] : ['order.*', 'stock.eu']);
      world.hub(id).offer({ functions: [], queues: [], ...(interest && { interest }) }, world.now);
    }
    world.run(5_000);
    const { topics, ways } = world.hub('W');
    const toEast = ways.best('E')?.hubs[0] ?? '';
    const toMid = ways.best('M1')?.hubs[0] ?? '';
    expect(topics.branches('nobody.listens')).toEqual([]);
    expect(topics.branches('order.eu.paid')).toEqual([{ next: toEast, to: ['E'] }]);
    expect(topics.branches('stock.eu')).toEqual([{ next: toMid, to: ['M1'] }]);
    const both = topics.branches('order.eu');
    expect(both.flatMap(({ to }) => to).sort()).toEqual(['E', 'M1']);
    expect(world.hub(toEast).topics.onward(['E'], ['W', toEast])).toEqual([{ next: 'E', to: ['E'] }]);
    expect(world.hub(toEast).topics.onward(['W'], ['W', toEast])).toEqual([]);
  });

  it('take nothing for true that a dead hub has said of its cluster, once another speaks for it', () => {
    const world = new HubWorld(CHAIN);
    world.run(5_000);
    const offer = (name: string) => ({ functions: [{ name, resources: [], version: '1.0.0' }], queues: [] });
    for (const id of ['M1', 'M2']) world.hub(id).offer(offer('old'), world.now);
    world.run(5_000);
    const told = () =>
      world
        .hub('W')
        .far.functionsOf('mid')
        .map(({ name }) => name);
    expect(told()).toEqual(['old']);
    world.kill('M1');
    world.hub('M2').offer(offer('new'), world.now);
    world.run(20_000);
    expect(told()).toEqual(['new']);
  });

  it('say what their cluster offers before the hub that said it is given up: it is never unknown', () => {
    const world = new HubWorld(CHAIN);
    world.run(5_000);
    const offered = { functions: [{ name: 'f', resources: [], version: '1.0.0' }], queues: [] };
    for (const id of ['M1', 'M2']) world.hub(id).offer(offered, world.now);
    world.run(5_000);
    world.kill('M1');
    for (let ms = 0; ms < 10_000; ms++) {
      world.run(1);
      expect(world.hub('W').far.places({ fun: 'f', locs: [] }).length).toBeGreaterThan(0);
    }
  });

  it('keep a link whose round trip takes longer than the time between two echoes', () => {
    const world = new HubWorld(CHAIN, () => 800);
    world.run(60_000);
    const [link] = world.hub('W').view(world.now).links;
    expect(link).toMatchObject({ loss: expect.closeTo(0, 0), rttMs: 1_600, state: 'up' });
    expect(link?.forMs).toBeGreaterThan(50_000);
  });

  it('share ways that cost the same, each pair of hubs by one of them', () => {
    const ends = Array.from({ length: 8 }, (_, i) => ({ cluster: `end${i}`, id: `N${i}`, links: ['left', 'right'] }));
    const world = new HubWorld([
      { cluster: 'left', id: 'L', mode: 'permissive' },
      { cluster: 'right', id: 'R', mode: 'permissive' },
      ...ends,
    ]);
    world.run(20_000);
    const over = ends.slice(1).map(({ id }) => world.hub('N0').ways.to(id)?.hubs[0]);
    expect(new Set(over)).toEqual(new Set(['L', 'R']));
    expect(ends.slice(1).map(({ id }) => world.hub('N0').ways.to(id)?.hubs[0])).toEqual(over);
    for (let i = 0; i < 40; i++) world.send('N0', `N${1 + (i % 7)}`, `${i}`);
    world.run(5_000);
    expect(world.delivered).toHaveLength(40);
  });

  it('go round a hub of their cluster that is in doubt, and let it speak all the same', () => {
    const world = new HubWorld(CHAIN);
    world.run(5_000);
    const hub = world.hub('M2');
    expect(hub.speaks).toBe(false);
    hub.siblings([{ id: 'M1', name: 'M1', suspect: true }], world.now);
    expect(hub.view(world.now).edges.some(({ from, to }) => from === 'M1' && to === 'M2')).toBe(false);
    expect(hub.speaks).toBe(false);
    hub.siblings([], world.now);
    expect(hub.speaks).toBe(true);
    hub.siblings([{ id: 'M1', name: 'M1', suspect: false }], world.now);
    world.run(5_000);
    expect(hub.view(world.now).edges.some(({ from, to }) => from === 'M1' && to === 'M2')).toBe(true);
  });

  it('show what there is in one message, and how much they leave out', () => {
    const world = new HubWorld(CHAIN);
    world.run(5_000);
    const functions = Array.from({ length: 5_000 }, (_, i) => ({ name: `f${i}`, resources: [], version: '1.0.0' }));
    for (const id of ['M1', 'E']) world.hub(id).offer({ functions, queues: ['jobs'] }, world.now);
    world.run(5_000);
    const { clusters } = world.hub('W').view(world.now);
    const shown = clusters.flatMap((cluster) => cluster.functions.length);
    const left = clusters.flatMap(({ more }) => more ?? []);
    expect(shown.reduce((sum, one) => sum + one, 0)).toBe(8_192);
    expect(left).toEqual([{ functions: 10_000 - 8_192, queues: 0 }]);
  });

  it('say little when nothing happens', () => {
    const world = new HubWorld(CHAIN);
    world.run(60_000);
    const before = world.messages;
    world.run(60_000);
    // Two echoes a second and direction on each of four bridges, their answers, siblings' echoes, and digests.
    expect(world.messages - before).toBeLessThan(4 * 4 * 60 + 200);
  });

  it('tell at once that a link is gone', () => {
    const world = new HubWorld(CHAIN);
    world.run(5_000);
    const [first = ''] = world.hub('W').ways.to('E')?.hubs ?? [];
    world.kill(first);
    world.run(120);
    expect(world.hub('W').ways.to(first)).toBeUndefined();
    expect(world.hub('E').ways.to(first)).toBeUndefined();
  });

  it('dial another hub of a cluster at once where the one is gone that they were linked with', () => {
    const births = CHAIN.map((birth) =>
      birth.cluster === 'mid' ? { ...birth, links: [], mode: 'permissive' as const } : birth,
    );
    const world = new HubWorld(births, () => 10);
    world.run(5_000);
    const [first = ''] = world.hub('W').ways.to('E')?.hubs ?? [];
    world.kill(first);
    world.run(500);
    expect(world.hub('W').ways.to(first)).toBeUndefined();
    expect(world.hub('W').ways.to('E')?.hubs).toHaveLength(2);
  });

  it('say that no way leads to a hub as soon as that is so, and that it is lost when none has for long', () => {
    const world = new HubWorld(CHAIN);
    world.run(5_000);
    world.send('W', 'E', 'before');
    world.run(1_000);
    world.kill('E');
    world.run(100);
    expect([world.parted, world.lost]).toEqual([[{ by: 'W', hub: 'E' }], []]);
    world.run(3_000);
    expect([world.parted, world.lost]).toEqual([[{ by: 'W', hub: 'E' }], [{ by: 'W', hub: 'E' }]]);
  });
});
