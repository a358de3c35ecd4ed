/** Dead letters of SQS: where they go, who may send them there, and their way back. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestEndpoint } from './client.ts';

let sqs: TestEndpoint;
beforeAll(() => {
  sqs = new TestEndpoint();
  return sqs.listen();
});
afterAll(() => sqs.close());

let count = 0;
const fresh = (attributes: Readonly<Record<string, string>> = {}) =>
  sqs.queue(`q${++count}${attributes['FifoQueue'] ? '.fifo' : ''}`, attributes);
const FIFO = { ContentBasedDeduplication: 'true', FifoQueue: 'true' };

describe('dead letters', () => {
  const arnOf = (url: string) => `arn:aws:sqs:us-east-1:000000000000:${url.split('/').at(-1)}`;
  const policy = (target: string, maxReceiveCount: number | string = 1) =>
    JSON.stringify({ deadLetterTargetArn: arnOf(target), maxReceiveCount });

  test('go to their queue after so many receipts, as they were', async () => {
    const target = await fresh();
    const source = await fresh({ RedrivePolicy: policy(target, '2'), VisibilityTimeout: '0' });
    expect(await sqs.attributes(source, 'RedrivePolicy')).toEqual({ RedrivePolicy: policy(target, 2) });
    const { body: sent } = await sqs.json('SendMessage', { MessageBody: 'x', QueueUrl: source });
    const receive = async (QueueUrl: string) => (await sqs.receive(QueueUrl, { AttributeNames: ['All'] }))[0];
    const first = await receive(source);
    await receive(source);
    expect(await receive(source)).toBeUndefined();
    const dead = await receive(target);
    expect(dead?.MessageId).toBe(sent.MessageId);
    expect(dead?.Attributes).toMatchObject({
      ApproximateReceiveCount: '3',
      DeadLetterQueueSourceArn: arnOf(source),
      SentTimestamp: first?.Attributes?.['SentTimestamp'],
    });
    const sources = await sqs.json('ListDeadLetterSourceQueues', { QueueUrl: target });
    expect(sources.body).toEqual({ queueUrls: [source] });
    expect((await sqs.json('ListDeadLetterSourceQueues', { QueueUrl: source })).body).toEqual({ queueUrls: [] });
    await sqs.json('SetQueueAttributes', { Attributes: { RedrivePolicy: '' }, QueueUrl: source });
    expect(await sqs.attributes(source, 'RedrivePolicy')).toBeUndefined();
  });

  test('stay where they are by a policy that names their own queue', async () => {
    const QueueUrl = await fresh({ VisibilityTimeout: '0' });
    const set = (RedrivePolicy: string) => sqs.json('SetQueueAttributes', { Attributes: { RedrivePolicy }, QueueUrl });
    expect((await set(policy(QueueUrl))).status).toBe(200);
    expect(await sqs.attributes(QueueUrl, 'RedrivePolicy')).toEqual({ RedrivePolicy: policy(QueueUrl) });
    await sqs.json('SetQueueAttributes', { Attributes: { DelaySeconds: '0' }, QueueUrl });
    expect(await sqs.attributes(QueueUrl, 'RedrivePolicy')).toEqual({ RedrivePolicy: policy(QueueUrl) });
    await sqs.json('SendMessage', { MessageBody: 'x', QueueUrl });
    for (let i = 0; i < 3; i++) expect(await sqs.receive(QueueUrl)).toHaveLength(1);
    expect((await set('')).status).toBe(200);
    expect(await sqs.attributes(QueueUrl, 'RedrivePolicy')).toBeUndefined();
  });

  test('have a policy that is given back as it was written, and that other faces may change', async () => {
    const target = await fresh();
    const written = `{ "maxReceiveCount": 3, "deadLetterTargetArn": "${arnOf(target)}" }`;
    const QueueUrl = await fresh({ RedrivePolicy: written });
    expect(await sqs.attributes(QueueUrl, 'RedrivePolicy')).toEqual({ RedrivePolicy: written });
    const name = `q${count}`;
    const view = await sqs.queues.describe(name);
    if (view === undefined) throw new Error('no queue');
    const deadLetter = { maxReceives: 4, queue: view.settings.deadLetter?.queue ?? '' };
    await sqs.queues.edit(name, { ...view.settings, deadLetter });
    expect(await sqs.attributes(QueueUrl, 'RedrivePolicy')).toEqual({ RedrivePolicy: policy(target, 4) });
  });

  test.each([
    ['{"maxReceiveCount":1}', 'Redrive policy does not contain mandatory attribute: deadLetterTargetArn.'],
    [
      '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:q"}',
      'Redrive policy does not contain mandatory attribute: maxReceiveCount.',
    ],
    ['{"deadLetterTargetArn":"dead_letter_target_arn","maxReceiveCount":42}', 'Invalid value for deadLetterTargetArn.'],
    [
      '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:q","maxReceiveCount":0}',
      'Invalid value for maxReceiveCount: 0, valid values are from 1 to 1000 both inclusive.',
    ],
    [
      '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:q","maxReceiveCount":"many"}',
      'Invalid value for maxReceiveCount: many, valid values are from 1 to 1000 both inclusive.',
    ],
    [
      '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:nobody","maxReceiveCount":1}',
      'Dead letter target does not exist.',
    ],
    [
      '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:111122223333:q","maxReceiveCount":1}',
      'Dead-letter target owner should be same as the source.',
    ],
    ['[]', 'Redrive policy is not a valid JSON map.'],
  ])('have no queue by %s', async (RedrivePolicy, reason) => {
    const input = { Attributes: { RedrivePolicy }, QueueName: `refused-${++count}` };
    const message = `Value ${RedrivePolicy} for parameter RedrivePolicy is invalid. Reason: ${reason}`;
    expect(await sqs.refusal('CreateQueue', input)).toEqual(['InvalidParameterValue', message]);
  });

  test('stay among queues of one kind, and where they are allowed', async () => {
    const plain = await fresh();
    const fifo = await fresh(FIFO);
    const set = (QueueUrl: string, target: string) =>
      sqs.json('SetQueueAttributes', { Attributes: { RedrivePolicy: policy(target) }, QueueUrl });
    expect((await set(plain, fifo)).body.message).toContain('same type');
    expect((await set(fifo, plain)).body.message).toContain('same type');
    const friend = await fresh();
    const stranger = await fresh();
    const allow = (redrivePermission: string, ...sourceQueueArns: string[]) =>
      JSON.stringify(sourceQueueArns.length === 0 ? { redrivePermission } : { redrivePermission, sourceQueueArns });
    const target = await fresh({ RedriveAllowPolicy: allow('byQueue', arnOf(friend)) });
    expect((await set(friend, target)).status).toBe(200);
    expect((await set(stranger, target)).body.message).toContain('does not allow it');
    await sqs.json('SetQueueAttributes', { Attributes: { RedriveAllowPolicy: allow('denyAll') }, QueueUrl: target });
    expect((await set(friend, target)).body.message).toContain('does not allow it');
    for (const odd of ['{}', '[]', allow('byQueue'), allow('allowAll', arnOf(friend)), allow('byQueue', 'x')]) {
      const [code] = await sqs.refusal('SetQueueAttributes', {
        Attributes: { RedriveAllowPolicy: odd },
        QueueUrl: target,
      });
      expect(code).toBe('InvalidParameterValue');
    }
  });

  async function withDead(): Promise<readonly [source: string, target: string]> {
    const target = await fresh();
    const source = await fresh({ RedrivePolicy: policy(target), VisibilityTimeout: '0' });
    for (const MessageBody of ['a', 'b']) await sqs.json('SendMessage', { MessageBody, QueueUrl: source });
    for (let i = 0; i < 2; i++) await sqs.json('ReceiveMessage', { MaxNumberOfMessages: 10, QueueUrl: source });
    return [source, target];
  }

  test('go back to where they came from', async () => {
    const [source, target] = await withDead();
    const { body } = await sqs.json('StartMessageMoveTask', { SourceArn: arnOf(target) });
    expect(JSON.parse(Buffer.from(body.TaskHandle ?? '', 'base64').toString())).toMatchObject({
      sourceArn: arnOf(target),
    });
    const listed = await sqs.json('ListMessageMoveTasks', { SourceArn: arnOf(target) });
    expect(listed.body.Results).toEqual([
      {
        ApproximateNumberOfMessagesMoved: 2,
        ApproximateNumberOfMessagesToMove: 2,
        SourceArn: arnOf(target),
        StartedTimestamp: expect.any(Number),
        Status: 'COMPLETED',
      },
    ]);
    expect(await sqs.attributes(source, 'ApproximateNumberOfMessages')).toEqual({ ApproximateNumberOfMessages: '2' });
  });

  test('go elsewhere, one task at a time, until it is cancelled', async () => {
    const [, target] = await withDead();
    const input = { DestinationArn: arnOf(await fresh()), MaxNumberOfMessagesPerSecond: 1, SourceArn: arnOf(target) };
    const { TaskHandle } = (await sqs.json('StartMessageMoveTask', input)).body;
    expect((await sqs.refusal('StartMessageMoveTask', input))[1]).toContain('already a task running');
    const { Results: running } = (await sqs.json('ListMessageMoveTasks', { SourceArn: arnOf(target) })).body;
    expect(running).toEqual([
      {
        ...input,
        ApproximateNumberOfMessagesMoved: 0,
        ApproximateNumberOfMessagesToMove: 2,
        StartedTimestamp: expect.any(Number),
        Status: 'RUNNING',
        TaskHandle,
      },
    ]);
    expect((await sqs.json('CancelMessageMoveTask', { TaskHandle })).body).toEqual({
      ApproximateNumberOfMessagesMoved: 0,
    });
    expect((await sqs.refusal('CancelMessageMoveTask', { TaskHandle }))[0]).toBe('ResourceNotFoundException');
    const { Results } = (await sqs.json('ListMessageMoveTasks', { MaxResults: 10, SourceArn: arnOf(target) })).body;
    expect(Results).toMatchObject([{ Status: 'CANCELLED' }]);
  });

  test('are moved again and again; the moves are listed, the last first', async () => {
    const [, target] = await withDead();
    const SourceArn = arnOf(target);
    for (const MaxNumberOfMessagesPerSecond of [1, 2, 3]) {
      const { TaskHandle } = (await sqs.json('StartMessageMoveTask', { MaxNumberOfMessagesPerSecond, SourceArn })).body;
      await sqs.json('CancelMessageMoveTask', { TaskHandle });
    }
    const rates = async (input: object) => {
      const { Results = [] } = (await sqs.json('ListMessageMoveTasks', { SourceArn, ...input })).body;
      return Results.map(({ MaxNumberOfMessagesPerSecond: rate }) => rate);
    };
    expect(await rates({ MaxResults: 10 })).toEqual([3, 2, 1]);
    expect(await rates({ MaxResults: 2 })).toEqual([3, 2]);
    expect(await rates({})).toEqual([3]);
    const other = new TestEndpoint({ queues: sqs.queues });
    await other.listen();
    try {
      const { Results = [] } = (await other.json('ListMessageMoveTasks', { MaxResults: 10, SourceArn })).body;
      expect(Results).toMatchObject([3, 2, 1].map((rate) => ({ MaxNumberOfMessagesPerSecond: rate })));
    } finally {
      await other.close();
    }
  });

  test('are moved only from a queue of dead letters to one that is there', async () => {
    const [source, target] = await withDead();
    const nobody = arnOf('nobody');
    const handle = (task: object) => Buffer.from(JSON.stringify(task)).toString('base64');
    const says = (parameter: string) => `The resource that you specified for the ${parameter} parameter doesn't exist.`;
    expect(await sqs.refusal('StartMessageMoveTask', { SourceArn: arnOf(source) })).toEqual([
      'InvalidParameterValue',
      'Source queue must be configured as a Dead Letter Queue.',
    ]);
    const elsewhere = { DestinationArn: nobody, SourceArn: arnOf(target) };
    const destination = ['ResourceNotFoundException', says('DestinationArn')];
    expect(await sqs.refusal('StartMessageMoveTask', elsewhere)).toEqual(destination);
    const from = ['ResourceNotFoundException', says('SourceArn')];
    expect(await sqs.refusal('StartMessageMoveTask', { SourceArn: nobody })).toEqual(from);
    expect(await sqs.refusal('ListMessageMoveTasks', { SourceArn: nobody })).toEqual(from);
    const TaskHandle = handle({ sourceArn: nobody, taskId: 'x' });
    expect(await sqs.refusal('CancelMessageMoveTask', { TaskHandle })).toEqual(from);
    const noTask = handle({ sourceArn: arnOf(target), taskId: 'x' });
    const gone = ['ResourceNotFoundException', 'Task does not exist.'];
    expect(await sqs.refusal('CancelMessageMoveTask', { TaskHandle: noTask })).toEqual(gone);
    const invalid = ['InvalidParameterValue', 'Value for parameter TaskHandle is invalid.'];
    expect(await sqs.refusal('CancelMessageMoveTask', { TaskHandle: 'foobar' })).toEqual(invalid);
    expect((await sqs.refusal('ListMessageMoveTasks', { SourceArn: 'not-an-arn' }))[1]).toContain(
      'You must use this format',
    );
    expect((await sqs.json('ListMessageMoveTasks', { SourceArn: arnOf(target) })).body).toEqual({ Results: [] });
  });
});
