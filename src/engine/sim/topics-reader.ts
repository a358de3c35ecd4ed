/**
 * A simulated reader of what is kept, on a client's connection: where it is, what it asks for when it begins and when it
 * comes back, what it has acknowledged. As in the real client, it goes on after the last number that it got; but one that
 * *forgets* is a program that is started anew, which has nothing but its durable name.
 */
import type { Message } from '../core/node/inputs.ts';
import { COST_BYTES, type KeptMessage, type ReadMessage } from '../core/topics/messages.ts';
import type { ByClient, ReadEvent } from './scenario.ts';

/** Who looks on at readers. */
export interface ReadersWatcher {
  /** It is told that it reads a keep from `next` on; `resumed`: it asked to go on where it was. */
  reading(reader: SimReader, next: number, resumed: boolean): void;
  kept(reader: SimReader, message: KeptMessage): void;
  /** So many numbers had gone before it came to them. */
  skipped(reader: SimReader, count: number): void;
  acknowledged(reader: SimReader, sequence: number): void;
}

export interface SimReaderParts {
  readonly where: ByClient;
  readonly event: ReadEvent;
  readonly watcher: ReadersWatcher;
  readonly send: (message: Message) => void;
  /** Calls back when it has dealt with what came. */
  readonly work: (then: () => void) => void;
  readonly later: (ms: number, then: () => void) => void;
  /** Has `ask` called, where there is a connection and it has no number. */
  readonly again: (reader: SimReader) => void;
  readonly nextId: () => number;
}

export class SimReader {
  readonly where: ByClient;
  readonly event: ReadEvent;
  readonly #parts: SimReaderParts;
  /** Its number on the present connection; undefined while there is none. */
  id: number | undefined;
  /** What it reads; empty before it has been told. */
  keep = '';
  next = 0;
  /** It has been told so on the present connection. */
  attached = false;
  /** It does not want to read any more, or somebody else has its name. */
  over = false;
  #acknowledged = 0;

  constructor(parts: SimReaderParts) {
    this.where = parts.where;
    this.event = parts.event;
    this.#parts = parts;
  }

  /** There is a connection. */
  ask(): void {
    if (this.over) return;
    const { nextId, send } = this.#parts;
    if (this.event.forgets) this.keep = '';
    this.id = nextId();
    this.attached = false;
    send(this.#request(this.id));
    if (this.#acknowledged > 0 && this.keep !== '') this.#tell(this.#acknowledged);
  }

  lost(): void {
    this.id = undefined;
    this.attached = false;
  }

  end(): void {
    if (this.over) return;
    this.over = true;
    if (this.id !== undefined) this.#parts.send({ id: this.id, kind: 'unread' });
    this.id = undefined;
  }

  /** False where a message is not about it. */
  receive(message: Message): boolean {
    if (!('id' in message) || message.id !== this.id || this.id === undefined) return false;
    const { watcher } = this.#parts;
    switch (message.kind) {
      case 'reading':
        if (message.problem === undefined) this.#reading(message.keep, message.next);
        else this.#refused(message.problem.code);
        return true;
      case 'kept':
        this.#take(message);
        return true;
      case 'gap':
        watcher.skipped(this, message.missed);
        return true;
      default:
        return false;
    }
  }

  #request(id: number): ReadMessage {
    const { durable, paced, patterns, start } = this.event;
    return {
      id,
      kind: 'read',
      patterns,
      ...start,
      ...(durable === undefined ? {} : { durable }),
      ...(paced === undefined ? {} : { paced }),
      ...(this.keep === '' ? {} : { resume: { keep: this.keep, next: this.next } }),
    };
  }

  #reading(keep: string, next: number): void {
    const resumed = keep === this.keep;
    this.attached = true;
    if (!resumed) {
      this.keep = keep;
      this.next = next;
      this.#acknowledged = 0;
    }
    this.#parts.watcher.reading(this, next, resumed);
  }

  #take(message: KeptMessage): void {
    const { event, id } = this;
    const { send, watcher, work } = this.#parts;
    if (message.missed !== undefined) watcher.skipped(this, message.missed);
    watcher.kept(this, message);
    this.next = message.sequence + 1;
    const { keep } = this;
    work(() => {
      if (this.over || this.id !== id || id === undefined) return;
      if (event.paced) send({ bytes: message.payload.size + COST_BYTES, id, kind: 'taken' });
      if (event.durable === undefined || this.keep !== keep) return;
      this.#acknowledged = message.sequence;
      this.#tell(message.sequence);
    });
  }

  #tell(sequence: number): void {
    if (this.id === undefined || this.event.durable === undefined) return;
    this.#parts.watcher.acknowledged(this, sequence);
    this.#parts.send({ id: this.id, kind: 'acknowledge', sequence });
  }

  /** Where nobody keeps it yet, or the keeper is away, it asks again; where another has its name, it goes. */
  #refused(code: string): void {
    this.lost();
    if (code === 'exists-already') this.over = true;
    else this.#parts.later(AGAIN_MS, () => this.#parts.again(this));
  }
}

const AGAIN_MS = 500;
