/** Fifo queues of SQS: groups, duplicates, numbers and repeated attempts. */
import { createHash, hash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bodies, TestEndpoint } from './client.ts';

let sqs: TestEndpoint;
beforeAll(() => {
  sqs = new TestEndpoint();
  return sqs.listen();
});
afterAll(() => sqs.close());

let count = 0;
const fresh = (attributes: Readonly<Record<string, string>> = {}) => sqs.queue(`m${++count}`, attributes);
const freshFifo = (attributes: Readonly<Record<string, string>> = {}) =>
  sqs.queue(`m${++count}.fifo`, { FifoQueue: 'true', ...attributes });

describe('a fifo queue', () => {
  const DEDUPE =
    'The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly';
  const inGroup = (group: string, id: string) => ({ MessageDeduplicationId: id, MessageGroupId: group });

  test('wants a group and something to tell duplicates by', async () => {
    const QueueUrl = await freshFifo();
    const refused = (more: object) => sqs.refusal('SendMessage', { MessageBody: 'x', QueueUrl, ...more });
    const group = 'The request must contain the parameter MessageGroupId.';
    expect(await refused({ MessageDeduplicationId: 'd' })).toEqual(['MissingParameter', group]);
    expect(await refused({ MessageGroupId: 'g' })).toEqual(['InvalidParameterValue', DEDUPE]);
    const batch = (entry: object) =>
      sqs.refusal('SendMessageBatch', { Entries: [{ Id: 'a', MessageBody: 'x', ...entry }], QueueUrl });
    expect(await batch({ MessageDeduplicationId: 'd' })).toEqual(['InvalidParameterValue', group]);
    expect(await batch({ MessageGroupId: 'g' })).toEqual(['InvalidParameterValue', DEDUPE]);
    expect(await refused({ ...inGroup('g', 'd'), DelaySeconds: 2 })).toEqual([
      'InvalidParameterValue',
      'Value 2 for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this queue type.',
    ]);
    for (const id of ['', 'a'.repeat(129), 'group 123']) {
      expect((await refused(inGroup('g', id)))[1]).toContain(
        'can only include alphanumeric and punctuation characters',
      );
    }
    expect(await sqs.send(QueueUrl, 'x', { ...inGroup('g', 'd'), DelaySeconds: 0 })).toHaveProperty('SequenceNumber');
  });

  test('numbers its messages, and gives a duplicate what the first one had', async () => {
    const QueueUrl = await freshFifo();
    const first = await sqs.send(QueueUrl, 'a', inGroup('g', '1'));
    const second = await sqs.send(QueueUrl, 'b', inGroup('g', '2'));
    expect(first.SequenceNumber).toMatch(/^\d{20}$/);
    expect((second.SequenceNumber ?? '') > (first.SequenceNumber ?? '')).toBe(true);
    expect(await sqs.send(QueueUrl, 'another', inGroup('other', '1'))).toMatchObject({
      MD5OfMessageBody: hash('md5', 'another'),
      MessageId: first.MessageId,
      SequenceNumber: first.SequenceNumber,
    });
    const messages = await sqs.receive(QueueUrl, { AttributeNames: ['All'] });
    expect(bodies(messages)).toEqual(['a', 'b']);
    expect(messages[1]?.Attributes).toMatchObject({
      MessageDeduplicationId: '2',
      MessageGroupId: 'g',
      SequenceNumber: second.SequenceNumber,
    });
  });

  test('tells duplicates by their content, in the whole queue or in each group', async () => {
    const QueueUrl = await freshFifo({ ContentBasedDeduplication: 'true' });
    for (const MessageGroupId of ['g', 'g', 'h']) await sqs.send(QueueUrl, 'same', { MessageGroupId });
    const [message] = await sqs.receive(QueueUrl, { AttributeNames: ['All'] });
    const MessageDeduplicationId = createHash('sha256').update('same').digest('hex');
    expect(message?.Attributes).toMatchObject({ MessageDeduplicationId });
    expect(await sqs.receive(QueueUrl)).toEqual([]);
    const scoped = await freshFifo({ ContentBasedDeduplication: 'true', DeduplicationScope: 'messageGroup' });
    for (const MessageGroupId of ['g', 'g', 'h']) await sqs.send(scoped, 'same', { MessageGroupId });
    expect(await sqs.receive(scoped)).toHaveLength(2);
  });

  test('holds back a group of which somebody has a message', async () => {
    const QueueUrl = await freshFifo({ VisibilityTimeout: '10' });
    for (const [group, body] of [
      ['g', 'g1'],
      ['g', 'g2'],
      ['h', 'h1'],
    ] as const) {
      await sqs.send(QueueUrl, body, inGroup(group, body));
    }
    const [g1] = await sqs.receive(QueueUrl, { MaxNumberOfMessages: 1 });
    expect(bodies(await sqs.receive(QueueUrl))).toEqual(['h1']);
    expect(await sqs.receive(QueueUrl)).toEqual([]);
    await sqs.json('DeleteMessage', { QueueUrl, ReceiptHandle: g1?.ReceiptHandle });
    expect(bodies(await sqs.receive(QueueUrl))).toEqual(['g2']);
  });

  test('takes no receipt whose lease has ended', async () => {
    const QueueUrl = await freshFifo({ VisibilityTimeout: '1' });
    await sqs.send(QueueUrl, 'x', inGroup('g', '1'));
    const [message] = await sqs.receive(QueueUrl);
    sqs.ahead += 2_000;
    const ReceiptHandle = message?.ReceiptHandle;
    const says = `Value ${ReceiptHandle} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.`;
    expect(await sqs.refusal('DeleteMessage', { QueueUrl, ReceiptHandle })).toEqual(['InvalidParameterValue', says]);
    const change = { QueueUrl, ReceiptHandle, VisibilityTimeout: 5 };
    const [code] = await sqs.refusal('ChangeMessageVisibility', change);
    expect(code).toBe('AWS.SimpleQueueService.MessageNotInflight');
  });

  test('gives an attempt that is repeated the same messages, while they are still with it', async () => {
    const QueueUrl = await freshFifo({ VisibilityTimeout: '10' });
    for (const body of ['a', 'b']) await sqs.send(QueueUrl, body, inGroup('g', body));
    const attempt = (id: string) => sqs.receive(QueueUrl, { ReceiveRequestAttemptId: id });
    const first = await attempt('one');
    expect(bodies(first)).toEqual(['a', 'b']);
    sqs.ahead += 9_000;
    expect(await attempt('one')).toEqual(first);
    expect(await attempt('two')).toEqual([]);
    sqs.ahead += 9_000; // the repetition has prolonged the leases
    expect(await sqs.receive(QueueUrl)).toEqual([]);
    await sqs.json('DeleteMessage', { QueueUrl, ReceiptHandle: first[0]?.ReceiptHandle });
    expect(await attempt('one')).toEqual([]);
    const plain = { QueueUrl: await fresh(), ReceiveRequestAttemptId: 'x' };
    expect((await sqs.refusal('ReceiveMessage', plain))[0]).toBe('InvalidParameterValue');
  });
});
