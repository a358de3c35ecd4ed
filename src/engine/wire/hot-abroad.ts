import type { CallMessage } from '../core/calls/messages.ts';
import { readYes, textOrNil, trueOrNil } from './hot-fields.ts';
import { inside, located, Misfit } from './misfit.ts';
import { over } from './over-shape.ts';
import type { ValueReader } from './read-value.ts';
import type { Writer } from './writer.ts';

/** The last fields of a call's header by hand: where it may or shall run beyond its cluster, and its way between hubs. */

/** Up to the last of them that is there; 0: none is. */
export function abroadFields(call: CallMessage): number {
  if (call.over !== undefined) return 19;
  if (call.scope !== undefined) return 18;
  if (call.abroad !== undefined) return 17;
  if (call.region !== undefined) return 16;
  return call.cluster === undefined ? 0 : 15;
}

export function writeAbroad(w: Writer, call: CallMessage, count: number): void {
  textOrNil(w, call.cluster);
  if (count > 15) textOrNil(w, call.region);
  if (count > 16) trueOrNil(w, call.abroad === true);
  if (count > 17) {
    if (call.scope === undefined) w.nil();
    else w.uint(SCOPE_CLUSTER);
  }
  if (count <= 18) return;
  if (call.over === undefined) w.nil();
  else w.value(over.pack(call.over));
}

export function readAbroad(
  r: ValueReader,
  count: number,
  more: { -readonly [Key in keyof CallMessage]?: CallMessage[Key] },
): void {
  if (!r.nil()) more.cluster = r.name();
  if (count > 15 && !r.nil()) more.region = r.name();
  if (count > 16 && !r.nil()) more.abroad = readYes(r);
  if (count > 17 && !r.nil()) {
    if (r.uint() !== SCOPE_CLUSTER) throw new Misfit('must be one of cluster', r.at);
    more.scope = 'cluster';
  }
  if (count <= 18 || r.nil()) return;
  const at = r.at;
  try {
    more.over = over.unpack(r.value(1));
  } catch (error) {
    throw located(inside(error, 'over'), at);
  }
}

/** The place of the word among the scopes that there are. */
const SCOPE_CLUSTER = 0;
