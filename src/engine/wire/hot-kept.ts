import type { ForwardMessage, KeptMessage, StoreMessage } from '../core/topics/messages.ts';
import { behind, fields, wholeOrNil } from './hot-fields.ts';
import { readFirst, readHeaders, writeFirst, writeHeaders } from './hot-topics.ts';
import { KINDS } from './messages.ts';
import type { ValueReader } from './read-value.ts';
import type { WireMessage } from './wire.ts';
import type { Writer } from './writer.ts';

/** The frames of messages of kept topics, by hand, as `hot-topics.ts` has those of all topics. */

const STORE = KINDS.store.code;
const KEPT = KINDS.kept.code;

export function writeHotKept(w: Writer, message: WireMessage): boolean {
  if (message.kind === 'kept') writeKept(w, message);
  else if (message.kind === 'store' && isPlain(message)) writeStore(w, message);
  else return false;
  return true;
}

function isPlain({ abroad, key, members, retained }: StoreMessage): boolean {
  return members.length === 0 && key === undefined && retained === undefined && abroad === undefined;
}

function writeStore(w: Writer, message: StoreMessage): void {
  const { at, headers, n, plain } = message;
  w.arrayHead(headers === undefined ? 6 : 8);
  w.uint(n);
  writeFirst(w, message);
  w.uint(at);
  w.bool(plain);
  if (headers === undefined) return;
  w.nil();
  writeHeaders(w, headers);
}

function writeKept(w: Writer, message: KeptMessage): void {
  const { at, headers, id, missed, sequence } = message;
  const count = headers !== undefined ? 8 : missed !== undefined ? 7 : 6;
  w.arrayHead(count);
  w.uint(id);
  w.uint(sequence);
  writeFirst(w, message);
  w.uint(at);
  if (count > 6) wholeOrNil(w, missed);
  if (headers !== undefined) writeHeaders(w, headers);
}

export function readHotKept(r: ValueReader, code: number, end: number): WireMessage | undefined {
  if (code === KEPT) return readKept(r, end);
  if (code !== STORE) return undefined;
  const at = r.at;
  const message = readStore(r, end);
  if (message === undefined) r.at = at;
  return message;
}

/** Undefined where it is for members of groups. */
function readStore(r: ValueReader, end: number): StoreMessage | undefined {
  const count = fields(r, 6);
  if (count > 8) return undefined;
  const n = r.uint();
  const { topic, by, seq } = readFirst(r);
  const at = r.uint();
  const plain = r.bool();
  if (count > 6 && !r.nil()) return undefined;
  const headers = count > 7 && !r.nil() ? readHeaders(r) : undefined;
  const payload = behind(r, count, 8, end);
  const message = { at, by, kind: 'store', members: NO_MEMBERS, n, payload, plain, seq, topic } as const;
  return headers === undefined ? message : { ...message, headers };
}

function readKept(r: ValueReader, end: number): KeptMessage {
  const count = fields(r, 6);
  const id = r.uint();
  const sequence = r.uint();
  const { topic, by, seq } = readFirst(r);
  const at = r.uint();
  const missed = count > 6 && !r.nil() ? r.uint() : undefined;
  const headers = count > 7 && !r.nil() ? readHeaders(r) : undefined;
  const payload = behind(r, count, 8, end);
  const message: { -readonly [Key in keyof KeptMessage]: KeptMessage[Key] } = {
    at,
    by,
    id,
    kind: 'kept',
    payload,
    seq,
    sequence,
    topic,
  };
  if (missed !== undefined) message.missed = missed;
  if (headers !== undefined) message.headers = headers;
  return message;
}

const NO_MEMBERS: ForwardMessage['members'] = Object.freeze([]);
