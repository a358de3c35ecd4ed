/**
 * Readers of what other nodes keep: this node is where their clients are connected, and passes on what the keeper sends.
 *
 *     client ◄── kept ── this node ◄── kept ── keeper
 *            ── taken ──►          ── taken ──►          the keeper's window ends at the client, nothing gathers here
 *
 * When the keeper goes away the reader stays: as soon as the keeper, or another one of the same topics, is in reach, it
 * reads on after the last message that was passed on, so that the client notices nothing but a pause.
 */
import type { LinkId, NodeId } from '../core/base/ids.ts';
import { type Problem, problem } from '../core/base/problems.ts';
import { COST_BYTES, type KeepMessage, type KeptMessage, type ReadMessage } from '../core/topics/messages.ts';
import type { FlowLink, Pump } from './flow-link.ts';

export interface RelaysParts {
  /** Which node is to be asked now, and whether it is in reach. */
  readonly keeperOf: (patterns: readonly string[]) => { readonly node: NodeId; readonly here: boolean } | Problem;
  readonly isAlive: (node: NodeId) => boolean;
  readonly send: (node: NodeId, message: KeepMessage | { kind: 'taken'; id: number; bytes: number }) => void;
  readonly readHere: (link: FlowLink, message: ReadMessage) => void;
  readonly later: (ms: number, then: () => void) => void;
}

export class Relays {
  readonly #parts: RelaysParts;
  readonly #relays = new Map<number, Relay>();
  readonly #ofClients = new Map<LinkId, Map<number, Relay>>();
  #next = 1;
  #trying = false;

  constructor(parts: RelaysParts) {
    this.#parts = parts;
  }

  open(link: FlowLink, message: ReadMessage): void {
    const ofLink = this.#ofClients.get(link.id) ?? new Map<number, Relay>();
    const why = ofLink.has(message.id)
      ? problem('protocol-violated', `the number ${message.id} has a reader already`)
      : ofLink.size >= READERS_MAX
        ? problem('overloaded', `one connection has at most ${READERS_MAX} readers of what is kept`)
        : undefined;
    if (why !== undefined) return refuse(link, message.id, why);
    const keeper = this.#parts.keeperOf(message.patterns);
    if ('code' in keeper) return refuse(link, message.id, keeper);
    if (!this.#parts.isAlive(keeper.node)) return refuse(link, message.id, away(message.patterns));
    const relay = new Relay(this.#next++, link, message, (bytes) => this.#credit(relay, bytes));
    ofLink.set(message.id, relay);
    this.#ofClients.set(link.id, ofLink);
    this.#relays.set(relay.number, relay);
    this.#attach(relay, keeper.node);
  }

  /** What a keeper says about a reader. */
  receive(
    node: NodeId,
    message: KeepMessage | { readonly kind: 'gap'; readonly id: number; readonly missed: number },
  ): void {
    const relay = 'id' in message ? this.#relays.get(message.id) : undefined;
    if (relay === undefined || relay.node !== node) return;
    switch (message.kind) {
      case 'kept':
        relay.pass(message);
        break;
      case 'gap':
        relay.gap(message.missed);
        break;
      case 'reading':
        if (message.problem !== undefined) {
          relay.last = undefined;
          this.#end(relay, message.problem);
        } else {
          relay.reading(message.keep, message.next);
          if (relay.acknowledged > 0) this.#acknowledge(relay);
        }
        break;
    }
  }

  taken(link: LinkId, id: number, bytes: number): boolean {
    const relay = this.#ofClients.get(link)?.get(id);
    if (relay !== undefined) this.#credit(relay, bytes);
    return relay !== undefined;
  }

  acknowledge(link: LinkId, id: number, sequence: number): void {
    const relay = this.#ofClients.get(link)?.get(id);
    if (relay === undefined || sequence <= relay.acknowledged) return;
    relay.acknowledged = sequence;
    this.#acknowledge(relay);
  }

  unread(link: LinkId, id: number): void {
    const relay = this.#ofClients.get(link)?.get(id);
    if (relay !== undefined) this.#close(relay);
  }

  /** A link is gone, to a client or to a node. */
  closed(link: LinkId, node: NodeId | undefined): void {
    for (const relay of [...(this.#ofClients.get(link)?.values() ?? [])]) this.#close(relay);
    if (node !== undefined) this.lost(node);
  }

  /** A keeper cannot be reached: its readers look for it again. */
  lost(node: NodeId): void {
    for (const relay of this.#relays.values()) if (relay.node === node) relay.node = undefined;
    this.#tryLater();
  }

  #attach(relay: Relay, node: NodeId): void {
    // Why taken back first: where the last one has another link still, it may have the reader.
    const { last } = relay;
    this.#takeBack(relay);
    // Why another number: what is still on its way from before is ahead of what is read anew, and would hide it.
    if (last !== undefined) {
      this.#relays.delete(relay.number);
      relay.number = this.#next++;
      this.#relays.set(relay.number, relay);
    }
    relay.last = node;
    relay.node = node;
    this.#parts.send(node, relay.request());
  }

  /** From whom it was attached to last: over another link, that one may have it still. */
  #takeBack({ last, number }: Relay): void {
    if (last !== undefined && this.#parts.isAlive(last)) this.#parts.send(last, { id: number, kind: 'unread' });
  }

  /** This node keeps the topic now. */
  #moveHere(relay: Relay): void {
    const { link, message } = relay;
    const { resume } = relay.request();
    this.#close(relay);
    this.#parts.readHere(link, resume === undefined ? message : { ...message, resume });
  }

  #tryLater(): void {
    if (this.#trying) return;
    for (const { node } of this.#relays.values()) {
      if (node !== undefined) continue;
      this.#trying = true;
      this.#parts.later(AGAIN_MS, () => {
        this.#trying = false;
        this.#try();
      });
      return;
    }
  }

  #try(): void {
    for (const relay of [...this.#relays.values()]) {
      if (relay.node !== undefined) continue;
      const keeper = this.#parts.keeperOf(relay.message.patterns);
      if ('code' in keeper) this.#end(relay, keeper);
      else if (keeper.here) this.#moveHere(relay);
      else if (this.#parts.isAlive(keeper.node)) this.#attach(relay, keeper.node);
    }
    this.#tryLater();
  }

  #credit(relay: Relay, bytes: number): void {
    if (relay.node !== undefined) this.#parts.send(relay.node, { bytes, id: relay.number, kind: 'taken' });
  }

  #acknowledge({ acknowledged, node, number }: Relay): void {
    if (node !== undefined) this.#parts.send(node, { id: number, kind: 'acknowledge', sequence: acknowledged });
  }

  #end(relay: Relay, why: Problem): void {
    relay.node = undefined;
    this.#close(relay);
    refuse(relay.link, relay.message.id, why);
  }

