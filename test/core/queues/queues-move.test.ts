import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { problem } from '../../../src/engine/core/base/problems.ts';
import type { Shop } from './shop.ts';
import { Town } from './town.ts';

const alpha = { id: 'alpha', name: 'alpha' };
const beta = { id: 'beta', name: 'beta' };

/** What may happen between any two parcels. */
const happening = fc.constantFrom('deliver', 'deliver', 'deliver', 'lose', 'twice', 'kill alpha', 'kill beta');

function bodies(shop: Shop, queue: string): readonly unknown[] {
  const stored = shop.tables.all().find(({ name }) => name === queue);
  return stored === undefined ? [] : shop.tables.list(stored.number, 0, 10_000).map(({ content }) => content);
}

/** The nodes that serve the queue now. */
function serving(town: Town, queue: string): readonly Shop[] {
  return [...town.shops.values()].filter((shop) => {
    const answer = shop.answers.get(shop.ask({ kind: 'peek', queue }));
    return answer !== undefined && 'reply' in answer;
  });
}

function fill(shop: Shop): void {
  shop.create('jobs', { maxReceives: 1, visibilityMs: 3_600_000 });
  shop.send('jobs', ...Array.from({ length: 2_500 }, (_, i) => ({ content: `m${i}`, dedupeId: `d${i}` })));
  shop.get({ consumer: 'ann', kind: 'subscribe', queue: 'jobs' });
  shop.get({ consumer: 'bob', kind: 'subscribe', queue: 'jobs' });
  shop.send('jobs', { content: 'all', guarantee: 'broadcast' }, { content: 'later', delayMs: 10_000_000 });
}

/** The new node has the queue whole, and neither hears the other any more. */
function apart() {
  const town = new Town('alpha', 'beta');
  const [from, to] = [town.shop('alpha'), town.shop('beta')];
  fill(from);
  from.get({
    kind: 'edit',
    options: { notes: { bindings: ['a.b'], other: 1 }, tags: { team: 'mail' } },
    queue: 'jobs',
  });
  const [bad] = from.receive('jobs', { max: 1 });
  from.handle('nack', 'jobs', [{ reason: 'broken', receipt: bad?.receipt }]);
  const old = bodies(from, 'jobs');
  town.holding = true;
  from.ask({ from: alpha, kind: 'move', queue: 'jobs', to: beta });
  while (town.deliver(town.waiting[0]?.parcel.kind === 'commit')?.parcel.kind !== 'commit');
  town.pass(11_000);
  return { from, old, to, town };
}

const MOVED = { problem: { cause: { name: 'moved' } } };

