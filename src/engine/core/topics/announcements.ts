import { type Interest, type InterestMessage, interestKey } from './messages.ts';

/**
 * What this node tells the others that it listens to, in versions: who holds version 7 is told what has come and gone
 * since, who holds none is told everything.
 *
 *     version          5        6        7        8
 *     entries    a.#  since 5      c  since 7
 *     gone                   b  since 8            removals are kept for a while, the oldest are forgotten
 *
 * Invariants:
 * - the version only grows, and grows with each change and with nothing else;
 * - whoever applies `since(v)` to the entries at v has the entries of now.
 */
export class Announcements {
  readonly #entries = new Map<string, Entry>();
  /** Oldest first. */
  readonly #gone = new Map<string, Entry>();
  #version: number;
  /** From this version on, all removals are known. */
  #floor: number;

  /** `version`: higher than any that a former life of this node has told. */
  constructor(version: number) {
    this.#version = version;
    this.#floor = version;
  }

  get version(): number {
    return this.#version;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** True where that is a change. */
  update(interests: Iterable<Interest>): boolean {
    const next = new Map<string, Interest>();
    for (const interest of interests) next.set(interestKey(interest), interest);
    const since = this.#version + 1;
    let changed = false;
    for (const [key, { interest }] of this.#entries) {
      if (next.has(key)) continue;
      this.#entries.delete(key);
      this.#gone.delete(key);
      this.#gone.set(key, { interest, since });
      changed = true;
    }
    for (const [key, interest] of next) {
      if (this.#entries.has(key)) continue;
      this.#entries.set(key, { interest, since });
      this.#gone.delete(key);
      changed = true;
    }
    if (changed) this.#version = since;
    this.#forget();
    return changed;
  }

  since(version: number): InterestMessage {
    const from = version < this.#floor || version > this.#version ? 0 : version;
    const newer = (entries: ReadonlyMap<string, Entry>) =>
      [...entries.values()].filter(({ since }) => since > from).map(({ interest }) => interest);
    return {
      added: newer(this.#entries),
      from,
      kind: 'interest',
      removed: from === 0 ? [] : newer(this.#gone),
      version: this.#version,
    };
  }

  /** Why: more removals than entries would make the changes a longer message than everything. */
  #forget(): void {
    for (const [key, { since }] of this.#gone) {
      if (this.#gone.size <= this.#entries.size + GONE_MIN) return;
      this.#gone.delete(key);
      this.#floor = since;
    }
  }
}

const GONE_MIN = 64;

interface Entry {
  readonly interest: Interest;
  readonly since: number;
}
