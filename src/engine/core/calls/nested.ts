/**
 * Calls that functions make: part of work that was begun before, so that a node that takes no new work still takes them.
 * Otherwise a node could not let its functions end in peace: what they call would be refused while they are waited for.
 */
import type { NodeId } from '../base/ids.ts';
import type { CallsMessage } from './messages.ts';
import { fitting, type Place, type Places, type Wish } from './placement.ts';

/** Whether a function of this very node makes it. */
export function isPartOfWork(message: CallsMessage): boolean {
  return message.kind === 'call' && message.depth !== undefined && !message.routed;
}

/** This node as a place of its own functions, though it takes no new work; undefined where it was tried. */
export function restingAt(places: Places, wish: Wish, self: NodeId, tried: readonly NodeId[]): Place | undefined {
  if (tried.includes(self)) return undefined;
  const fits = fitting({ ...wish, node: wish.node ?? self });
  const fit = places.resting(wish.fun).filter((place) => place.id === self && fits(place));
  return fit.find((place) => wish.locs.every((loc) => place.resources.has(loc)));
}
