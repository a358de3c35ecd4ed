import type { NodeId } from '../base/ids.ts';
import type { Outcome } from '../base/outcome.ts';
import { candidates, isOwn, ownPlace, type Place, type Places, type Wish } from './placement.ts';

/**
 * The places that fit a wish, remembered from call to call, so that the usual call looks at no place but the two it is
 * drawn between.
 *
 * What was found holds while the directory stands at the same generation; with the next one all of it is forgotten.
 * That nobody fits is never remembered: a new function can be called with the first record that tells of it.
 *
 *     a wish for nothing but a function    found by its name: no key is made of it
 *     the same, for this very node         likewise: what other nodes have routed here
 *     any other wish                       found by its text
 *
 * Invariants:
 * - what it finds is what `candidates` would find now, in the same order;
 * - it holds at most `WISHES_MAX` of each kind; those are the directory's own lists, so what it holds is small.
 */
export class Shortlist {
  readonly #places: Places;
  readonly #self: NodeId;
  readonly #anywhere = new Map<string, Outcome<readonly Place[]>>();
  readonly #here = new Map<string, Outcome<readonly Place[]>>();
  readonly #special = new Map<string, Outcome<readonly Place[]>>();
  /** By resources, of what every node does. */
  readonly #equipped = new Map<string, Outcome<readonly Place[]>>();
  #generation = -1;

  constructor(places: Places, self: NodeId) {
    this.#places = places;
    this.#self = self;
  }

  /** As `candidates`, or `ownPlace` for what every node does; with `onlyHere`, on this node and no other. */
  find(wish: Wish, tried: readonly NodeId[], onlyHere: boolean): Outcome<readonly Place[]> {
    if (isOwn(wish.fun)) return this.#own(this.#at(wish, onlyHere), tried);
    const found = this.#untried(wish, onlyHere);
    if (tried.length === 0 || !found.ok) return found;
    const left = found.value.filter(({ id }) => !tried.includes(id));
    // Why they are the best of what is left: they are as sound and of the same version as those that were tried.
    return left.length > 0 ? { ok: true, value: left } : candidates(this.#places, this.#at(wish, onlyHere), tried);
  }

  /** Why only what is found by resources is remembered: the rest is one look-up anyway. */
  #own(wish: Wish, tried: readonly NodeId[]): Outcome<readonly Place[]> {
    const find = () => ownPlace(this.#places, wish, this.#self, tried);
    if (wish.node !== undefined || wish.locs.length === 0 || tried.length > 0) return find();
    if (this.#generation !== this.#places.generation) this.#forget();
    const key = wish.locs.length === 1 ? (wish.locs[0] ?? '') : JSON.stringify(wish.locs);
    const known = this.#equipped.get(key);
    if (known !== undefined) return known;
    const found = find();
    if (!found.ok) return found;
    if (this.#equipped.size >= WISHES_MAX) this.#equipped.clear();
    this.#equipped.set(key, found);
    return found;
  }

  #untried(wish: Wish, onlyHere: boolean): Outcome<readonly Place[]> {
    if (this.#generation !== this.#places.generation) this.#forget();
    const { fun, locs, node, version, functionId } = wish;
    const plain = locs.length === 0 && version === undefined && functionId === undefined;
    if (plain && (onlyHere || node === this.#self)) return this.#remembered(this.#here, fun, wish, true);
    if (plain && node === undefined) return this.#remembered(this.#anywhere, fun, wish, false);
    const key = JSON.stringify([fun, onlyHere ? this.#self : node, version, functionId, ...locs]);
    if (key.length > KEY_MAX) return candidates(this.#places, this.#at(wish, onlyHere), []);
    return this.#remembered(this.#special, key, wish, onlyHere);
  }

  #remembered(all: Map<string, Outcome<readonly Place[]>>, key: string, wish: Wish, onlyHere: boolean) {
    const known = all.get(key);
    if (known !== undefined) return known;
    const found = candidates(this.#places, this.#at(wish, onlyHere), []);
    if (!found.ok) return found;
    if (all.size >= WISHES_MAX) all.clear();
    all.set(key, found);
    return found;
  }

  #at(wish: Wish, onlyHere: boolean): Wish {
    return onlyHere ? { ...wish, node: this.#self } : wish;
  }

  #forget(): void {
    this.#generation = this.#places.generation;
    this.#anywhere.clear();
    this.#here.clear();
    this.#special.clear();
    this.#equipped.clear();
  }
}

/** Limit: wishes of one kind. Why all go when it is full: it costs a moment, and who asks for so many never ends. */
const WISHES_MAX = 1_024;

/** Limit: characters of a wish; a longer one is looked up every time. */
const KEY_MAX = 1_000;
