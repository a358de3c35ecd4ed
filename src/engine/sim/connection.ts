/**
 * A simulated client's connection to one node: made when it is needed, made again when it broke, for as long as its owner
 * wants it. It answers beats, asks for some itself, and gives up a link that brings nothing; it can leave what comes unread
 * for a while.
 *
 * It refuses to remember messages: what was on its way when the link broke is its owner's loss.
 */
import type { Address, DialId, LinkId } from '../core/base/ids.ts';
import type { Instant } from '../core/base/instant.ts';
import type { Peer } from '../core/links/messages.ts';
import type { Message } from '../core/node/inputs.ts';
import type { Network } from './network.ts';
import type { Endpoint } from './stream.ts';
import type { Timeline } from './timeline.ts';

export interface ConnectionOwner {
  /** Whether the connection is worth making again. */
  readonly wantsLink: boolean;
  up(): void;
  down(): void;
  message(message: Message): void;
  /** There is room again for what it sends. */
  drained(): void;
}

export interface ConnectionParts {
  readonly name: string;
  /** The machine that the client runs on. */
  readonly place: number;
  readonly address: Address;
  readonly timeline: Timeline;
  readonly network: Network;
}

export class SimConnection implements Endpoint {
  readonly place: number;
  readonly peer: Peer;
  readonly #parts: ConnectionParts;
  readonly #owner: ConnectionOwner;
  #link: LinkId | undefined;
  #trying = false;
  #dials = 0;
  #made = 0;
  #waitMs = WAIT_MS;
  /** When something came last, or was left unread on purpose. */
  #heardAt: Instant = 0;

  constructor(parts: ConnectionParts, owner: ConnectionOwner) {
    this.#parts = parts;
    this.#owner = owner;
    this.place = parts.place;
    this.peer = { name: parts.name, role: 'client' };
  }

  get link(): LinkId | undefined {
    return this.#link;
  }

  /** How often it was made. */
  get made(): number {
    return this.#made;
  }

  get isFull(): boolean {
    return this.#link !== undefined && this.#parts.network.isFull(this.#link);
  }

  connect(): void {
    if (this.#link !== undefined || this.#trying) return;
    this.#trying = true;
    this.#dial();
  }

  /** Nothing happens without a link. */
  send(message: Message): void {
    if (this.#link !== undefined) this.#parts.network.send(this.#link, message);
  }

  hangUp(): void {
    if (this.#link !== undefined) this.#parts.network.close(this.#link, 'the client hung up');
  }

  /** Reads nothing for so long. */
  rest(ms: number): void {
    const link = this.#link;
    if (link === undefined) return;
    const { network, timeline } = this.#parts;
    this.#heardAt = timeline.now + ms;
    network.hold(link);
    timeline.after(ms, () => network.release(link));
  }

  answer(then: () => void): void {
    then();
  }

  linkUp(link: LinkId): void {
    this.#trying = false;
    this.#link = link;
    this.#made++;
    this.#waitMs = WAIT_MS;
    this.#heardAt = this.#parts.timeline.now;
    this.#keepAlive(link);
    this.#owner.up();
  }

  linkDown(link: LinkId): void {
    if (this.#link !== link) return;
    this.#link = undefined;
    this.#owner.down();
    this.#tryAgain();
  }

  dialFailed(): void {
    this.#trying = false;
    this.#tryAgain();
  }

  message(link: LinkId, message: Message): void {
    if (link !== this.#link) return;
    this.#heardAt = Math.max(this.#heardAt, this.#parts.timeline.now);
    if (message.kind === 'beat') {
      if (!message.reply) this.send({ kind: 'beat', reply: true });
    } else this.#owner.message(message);
  }

  drained(link: LinkId): void {
    if (link === this.#link) this.#owner.drained();
  }

  /** As the real client does: on a connection whose other end is gone without a word, nothing ever comes. */
  #keepAlive(link: LinkId): void {
    const { network, timeline } = this.#parts;
    timeline.after(KEEP_ALIVE_MS, () => {
      if (link !== this.#link) return;
      if (timeline.now - this.#heardAt > 2 * KEEP_ALIVE_MS) {
        network.close(link, 'nothing came');
        return;
      }
      this.send({ kind: 'beat', reply: false });
      this.#keepAlive(link);
    });
  }

  #dial(): void {
    const dial: DialId = ++this.#dials;
    this.#parts.network.dial(this, dial, this.#parts.address);
  }

  #tryAgain(): void {
    if (this.#trying || !this.#owner.wantsLink) return;
    this.#trying = true;
    this.#parts.timeline.after(this.#waitMs, () => this.#dial());
    this.#waitMs = Math.min(2 * this.#waitMs, WAIT_MS_MAX);
  }
}

/** As in `host/`. */
const KEEP_ALIVE_MS = 15_000;
const WAIT_MS = 250;
const WAIT_MS_MAX = 4_000;
