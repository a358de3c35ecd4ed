import type {
  DeliverMessage,
  DeliverRunMessage,
  ForwardMessage,
  Headers,
  PublishMessage,
} from '../core/topics/messages.ts';
import { behind, fields, nothing, readName, shortest, textOrNil, wholeOrNil } from './hot-fields.ts';
import { KINDS } from './messages.ts';
import { Misfit } from './misfit.ts';
import type { ValueReader } from './read-value.ts';
import { runFrom } from './run.ts';
import { HEADERS_MAX } from './topic-shapes.ts';
import type { WireMessage } from './wire.ts';
import type { Writer } from './writer.ts';

/** The frames of messages of topics, by hand, as `hot-frames.ts` has those of calls; what a run holds is checked here. */

const PUBLISH = KINDS.publish.code;
const PUBLISH_RUN = KINDS['publish-run'].code;
const FORWARD = KINDS.forward.code;
const FORWARD_RUN = KINDS['forward-run'].code;
const DELIVER = KINDS.deliver.code;
const DELIVER_RUN = KINDS['deliver-run'].code;
const PUBLISHED = KINDS.published.code;
const TAKEN = KINDS.taken.code;

export function writeHotTopics(w: Writer, message: WireMessage): boolean {
  switch (message.kind) {
    case 'publish':
      if (message.retain !== undefined) return false;
      writePublish(w, message);
      return true;
    case 'forward':
      if (message.members.length > 0 || message.key !== undefined) return false;
      if (message.retained !== undefined || message.abroad !== undefined) return false;
      writeForward(w, message);
      return true;
    case 'deliver':
      if (message.tag !== undefined || message.attempt !== undefined || message.retained) return false;
      writeDeliver(w, message);
      return true;
    case 'deliver-run':
      writeDeliver(w, message);
      return true;
    case 'publish-run':
      w.arrayHead(3);
      writeFirst(w, message);
      return true;
    case 'forward-run':
      w.arrayHead(4);
      writeFirst(w, message);
      w.uint(message.at);
      return true;
    case 'published':
      if (message.waiting !== undefined || message.behind !== undefined) return false;
      w.arrayHead(message.kept === undefined ? 3 : 4);
      w.uint(message.id);
      w.uint(message.local);
      w.uint(message.nodes);
      if (message.kept !== undefined) w.uint(message.kept);
      return true;
    case 'taken':
      w.arrayHead(2);
      w.uint(message.id);
      w.uint(message.bytes);
      return true;
    default:
      return false;
  }
}

export function writeFirst(
  w: Writer,
  { topic, by, seq }: { readonly topic: string; readonly by: string; readonly seq: number },
) {
  w.text(topic);
  w.text(by);
  w.uint(seq);
}

function writePublish(w: Writer, { id, topic, by, seq, key, headers }: PublishMessage): void {
  const count = headers !== undefined ? 6 : key !== undefined ? 5 : seq !== undefined ? 4 : by !== undefined ? 3 : 2;
  w.arrayHead(count);
  wholeOrNil(w, id === 0 ? undefined : id);
  w.text(topic);
  if (count > 2) textOrNil(w, by);
  if (count > 3) wholeOrNil(w, seq);
  if (count > 4) textOrNil(w, key);
  if (headers !== undefined) writeHeaders(w, headers);
}

function writeForward(w: Writer, message: ForwardMessage): void {
  const { at, headers, plain } = message;
  const count = headers !== undefined ? 7 : 5;
  w.arrayHead(count);
  writeFirst(w, message);
  w.uint(at);
  w.bool(plain);
  if (count > 5) w.nil();
  if (headers !== undefined) writeHeaders(w, headers);
}

function writeDeliver(w: Writer, message: DeliverMessage | DeliverRunMessage): void {
  const headers = message.kind === 'deliver' ? message.headers : undefined;
  const { at, id, missed } = message;
  const count = headers !== undefined ? 7 : missed !== undefined ? 6 : 5;
  w.arrayHead(count);
  w.uint(id);
  writeFirst(w, message);
  w.uint(at);
  if (count > 5) wholeOrNil(w, missed);
  if (headers !== undefined) writeHeaders(w, headers);
}

export function writeHeaders(w: Writer, headers: Headers): void {
  const names = Object.keys(headers);
  w.arrayHead(names.length * 2);
  for (const name of names) {
    w.text(name);
    w.text(headers[name] as string);
  }
}

