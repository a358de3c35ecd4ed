import { describe, expect, it } from 'vitest';
import { Prng } from '../../../src/engine/core/base/prng.ts';
import { Federation } from '../../../src/engine/core/federation/federation.ts';
import { DEFAULT_FEDERATION_OPTIONS } from '../../../src/engine/core/federation/options.ts';

function begun() {
  const hub = new Federation<{ readonly kind: 'letter' }>({
    about: { address: 'ws://m:1', load: 0, name: 'm', nodes: 1, software: '1', url: 'ws://m:1' },
    config: {
      breaker: { failureThreshold: 5, successThreshold: 1, timeoutMs: 1_000 },
      identity: { cluster: 'own', name: 'own', region: 'r', tags: [] },
      links: [],
      mode: 'permissive',
      version: 1,
    },
    options: DEFAULT_FEDERATION_OPTIONS,
    prng: new Prng(3),
    self: 'm',
  });
  hub.start(1, 0);
  const up = (link: number, id: string, now: number) => {
    hub.up(link, { address: `ws://${id}:1`, cluster: `of-${id}`, id, name: id }, undefined, now);
    hub.advance(now);
  };
  const sent = (kind: string) =>
    hub.drain().flatMap((effect): (string | number)[] => {
      if (effect.kind === 'close') return [`close ${effect.link}`];
      return effect.kind === 'send' && effect.message.kind === kind ? [effect.link] : [];
    });
  return { hub, sent, up };
}

describe('a hub to which many links come up at once', () => {
  it('sends each an echo when it is there, and no other one before it could be answered', () => {
    const { hub, sent, up } = begun();
    for (let i = 1; i <= 8; i++) up(i, `h${i}`, 1_000 + 20 * i);
    expect(sent('hub-echo')).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    hub.advance(2_200);
    expect(sent('hub-echo')).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('gives up one that does not answer for some rounds', () => {
    const { hub, sent, up } = begun();
    up(1, 'h1', 1_000);
    for (let at = 2_000; at <= 5_000; at += 1_000) hub.advance(at);
    expect(sent('hub-echo')).toEqual([1, 1, 1, 1, 'close 1']);
  });
});

describe('two links to one hub', () => {
  it('are compared anew when the one that was used is gone: what was on its way there is lost', () => {
    const { hub, sent, up } = begun();
    up(1, 'h1', 1_000);
    up(2, 'h1', 1_010);
    sent('hub-digest');
    hub.down(2, 'it broke', 1_500);
    expect(sent('hub-digest')).toEqual([1]);
  });
});
