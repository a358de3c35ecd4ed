/** SendMessage and SendMessageBatch: the rules of messages, and what becomes of them. */
import { createHash } from 'node:crypto';
import { asks } from './action.ts';
import { checkBatch, FAILED, type Failure, failureOf, some, within } from './batches.ts';
import type { Asked, Desk } from './desk.ts';
import { invalidValue, missing, SqsError } from './errors.ts';
import {
  attributesMd5,
  attributesSize,
  checkAttributes,
  GROUP,
  headersOf,
  type MessageAttributes,
  md5,
  TRACE_HEADER,
} from './message-attributes.ts';
import { MESSAGE_BYTES_MAX } from './queue-attributes.ts';
import type { NewMessage, QueueSettings, QueueView, Sent } from './queues-face.ts';
import { blob, integer, list, map, type RecordShape, record, text, type ValueOf } from './shape.ts';
import { UNWRITABLE } from './xml.ts';

export const ATTRIBUTE_VALUE = record({
  StringValue: text,
  BinaryValue: blob,
  StringListValues: list(text, 'StringListValue'),
  BinaryListValues: list(blob, 'BinaryListValue'),
  DataType: text,
});

const MESSAGE = {
  DelaySeconds: integer,
  MessageAttributes: map(ATTRIBUTE_VALUE, 'MessageAttribute'),
  MessageBody: text,
  MessageDeduplicationId: text,
  MessageGroupId: text,
  MessageSystemAttributes: map(ATTRIBUTE_VALUE, 'MessageSystemAttribute'),
} as const;

const RESULT = {
  MD5OfMessageBody: text,
  MD5OfMessageAttributes: text,
  MD5OfMessageSystemAttributes: text,
  MessageId: text,
  SequenceNumber: text,
} as const;

const ENTRY = record({ Id: text, ...MESSAGE }, 'Id', 'MessageBody');
const RESULT_ENTRY = record({ Id: text, ...RESULT }, 'Id');
type Result = ValueOf<RecordShape<typeof RESULT, never>>;

type Message = ValueOf<RecordShape<typeof MESSAGE, 'MessageBody'>>;

export const sendMessage = asks(
  record({ QueueUrl: text, ...MESSAGE }, 'MessageBody'),
  record(RESULT),
  async (input, desk, asked) => {
    const queue = await desk.queue(input.QueueUrl, asked);
    const message = checked(input, queue, asked, 'are invalid');
    const [sent] = await desk.queues.send(queue.name, [message]);
    return resultOf(input, sent);
  },
);

export const sendMessageBatch = asks(
  record({ QueueUrl: text, Entries: list(ENTRY, 'SendMessageBatchRequestEntry') }),
  record({ Successful: list(RESULT_ENTRY, 'SendMessageBatchResultEntry'), Failed: FAILED }),
  async ({ Entries: entries, QueueUrl: url }, desk, asked) => {
    const queue = await desk.queue(url, asked);
    checkBatch(entries, 'SendMessageBatchRequestEntry');
    if (queue.settings.fifo) for (const entry of entries) checkFifoEntry(entry, queue);
    const bytes = entries.reduce((sum, entry) => sum + sizeOf(entry), 0);
    if (bytes > MESSAGE_BYTES_MAX) {
      const message = `Batch requests cannot be longer than ${MESSAGE_BYTES_MAX} bytes. You have sent ${bytes} bytes.`;
      throw new SqsError('BatchRequestTooLong', message);
    }
    return sendAll(entries, queue, desk, asked);
  },
);

async function sendAll(entries: readonly ValueOf<typeof ENTRY>[], queue: QueueView, desk: Desk, asked: Asked) {
  const failed: Failure[] = [];
  const good: { readonly entry: ValueOf<typeof ENTRY>; readonly message: NewMessage }[] = [];
  for (const entry of entries) {
    try {
      good.push({ entry, message: checked(entry, queue, asked, 'cannot be validated') });
    } catch (error) {
      failed.push(failureOf(entry.Id, error));
    }
  }
  const messages = good.map(({ message }) => message);
  const sent = messages.length === 0 ? [] : await desk.queues.send(queue.name, messages);
  const successful: ValueOf<typeof RESULT_ENTRY>[] = [];
  for (const [at, { entry }] of good.entries()) {
    try {
      successful.push({ Id: entry.Id, ...resultOf(entry, sent[at]) });
    } catch (error) {
      failed.push(failureOf(entry.Id, error));
    }
  }
  return { Failed: some(failed), Successful: some(successful) };
}

/** Throws where the queue refused it. */
function resultOf(message: Message, sent: Sent | undefined): Result {
  if (sent === undefined) throw new TypeError('an outcome for each message');
  if (sent.kind === 'refused') throw new SqsError(REFUSALS[sent.fault], sent.why);
  const { MessageAttributes: attributes = new Map(), MessageSystemAttributes: system = new Map() } = message;
  return {
    MD5OfMessageAttributes: attributesMd5(attributes),
    MD5OfMessageBody: md5(message.MessageBody),
    MD5OfMessageSystemAttributes: attributesMd5(system),
    MessageId: sent.id,
    SequenceNumber: sent.sequence === undefined ? undefined : sequenceText(sent.sequence),
  };
}