describe('a queue that moves', () => {
  test('is at exactly one node at any time, and loses nothing, whatever is lost, told twice, or dies', () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 60 }), (happenings) => {
        const town = new Town('alpha', 'beta');
        const from = town.shop('alpha');
        fill(from);
        const [lease] = from.receive('jobs', { max: 1 });
        const [bad] = from.receive('jobs', { max: 1 });
        from.handle('nack', 'jobs', [{ reason: 'broken', receipt: bad?.receipt }]);
        town.holding = true;
        from.ask({ from: alpha, kind: 'move', queue: 'jobs', to: beta });
        for (const what of happenings) {
          const [first] = town.waiting;
          if (what === 'twice' && first !== undefined) town.shop(first.to).take(first.parcel);
          else if (what === 'kill alpha') town.shop('alpha').restart();
          else if (what === 'kill beta') town.shop('beta').restart();
          else town.deliver(what === 'lose');
          expect(serving(town, 'jobs').length).toBeLessThanOrEqual(1);
          if (town.waiting.length === 0) town.pass(1_000);
        }
        town.holding = false;
        for (let i = 0; i < 20; i++) {
          while (town.waiting.length > 0) town.deliver();
          town.pass(5_000);
        }
        expect(serving(town, 'jobs')).toEqual([town.shop('beta')]);
        expect(serving(town, 'jobs.dead')).toEqual([town.shop('beta')]);
        const to = town.shop('beta');
        expect(bodies(from, 'jobs')).toEqual([]);
        expect(bodies(to, 'jobs')).toHaveLength(2_501);
        expect(bodies(to, 'jobs.dead')).toEqual(['m1']);
        expect(to.view('jobs')).toMatchObject({
          consumers: ['ann', 'bob'],
          counts: { dead: 1, delayed: 1, leased: 1 },
        });
        expect(to.send('jobs', { content: 'm7', dedupeId: 'd7' })).toEqual([{ duplicate: true, id: 8 }]);
        expect(to.handle('ack', 'jobs', [lease?.receipt])).toEqual([{ ok: true }]);
        const [next] = to.receive('jobs', { max: 1 });
        expect(next?.token).toBeGreaterThan(bad?.token ?? 0);
      }),
      { numRuns: 60 },
    );
  });

  test('stays where the other node says no, or says nothing for a minute, and is served again', () => {
    const town = new Town('alpha', 'beta');
    const shop = town.shop('alpha');
    shop.create('jobs');
    shop.send('jobs', { content: 'one' });
    shop.ship = (_, __, answer) => answer({ ok: false, problem: problem('link-lost', 'cut') });
    const request = shop.ask({ from: alpha, kind: 'move', queue: 'jobs', to: beta });
    expect(shop.answers.get(shop.ask({ kind: 'purge', queue: 'jobs' }))).toMatchObject({
      problem: { code: 'queue-moving' },
    });
    shop.restart();
    shop.pass(30_000);
    expect(shop.answers.has(request)).toBe(false);
    const again = shop.ask({ from: alpha, kind: 'move', queue: 'jobs', to: beta });
    shop.pass(40_000);
    expect(shop.answers.get(again)).toMatchObject({ problem: { code: 'link-lost' } });
    expect(shop.receive('jobs')).toHaveLength(1);
    shop.restart();
    expect(shop.view('jobs').moving).toBeNull();
  });

  test('never gives up once it is told to be there, and asks until it knows', () => {
    const town = new Town('alpha', 'beta');
    const shop = town.shop('alpha');
    shop.create('jobs');
    shop.send('jobs', { content: 'one' });
    const { ship } = shop;
    let cut = false;
    shop.ship = (to, parcel, answer) => {
      cut ||= parcel.kind === 'commit';
      if (cut) answer({ ok: false, problem: problem('link-lost', 'cut') });
      else ship(to, parcel, answer);
    };
    shop.ask({ from: alpha, kind: 'move', queue: 'jobs', to: beta });
    town.pass(300_000);
    shop.restart();
    town.pass(300_000);
    expect(serving(town, 'jobs')).toEqual([]);
    shop.ship = ship;
    town.pass(5_000);
    expect(serving(town, 'jobs')).toEqual([town.shop('beta')]);
    expect(bodies(town.shop('beta'), 'jobs')).toEqual(['one']);
  });

  test('stays where somebody says so, at whatever moment, and is served by one node at most', () => {
    let kept = 0;
    let gone = 0;
    for (let parcels = 0; parcels < 16; parcels++) {
      for (const lost of [false, true]) {
        const town = new Town('alpha', 'beta');
        const [from, to] = [town.shop('alpha'), town.shop('beta')];
        fill(from);
        town.holding = true;
        from.ask({ from: alpha, kind: 'move', queue: 'jobs', to: beta });
        for (let i = 0; i < parcels; i++) town.deliver(lost && i === parcels - 1);
        const said = from.answers.get(from.ask({ kind: 'abandon', queue: 'jobs' }));
        const stays = said !== undefined && 'reply' in said;
        for (let i = 0; i < 100; i++) {
          town.deliver();
          expect(serving(town, 'jobs').length).toBeLessThanOrEqual(1);
          if (i === 50) to.restart();
          if (town.waiting.length === 0) town.pass(2_000);
        }
        expect(serving(town, 'jobs')).toEqual([stays ? from : to]);
        expect([...bodies(from, 'jobs'), ...bodies(to, 'jobs')]).toHaveLength(2_502);
        if (stays) kept++;
        else gone++;
        to.restart();
        town.holding = false;
        if (stays) to.create('jobs'); // nothing of it stands in the way
      }
    }
    expect([kept > 10, gone > 0]).toEqual([true, true]);
  });

  test('waits whole where its old node is lost, until that one is back or somebody says that it never will be', () => {
    const town = new Town('alpha', 'beta');
    const [from, to] = [town.shop('alpha'), town.shop('beta')];
    fill(from);
    const { ship } = from;
    from.ship = (whom, parcel, answer) => {
      if (parcel.kind !== 'given') ship(whom, parcel, answer);
    };
    to.ship = () => undefined;
    from.ask({ from: alpha, kind: 'move', queue: 'jobs', to: beta });
    town.pass(3_600_000);
    expect(from.tables.all()).toEqual([]);
    expect(to.hosting).toContain('jobs'); // who asks for it is told what is wrong
    to.restart();
    expect(to.answers.get(to.ask({ kind: 'info', queue: 'jobs' }))).toMatchObject({
      problem: { code: 'queue-moving', message: expect.stringContaining('alpha has not said') },
    });
    expect(to.answers.get(to.ask({ kind: 'resume', queue: 'jobs' }))).toMatchObject({
      problem: { code: 'queue-moving', message: expect.stringContaining('heard of a moment ago') },
    });
    town.pass(10_000);
    to.get({ kind: 'resume', queue: 'jobs' });
    expect(serving(town, 'jobs')).toEqual([to]);
    expect(bodies(to, 'jobs')).toHaveLength(2_502);
    to.restart();
    expect(serving(town, 'jobs')).toEqual([to]);
  });

  test('that both nodes were told to serve is one again when they hear of each other, and what the old one had is set aside', () => {
    for (const order of ['abandon, resume', 'resume, abandon'] as const) {
      for (const dies of ['nobody', 'alpha', 'beta', 'both'] as const) {
        const says = `${order}; ${dies} dies`;
        const { town, from, to, old } = apart();
        const abandon = () => from.get({ kind: 'abandon', queue: 'jobs' });
        const resume = () => to.get({ kind: 'resume', queue: 'jobs' });
        for (const does of order === 'abandon, resume' ? [abandon, resume] : [resume, abandon]) does();
        expect(serving(town, 'jobs'), says).toHaveLength(2);
        from.send('jobs', { content: 'only here' });
        to.send('jobs', { content: 'only there' });
        const [theirs] = to.receive('jobs', { max: 1 });
        const [ours] = from.receive('jobs', { max: 1 });
        expect(ours?.id, 'the same message').toBe(theirs?.id);
        expect(theirs?.token, 'the newer owner').toBeGreaterThan(ours?.token ?? 0);
        expect(from.receive('jobs.dead')).toHaveLength(1);
        const waits = from.ask({ kind: 'receive', max: 1, queue: 'jobs.dead', waitMs: 20_000 });
        if (dies === 'alpha' || dies === 'both') from.restart();
        if (dies === 'beta' || dies === 'both') to.restart();
        while (town.waiting.length > 0) town.waiting.shift(); // they were cut off
        town.holding = false;
        town.pass(5_000);
        expect(serving(town, 'jobs'), says).toEqual([to]);
        expect(serving(town, 'jobs.dead'), says).toEqual([to]);
        expect(from.answers.get(from.ask({ kind: 'send', orders: [], queue: 'jobs' }))).toMatchObject({
          problem: { cause: { message: 'beta', name: 'moved' }, code: 'queue-moving' },
        });
        if (dies === 'nobody' || dies === 'beta') expect(from.answers.get(waits)).toMatchObject(MOVED);
        expect(to.handle('ack', 'jobs', [ours?.receipt])).toMatchObject([{ problem: { code: 'lease-lost' } }]);
        expect(bodies(from, 'jobs.aside'), says).toEqual([...old, 'only here']);
        expect(bodies(to, 'jobs'), says).toEqual([...old, 'only there']);
        expect(from.view('jobs.aside').options).toMatchObject({
          deadLetter: 'jobs.dead.aside',
          notes: { other: 1 },
          tags: { aside: 'jobs is served by beta', team: 'mail' },
        });
        expect(from.view('jobs.aside').options.notes).not.toHaveProperty('bindings');
        town.pass(10_000);
        expect(from.hosting, says).toEqual(['jobs.aside', 'jobs.dead.aside']);
        from.restart();
        town.pass(5_000);
        expect(from.hosting, says).toEqual(['jobs.aside', 'jobs.dead.aside']);
        from.get({ from: alpha, kind: 'move', queue: 'jobs.aside', to: beta });
        expect(to.hosting, 'and can be brought over').toContain('jobs.aside');
        to.get({ dryRun: false, kind: 'redrive', queue: 'jobs.aside', to: 'jobs' });
        town.pass(5_000);
        expect(bodies(to, 'jobs')).toContain('only here');
      }
    }
  });

  test('that stays is told until the other node has heard, and is not set aside where nobody said more', () => {
    const { town, from, to } = apart();
    from.get({ kind: 'abandon', queue: 'jobs' });
    town.pass(20_000);
    from.restart();
    while (town.waiting.length > 0) town.waiting.shift();
    town.holding = false;
    town.pass(5_000);
    expect(to.tables.all()).toEqual([]);
    expect(serving(town, 'jobs')).toEqual([from]);
    expect(from.tables.all().map(({ move }) => move)).toEqual([undefined, undefined]);
  });

  test('cannot be had before it is there whole, whatever is said', () => {
    const town = new Town('alpha', 'beta');
    fill(town.shop('alpha'));
    town.holding = true;
    town.shop('alpha').ask({ from: alpha, kind: 'move', queue: 'jobs', to: beta });
    for (let i = 0; i < 3; i++) town.deliver();
    const to = town.shop('beta');
    expect(to.answers.get(to.ask({ kind: 'resume', queue: 'jobs' }))).toMatchObject({
      problem: { code: 'queue-unknown' },
    });
  });

  test('that half arrived is dropped when nothing more comes, and its name is free again', () => {
    const town = new Town('alpha', 'beta');
    town.shop('alpha').create('jobs');
    town.holding = true;
    town.shop('alpha').ask({ from: alpha, kind: 'move', queue: 'jobs', to: beta });
    town.deliver(true);
    const other = town.shop('beta');
    expect(other.answers.get(other.ask({ kind: 'create', options: {}, queue: 'jobs' }))).toMatchObject({
      problem: { code: 'queue-moving' },
    });
    other.restart();
    other.pass(600_000);
    other.create('jobs');
    expect(serving(town, 'jobs')).toEqual([other]);
  });

  test('waits where the disk of the other node is full, and comes when there is room', () => {
    const town = new Town('alpha', 'beta');
    const [from, to] = [town.shop('alpha'), town.shop('beta')];
    from.create('jobs');
    from.send('jobs', { content: 'one' });
    to.full = true;
    from.ask({ from: alpha, kind: 'move', queue: 'jobs', to: beta });
    town.pass(10_000);
    expect(serving(town, 'jobs')).toEqual([]);
    to.full = false;
    town.pass(10_000);
    expect(serving(town, 'jobs')).toEqual([to]);
    to.ask({ from: beta, kind: 'move', queue: 'jobs', to: alpha });
    town.pass(10_000);
    expect(bodies(from, 'jobs')).toEqual(['one']);
  });
});
