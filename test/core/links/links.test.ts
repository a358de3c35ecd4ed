import { beforeEach, describe, expect, test } from 'vitest';
import { Prng } from '../../../src/engine/core/base/prng.ts';
import type { LinksEffect } from '../../../src/engine/core/links/effects.ts';
import { Links } from '../../../src/engine/core/links/links.ts';
import type { Peer } from '../../../src/engine/core/links/messages.ts';
import { DEFAULT_LINKS } from '../../../src/engine/core/links/options.ts';

interface Word {
  readonly kind: 'word';
}

const PEER: Peer = { address: 'ws://b:1', id: 'b', name: 'bob', role: 'peer' };
const OLD = 1;
const NEW = 2;

let links: Links<Word>;
let needed = false;

/** What the links did, without what they tell of neighbours. */
function effects(): LinksEffect<Word>[] {
  return links.drain().filter(({ kind }) => kind !== 'neighbours' && kind !== 'joined');
}

/** The other end dialled, this node sent something, and the other end dialled once more. */
beforeEach(() => {
  links = new Links<Word>('a', DEFAULT_LINKS, new Prng(1), () => needed);
  links.up(OLD, PEER, undefined, 1_000);
  links.send('b', 'ws://b:1', { kind: 'word' }, 1_100);
  effects();
  links.up(NEW, PEER, undefined, 2_000);
});

describe('a link that a newer one has replaced', () => {
  const beat = { kind: 'send', link: OLD, message: { kind: 'beat', reply: false } };

  test('carries one beat more, and then nothing', () => {
    expect(effects()).toEqual([beat]);
    links.send('b', 'ws://b:1', { kind: 'word' }, 2_100);
    expect(effects()).toEqual([{ kind: 'send', link: NEW, message: { kind: 'word' } }]);
  });

  test('and that breaks before the beat was answered may have lost what was sent on it', () => {
    effects();
    links.down(OLD, 'reset', 3_000);
    expect(effects()).toEqual([{ id: 'b', kind: 'lost', name: 'bob', reason: 'reset' }]);
  });

  test('and that ends after the beat was answered has lost nothing', () => {
    effects();
    links.receive(OLD, { kind: 'beat', reply: true }, 2_050);
    links.down(OLD, 'one link is enough', 8_000);
    expect(effects()).toEqual([]);
  });

  test('does not count as heard what an older beat asked for', () => {
    links = new Links<Word>('a', DEFAULT_LINKS, new Prng(1), () => needed);
    links.up(OLD, PEER, undefined, 1_000);
    links.advance(1_000 + DEFAULT_LINKS.beatMs);
    expect(effects()).toEqual([beat]);
    links.up(NEW, PEER, undefined, 8_000);
    links.receive(OLD, { kind: 'beat', reply: true }, 8_010);
    links.down(OLD, 'reset', 8_020);
    expect(effects().at(-1)).toMatchObject({ id: 'b', kind: 'lost' });
  });
});

test('a second link on which nothing was ever sent has nothing to lose', () => {
  links = new Links<Word>('a', DEFAULT_LINKS, new Prng(1), () => needed);
  links.contact('ws://b:1', 500);
  const dial = links.drain().find((effect) => effect.kind === 'dial');
  links.up(OLD, PEER, dial?.dial, 1_000); // 'a' dialled it, so it is the one to keep
  links.up(NEW, PEER, undefined, 2_000);
  effects();
  links.down(NEW, 'reset', 3_000);
  expect(effects()).toEqual([]);
});

describe('of two links to one peer', () => {
  /** This node, the smaller id, dialled the first; the peer the second, so much later. */
  function both(apartMs: number): void {
    links = new Links<Word>('a', DEFAULT_LINKS, new Prng(1), () => needed);
    links.contact('ws://b:1', 500);
    const dial = links.drain().find((effect) => effect.kind === 'dial');
    links.up(OLD, PEER, dial?.dial, 1_000);
    links.up(NEW, PEER, undefined, 1_000 + apartMs);
    effects();
    links.send('b', 'ws://b:1', { kind: 'word' }, 9_000);
  }

  test('that were dialled at once, both ends use the one that the smaller id dialled', () => {
    both(300);
    expect(effects()).toEqual([{ kind: 'send', link: OLD, message: { kind: 'word' } }]);
  });

  test('the newer is used where they came up far apart: who dials anew has lost the other', () => {
    both(7_000);
    expect(effects()).toEqual([{ kind: 'send', link: NEW, message: { kind: 'word' } }]);
  });

  test('both end with the one that was used: the peer must learn that answers may be lost', () => {
    both(300);
    effects();
    links.down(OLD, 'reset', 9_100);
    expect(effects()).toEqual([
      { id: 'b', kind: 'broken', name: 'bob', reason: 'reset' },
      { kind: 'close', link: NEW, reason: 'another link broke' },
    ]);
  });
});

describe('a link that traffic wanted', () => {
  const quiet = 1_000 + DEFAULT_LINKS.idleMs;
  /** Looks after the links at that time, as if the other side had kept its beats. */
  function later(now: number): LinksEffect<Word>[] {
    links.heard(OLD, false, now);
    links.advance(now);
    return effects();
  }

  beforeEach(() => {
    needed = false;
    links = new Links<Word>('a', DEFAULT_LINKS, new Prng(1), () => needed);
    links.send('b', 'ws://b:1', { kind: 'word' }, 900);
    const dial = links.drain().find((effect) => effect.kind === 'dial');
    links.up(OLD, PEER, dial?.dial, 1_000);
    effects();
  });

  test('is closed by its dialler once it is idle, and nobody is alarmed', () => {
    expect(later(quiet - 1)).toEqual([]);
    expect(later(quiet + DEFAULT_LINKS.beatMs)).toEqual([
      { kind: 'close', link: OLD, reason: 'idle' },
      { id: 'b', kind: 'parted', name: 'bob', reason: 'idle' },
    ]);
  });

  test('stays as long as a call is under way on it, however quiet', () => {
    needed = true;
    expect(later(quiet + 60_000)).toEqual([]);
    needed = false;
    expect(later(quiet + 70_000).map(({ kind }) => kind)).toEqual(['close', 'parted']);
  });

  test('that the other side closes as idle is no alarm either', () => {
    links.down(OLD, 'idle', 9_000);
    expect(effects()).toEqual([{ id: 'b', kind: 'parted', name: 'bob', reason: 'idle' }]);
  });

  test('that breaks is an alarm', () => {
    links.down(OLD, 'reset', 9_000);
    expect(effects()).toEqual([{ id: 'b', kind: 'broken', name: 'bob', reason: 'reset' }]);
  });
});
