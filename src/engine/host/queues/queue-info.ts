import type { QueueView } from '../../core/queues/messages.ts';
import type { QueueInfo } from '../../queues-api.ts';

/** What everybody is told of a queue. */
export function queueInfo(view: QueueView, about: Pick<QueueInfo, 'node' | 'durability' | 'oldestAt'>): QueueInfo {
  const { moving, number: _, options, ...rest } = view;
  const { kind, deadLetter, ...others } = options;
  return {
    ...rest,
    ...about,
    deadLetter,
    kind,
    ...(moving !== null && { moving: moving.name }),
    options: { ...others, deadLetter, kind } as unknown as QueueInfo['options'],
  };
}
