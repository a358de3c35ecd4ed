/**
 * How a queue gets to another node: `mpreg.queue.move`, asked of the node that has it, and `mpreg.queue.take`, by which the
 * two nodes understand each other. And how whoever comes too late still reaches it: its old node passes the call on.
 */
import type { CallContext } from '../../api.ts';
import type { NodeSnapshot } from '../../core/node/snapshot.ts';
import { MOVED, type Taken } from '../../core/queues/move.ts';
import { ProblemError } from '../../problem-error.ts';
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

/** Resolves with what the queue is, there, when all of it is. */
export async function moveQueue(argument: unknown, { queues, snapshot }: Parts, call: Call): Promise<QueueInfo> {
  const { queue, to } = args.given(argument, ['queue', 'to']);
  const name = args.text(queue, 'queue');
  const where = args.text(to, 'to');
  const seen = snapshot();
  const stays = where.includes('=') && seen.record.resources.includes(where);
  const place = stays ? { id: seen.id, name: seen.record.name } : placeOf(name, where, seen);
  const isHere = place.id === seen.id; // the queue may be elsewhere all the same: then that node is asked
  await queues().ask(isHere ? { kind: 'info', queue: name } : { kind: 'move', queue: name, to: place });
  return call.with({ node: place.id })('mpreg.queue.info', { queue: name }) as Promise<QueueInfo>;
}

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
    return call.with({ node: cause.message })(fun, argument) as Promise<Value>;
  }
}
