/**
 * How a queue gets to another node: `mpreg.queue.move`, asked of the node that has it, and `mpreg.queue.take`, by which the
 * two nodes understand each other. And how whoever comes too late still reaches it: its old node passes the call on.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { CallContext } from '../../api.ts';
import type { NodeSnapshot } from '../../core/node/snapshot.ts';
import { MOVED, type Taken } from '../../core/queues/move.ts';
import { ProblemError, problemError } from '../../problem-error.ts';
import type { QueueInfo } from '../../queues-api.ts';
import * as args from './arguments.ts';
import { parcelOf } from './parcels.ts';
import { placeOf } from './places.ts';
import type { QueuesHost } from './queues-host.ts';

interface Parts {
  readonly queues: () => QueuesHost;
  readonly snapshot: () => NodeSnapshot;
}

type Call = CallContext['call'];

/** Resolves with what the queue is, there, when all of it is; `to: null`: here, where it stays. */
export async function moveQueue(argument: unknown, { queues, snapshot }: Parts, call: Call): Promise<QueueInfo> {
  const { queue, to } = args.given(argument, ['queue', 'to']);
  const name = args.text(queue, 'queue');
  const info = (node: string) => call.with({ node })('mpreg.queue.info', { queue: name }) as Promise<QueueInfo>;
  if (to === null) {
    await queues().ask({ kind: 'abandon', queue: name });
    return opened(() => info(snapshot().id));
  }
  const where = args.text(to, 'to');
  const seen = snapshot();
  const stays = where.includes('=') && seen.record.resources.includes(where);
  const place = stays ? { id: seen.id, name: seen.record.name } : placeOf(name, where, seen);
  const isHere = place.id === seen.id; // the queue may be elsewhere all the same: then that node is asked
  const from = { id: seen.id, name: seen.record.name };
  await queues().ask(isHere ? { kind: 'info', queue: name } : { from, kind: 'move', queue: name, to: place });
  return info(place.id);
}

/** Has a queue served on this node that is here whole, though the node that it came from is lost. */
export async function resumeQueue(argument: unknown, { queues, snapshot }: Parts, call: Call): Promise<QueueInfo> {
  const { queue } = args.given(argument, ['queue']);
  const name = args.text(queue, 'queue');
  await queues().ask({ kind: 'resume', queue: name });
  const { id } = snapshot();
  return opened(() => call.with({ node: id })('mpreg.queue.info', { queue: name }) as Promise<QueueInfo>);
}

/** What `ask` gives when the queue has been read. */
async function opened(ask: () => Promise<QueueInfo>): Promise<QueueInfo> {
  for (let waitedMs = 0; ; waitedMs += OPENING_MS) {
    try {
      const info = await ask();
      if (info.moving === undefined) return info;
    } catch (error) {
      const isPassing = error instanceof ProblemError && OPENING.has(error.code);
      if (!isPassing || waitedMs >= OPENED_MS) throw error;
    }
    if (waitedMs >= OPENED_MS) throw problemError('overloaded', 'the queue is still being read');
    await pause(OPENING_MS);
  }
}

/** What is said of a queue while it is read. */
const OPENING: ReadonlySet<string> = new Set(['queue-moving', 'store-failed']);
const OPENING_MS = 20;
const OPENED_MS = 20_000;

export async function takeParcel(argument: unknown, queues: QueuesHost): Promise<Taken> {
  const { parcel } = args.given(argument, ['parcel']);
  return queues.take(parcelOf(parcel));
}

/** What `run` gives; or, where the queue has moved, what its new node gives for the same call. */
export async function followed<Value>(
  run: () => Promise<Value>,
  fun: string,
  argument: unknown,
  call: Call,
): Promise<Value> {
  try {
    return await run();
  } catch (error) {
    const cause = error instanceof ProblemError ? error.problem.cause : undefined;
    if (!(error instanceof ProblemError) || error.code !== 'queue-moving' || cause?.name !== MOVED) throw error;
    return call
      .with({ node: cause.message })(fun, argument)
      .catch((lost: unknown) => {
        throw lost instanceof ProblemError && lost.code === 'node-unknown' ? error : lost; // it is asked for again
      }) as Promise<Value>;
  }
}
