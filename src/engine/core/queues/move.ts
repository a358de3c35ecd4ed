import { type Problem, problem } from '../base/problems.ts';

/**
 * What two nodes tell each other of queues that move, and what each of them stores of that.
 *
 *     source   freeze ═► copying ─────────────────► committing ═► ··· ─────────► drop ═► (gone)
 *                 │         ▲ │ pages, one at a time    │             ▲                     │ given
 *                 └─ offer  │ ▼                         └─ commit     │ committed           ▼
 *     target        └─► staged ═► ═► ═► ═► ···               └─► whole ═► ··· asked? ··· (here) ═►
 *
 *     ═► is durable before anything that follows.
 *
 * The queues of a move are on the disks of both nodes for a while, and are served by none of them from the freeze on until
 * the source has dropped them. That it has is stored with the drop, and only who has heard of it serves them: the target, which
 * is told, and asks until it knows. So there is one owner at most, whoever is lost, and whatever an operator says:
 *
 * - the target is lost before the drop: the source may keep its queues at any time (`abandon`), since nobody else serves them;
 * - the source is lost after it: the target has them whole, and serves them once somebody says so (`resume`). Where the
 *   source is not lost at all, and has been told to keep them, both do until they hear of each other; then the source sets its
 *   own aside (`kept.ts`).
 *
 * A commit that blocks where one of two is lost cannot be had otherwise (Gray 1978, "Notes on Data Base Operating
 * Systems", §5.8.3.3); the way out of it is somebody who knows that the other one is lost.
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
      readonly from: Place;
      readonly phase: 'copying' | 'committing';
    }
  | {
      readonly role: 'arriving';
      readonly move: string;
      readonly index: number;
      /** How far the move has come; of the first queue only. */
      readonly cursor?: Cursor;
      /** All of it is here, and who knows whether it was given; of the first queue only. */
      readonly from?: Place;
    }
  /** It stays, and the other node, which may have it whole, has not answered to that yet (`kept.ts`). */
  | { readonly role: 'kept'; readonly move: string; readonly index: number; readonly to: Place };

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

/** What the other one answers: how far it has come, on its disk. */
export type Taken =
  | { readonly state: 'unknown' }
  | { readonly state: 'copying'; readonly cursor: Cursor }
  /** The target: all of it is here. The source: nothing of it is. */
  | { readonly state: 'committed' }
  /** The source: it is not given yet. */
  | { readonly state: 'leaving' }
  /** The source: it is not given, and never will be with this move. */
  | { readonly state: 'kept' };

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
  const hint = `It is done when the queue is there. Where that node is lost, the queue can stay.\nmpreg queue move ${queue} --abandon`;
  const text = `${queue} is moving ${where}: nothing was done`;
  return problem('queue-moving', text, to === undefined ? {} : { hint });
}

/** A queue that is on this node whole, but that its old node may still have. */
export function isHeld(queue: string, from: Place): Problem {
  const hint = `Start ${from.name} again. Where it is lost for good, have the queue served without it.\nmpreg queue move ${queue} --resume --help`;
  return problem('queue-moving', `${queue} is here whole, and ${from.name} has not said yet that it has let go of it`, {
    hint,
  });
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
