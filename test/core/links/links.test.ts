import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NEVER } from '../../../src/engine/core/base/instant.ts';
import { Prng } from '../../../src/engine/core/base/prng.ts';
import { Links } from '../../../src/engine/core/links/links.ts';
import { DEFAULT_LINKS } from '../../../src/engine/core/links/options.ts';
import { Pair } from './pair.ts';

describe('two nodes that dial each other at once', () => {
  const delays = fc.infiniteStream(fc.integer({ max: 300, min: 1 }));
  const words = fc.array(fc.tuple(fc.constantFrom<0 | 1>(0, 1), fc.nat(2_000)), { maxLength: 12, minLength: 2 });

  test('end up with one link, the same at both ends, however their handshakes interleave; no word is lost or doubled', () => {
    let both = 0;
    fc.assert(
      fc.property(delays, words, (delay, all) => {
        const pair = new Pair(() => delay.next().value ?? 1);
        const said: [string[], string[]] = [[], []];
        for (const [i, [who, at]] of all.entries()) {
          pair.at(at, () => {
            said[who].push(`${i}`);
            pair.say(who, `${i}`);
          });
        }
        pair.run(5_000);
        pair.at(5_000, () => pair.say(0, 'last of a'));
        pair.at(5_000, () => pair.say(1, 'last of z'));
        pair.run(9_000);
        const [a, z] = pair.ends;
        expect(a.speaksOn).toBe(z.speaksOn);
        expect([...a.heard].sort()).toEqual([...said[1], 'last of z'].sort());
        expect([...z.heard].sort()).toEqual([...said[0], 'last of a'].sort());
        expect([...a.story, ...z.story]).toEqual(['joined', 'joined']);
        if ((a.speaksOn ?? 0) > 1) both++;
        pair.run(60_000);
        expect([...a.story, ...z.story].slice(2)).not.toContain('broken');
        expect([...a.story, ...z.story].slice(2)).not.toContain('lost');
      }),
      { numRuns: 500 },
    );
    expect(both).toBeGreaterThan(0);
  });

  test('as standing peers of each other keep it, without a second dial where there is time', () => {
    const pair = new Pair(() => 50);
    pair.know(0);
    pair.know(1);
    pair.run(120_000);
    pair.say(0, 'a');
    pair.say(1, 'z');
    pair.run(121_000);
    const [a, z] = pair.ends;
    expect([a.speaksOn, z.speaksOn]).toEqual([1, 1]);
    expect([...a.story, ...z.story]).toEqual(['joined', 'joined']);
  });
});

const operations = fc.array(
  fc.tuple(
    fc.constantFrom(
      'send',
      'send',
      'send',
      'dialled',
      'dialled',
      'accepted',
      'failed',
      'down',
      'unsend',
      'time',
      'members',
      'contact',
      'goaway',
    ),
    fc.nat(100),
    fc.nat(100),
  ),
  { maxLength: 60 },
);

test('whatever happens to links: a message is sent once, or comes back once, or was taken back; one link per peer is used', () => {
  fc.assert(
    fc.property(operations, (all) => {
      const links = new Links<{ kind: string }>('m', { ...DEFAULT_LINKS, waitingMax: 3 }, new Prng(1), {
        needed: () => false,
      });
      const fates = new Map<string, number>();
      const dials: number[] = [];
      const up = new Map<number, string>();
      let [now, count, lastLink] = [0, 0, 0];
      const settle = () => {
        for (const effect of links.drain()) {
          if (effect.kind === 'dial') dials.push(effect.dial);
          else if (effect.kind === 'close') expect(up.delete(effect.link)).toBe(true);
          else if (effect.kind === 'send' && up.has(effect.link) && fates.has(effect.message.kind)) {
            expect(up.get(effect.link)).toBe(effect.message.kind[0]);
            fates.set(effect.message.kind, (fates.get(effect.message.kind) ?? 0) + 1);
          } else if (effect.kind === 'undelivered') {
            expect(effect.to).toBe(effect.message.kind[0]);
            fates.set(effect.message.kind, (fates.get(effect.message.kind) ?? 0) + 1);
          }
        }
      };
      for (const [what, x, y] of all) {
        const peer = 'abyz'[x % 4] ?? 'a';
        const id = what === 'accepted' ? peer : ('abyzm'[y % 5] ?? 'a');
        const existing = [...up.keys()][y % Math.max(1, up.size)] ?? 0;
        if (what === 'send') {
          fates.set(`${peer}${++count}`, 0);
          links.send(peer, `ws://${peer}`, { kind: `${peer}${count}` }, now);
        } else if (what === 'dialled' || what === 'accepted') {
          const dial = what === 'dialled' ? dials.splice(x % Math.max(1, dials.length), 1)[0] : undefined;
          if (what === 'dialled' && dial === undefined) continue;
          up.set(++lastLink, id);
          links.up(lastLink, { address: `ws://${id}`, id, name: id, role: 'peer' }, dial, now);
        } else if (what === 'failed') {
          const dial = dials.splice(x % Math.max(1, dials.length), 1)[0];
          if (dial !== undefined) links.dialFailed(dial, y % 2 === 0, 'so', now);
        } else if (what === 'down') {
          up.delete(existing);
          links.down(existing, 'so', now);
        } else if (what === 'goaway') {
          links.receive(existing, { kind: 'goaway', problem: { code: 'internal', message: 'so' } }, now);
        } else if (what === 'unsend') {
          if (links.unsend(peer, ({ kind }) => kind === `${peer}${y}`))
            fates.set(`${peer}${y}`, (fates.get(`${peer}${y}`) ?? 0) + 1);
        } else if (what === 'members') {
          links.members(new Map([...'abyz'].slice(0, x % 5).map((one) => [one, `ws://${one}`])), now);
        } else if (what === 'contact') {
          links.contact(`ws://${peer}`, now);
        } else {
          now += 60 * x;
          links.advance(now);
        }
        settle();
        for (const times of fates.values()) expect(times).toBeLessThanOrEqual(1);
      }
      links.stop({ kind: 'goaway', problem: { code: 'node-stopping', message: 'm has left' } });
      settle();
      expect([...fates].filter(([, times]) => times !== 1)).toEqual([]);
      expect(links.deadline()).toBe(NEVER);
    }),
    { numRuns: 2_000 },
  );
});

test('a link that nobody chose is closed when it carries nothing but gossip', () => {
  const options = { ...DEFAULT_LINKS, fullMeshMax: 0, standingFactor: 0 };
  const links = new Links<{ kind: string }>('m', options, new Prng(1), {
    isUse: ({ kind }) => kind === 'call',
    needed: () => false,
  });
  links.send('p', 'ws://p', { kind: 'ping' }, 0);
  const dial = links.drain().find((effect) => effect.kind === 'dial')?.dial;
  links.up(1, { address: 'ws://p', id: 'p', name: 'P', role: 'peer' }, dial, 0);
  const closedAt = (until: number): number | undefined => {
    for (let now = 500; now <= until; now += 500) {
      links.heard(1, false, now);
      if (links.has('p')) links.send('p', 'ws://p', { kind: 'gossip' }, now);
      links.advance(now);
      if (links.drain().some((effect) => effect.kind === 'close')) return now;
    }
    return undefined;
  };
  expect(closedAt(60_000)).toBeLessThanOrEqual(options.idleMs + options.beatMs);
});
