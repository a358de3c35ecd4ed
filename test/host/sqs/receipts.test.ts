/** Who gets a message for how long, and what receipt handles still allow. */
import { once } from 'node:events';
import { request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bodies, type JsonMessage, TestEndpoint } from './client.ts';

let sqs: TestEndpoint;
beforeAll(() => {
  sqs = new TestEndpoint();
  return sqs.listen();
});
afterAll(() => sqs.close());

let count = 0;
const fresh = (attributes: Readonly<Record<string, string>> = {}) => sqs.queue(`m${++count}`, attributes);

describe('a receipt', () => {
  test.each([
    [
      { MaxNumberOfMessages: 11 },
      'Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.',
    ],
    [
      { MaxNumberOfMessages: 0 },
      'Value 0 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.',
    ],
    [
      { WaitTimeSeconds: 21 },
      'Value 21 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided.',
    ],
    [
      { WaitTimeSeconds: -1 },
      'Value -1 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided.',
    ],
    [
      { VisibilityTimeout: 43_201 },
      'Value 43201 for parameter VisibilityTimeout is invalid. Reason: Must be >= 0 and <= 43200, if provided.',
    ],
  ])('is refused with %j', async (wish, message) => {
    const refused = await sqs.refusal('ReceiveMessage', { QueueUrl: await fresh(), ...wish });
    expect(refused).toEqual(['InvalidParameterValue', message]);
  });

  test('leases a message for as long as it says, else as its queue does', async () => {
    const QueueUrl = await fresh({ VisibilityTimeout: '20' });
    await sqs.send(QueueUrl, 'x');
    expect(await sqs.receive(QueueUrl, { VisibilityTimeout: 5 })).toHaveLength(1);
    sqs.ahead += 4_000;
    expect(await sqs.receive(QueueUrl)).toEqual([]);
    sqs.ahead += 1_500;
    expect(await sqs.receive(QueueUrl)).toHaveLength(1);
    sqs.ahead += 19_000;
    expect(await sqs.receive(QueueUrl)).toEqual([]);
    sqs.ahead += 1_500;
    expect(await sqs.receive(QueueUrl)).toHaveLength(1);
  });

  test('waits for a message, and for as long as its queue says', async () => {
    const QueueUrl = await fresh({ ReceiveMessageWaitTimeSeconds: '20' });
    const received = sqs.receive(QueueUrl);
    await pause(30);
    await sqs.send(QueueUrl, 'late');
    expect(bodies(await received)).toEqual(['late']);
  });

  test('of somebody who has hung up is given back, and does not count', async () => {
    const slow = new TestEndpoint();
    await slow.listen();
    try {
      const QueueUrl = await slow.queue('slow');
      await slow.json('SendMessage', { MessageBody: 'x', QueueUrl });
      const take = slow.queues.receive.bind(slow.queues);
      const asked = Promise.withResolvers<void>();
      slow.queues.receive = async (name, wish, signal) => {
        asked.resolve();
        await once(signal, 'abort');
        return take(name, wish, signal);
      };
      const headers = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'AmazonSQS.ReceiveMessage' };
      const out = request(slow.url, { headers, method: 'POST' }).on('error', () => undefined);
      out.end(JSON.stringify({ QueueUrl }));
      await asked.promise;
      out.destroy();
      slow.queues.receive = take;
      const wish = { AttributeNames: ['All'], QueueUrl, WaitTimeSeconds: 5 };
      const { Messages = [] } = (await slow.json('ReceiveMessage', wish)).body;
      expect(Messages[0]?.Attributes?.['ApproximateReceiveCount']).toBe('1');
    } finally {
      await slow.close();
    }
  });

  test('can be ended and prolonged, and takes nothing from who has another that came after it', async () => {
    const QueueUrl = await fresh({ VisibilityTimeout: '10' });
    await sqs.send(QueueUrl, 'x');
    const [first] = await sqs.receive(QueueUrl);
    const change = (message: JsonMessage | undefined, VisibilityTimeout: number) =>
      sqs.json('ChangeMessageVisibility', { QueueUrl, ReceiptHandle: message?.ReceiptHandle, VisibilityTimeout });
    expect((await change(first, 60)).status).toBe(200);
    sqs.ahead += 50_000;
    expect(await sqs.receive(QueueUrl)).toEqual([]);
    await change(first, 0);
    const [second] = await sqs.receive(QueueUrl);
    expect((await change(first, 0)).status).toBe(200); // and does nothing
    expect(await sqs.receive(QueueUrl)).toEqual([]);
    expect((await change(second, 43_201)).body.message).toContain(
      'VisibilityTimeout must be an integer between 0 and 43200',
    );
    const remove = (message: JsonMessage | undefined) =>
      sqs.json('DeleteMessage', { QueueUrl, ReceiptHandle: message?.ReceiptHandle });
    expect((await remove(first)).status).toBe(200); // and does nothing
    expect((await change(second, 10)).status).toBe(200);
    expect((await remove(second)).status).toBe(200);
    expect((await remove(second)).status).toBe(200);
    expect((await change(second, 10)).body.message).toContain('Message does not exist');
    expect(await sqs.refusal('DeleteMessage', { QueueUrl, ReceiptHandle: 'unknown-stuff' })).toEqual([
      'ReceiptHandleIsInvalid',
      'The input receipt handle "unknown-stuff" is not a valid receipt handle.',
    ]);
  });

  test('of another queue takes nothing, also where that was deleted and had the same name', async () => {
    const QueueUrl = await fresh();
    const take = async () => {
      await sqs.send(QueueUrl, 'x');
      return (await sqs.receive(QueueUrl))[0]?.ReceiptHandle;
    };
    const former = await take();
    await sqs.json('DeleteQueue', { QueueUrl });
    sqs.ahead += 1;
    await sqs.queue(QueueUrl.split('/').at(-1) ?? '');
    const own = await take();
    const change = (ReceiptHandle: string | undefined) =>
      sqs.json('ChangeMessageVisibility', { QueueUrl, ReceiptHandle, VisibilityTimeout: 0 });
    expect((await change(former)).body.message).toContain('is not a valid receipt handle');
    const Entries = [former, own, 'nonsense'].map((ReceiptHandle, at) => ({ Id: `${at}`, ReceiptHandle }));
    const elsewhere = await sqs.json('DeleteMessageBatch', { Entries: [Entries[1]], QueueUrl: await fresh() });
    expect(elsewhere.body).toMatchObject({ Failed: [{ Code: 'ReceiptHandleIsInvalid', Id: '1' }] });
    expect((await sqs.json('DeleteMessageBatch', { Entries: [Entries[0]], QueueUrl })).body.Failed).toHaveLength(1);
    expect(await sqs.attributes(QueueUrl, 'ApproximateNumberOfMessagesNotVisible')).toMatchObject({
      ApproximateNumberOfMessagesNotVisible: '1',
    });
    const { Failed, Successful } = (await sqs.json('ChangeMessageVisibilityBatch', { Entries, QueueUrl })).body;
    expect([Successful, Failed]).toMatchObject([
      [{ Id: '1' }],
      [
        { Code: 'ReceiptHandleIsInvalid', Id: '0' },
        { Code: 'ReceiptHandleIsInvalid', Id: '2' },
      ],
    ]);
  });

  test('of a plain queue prolongs and deletes also after its lease, where nobody else came', async () => {
    const QueueUrl = await fresh({ VisibilityTimeout: '1' });
    await sqs.send(QueueUrl, 'x');
    const [message] = await sqs.receive(QueueUrl);
    sqs.ahead += 2_000;
    const { ReceiptHandle } = message ?? {};
    const change = { QueueUrl, ReceiptHandle, VisibilityTimeout: 5 };
    expect((await sqs.json('ChangeMessageVisibility', change)).status).toBe(200);
    expect(await sqs.receive(QueueUrl)).toEqual([]);
    sqs.ahead += 6_000;
    await sqs.json('DeleteMessage', { QueueUrl, ReceiptHandle });
    expect(await sqs.receive(QueueUrl)).toEqual([]);
  });

  test('of a delayed message comes after its delay, and of an old one never', async () => {
    const QueueUrl = await fresh({ DelaySeconds: '10', MessageRetentionPeriod: '60' });
    await sqs.send(QueueUrl, 'as its queue');
    await sqs.send(QueueUrl, 'at once', { DelaySeconds: 0 });
    expect(bodies(await sqs.receive(QueueUrl, { VisibilityTimeout: 0 }))).toEqual(['at once']);
    sqs.ahead += 11_000;
    expect(bodies(await sqs.receive(QueueUrl, { VisibilityTimeout: 0 }))).toEqual(['as its queue', 'at once']);
    sqs.ahead += 60_000;
    expect(await sqs.receive(QueueUrl)).toEqual([]);
  });
});
