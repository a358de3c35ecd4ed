/**
 * One reader of a keep, on the node that keeps: at the other end of `link` is its client, or the node that its client is
 * connected to.
 *
 *     storage ── a part at a time, while there is room ──► link ──► the reader ── taken ──► room again
 *
 * What it has not taken is never more than `WINDOW_BYTES` and one part, and all of it is on the link: nothing waits here.
 */
import type { LinkId } from '../core/base/ids.ts';
import type { Problem } from '../core/base/problems.ts';
import { COST_BYTES, WINDOW_BYTES } from '../core/topics/messages.ts';
import type { FlowLink, Pump } from './flow-link.ts';
import type { LogRow } from './message-log.ts';

export interface ReaderParts {
  /** Of the keep's backlog. */
  readonly number: number;
  readonly link: FlowLink;
  /** The reader's own. */
  readonly id: number;
  /** What its client calls itself. */
  readonly client: string;
  readonly patterns: readonly string[];
  readonly durable: string | undefined;
  readonly paced: boolean;
  /** Whether one of its patterns matches; undefined: all topics of the keep do. */
  readonly wants: ((topic: string) => boolean) | undefined;
  /** Has the next part read. */
  readonly more: (reader: KeptReader, from: number, through: number) => void;
}

export class KeptReader implements Pump {
  readonly parts: ReaderParts;
  /** Messages handed over. */
  sent = 0;
  /** Messages that had gone before it came to them, and that it has not been told of yet. */
  #missed = 0;
  #unread = 0;
  /** The part that it reads when there is room. */
  #wanted: { readonly from: number; readonly through: number } | undefined;
  over = false;

  constructor(parts: ReaderParts) {
    this.parts = parts;
  }

  get linkId(): LinkId {
    return this.parts.link.id;
  }

  get hasRoom(): boolean {
    return !this.parts.link.wire.isFull && (!this.parts.paced || this.#unread < WINDOW_BYTES);
  }

  /** To be read next, as soon as there is room. */
  want(from: number, through: number): void {
    this.#wanted = { from, through };
    this.pump();
  }

  pump(): void {
    const wanted = this.#wanted;
    const { link } = this.parts;
    if (wanted === undefined || this.over) {
      link.behind.delete(this);
    } else if (this.hasRoom) {
      link.behind.delete(this);
      this.#wanted = undefined;
      this.parts.more(this, wanted.from, wanted.through);
    } else if (link.wire.isFull) link.behind.add(this);
  }

  taken(bytes: number): void {
    this.#unread = Math.max(0, this.#unread - bytes);
    this.pump();
  }

  /** A message of the keep; it is left out where it is none of this reader's. */
  hand({ sequence, topic, by, seq, at, headers, payload }: LogRow): void {
    const { id, link, wants } = this.parts;
    if (this.over || wants?.(topic) === false) return;
    const missed = this.#missed;
    this.#missed = 0;
    const refused = link.wire.send({
      at,
      by,
      id,
      kind: 'kept',
      payload,
      seq,
      sequence,
      topic,
      ...(headers === undefined ? {} : { headers }),
      ...(missed === 0 ? {} : { missed }),
    });
    if (refused !== undefined) {
      this.#missed = missed + 1;
      return;
    }
    link.busy = true;
    this.sent++;
    this.#unread += payload.size + COST_BYTES;
  }

  gap(missed: number): void {
    this.#missed += missed;
  }

  /** Nothing more comes for a while: it is told what it missed, if it has not been. */
  live(): void {
    if (this.#missed === 0) return;
    const { id, link } = this.parts;
    link.wire.send({ id, kind: 'gap', missed: this.#missed });
    this.#missed = 0;
  }

  end(why?: Problem): void {
    if (this.over) return;
    this.over = true;
    const { id, link } = this.parts;
    link.behind.delete(this);
    if (why !== undefined) link.wire.send({ id, keep: '', kind: 'reading', next: 0, problem: why });
  }
}
