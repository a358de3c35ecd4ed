import { describe, expect, test } from 'vitest';
import { Mesh } from './mesh.ts';

describe('a topic of the mesh itself', () => {
  test('can be read', () => {
    const mesh = new Mesh(['a']);
    mesh.subscribe('a', ['mpreg.#']);
    expect([mesh.route('a', 'mpreg.node.up').system, mesh.publish('a', 'mpreg.node.up')]).toEqual([true, ['a/1']]);
  });

  test('is heard by patterns that name it, not by those that mean everything', () => {
    const mesh = new Mesh(['a', 'b']);
    mesh.link('a', 'b');
    mesh.link('b', 'a');
    mesh.subscribe('a', ['#', '*.node.*', 'mpreg']);
    mesh.subscribe('a', ['#', 'mpreg.*.up']);
    mesh.subscribe('b', ['#.up'], 'g');
    mesh.subscribe('b', ['mpreg.#'], 'h');
    mesh.quiet();
    expect(mesh.publish('a', 'mpreg.node.up')).toEqual(['a/2', 'b/2']);
    expect(mesh.publish('a', 'mpreg')).toEqual(['a/1', 'b/2']);
  });
});
