/**
 * A simulated client of topics: it listens and publishes on one connection, and does what the real one does when that
 * breaks: it connects again and says anew what it listens to; what nobody has answered is lost, and not said again.
 *
 * It may be slow in two ways. One that does not read while it has to do fills its link; one that is *paced* reads all, and
 * says late what it has dealt with.
 */
import type { Address } from '../core/base/ids.ts';
import type { Instant } from '../core/base/instant.ts';
import type { Payload } from '../core/base/payload.ts';
import type { Message } from '../core/node/inputs.ts';
import {
  COST_BYTES,
  type DeliverMessage,
  type PublishedMessage,
  type SubscribeMessage,
} from '../core/topics/messages.ts';
import { SimConnection } from './connection.ts';
import type { Network } from './network.ts';
import { simPayload } from './payload.ts';
import type { ByClient, PublishEvent, ReadEvent, SubscribeEvent } from './scenario.ts';
import type { Timeline } from './timeline.ts';
import { type ReadersWatcher, SimReader } from './topics-reader.ts';

/** One thing that a client listens to, on however many connections. */
export interface Listening {
  readonly client: TopicsClient;
  readonly event: SubscribeEvent;
  /** Its number on the present connection; undefined while there is none. */
  id: number | undefined;
  /** Its node has said that it is effective. */
  confirmed: boolean;
  /** The client does not want it any more. */
  over: boolean;
}

/** One message that a client publishes. */
export interface Publication {
  /** What its payload says, and no other does. */
  readonly token: string;
  readonly client: TopicsClient;
  readonly event: PublishEvent;
  readonly payload: Payload;
  /** The client's connection that it was sent on; undefined while it waits. */
  connection: number | undefined;
  /** Its number there; 0: it is not to be answered. */
  id: number;
  state: 'waits' | 'sent' | 'answered' | 'refused' | 'lost';
}

/** Who looks on at clients of topics. */
export interface TopicsWatcher extends ReadersWatcher {
  subscribing(listening: Listening): void;
  publishing(publication: Publication): void;
  published(publication: Publication, message: PublishedMessage): void;
  delivered(listening: Listening, message: DeliverMessage): void;
  /** So many were dropped before what comes next. */
  missed(listening: Listening, count: number): void;
  /** A member of a group says that it is done with a message, or gives it back. */
  settled(listening: Listening, message: DeliverMessage, done: boolean): void;
}

export interface TopicsClientParts {
  readonly where: ByClient;
  readonly address: Address;
  readonly timeline: Timeline;
  readonly network: Network;
  readonly watcher: TopicsWatcher;
  /** Makes tokens that no other client makes. */
  readonly nextToken: () => string;
}

export class TopicsClient {
  readonly where: ByClient;
  readonly listening = new Set<Listening>();
  /** Not sent yet, or sent and not answered. */
  readonly publishing = new Set<Publication>();
  readonly readers = new Set<SimReader>();
  readonly #parts: TopicsClientParts;
  readonly #connection: SimConnection;
  #numbers = 0;
  #published = 0;
  #calm = false;
  /** When a paced listener will be done with all that has come. */
  #busyUntil: Instant = 0;

