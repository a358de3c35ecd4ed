import { type Problem, problem } from '../base/problems.ts';

/**
 * What two nodes tell each other of queues that move, and what each of them stores of that.
 *
 *     source   freeze ═► copying ─────────────────────────► committing ═► ··· ─────────────► drop ═► (gone)
 *                 │         ▲ │ pages, one at a time            │             ▲
 *                 └─ offer  │ ▼                                 └─ commit     │ committed
 *     target        └─► staged ═► ═► ═► ═► ···                       └─► commit ═► (here)
 *
 *     ═► is durable before anything that follows.
 *
 * The queues of a move are on the disks of both nodes for a while, and are served by none of them from the freeze to the
 * commit, and by the target alone from then on. Until the source has stored that it commits, it may change its mind; from
 * then on only the target knows, and the source asks until it has an answer (two-phase commit: Gray 1978, "Notes on
 * Data Base Operating Systems", §5.8.3.3).
 */
export interface Place {
  /** The node's. */
  readonly id: string;
  readonly name: string;
}

/** What is on disk with each queue of a move. */
export type StoredMove =
  | {
      readonly role: 'leaving';
      readonly move: string;
      /** Its place among the queues of the move. */
      readonly index: number;
      readonly to: Place;
      readonly phase: 'copying' | 'committing';
    }
  | {
      readonly role: 'arriving';
      readonly move: string;
      readonly index: number;
      /** How far the move has come; of the first queue only. */
      readonly cursor?: Cursor;
    };

/** Everything of the queues before `index` has been copied, and of that one what comes before `after` in this stage. */
export interface Cursor {
  readonly index: number;
  readonly stage: Stage;
  /** An id of a message; of the stage `dedupe`, a key. */
  readonly after: number | string;
}

export type Stage = 'messages' | 'deliveries' | 'dedupe';
const STAGES: readonly Stage[] = ['messages', 'deliveries', 'dedupe'];
export const START: Cursor = { after: 0, index: 0, stage: 'messages' };

/** What the target answers: how far it has come, on its disk. */
export type Taken =
  | { readonly state: 'unknown' }
  | { readonly state: 'copying'; readonly cursor: Cursor }
  | { readonly state: 'committed' };

/** Where the next page of a move begins; `after`: where that is in the same stage. */
export function following({ index, stage }: Cursor, after: number | string | undefined): Cursor {
  if (after !== undefined) return { after, index, stage };
  const next = STAGES[STAGES.indexOf(stage) + 1];
  if (next === undefined) return { after: 0, index: index + 1, stage: 'messages' };
  return { after: next === 'dedupe' ? '' : 0, index, stage: next };
}

export function isSame(a: Cursor, b: Cursor): boolean {
  return a.index === b.index && a.stage === b.stage && a.after === b.after;
}

/** Whether this is a cursor of a move of so many queues. */
export function isCursor(given: unknown, queues: number): given is Cursor {
  if (typeof given !== 'object' || given === null) return false;
  const { index, stage, after } = given as Partial<Cursor>;
  if (!Number.isSafeInteger(index) || (index as number) < 0 || (index as number) > queues) return false;
  if (!STAGES.includes(stage as Stage)) return false;
  return stage === 'dedupe' ? typeof after === 'string' : Number.isSafeInteger(after);
}

/** Why nothing is done with a queue now. Nothing was done, so it may be asked for again. */
export function isMoving(queue: string, to?: Place): Problem {
  const where = to === undefined ? 'to this node, and is not here yet' : `to ${to.name}`;
  return problem('queue-moving', `${queue} is moving ${where}: nothing was done`);
}

/** Where a queue that was here is now; its cause tells programs the node. */
export function hasMoved(queue: string, to: Place): Problem {
  const text = `${queue} has moved to ${to.name}: nothing was done`;
  return problem('queue-moving', text, { cause: { message: to.id, name: MOVED } });
}

/** The name of the cause; its message is the id of the node. */
export const MOVED = 'moved';

/** Limit: queues that move together. */
export const TOGETHER_MAX = 100;
/** Limit: moves that a node remembers as ended here; the oldest is forgotten. A source asks again for as long as it lives. */
export const ENDED_MAX = 10_000;
