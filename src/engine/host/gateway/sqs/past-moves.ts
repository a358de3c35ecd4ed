/**
 * Moves of dead letters that have ended, the last first: a queue itself knows its last one only. They are in the notes of
 * the queue that they were moved from, so that every node can list them, also after a restart.
 *
 * Limit: `MOVES_MAX`, as the service has it. One is noted when the next one begins, which counts as a change of the queue.
 */
import { isObject } from '../../../wire/json-value.ts';
import type { RedriveView } from './queues-face.ts';

const MOVES_MAX = 10;
/** In a queue's notes: a JSON array. */
const NOTE = 'sqs.moves';

type Notes = ReadonlyMap<string, string>;

export function withMove(notes: Notes, move: RedriveView): Notes {
  const before = pastMoves(notes).filter(({ id }) => id !== move.id);
  return new Map([...notes, [NOTE, JSON.stringify([move, ...before].slice(0, MOVES_MAX))]]);
}

export function pastMoves(notes: Notes): readonly RedriveView[] {
  try {
    const moves: unknown = JSON.parse(notes.get(NOTE) ?? '[]');
    return Array.isArray(moves) ? moves.filter(isMove) : [];
  } catch {
    return []; // somebody else has written there
  }
}

function isMove(value: unknown): value is RedriveView {
  if (!isObject(value)) return false;
  const { id, moved, perSecond = 0, startedAt, state, to = '', total, why = '' } = value;
  const isTold = [id, to, why].every((text) => typeof text === 'string');
  const isCounted = [moved, perSecond, startedAt, total].every((count) => typeof count === 'number');
  return isTold && isCounted && (state === 'done' || state === 'cancelled' || state === 'failed');
}
