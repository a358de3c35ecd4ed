/** What another node says of queues that move here, checked: no more is believed of it than that it has the form. */
import type { Closing, Offered, Parcel, QueueWrite } from '../../core/queues/effects.ts';
import { isCursor, TOGETHER_MAX } from '../../core/queues/move.ts';
import { defaultOptions, nameFlaw, withOptions } from '../../core/queues/options.ts';
import { ProblemError } from '../../problem-error.ts';
import { type Given, invalid, plain, text } from './arguments.ts';

/** Throws `input-invalid`. */
export function parcelOf(value: unknown): Parcel {
  const { kind, move, ...given } = plain(value, 'the parcel');
  const id = text(move, 'move');
  if (kind === 'offer') return { kind, move: id, queues: list(given['queues'], 'queues').map(offered) };
  if (kind === 'commit') {
    const { id: node, name } = plain(given['from'], 'from');
    const from = { id: text(node, 'the id of the node'), name: text(name, 'the name of the node') };
    return { from, kind, move: id, queues: list(given['queues'], 'queues').map(closing) };
  }
  if (kind === 'given' || kind === 'abandoned') return { kind, move: id };
  if (kind === 'asked') return { kind, move: id, queues: list(given['queues'], 'queues').map(known) };
  if (kind !== 'page') throw invalid(`a parcel "${String(kind)}" means nothing to this version of mpreg`);
  const { at, next, writes } = given;
  if (!isCursor(at, TOGETHER_MAX) || !isCursor(next, TOGETHER_MAX)) throw invalid('a page must say where it stands');
  if (!Array.isArray(writes)) throw invalid('writes must be a list');
  return { at, kind, move: id, next, writes: writes.map(writeOf) };
}

function list(value: unknown, what: string): readonly unknown[] {
  if (Array.isArray(value) && value.length > 0 && value.length <= TOGETHER_MAX) return value;
  throw invalid(`${what} must be a list of 1 to ${TOGETHER_MAX}`);
}

function offered(value: unknown): Offered {
  const { name, options, createdAt, changedAt } = plain(value, 'a queue');
  const flaw = nameFlaw(name);
  if (flaw !== undefined) throw new ProblemError(flaw);
  const settled = withOptions(defaultOptions(String(name)), plain(options, 'options'));
  if (!settled.ok) throw new ProblemError(settled.problem);
  const at = { changedAt: whole(changedAt, 'changedAt'), createdAt: whole(createdAt, 'createdAt') };
  return { ...at, name: String(name), options: settled.value };
}

function known(value: unknown) {
  const { name, createdAt } = plain(value, 'a queue');
  return { createdAt: whole(createdAt, 'createdAt'), name: text(name, 'name') };
}

const COUNTS = [
  ...['bytes', 'dead', 'done', 'expired', 'lost', 'messages'],
  ...['newestAt', 'next', 'purged', 'sent', 'tokens'],
];

function closing(value: unknown): Closing {
  const { consumers, counts, job } = plain(value, 'a queue');
  const given = plain(counts, 'counts');
  const known = Object.fromEntries(COUNTS.map((name) => [name, whole(given[name], name)]));
  if (!Array.isArray(consumers)) throw invalid('consumers must be a list');
  return {
    consumers: consumers.map((one) => text(one, 'a consumer')),
    counts: known as unknown as Closing['counts'],
    ...(job !== undefined && { job: plain(job, 'job') as unknown as NonNullable<Closing['job']> }),
  };
}

function writeOf(value: unknown): QueueWrite {
  const write = plain(value, 'a write');
  if (!isWrite(write))
    throw invalid(`a page holds a write "${String(write['kind'])}" that is none of a queue's content`);
  return write as unknown as QueueWrite;
}

function isWrite({ kind, message, content, state, ...write }: Given): boolean {
  switch (kind) {
    case 'insert':
      return content instanceof Uint8Array && has(message, ['bytes', 'rank', 'sentAt', 'seq']);
    case 'state':
      return isWhole(write['seq']) && has(state, ['receives']) && Array.isArray((state as Given)['history']);
    case 'deliveries':
      return isWhole(write['of']) && isWhole(write['needed']) && areCopies(write['copies']);
    case 'dedupe':
      return typeof write['key'] === 'string' && isWhole(write['seq']) && isWhole(write['until']);
    default:
      return false;
  }
}

function areCopies(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => has(one, ['seq']) && typeof one.consumer === 'string');
}

function has(value: unknown, numbers: readonly string[]): value is Given {
  if (typeof value !== 'object' || value === null) return false;
  return numbers.every((name) => isWhole((value as Given)[name]));
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function whole(value: unknown, what: string): number {
  if (isWhole(value)) return value;
  throw invalid(`${what} must be a whole number`);
}
