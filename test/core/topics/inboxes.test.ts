import { describe, expect, test } from 'vitest';
import { inboxBeyond, inboxThrough } from '../../../src/engine/core/topics/inboxes.ts';
import { Mesh } from './mesh.ts';

const TOKEN = '0123456789abcdefghijkl';

describe('an inbox', () => {
  test('is reached from every node at once, though it was announced to none', () => {
    const mesh = new Mesh(['a', 'b']);
    const before = mesh.route('a', `_reply.a.${TOKEN}`);
    mesh.subscribe('a', [`_reply.a.${TOKEN}`]);
    expect(mesh.route('b', `_reply.a.${TOKEN}`)).toMatchObject({ groups: [], local: [], nodes: ['a'] });
    expect(before.local).toEqual([]);
    expect(mesh.at('a').isCurrent(before)).toBe(false);
    expect(mesh.route('a', `_reply.a.${TOKEN}`)).toMatchObject({ local: [{ id: 1 }], nodes: [] });
    expect(mesh.at('a').counts).toMatchObject({ announced: 0, patterns: 0, subscriptions: 1 });
  });

  test('is heard by nobody else: no pattern matches it', () => {
    const mesh = new Mesh(['a']);
    mesh.subscribe('a', ['#', '*.*.*', '*.a.#']);
    mesh.subscribe('a', [`_reply.a.${TOKEN}`]);
    expect(mesh.route('a', `_reply.a.${TOKEN}`).local.map(({ id }) => id)).toEqual([2]);
    expect(mesh.route('a', `_reply.a.${TOKEN}x`).local).toEqual([]);
  });

  test('that is closed leaves nothing behind, and can be opened again', () => {
    const mesh = new Mesh(['a']);
    const id = mesh.subscribe('a', [`_reply.a.${TOKEN}`]);
    expect(mesh.at('a').unsubscribe(id, 0)).toBe(true);
    expect(mesh.route('a', `_reply.a.${TOKEN}`).local).toEqual([]);
    expect(mesh.at('a').counts.subscriptions).toBe(0);
    mesh.subscribe('a', [`_reply.a.${TOKEN}`]);
    expect(mesh.route('a', `_reply.a.${TOKEN}`).local).toHaveLength(1);
  });

  test.each([
    ['another node’s', [`_reply.b.${TOKEN}`], undefined, 'not-allowed'],
    ['one that can be guessed', ['_reply.a.7'], undefined, 'not-allowed'],
    ['a pattern over inboxes', ['_reply.#'], undefined, 'not-allowed'],
    ['one beside another pattern', [`_reply.a.${TOKEN}`, 'order'], undefined, 'not-allowed'],
    ['one that is shared', [`_reply.a.${TOKEN}`], 'group', 'not-allowed'],
    ['one that has a listener', ['_reply.a.taken-taken-taken'], undefined, 'exists-already'],
  ])('is refused where it is %s', (_, patterns, group, code) => {
    const mesh = new Mesh(['a']);
    mesh.subscribe('a', ['_reply.a.taken-taken-taken']);
    const limits = { bytesMax: 1, messagesMax: 1, policy: 'block' } as const;
    const request = { limits, patterns, ...(group === undefined ? {} : { group }) };
    expect(mesh.at('a').subscribe(request, 0)).toMatchObject({ ok: false, problem: { code } });
  });

  test('of another cluster has an address here that leads to a hub, which sends on what comes', () => {
    const inbox = `_reply.far.${TOKEN}`;
    const through = inboxThrough('a', inbox, 'eu.west') ?? '';
    expect(through).toBe(`_reply.a.${TOKEN}.far.eu.west`);
    expect(inboxBeyond(through)).toEqual({ cluster: 'eu.west', inbox });
    const mesh = new Mesh(['a', 'b']);
    expect(mesh.route('b', through)).toMatchObject({ abroad: false, local: [], nodes: ['a'] });
    expect(mesh.route('a', through)).toMatchObject({ abroad: true, local: [], nodes: [] });
    for (const other of [inbox, 'order.eu', `_reply.a`]) {
      expect(inboxBeyond(other)).toBeUndefined();
      if (other !== inbox) expect(inboxThrough('a', other, 'eu')).toBeUndefined();
      expect(mesh.route('a', other).abroad).toBe(false);
    }
    expect(inboxThrough('a', through, 'eu')).toBeUndefined();
  });
});
