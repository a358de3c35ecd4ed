/** ReceiveMessage: which messages, for how long, and what of each is shown. */
import { asks } from './action.ts';
import { some, within } from './batches.ts';
import type { Asked, Desk } from './desk.ts';
import { SqsError } from './errors.ts';
import {
  attributesMd5,
  attributesOf,
  chosen,
  GROUP,
  type MessageAttribute,
  md5,
  TRACE_HEADER,
  traceOf,
} from './message-attributes.ts';
import { arnOf } from './names.ts';
import { ATTRIBUTE_NAMES, waitSeconds } from './queue-attributes.ts';
import type { QueueView, Received } from './queues-face.ts';
import { handleOf } from './receipt-handles.ts';
import { ATTRIBUTE_VALUE, checkFifoId, notForThisType, sequenceText } from './sends.ts';
import { integer, list, map, record, text, type ValueOf } from './shape.ts';
import { writable } from './xml.ts';

const SYSTEM_NAMES: ReadonlySet<string> = new Set([
  'All',
  'ApproximateFirstReceiveTimestamp',
  'ApproximateReceiveCount',
  TRACE_HEADER,
  'DeadLetterQueueSourceArn',
  'MessageDeduplicationId',
  'MessageGroupId',
  'SenderId',
  'SentTimestamp',
  'SequenceNumber',
]);

const MESSAGE = record({
  MessageId: text,
  ReceiptHandle: text,
  MD5OfBody: text,
  Body: text,
  Attributes: map(text, 'Attribute'),
  MD5OfMessageAttributes: text,
  MessageAttributes: map(ATTRIBUTE_VALUE, 'MessageAttribute'),
});

export const receiveMessage = asks(
  record({
    QueueUrl: text,
    AttributeNames: list(text, 'AttributeName'),
    MessageSystemAttributeNames: list(text, 'MessageSystemAttributeName'),
    MessageAttributeNames: list(text, 'MessageAttributeName'),
    MaxNumberOfMessages: integer,
    ReceiveRequestAttemptId: text,
    VisibilityTimeout: integer,
    WaitTimeSeconds: integer,
  }),
  record({ Messages: list(MESSAGE, 'Message') }),
  async (input, desk, asked) => {
    within('MaxNumberOfMessages', input.MaxNumberOfMessages, [1, 10], 'Must be between 1 and 10, if provided.');
    within('WaitTimeSeconds', input.WaitTimeSeconds, [0, 20], 'Must be >= 0 and <= 20, if provided.');
    within('VisibilityTimeout', input.VisibilityTimeout, [0, 43_200], 'Must be >= 0 and <= 43200, if provided.');
    const system = [...(input.AttributeNames ?? []), ...(input.MessageSystemAttributeNames ?? [])];
    const odd = system.find((name) => !SYSTEM_NAMES.has(name) && !ATTRIBUTE_NAMES.has(name));
    if (odd !== undefined) throw new SqsError('InvalidAttributeName', `Unknown Attribute ${odd}.`);
    const queue = await desk.queue(input.QueueUrl, asked);
    const { leaseMs } = queue.settings;
    const wish = {
      leaseMs: input.VisibilityTimeout === undefined ? leaseMs : input.VisibilityTimeout * 1000,
      max: input.MaxNumberOfMessages ?? 1,
      waitMs: (input.WaitTimeSeconds ?? waitSeconds(queue.settings)) * 1000,
    };
    const received = await receive(queue, wish, input.ReceiveRequestAttemptId, desk, asked);
    const shown = { attributes: input.MessageAttributeNames ?? [], system };
    const messages = received.map((message) => {
      const ReceiptHandle = handleOf(queue, message.receipt);
      return { ...messageOf(message, shown, desk, asked), ReceiptHandle };
    });
    return { Messages: some(messages) };
  },
);

interface Wish {
  readonly max: number;
  readonly waitMs: number;
  readonly leaseMs: number;
}