export function readHotTopics(r: ValueReader, code: number, end: number): WireMessage | undefined {
  switch (code) {
    case PUBLISH: {
      const count = shortest(r, 6);
      return count === undefined ? undefined : readPublish(r, count, end);
    }
    case FORWARD: {
      const at = r.at;
      return readForward(r, end) ?? again(r, at);
    }
    case DELIVER: {
      const count = shortest(r, 7);
      return count === undefined ? undefined : readDeliver(r, count, end);
    }
    case PUBLISH_RUN: {
      const count = fields(r, 3);
      const first = readFirst(r);
      return { ...first, kind: 'publish-run', payload: runBehind(r, count, 3, end) };
    }
    case FORWARD_RUN: {
      const count = fields(r, 4);
      const first = readFirst(r);
      const at = r.uint();
      return { ...first, at, kind: 'forward-run', payload: runBehind(r, count, 4, end) };
    }
    case DELIVER_RUN:
      return readDeliverRun(r, end);
    case PUBLISHED: {
      const count = shortest(r, 4);
      if (count === undefined) return undefined;
      if (count < 3) throw new Misfit(`${count} fields, at least 3 are wanted`, r.at);
      const message = { id: r.uint(), kind: 'published', local: r.uint(), nodes: r.uint() } as const;
      const kept = count > 3 && !r.nil() ? r.uint() : undefined;
      nothing(r, behind(r, 4, 4, end));
      return kept === undefined ? message : { ...message, kept };
    }
    case TAKEN: {
      const count = fields(r, 2);
      const message = { bytes: 0, id: r.uint(), kind: 'taken' as const };
      message.bytes = r.uint();
      nothing(r, behind(r, count, 2, end));
      return message;
    }
    default:
      return undefined;
  }
}

export function readFirst(r: ValueReader): { topic: string; by: string; seq: number } {
  return { topic: r.name(), by: readName(r), seq: r.uint() };
}

function readPublish(r: ValueReader, count: number, end: number): PublishMessage {
  if (count < 2) throw new Misfit(`${count} fields, at least 2 are wanted`, r.at);
  const id = r.nil() ? 0 : r.uint();
  const topic = r.name();
  const by = count > 2 && !r.nil() ? readName(r) : undefined;
  const seq = count > 3 && !r.nil() ? r.uint() : undefined;
  const key = count > 4 && !r.nil() ? r.text() : undefined;
  const headers = count > 5 && !r.nil() ? readHeaders(r) : undefined;
  const payload = behind(r, count, 6, end);
  const message: { -readonly [Key in keyof PublishMessage]: PublishMessage[Key] } = {
    id,
    kind: 'publish',
    payload,
    topic,
  };
  if (by !== undefined) message.by = by;
  if (seq !== undefined) message.seq = seq;
  if (key !== undefined) message.key = key;
  if (headers !== undefined) message.headers = headers;
  return message;
}

/** Undefined where it is for members of groups. */
function readForward(r: ValueReader, end: number): ForwardMessage | undefined {
  const count = fields(r, 5);
  if (count > 7) return undefined;
  const { topic, by, seq } = readFirst(r);
  const at = r.uint();
  const plain = r.bool();
  if (count > 5 && !r.nil()) return undefined;
  const headers = count > 6 && !r.nil() ? readHeaders(r) : undefined;
  const payload = behind(r, count, 7, end);
  const message = { at, by, kind: 'forward', members: NO_MEMBERS, payload, plain, seq, topic } as const;
  return headers === undefined ? message : { ...message, headers };
}

function again(r: ValueReader, at: number): undefined {
  r.at = at;
}

function readDeliver(r: ValueReader, count: number, end: number): DeliverMessage {
  if (count < 5) throw new Misfit(`${count} fields, at least 5 are wanted`, r.at);
  const id = r.uint();
  const { topic, by, seq } = readFirst(r);
  const at = r.uint();
  const missed = count > 5 && !r.nil() ? r.uint() : undefined;
  const headers = count > 6 && !r.nil() ? readHeaders(r) : undefined;
  const payload = behind(r, count, 7, end);
  const message: { -readonly [Key in keyof DeliverMessage]: DeliverMessage[Key] } = {
    at,
    by,
    id,
    kind: 'deliver',
    payload,
    seq,
    topic,
  };
  if (missed !== undefined) message.missed = missed;
  if (headers !== undefined) message.headers = headers;
  return message;
}

function readDeliverRun(r: ValueReader, end: number): DeliverRunMessage {
  const count = fields(r, 5);
  const id = r.uint();
  const { topic, by, seq } = readFirst(r);
  const at = r.uint();
  const missed = count > 5 && !r.nil() ? r.uint() : undefined;
  const payload = runBehind(r, count, 6, end);
  const message = { at, by, id, kind: 'deliver-run', payload, seq, topic } as const;
  return missed === undefined ? message : { ...message, missed };
}

/** As `behind`; what is there must be a run. */
function runBehind(r: ValueReader, count: number, known: number, end: number) {
  const from = r.end;
  behind(r, count, known, end);
  return runFrom(r.bytes, from, end);
}

export function readHeaders(r: ValueReader): Headers {
  const count = r.arrayHead();
  if (count % 2 !== 0) throw new Misfit('must be a list of names and texts', r.at);
  if (count > 2 * HEADERS_MAX) throw new Misfit(`must have at most ${HEADERS_MAX} entries`, r.at);
  r.need(count);
  const pairs: [string, string][] = [];
  for (let i = 0; i < count; i += 2) pairs.push([r.name(), r.text()]);
  return Object.fromEntries(pairs);
}

const NO_MEMBERS: ForwardMessage['members'] = Object.freeze([]);
