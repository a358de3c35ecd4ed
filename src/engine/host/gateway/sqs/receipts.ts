/** DeleteMessage and ChangeMessageVisibility, one by one and in batches: what a receipt handle still allows. */
import { asks, does } from './action.ts';
import { checkBatch, FAILED, type Failure, failureOf, some, within } from './batches.ts';
import { invalidValue, SqsError } from './errors.ts';
import type { QueueView, ReceiptOutcome } from './queues-face.ts';
import { useHandles } from './receipt-handles.ts';
import { integer, list, record, text } from './shape.ts';

const DONE = record({ Id: text }, 'Id');
const DELETION = record({ Id: text, ReceiptHandle: text }, 'Id', 'ReceiptHandle');
const CHANGE = record({ Id: text, ReceiptHandle: text, VisibilityTimeout: integer }, 'Id', 'ReceiptHandle');

export const deleteMessage = does(
  record({ QueueUrl: text, ReceiptHandle: text }, 'ReceiptHandle'),
  async ({ QueueUrl: url, ReceiptHandle: receipt }, desk, asked) => {
    const queue = await desk.queue(url, asked);
    const [outcome] = await useHandles(queue, [receipt], desk, (own) => desk.queues.acknowledge(queue.name, own));
    checkDeleted(receipt, outcome, queue.settings.fifo);
  },
);

export const deleteMessageBatch = asks(
  record({ QueueUrl: text, Entries: list(DELETION, 'DeleteMessageBatchRequestEntry') }),
  record({ Successful: list(DONE, 'DeleteMessageBatchResultEntry'), Failed: FAILED }),
  async ({ Entries: entries, QueueUrl: url }, desk, asked) => {
    const queue = await desk.queue(url, asked);
    checkBatch(entries, 'DeleteMessageBatchRequestEntry');
    const handles = entries.map(({ ReceiptHandle }) => ReceiptHandle);
    const outcomes = await useHandles(queue, handles, desk, (own) => desk.queues.acknowledge(queue.name, own));
    return sorted(entries, (at) => checkDeleted(handles[at] ?? '', outcomes[at], queue.settings.fifo));
  },
);

export const changeMessageVisibility = does(
  record({ QueueUrl: text, ReceiptHandle: text, VisibilityTimeout: integer }, 'ReceiptHandle', 'VisibilityTimeout'),
  async ({ QueueUrl: url, ReceiptHandle: receipt, VisibilityTimeout: seconds }, desk, asked) => {
    checkSeconds(seconds);
    const queue = await desk.queue(url, asked);
    const [outcome] = await useHandles(queue, [receipt], desk, (own) =>
      desk.queues.extend(
        queue.name,
        own.map((one) => ({ leaseMs: seconds * 1000, receipt: one })),
      ),
    );
    checkChanged(receipt, outcome);
  },
);

export const changeMessageVisibilityBatch = asks(
  record({ QueueUrl: text, Entries: list(CHANGE, 'ChangeMessageVisibilityBatchRequestEntry') }),
  record({ Successful: list(DONE, 'ChangeMessageVisibilityBatchResultEntry'), Failed: FAILED }),
  async ({ Entries: entries, QueueUrl: url }, desk, asked) => {
    const queue = await desk.queue(url, asked);
    checkBatch(entries, 'ChangeMessageVisibilityBatchRequestEntry');
    const refused = entries.map(({ VisibilityTimeout: seconds }) => refusalOf(() => checkSeconds(seconds)));
    const good = entries.flatMap((entry, at) => (refused[at] === undefined ? [{ at, entry }] : []));
    const handles = good.map(({ entry }) => entry.ReceiptHandle);
    const outcomes = await useHandles(queue, handles, desk, (own, places) => {
      const seconds = (at: number) => good[places[at] ?? 0]?.entry.VisibilityTimeout;
      const leases = own.map((receipt, at) => ({ leaseMs: leaseOf(seconds(at), queue), receipt }));
      return desk.queues.extend(queue.name, leases);
    });
    const outcomeAt = new Map(good.map(({ at }, place) => [at, outcomes[place]]));
    return sorted(entries, (at) => {
      const refusal = refused[at];
      if (refusal !== undefined) throw refusal;
      checkChanged(entries[at]?.ReceiptHandle ?? '', outcomeAt.get(at));
    });
  },
);

function leaseOf(seconds: number | undefined, { settings }: QueueView): number {
  return seconds === undefined ? settings.leaseMs : seconds * 1000;
}

/** Which entries went well and which did not: `check` throws for these. */
function sorted(entries: readonly { readonly Id: string }[], check: (at: number) => void) {
  const failed: Failure[] = [];
  const successful: { readonly Id: string }[] = [];
  for (const [at, { Id }] of entries.entries()) {
    const refusal = refusalOf(() => check(at));
    if (refusal === undefined) successful.push({ Id });
    else failed.push(failureOf(Id, refusal));
  }
  return { Failed: some(failed), Successful: some(successful) };
}

function refusalOf(check: () => void): unknown {
  try {
    check();
    return undefined;
  } catch (error) {
    return error;
  }
}

/**
 * A message that is gone can be deleted again. In a queue that is not fifo a handle which another receipt has replaced
 * deletes nothing and is told nothing about it: so the service does, and clients count on it.
 */
function checkDeleted(receipt: string, outcome: ReceiptOutcome | undefined, fifo: boolean): void {
  if (outcome === 'invalid') throw invalidReceipt(receipt);
  if (fifo && (outcome === 'expired' || outcome === 'lost')) {
    throw invalidValue(
      `Value ${receipt} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.`,
    );
  }
}

function checkChanged(receipt: string, outcome: ReceiptOutcome | undefined): void {
  if (outcome === 'invalid') throw invalidReceipt(receipt);
  if (outcome === 'expired') {
    throw new SqsError('MessageNotInflight', 'The message referred to is not in flight: its lease has ended.');
  }
  if (outcome !== 'done') {
    const reason = 'Message does not exist or is not available for visibility timeout change.';
    throw invalidValue(`Value ${receipt} for parameter ReceiptHandle is invalid. Reason: ${reason}`);
  }
}

function invalidReceipt(receipt: string): SqsError {
  const message = `The input receipt handle "${receipt}" is not a valid receipt handle.`;
  return new SqsError('ReceiptHandleIsInvalid', message);
}

function checkSeconds(seconds: number | undefined): void {
  const rule = 'VisibilityTimeout must be an integer between 0 and 43200.';
  within('VisibilityTimeout', seconds, [0, 43_200], rule);
}