async function receive(
  queue: QueueView,
  wish: Wish,
  attempt: string | undefined,
  desk: Desk,
  asked: Asked,
): Promise<readonly Received[]> {
  if (attempt !== undefined) {
    checkFifoId('ReceiveRequestAttemptId', attempt);
    if (!queue.settings.fifo) throw notForThisType('ReceiveRequestAttemptId', attempt);
    const again = await repeated(queue.name, attempt, wish.leaseMs, desk);
    if (again !== undefined) return again;
  }
  const received = await desk.queues.receive(queue.name, wish, asked.signal);
  if (attempt !== undefined) desk.attempts.put(queue.name, attempt, received);
  else if (asked.signal.aborted) await giveBack(queue.name, received, desk);
  return received;
}

/** What an earlier attempt got, leased anew; undefined unless all of it still is with whoever asks. */
async function repeated(
  queue: string,
  attempt: string,
  leaseMs: number,
  desk: Desk,
): Promise<readonly Received[] | undefined> {
  const messages = desk.attempts.get(queue, attempt);
  if (messages === undefined) return undefined;
  const leases = messages.map(({ receipt }) => ({ leaseMs, receipt }));
  const outcomes = await desk.queues.extend(queue, leases);
  if (outcomes.every((outcome) => outcome === 'done')) return messages;
  desk.attempts.drop(queue, attempt);
  return undefined;
}

/** Whoever asked has hung up: nobody would ever see these messages, and others should not wait for them. */
async function giveBack(queue: string, received: readonly Received[], desk: Desk): Promise<void> {
  if (received.length === 0) return;
  await desk.queues.release(
    queue,
    received.map(({ receipt }) => receipt),
  );
}

interface Shown {
  readonly system: readonly string[];
  readonly attributes: readonly string[];
}

function messageOf(message: Received, shown: Shown, desk: Desk, asked: Asked): ValueOf<typeof MESSAGE> {
  const carried = asked.protocol === 'query' ? writable : (value: string) => value.toWellFormed();
  const body = carried(message.body);
  const attributes = fitting(chosen(attributesOf(message.headers), shown.attributes), carried);
  const system = systemAttributes(message, desk, asked);
  const all = shown.system.includes('All');
  const wanted = [...system].filter(([name]) => all || shown.system.includes(name));
  return {
    Attributes: wanted.length === 0 ? undefined : new Map(wanted),
    Body: body,
    MD5OfBody: md5(body),
    MD5OfMessageAttributes: attributesMd5(attributes),
    MessageAttributes: attributes.size === 0 ? undefined : attributes,
    MessageId: message.id,
  };
}

/** Attributes in characters that the protocol can carry. */
function fitting(
  attributes: ReadonlyMap<string, MessageAttribute>,
  carried: (value: string) => string,
): Map<string, MessageAttribute> {
  const fitted = ([name, one]: [string, MessageAttribute]): [string, MessageAttribute] => [
    carried(name),
    one.StringValue === undefined ? one : { ...one, StringValue: carried(one.StringValue) },
  ];
  return new Map([...attributes].map(fitted));
}

/** Limit: who sent a message is not known beyond the account. */
function systemAttributes(message: Received, desk: Desk, asked: Asked): Map<string, string> {
  const { dedupeId, firstReceivedAt, headers, origin, receives, sentAt, sequence } = message;
  const group = message.group ?? headers.get(GROUP);
  const trace = traceOf(headers);
  const system = new Map([
    ['ApproximateFirstReceiveTimestamp', `${firstReceivedAt}`],
    ['ApproximateReceiveCount', `${receives}`],
    ['SenderId', desk.account],
    ['SentTimestamp', `${sentAt}`],
  ]);
  if (trace !== undefined) system.set(TRACE_HEADER, trace);
  if (group !== undefined) system.set('MessageGroupId', group);
  if (dedupeId !== undefined) system.set('MessageDeduplicationId', dedupeId);
  if (sequence !== undefined) system.set('SequenceNumber', sequenceText(sequence));
  if (origin !== undefined) system.set('DeadLetterQueueSourceArn', arnOf(origin, desk.place(asked)));
  return system;
}
