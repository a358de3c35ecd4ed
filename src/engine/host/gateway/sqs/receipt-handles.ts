/**
 * Receipt handles: a receipt, and when its queue was made. So the handle of a message whose queue was deleted means nothing to
 * another queue of that name, whose messages have the same numbers.
 */
import type { Desk } from './desk.ts';
import type { QueueView, ReceiptOutcome } from './queues-face.ts';

export function handleOf({ createdAt }: Pick<QueueView, 'createdAt'>, receipt: string): string {
  return `${receipt}.${createdAt.toString(36)}`;
}

/** Uses handles of a queue; those of others, also of former ones of its name, are `invalid`. An outcome for each, in order. */
export async function useHandles(
  known: QueueView,
  handles: readonly string[],
  desk: Desk,
  use: (receipts: readonly string[], places: readonly number[]) => Promise<readonly ReceiptOutcome[]>,
): Promise<readonly ReceiptOutcome[]> {
  // Why again: the queue may have been made anew over another node since it was looked at.
  const isStrange = handles.some((handle) => receiptIn(handle, known) === undefined);
  const queue = isStrange ? ((await desk.look(known.name)) ?? known) : known;
  const own = handles.flatMap((handle, at) => {
    const receipt = receiptIn(handle, queue);
    return receipt === undefined ? [] : [{ at, receipt }];
  });
  const outcomes = handles.map((): ReceiptOutcome => 'invalid');
  if (own.length === 0) return outcomes;
  const used = await use(
    own.map(({ receipt }) => receipt),
    own.map(({ at }) => at),
  );
  for (const [place, { at }] of own.entries()) outcomes[at] = used[place] ?? 'invalid';
  return outcomes;
}

function receiptIn(handle: string, queue: QueueView): string | undefined {
  const receipt = handle.slice(0, Math.max(0, handle.lastIndexOf('.')));
  return handleOf(queue, receipt) === handle ? receipt : undefined;
}
