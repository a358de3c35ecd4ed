/**
 * Receipt handles: a receipt, and when its queue was made. So the handle of a message whose queue was deleted means nothing to
 * another queue of that name, whose messages have the same numbers.
 */
import type { Desk } from './desk.ts';
import type { QueueView, ReceiptOutcome } from './queues-face.ts';

export function handleOf({ createdAt }: Pick<QueueView, 'createdAt'>, receipt: string): string {
  return `${receipt}.${createdAt.toString(36)}`;
}

/** Uses handles of a queue; those of a former queue of its name find their messages gone. An outcome for each, in order. */
export async function useHandles(
  known: QueueView,
  handles: readonly string[],
  desk: Desk,
  use: (receipts: readonly string[], places: readonly number[]) => Promise<readonly ReceiptOutcome[]>,
): Promise<readonly ReceiptOutcome[]> {
  // Why again: the queue may have been made anew over another node since it was looked at.
  const isStrange = handles.some((handle) => ageOf(handle, known) === 'former');
  const queue = isStrange ? ((await desk.look(known.name)) ?? known) : known;
  const outcomes = handles.map((handle): ReceiptOutcome => (ageOf(handle, queue) === 'none' ? 'invalid' : 'gone'));
  const places = [...handles.keys()].filter((at) => ageOf(handles[at] ?? '', queue) === 'present');
  if (places.length === 0) return outcomes;
  const used = await use(
    places.map((at) => receiptIn(handles[at] ?? '')),
    places,
  );
  for (const [place, at] of places.entries()) outcomes[at] = used[place] ?? 'gone';
  return outcomes;
}

function receiptIn(handle: string): string {
  return handle.slice(0, handle.lastIndexOf('.'));
}

function ageOf(handle: string, queue: QueueView): 'present' | 'former' | 'none' {
  const receipt = receiptIn(handle);
  if (handleOf(queue, receipt) === handle) return 'present';
  return /\.[0-9a-z]{1,11}$/.test(handle) ? 'former' : 'none';
}
