import type { Payload } from '../core/base/payload.ts';
import { Misfit } from './misfit.ts';
import { BytesPayload } from './payload.ts';
import type { ValueReader } from './read-value.ts';
import { NAME_MAX } from './shapes.ts';
import type { Writer } from './writer.ts';

/** The fields that headers by hand are made of (`hot-frames.ts`, `hot-topics.ts`). */

/** Unlike `uintOrNil`, where 0 is not the same as nothing. */
export function wholeOrNil(w: Writer, value: number | undefined): void {
  if (value === undefined) w.nil();
  else w.uint(value);
}

export function boolOrNil(w: Writer, value: boolean | undefined): void {
  if (value === undefined) w.nil();
  else w.bool(value);
}

export function trueOrNil(w: Writer, value: boolean): void {
  if (value) w.bool(true);
  else w.nil();
}

export function textOrNil(w: Writer, value: string | undefined): void {
  if (value === undefined) w.nil();
  else w.text(value);
}

export function readName(r: ValueReader): string {
  const name = r.name();
  if (name === '' || name.length > NAME_MAX) throw new Misfit(`must be 1 to ${NAME_MAX} characters`, r.at);
  return name;
}

export function readYes(r: ValueReader): true {
  if (r.bool()) return true;
  throw new Misfit('must be true', r.at - 1);
}

/** How many fields a header has, at least `least`. */
export function fields(r: ValueReader, least: number): number {
  const count = r.arrayHead();
  if (count < least) throw new Misfit(`${count} fields, at least ${least} are wanted`, r.at);
  r.need(count);
  return count;
}

/** How many fields a header has; undefined, with nothing read, where they are more than those of the usual message. */
export function shortest(r: ValueReader, most: number): number | undefined {
  const at = r.at;
  const count = fields(r, 1);
  if (count <= most) return count;
  r.at = at;
  return undefined;
}

/** Passes over the fields from `known` on, which a newer version added, and takes what lies behind the header. */
export function behind(r: ValueReader, count: number, known: number, end: number): Payload {
  for (let i = known; i < count; i++) r.skip(1);
  if (r.at !== r.end) throw new Misfit('a header is shorter than it says', r.at);
  return new BytesPayload(r.bytes, r.at, end);
}

export function nothing(r: ValueReader, payload: Payload): void {
  if (payload.size > 0) throw new Misfit('a frame of this kind has no payload', r.end);
}