const REFUSALS = {
  message: 'InvalidParameterValueException',
  queue: 'ServiceUnavailable',
  room: 'OverLimit',
} as const;

/** Twenty digits: also texts compare as the numbers do. */
export function sequenceText(sequence: number): string {
  return `${sequence}`.padStart(20, '0');
}

/** The service refuses a whole batch for these, and says it in other words than of a single message. */
function checkFifoEntry(entry: Message, { settings }: QueueView): void {
  if (!entry.MessageDeduplicationId && !settings.contentDedupe) throw noDeduplication();
  if (!entry.MessageGroupId) throw invalidValue('The request must contain the parameter MessageGroupId.');
}

function noDeduplication(): SqsError {
  return invalidValue(
    'The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly',
  );
}

/** `why`: what is said of parameters where a message is too large. Throws. */
function checked(message: Message, { settings }: QueueView, asked: Asked, why: string): NewMessage {
  const { MessageAttributes: attributes = new Map(), MessageBody: body } = message;
  if (body === '') throw missing('MessageBody');
  const bytesMax = settings.messageBytesMax;
  if (sizeOf(message) > bytesMax) {
    throw invalidValue(`One or more parameters ${why}. Reason: Message must be shorter than ${bytesMax} bytes.`);
  }
  if (body.search(UNWRITABLE) >= 0) throw new SqsError('InvalidMessageContents', CHARACTERS);
  checkAttributes(attributes);
  const trace = traceIn(message.MessageSystemAttributes) ?? asked.trace;
  const { MessageDeduplicationId: dedupeId, MessageGroupId: group } = message;
  checkFifoId('MessageDeduplicationId', dedupeId);
  checkFifoId('MessageGroupId', group);
  within('DelaySeconds', message.DelaySeconds, [0, 900], 'DelaySeconds must be >= 0 and <= 900.');
  const headers = headersOf(attributes, trace);
  if (settings.fifo) return fifoMessage(message, headers, settings);
  if (dedupeId !== undefined) throw notForThisType('MessageDeduplicationId', dedupeId);
  if (group !== undefined) headers.set(GROUP, group);
  return { body, delayMs: message.DelaySeconds === undefined ? undefined : message.DelaySeconds * 1000, headers };
}

function fifoMessage(
  message: Message,
  headers: ReadonlyMap<string, string>,
  { contentDedupe, dedupeScope }: QueueSettings,
): NewMessage {
  const {
    DelaySeconds: delay = 0,
    MessageBody: body,
    MessageDeduplicationId: dedupeId,
    MessageGroupId: group,
  } = message;
  if (delay !== 0) throw notForThisType('DelaySeconds', delay);
  if (group === undefined) throw missing('MessageGroupId');
  if (dedupeId === undefined && !contentDedupe) throw noDeduplication();
  const id = dedupeId ?? createHash('sha256').update(body).digest('hex');
  return { body, dedupe: { id, key: dedupeScope === 'group' ? `${group} ${id}` : id }, group, headers };
}

export function notForThisType(parameter: string, value: string | number): SqsError {
  return invalidValue(
    `Value ${value} for parameter ${parameter} is invalid. Reason: The request include parameter that is not valid for this queue type.`,
  );
}

/** Throws `InvalidParameterValueException`. */
export function checkFifoId(parameter: string, id: string | undefined): void {
  if (id === undefined || /^[\x21-\x7E]{1,128}$/.test(id)) return;
  const rule = `${parameter} can only include alphanumeric and punctuation characters. 1 to 128 in length.`;
  throw invalidValue(`Value ${id} for parameter ${parameter} is invalid. Reason: ${rule}`);
}

/** Throws `InvalidParameterValueException`. */
function traceIn(system: MessageAttributes | undefined): string | undefined {
  if (system === undefined) return undefined;
  const odd = [...system.keys()].find((name) => name !== TRACE_HEADER);
  if (odd !== undefined) throw invalidValue(`Message system attribute name '${odd}' is invalid.`);
  const attribute = system.get(TRACE_HEADER);
  if (attribute === undefined) return undefined;
  if (attribute.DataType !== 'String' || !attribute.StringValue) {
    throw invalidValue(
      `The message system attribute '${TRACE_HEADER}' must contain a non-empty value of type 'String'.`,
    );
  }
  return attribute.StringValue;
}

/** In bytes: the body, and names, types and values of attributes. */
function sizeOf({ MessageAttributes: attributes = new Map(), MessageBody: body }: Message): number {
  return Buffer.byteLength(body) + attributesSize(attributes);
}

const CHARACTERS =
  'Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF';
