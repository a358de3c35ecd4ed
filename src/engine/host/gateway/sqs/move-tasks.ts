/** Message move tasks: dead letters go back to where they came from, or elsewhere. */
import { isObject } from '../../../wire/json-value.ts';
import { asks } from './action.ts';
import { within } from './batches.ts';
import type { Desk } from './desk.ts';
import { invalidValue, SqsError } from './errors.ts';
import { arnOf, nameInArn, noSuchResource, type Place } from './names.ts';
import { pastMoves, withMove } from './past-moves.ts';
import type { QueueView, RedriveView } from './queues-face.ts';
import { integer, list, record, text, type ValueOf } from './shape.ts';

export const startMessageMoveTask = asks(
  record({ SourceArn: text, DestinationArn: text, MaxNumberOfMessagesPerSecond: integer }, 'SourceArn'),
  record({ TaskHandle: text }),
  async (input, desk) => {
    const { DestinationArn: destination, MaxNumberOfMessagesPerSecond: perSecond, SourceArn: sourceArn } = input;
    within('MaxNumberOfMessagesPerSecond', perSecond, [1, 500], 'Must be between 1 and 500, if provided.');
    const source = await queueOf(sourceArn, 'SourceArn', desk);
    const isTarget = (await desk.queues.list()).some(({ settings }) => settings.deadLetter?.queue === source.name);
    if (!isTarget) throw invalidValue('Source queue must be configured as a Dead Letter Queue.');
    const to = destination ? (await queueOf(destination, 'DestinationArn', desk)).name : undefined;
    if (source.redrive?.state === 'running') {
      throw invalidValue(
        'There is already a task running. Only one active task is allowed for a source queue arn at a given time.',
      );
    }
    if (source.redrive !== undefined) {
      const { notes } = source.settings;
      await desk.edit(source.name, { ...source.settings, notes: withMove(notes, source.redrive) });
    }
    const { id } = await desk.queues.redrive(source.name, { perSecond, to });
    return { TaskHandle: handleOf(id, sourceArn) };
  },
);

const TASK = record({
  TaskHandle: text,
  Status: text,
  SourceArn: text,
  DestinationArn: text,
  MaxNumberOfMessagesPerSecond: integer,
  ApproximateNumberOfMessagesMoved: integer,
  ApproximateNumberOfMessagesToMove: integer,
  FailureReason: text,
  StartedTimestamp: integer,
});

export const listMessageMoveTasks = asks(
  record({ SourceArn: text, MaxResults: integer }, 'SourceArn'),
  record({ Results: list(TASK, 'ListMessageMoveTasksResultEntry') }),
  async ({ MaxResults: max = 1, SourceArn: sourceArn }, desk, asked) => {
    within('MaxResults', max, [1, 10], 'Must be between 1 and 10, if provided.');
    const { redrive, settings } = await queueOf(sourceArn, 'SourceArn', desk);
    if (redrive === undefined) return { Results: [] };
    const moves = [redrive, ...pastMoves(settings.notes).filter(({ id }) => id !== redrive.id)];
    return { Results: moves.slice(0, max).map((move) => taskOf(move, sourceArn, desk.place(asked))) };
  },
);

function taskOf(
  { id, moved, perSecond, startedAt, state, to, total, why }: RedriveView,
  sourceArn: string,
  place: Place,
): ValueOf<typeof TASK> {
  return {
    ApproximateNumberOfMessagesMoved: moved,
    ApproximateNumberOfMessagesToMove: total,
    DestinationArn: to === undefined ? undefined : arnOf(to, place),
    FailureReason: why,
    MaxNumberOfMessagesPerSecond: perSecond,
    SourceArn: sourceArn,
    StartedTimestamp: startedAt,
    Status: STATUS[state],
    TaskHandle: state === 'running' ? handleOf(id, sourceArn) : undefined,
  };
}

const STATUS: Readonly<Record<RedriveView['state'], string>> = {
  cancelled: 'CANCELLED',
  done: 'COMPLETED',
  failed: 'FAILED',
  running: 'RUNNING',
};

export const cancelMessageMoveTask = asks(
  record({ TaskHandle: text }, 'TaskHandle'),
  record({ ApproximateNumberOfMessagesMoved: integer }),
  async ({ TaskHandle: handle }, desk) => {
    const { id, sourceArn } = readHandle(handle);
    const source = await queueOf(sourceArn, 'SourceArn', desk);
    if (source.redrive?.id !== id) throw new SqsError('ResourceNotFoundException', 'Task does not exist.');
    if (source.redrive.state !== 'running') {
      throw new SqsError('ResourceNotFoundException', 'Task is not running: it can no longer be cancelled.');
    }
    const ended = await desk.queues.cancelRedrive(source.name);
    return { ApproximateNumberOfMessagesMoved: ended?.moved ?? source.redrive.moved };
  },
);

/** Throws `ResourceNotFoundException` or `InvalidParameterValueException`. */
async function queueOf(arn: string, parameter: 'SourceArn' | 'DestinationArn', desk: Desk): Promise<QueueView> {
  const found = await desk.queues.describe(nameInArn(arn, parameter, desk.account));
  if (found === undefined) throw noSuchResource(parameter);
  return found;
}

function handleOf(taskId: string, sourceArn: string): string {
  return Buffer.from(JSON.stringify({ taskId, sourceArn })).toString('base64');
}

function readHandle(handle: string): { readonly id: string; readonly sourceArn: string } {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(handle, 'base64').toString());
    const { sourceArn, taskId: id } = isObject(parsed) ? parsed : {};
    if (typeof id === 'string' && typeof sourceArn === 'string') return { id, sourceArn };
  } catch {
    // not one of ours
  }
  throw invalidValue('Value for parameter TaskHandle is invalid.');
}
