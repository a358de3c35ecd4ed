/** Two ends that dial each other in a small world: messages of one link arrive in order, after a time of their own. */
import type { LinkId } from '../../../src/engine/core/base/ids.ts';
import { NEVER } from '../../../src/engine/core/base/instant.ts';
import { Prng } from '../../../src/engine/core/base/prng.ts';
import type { LinksEffect } from '../../../src/engine/core/links/effects.ts';
import { Links } from '../../../src/engine/core/links/links.ts';
import type { LinkMessage, MeshPeer } from '../../../src/engine/core/links/messages.ts';
import { DEFAULT_LINKS } from '../../../src/engine/core/links/options.ts';

export interface Word {
  readonly kind: 'word';
  readonly text: string;
}

interface End {
  readonly id: string;
  readonly links: Links<Word>;
  /** What happened to it, but for what it sent. */
  readonly story: string[];
  readonly heard: string[];
  /** The link on which it sent its last word. */
  speaksOn: LinkId | undefined;
}

export class Pair {
  now = 0;
  readonly ends: readonly [End, End];
  readonly #delay: () => number;
  readonly #events: { readonly at: number; readonly seq: number; readonly happen: () => void }[] = [];
  /** When the last thing arrives that is under way on a link to an end. */
  readonly #busyUntil = new Map<string, number>();
  readonly #closed = new Set<LinkId>();
  #links = 0;
  #seq = 0;

  /** `delay`: how long the next thing takes, in milliseconds. */
  constructor(delay: () => number) {
    this.#delay = delay;
    const end = (id: string, seed: number): End => ({
      heard: [],
      id,
      links: new Links<Word>(id, DEFAULT_LINKS, new Prng(seed), { needed: () => false }),
      speaksOn: undefined,
      story: [],
    });
    this.ends = [end('a', 1), end('z', 2)];
  }

  at(at: number, happen: () => void): void {
    this.#events.push({ at, happen, seq: this.#seq++ });
  }

  say(from: 0 | 1, text: string): void {
    const to = this.ends[from === 0 ? 1 : 0];
    this.#act(from, ({ links }) => links.send(to.id, `ws://${to.id}`, { kind: 'word', text }, this.now));
  }

  know(who: 0 | 1): void {
    const to = this.ends[who === 0 ? 1 : 0];
    this.#act(who, ({ links }) => links.members(new Map([[to.id, `ws://${to.id}`]]), this.now));
  }

  /** Lets things happen up to then. */
  run(until: number): void {
    for (;;) {
      const event = this.#events.sort((x, y) => x.at - y.at || x.seq - y.seq)[0];
      const due = Math.min(...this.ends.map(({ links }) => links.deadline()), NEVER);
      const next = Math.min(event?.at ?? NEVER, due);
      if (next > until) break;
      this.now = Math.max(this.now, next);
      if (event !== undefined && event.at <= due) {
        this.#events.shift();
        event.happen();
      } else {
        for (const who of [0, 1] as const) this.#act(who, ({ links }) => links.advance(this.now));
      }
    }
    this.now = until;
  }

  #act(who: 0 | 1, act: (end: End) => void): void {
    act(this.ends[who]);
    for (const effect of this.ends[who].links.drain()) this.#carryOut(who, effect);
  }

  #carryOut(who: 0 | 1, effect: LinksEffect<Word>): void {
    const other = who === 0 ? 1 : 0;
    if (effect.kind === 'dial') {
      this.#shake(who, other, effect.dial);
    } else if (effect.kind === 'send') {
      if (effect.message.kind === 'word') this.ends[who].speaksOn = effect.link;
      this.#bring(other, effect.link, effect.message);
    } else if (effect.kind === 'close') {
      this.#bring(other, effect.link, effect.reason);
    } else if (effect.kind !== 'neighbours') {
      this.ends[who].story.push(effect.kind);
    }
  }

  #shake(who: 0 | 1, other: 0 | 1, dial: number): void {
    const link = ++this.#links;
    const near = this.now + this.#delay();
    const far = this.now + this.#delay();
    this.#busyUntil.set(`${who} ${link}`, Math.max(near, far));
    this.#busyUntil.set(`${other} ${link}`, Math.max(near, far));
    const peer = (of: 0 | 1): MeshPeer => ({
      address: `ws://${this.ends[of].id}`,
      id: this.ends[of].id,
      name: this.ends[of].id,
      role: 'peer',
    });
    this.at(near, () => this.#act(who, ({ links }) => links.up(link, peer(other), dial, this.now)));
    this.at(far, () => this.#act(other, ({ links }) => links.up(link, peer(who), undefined, this.now)));
  }

  /** Brings a message to an end, or why its link is closed. */
  #bring(to: 0 | 1, link: LinkId, message: Word | LinkMessage | string): void {
    const at = Math.max(this.now + this.#delay(), this.#busyUntil.get(`${to} ${link}`) ?? 0);
    this.#busyUntil.set(`${to} ${link}`, at);
    this.at(at, () => {
      if (this.#closed.has(link)) return;
      if (typeof message === 'string') {
        this.#closed.add(link);
        this.#act(to, ({ links }) => links.down(link, message, this.now));
        return;
      }
      this.#act(to, (end) => {
        end.links.heard(link, message.kind === 'word', this.now);
        if (message.kind === 'word') end.heard.push(message.text);
        else end.links.receive(link, message, this.now);
      });
    });
  }
}