  constructor(parts: TopicsClientParts) {
    const { where, address, timeline, network } = parts;
    this.where = where;
    this.#parts = parts;
    const client = this;
    this.#connection = new SimConnection(
      { address, name: `t${where.client}`, network, place: where.from, timeline },
      {
        down: () => this.#down(),
        drained: () => this.#flush(),
        message: (message) => this.#receive(message),
        up: () => this.#up(),
        get wantsLink() {
          return client.listening.size + client.publishing.size + client.readers.size > 0;
        },
      },
    );
  }

  get isConnected(): boolean {
    return this.#connection.link !== undefined;
  }

  subscribe(event: SubscribeEvent): void {
    const listening: Listening = { client: this, confirmed: false, event, id: undefined, over: false };
    this.listening.add(listening);
    if (event.forMs !== null) this.#parts.timeline.after(event.forMs, () => this.#end(listening));
    if (this.isConnected) this.#listen(listening);
    else this.#connection.connect();
  }

  read(event: ReadEvent): void {
    const { timeline, watcher } = this.#parts;
    const reader = new SimReader({
      again: (one) => {
        if (this.readers.has(one) && one.id === undefined && this.isConnected) one.ask();
      },
      event,
      later: (ms, then) => timeline.after(ms, then),
      nextId: () => ++this.#numbers,
      send: (message) => this.#connection.send(message),
      watcher,
      where: this.where,
      work: (then) => this.#work(event, then),
    });
    this.readers.add(reader);
    if (event.forMs !== null) timeline.after(event.forMs, () => this.#stop(reader));
    if (this.isConnected) reader.ask();
    else this.#connection.connect();
  }

  publish(event: PublishEvent): void {
    for (let i = 0; i < event.count; i++) this.#parts.timeline.after(i * event.everyMs, () => this.publishOne(event));
  }

  publishOne(event: PublishEvent): Publication {
    const token = this.#parts.nextToken();
    const payload = simPayload({ token, ...(event.bytes > 0 ? { bulkBytes: event.bytes } : {}) });
    const publication: Publication = {
      client: this,
      connection: undefined,
      event,
      id: 0,
      payload,
      state: 'waits',
      token,
    };
    this.publishing.add(publication);
    if (this.isConnected) this.#flush();
    else this.#connection.connect();
    return publication;
  }

  /** From now on nothing takes long, and who does not mean to stay goes. */
  calm(): void {
    this.#calm = true;
    this.#busyUntil = 0;
    for (const listening of this.listening) if (listening.event.forMs !== null) this.#end(listening);
    for (const reader of this.readers) if (reader.event.forMs !== null) this.#stop(reader);
  }

  #up(): void {
    for (const listening of this.listening) this.#listen(listening);
    for (const reader of this.readers) reader.ask();
    this.#flush();
  }

  #down(): void {
    for (const listening of this.listening) {
      listening.id = undefined;
      listening.confirmed = false;
    }
    for (const reader of this.readers) reader.lost();
    for (const publication of this.publishing) {
      if (publication.state !== 'sent') continue;
      publication.state = 'lost';
      this.publishing.delete(publication);
    }
  }

  #listen(listening: Listening): void {
    listening.id = ++this.#numbers;
    this.#parts.watcher.subscribing(listening);
    this.#connection.send(requestOf(listening.event, listening.id));
  }

  #end(listening: Listening): void {
    if (listening.over) return;
    listening.over = true;
    this.listening.delete(listening);
    if (listening.event.hangsUp) this.#connection.hangUp();
    else if (listening.id !== undefined) this.#connection.send({ id: listening.id, kind: 'unsubscribe' });
  }

  /** Sends what waits, as long as there is room. */
  #flush(): void {
    for (const publication of this.publishing) {
      if (!this.isConnected || this.#connection.isFull) return;
      if (publication.state === 'waits') this.#send(publication);
    }
  }

  #send(publication: Publication): void {
    const { event, payload } = publication;
    const { confirm, key, named, topic } = event;
    publication.connection = this.#connection.made;
    publication.state = 'sent';
    if (confirm) publication.id = ++this.#numbers;
    else this.publishing.delete(publication);
    const { id } = publication;
    this.#parts.watcher.publishing(publication);
    const name = named ? { by: `t${this.where.client}`, seq: ++this.#published } : {};
    this.#connection.send({ id, kind: 'publish', payload, topic, ...name, ...(key === undefined ? {} : { key }) });
  }

  #stop(reader: SimReader): void {
    reader.end();
    this.readers.delete(reader);
  }

  #receive(message: Message): void {
    for (const reader of this.readers) {
      if (!reader.receive(message)) continue;
      if (reader.over) this.readers.delete(reader);
      return;
    }
    switch (message.kind) {
      case 'deliver':
        return this.#take(message);
      case 'gap': {
        const listening = this.#byId(message.id);
        if (listening !== undefined) this.#parts.watcher.missed(listening, message.missed);
        return;
      }
      case 'subscribed': {
        const listening = this.#byId(message.id);
        if (listening !== undefined) listening.confirmed = true;
        return;
      }
      case 'published': {
        const publication = this.#answered(message.id, 'answered');
        if (publication !== undefined) this.#parts.watcher.published(publication, message);
        return;
      }
      case 'error':
        if (this.#answered(message.id, 'refused') === undefined) this.#refused(message.id);
        return;
      default:
    }
  }

  #answered(id: number, state: Publication['state']): Publication | undefined {
    for (const publication of this.publishing) {
      if (publication.id !== id || publication.state !== 'sent') continue;
      publication.state = state;
      this.publishing.delete(publication);
      return publication;
    }
    return undefined;
  }

  #take(message: DeliverMessage): void {
    const listening = this.#byId(message.id);
    if (listening === undefined) return;
    if (message.missed !== undefined) this.#parts.watcher.missed(listening, message.missed);
    this.#parts.watcher.delivered(listening, message);
    const { id, tag } = message;
    const { paced, refuses } = listening.event;
    this.#work(listening.event, () => {
      if (listening.id !== id) return;
      if (tag !== undefined) {
        const isRefused = refuses !== undefined && tag % refuses === 0 && !this.#calm;
        this.#parts.watcher.settled(listening, message, !isRefused);
        this.#connection.send({ done: isRefused ? [] : [tag], id, kind: 'settle', refused: isRefused ? [tag] : [] });
      } else if (paced) this.#connection.send({ bytes: message.payload.size + COST_BYTES, id, kind: 'taken' });
    });
  }

  /** Deals with a message. One that is not paced reads nothing meanwhile. */
  #work({ paced, takeMs }: { readonly paced?: true; readonly takeMs: number }, done: () => void): void {
    const { timeline } = this.#parts;
    const workMs = this.#calm ? 0 : takeMs;
    if (paced === undefined) {
      if (workMs === 0) return done();
      this.#connection.rest(workMs);
      return timeline.after(workMs, done);
    }
    this.#busyUntil = Math.max(this.#busyUntil, timeline.now) + workMs;
    timeline.at(this.#busyUntil, done);
  }

  /** Where it was too slow for its own terms, it comes again a little later. */
  #refused(id: number): void {
    const listening = this.#byId(id);
    if (listening === undefined) return;
    listening.id = undefined;
    listening.confirmed = false;
    this.#parts.timeline.after(AGAIN_MS, () => {
      if (!listening.over && listening.id === undefined && this.isConnected) this.#listen(listening);
    });
  }

  #byId(id: number): Listening | undefined {
    for (const listening of this.listening) if (listening.id === id) return listening;
    return undefined;
  }
}

const AGAIN_MS = 500;

function requestOf(event: SubscribeEvent, id: number): SubscribeMessage {
  const { bytesMax, everywhere, group, messagesMax, paced, patterns, policy, window } = event;
  return {
    id,
    kind: 'subscribe',
    patterns,
    ...(group === undefined ? {} : { group }),
    ...(everywhere === undefined ? {} : { everywhere }),
    ...(paced === undefined ? {} : { paced }),
    ...(policy === undefined ? {} : { policy }),
    ...(messagesMax === undefined ? {} : { messagesMax }),
    ...(bytesMax === undefined ? {} : { bytesMax }),
    ...(window === undefined ? {} : { window }),
  };
}