  #close(relay: Relay): void {
    const { link, message, node, number } = relay;
    if (node !== undefined) this.#parts.send(node, { id: number, kind: 'unread' });
    else this.#takeBack(relay);
    relay.close();
    this.#relays.delete(number);
    const ofLink = this.#ofClients.get(link.id);
    ofLink?.delete(message.id);
    if (ofLink?.size === 0) this.#ofClients.delete(link.id);
  }
}

/** One reader, and what waits for it where its link has no room: not more than the keeper's window. */
class Relay implements Pump {
  /** By which the keeper knows it. */
  number: number;
  readonly link: FlowLink;
  readonly message: ReadMessage;
  /** Who keeps; undefined while that is not known or out of reach. */
  node: NodeId | undefined;
  acknowledged = 0;
  /** Whom it was attached to last; undefined where that one has it no more. */
  last: NodeId | undefined;
  #resume: ReadMessage['resume'];
  #waiting: KeptMessage[] = [];
  #missed = 0;
  readonly #credit: (bytes: number) => void;

  constructor(number: number, link: FlowLink, message: ReadMessage, credit: (bytes: number) => void) {
    this.number = number;
    this.link = link;
    this.message = message;
    this.#credit = credit;
    this.#resume = message.resume;
  }

  request(): ReadMessage {
    const { resume: _, ...message } = this.message;
    const resume = this.#resume === undefined ? {} : { resume: this.#resume };
    return { ...message, ...resume, client: this.link.peer.name, id: this.number, paced: true };
  }

  reading(keep: string, next: number): void {
    const { id } = this.message;
    const isNews = this.#resume?.keep !== keep;
    if (isNews) this.#resume = { keep, next };
    // Why also where it goes on: a client that came back waits for it.
    this.link.wire.send({ id, keep, kind: 'reading', next });
  }

  pass(message: KeptMessage): void {
    if (this.#resume !== undefined && message.sequence < this.#resume.next) return;
    if (this.#resume !== undefined) this.#resume = { keep: this.#resume.keep, next: message.sequence + 1 };
    if (this.#waiting.length > 0 || this.link.wire.isFull) {
      const missed = this.#missed + (message.missed ?? 0);
      this.#missed = 0;
      this.#waiting.push({ ...message, payload: message.payload.kept(), ...(missed === 0 ? {} : { missed }) });
      this.link.behind.add(this);
    } else this.#put(message);
  }

  gap(missed: number): void {
    if (this.#waiting.length > 0) this.#missed += missed;
    else this.link.wire.send({ id: this.message.id, kind: 'gap', missed });
  }

  pump(): void {
    let passed = 0;
    while (passed < this.#waiting.length && !this.link.wire.isFull) this.#put(this.#waiting[passed++] as KeptMessage);
    this.#waiting.splice(0, passed);
    if (this.#waiting.length > 0) return;
    this.link.behind.delete(this);
    if (this.#missed > 0) this.link.wire.send({ id: this.message.id, kind: 'gap', missed: this.#missed });
    this.#missed = 0;
  }

  close(): void {
    this.link.behind.delete(this);
    this.#waiting = [];
  }

  #put(message: KeptMessage): void {
    this.link.wire.send({ ...message, id: this.message.id });
    this.link.busy = true;
    if (!this.message.paced) this.#credit(message.payload.size + COST_BYTES);
  }
}

function refuse(link: FlowLink, id: number, why: Problem): void {
  link.wire.send({ id, keep: '', kind: 'reading', next: 0, problem: why });
}

export function away(patterns: readonly string[]): Problem {
  return problem('keeper-away', `the node that keeps ${patterns.join(', ')} is out of reach`);
}

const AGAIN_MS = 500;
/** Limit: readers of one connection. */
const READERS_MAX = 10_000;
