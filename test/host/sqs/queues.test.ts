/** Queues of SQS: names, attributes, pages, tags, and their end. */
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

describe('a queue is made', () => {
  test('with the service’s defaults', async () => {
    const stamp = expect.stringMatching(/^\d{10}$/);
    expect(await sqs.attributes(await sqs.queue('plain'))).toEqual({
      ApproximateNumberOfMessages: '0',
      ApproximateNumberOfMessagesDelayed: '0',
      ApproximateNumberOfMessagesNotVisible: '0',
      CreatedTimestamp: stamp,
      DelaySeconds: '0',
      LastModifiedTimestamp: stamp,
      MaximumMessageSize: '1048576',
      MessageRetentionPeriod: '345600',
      QueueArn: 'arn:aws:sqs:us-east-1:000000000000:plain',
      ReceiveMessageWaitTimeSeconds: '0',
      SqsManagedSseEnabled: 'false',
      VisibilityTimeout: '30',
    });
    expect(await sqs.attributes(await sqs.queue('plain.fifo', { ...FIFO, FifoQueue: 'True' }))).toMatchObject({
      ContentBasedDeduplication: 'true',
      DeduplicationScope: 'queue',
      FifoQueue: 'true',
      FifoThroughputLimit: 'perQueue',
    });
  });

  test('in the region that the signature names', async () => {
    const authorization = 'AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-3/sqs/aws4_request, Signature=x';
    const asked = { AttributeNames: ['QueueArn'], QueueUrl: await sqs.queue('plain') };
    const { body } = await sqs.json('GetQueueAttributes', asked, { authorization });
    expect(body.Attributes).toEqual({ QueueArn: 'arn:aws:sqs:eu-west-3:000000000000:plain' });
  });

  test('again with the same attributes, but not with others', async () => {
    const QueueName = 'twice';
    const Attributes = { DelaySeconds: '5', MaximumMessageSize: '2048' };
    const url = await sqs.queue(QueueName, Attributes);
    expect(await sqs.queue(QueueName, Attributes)).toBe(url);
    expect(await sqs.queue(QueueName)).toBe(url);
    expect(await sqs.refusal('CreateQueue', { Attributes: { DelaySeconds: '6' }, QueueName })).toEqual([
      'QueueAlreadyExists',
      'A queue already exists with the same name and a different value for attribute DelaySeconds',
    ]);
  });

  const NAME = 'Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length';
  test.each(['', 'p'.repeat(81), '/my/test', '!@£$%^&*()queue', 'a b', 'a.fifo', 'ä'])(
    'never called %j',
    async (QueueName) => {
      expect(await sqs.refusal('CreateQueue', { QueueName })).toEqual(['InvalidParameterValue', NAME]);
    },
  );

  test.each(['no-suffix', `${'p'.repeat(76)}.fifo`, '.fifo'])('fifo never called %j', async (QueueName) => {
    const [code, message] = await sqs.refusal('CreateQueue', { Attributes: FIFO, QueueName });
    expect([code, message.slice(0, 26)]).toEqual(['InvalidParameterValue', 'The name of a FIFO queue c']);
  });

  test.each([
    ['DelaySeconds', '901', 'InvalidAttributeValue', 'Invalid value for the parameter DelaySeconds.'],
    ['DelaySeconds', '-1', 'InvalidAttributeValue', 'Invalid value for the parameter DelaySeconds.'],
    ['MaximumMessageSize', '1023', 'InvalidAttributeValue', 'Invalid value for the parameter MaximumMessageSize.'],
    ['MaximumMessageSize', '1048577', 'InvalidAttributeValue', 'Invalid value for the parameter MaximumMessageSize.'],
    [
      'MessageRetentionPeriod',
      '59',
      'InvalidAttributeValue',
      'Invalid value for the parameter MessageRetentionPeriod.',
    ],
    ['VisibilityTimeout', '43201', 'InvalidAttributeValue', 'Invalid value for the parameter VisibilityTimeout.'],
    ['VisibilityTimeout', 'long', 'InvalidAttributeValue', 'Invalid value for the parameter VisibilityTimeout.'],
    [
      'ReceiveMessageWaitTimeSeconds',
      '21',
      'InvalidAttributeValue',
      'Invalid value for the parameter ReceiveMessageWaitTimeSeconds.',
    ],
    ['Policy', '{', 'InvalidAttributeValue', 'Invalid value for the parameter Policy.'],
    ['Nonsense', '1', 'InvalidAttributeName', 'Unknown Attribute Nonsense.'],
    ['QueueArn', 'x', 'InvalidAttributeName', 'Unknown Attribute QueueArn.'],
    ['FifoQueue', 'false', 'InvalidAttributeName', 'Unknown Attribute FifoQueue.'],
    ['ContentBasedDeduplication', 'false', 'InvalidAttributeName', 'Unknown Attribute ContentBasedDeduplication.'],
    [
      'DeduplicationScope',
      'queue',
      'InvalidAttributeName',
      'You can specify the DeduplicationScope only when FifoQueue is set to true.',
    ],
    [
      'FifoThroughputLimit',
      'perQueue',
      'InvalidAttributeName',
      'You can specify the FifoThroughputLimit only when FifoQueue is set to true.',
    ],
  ])('never with %s %s', async (name, value, code, message) => {
    const input = { Attributes: { [name]: value }, QueueName: `refused-${++count}` };
    expect(await sqs.refusal('CreateQueue', input)).toEqual([code, message]);
  });
});

describe('attributes', () => {
  test('are changed, the others stay, and a change has its time', async () => {
    const QueueUrl = await fresh({ DelaySeconds: '3', Policy: '{"Version":"2012-10-17"}' });
    const before = await sqs.attributes(QueueUrl, 'LastModifiedTimestamp', 'CreatedTimestamp');
    sqs.ahead += 5_000;
    const Attributes = { ReceiveMessageWaitTimeSeconds: '10', VisibilityTimeout: '69' };
    await sqs.json('SetQueueAttributes', { Attributes, QueueUrl });
    const after = await sqs.attributes(QueueUrl);
    expect(after).toMatchObject({ ...Attributes, DelaySeconds: '3', Policy: '{"Version":"2012-10-17"}' });
    expect(Number(after?.['LastModifiedTimestamp'])).toBeGreaterThan(Number(before?.['LastModifiedTimestamp']));
    expect(after?.['CreatedTimestamp']).toBe(before?.['CreatedTimestamp']);
    await sqs.json('SetQueueAttributes', { Attributes: { Policy: '' }, QueueUrl });
    expect(await sqs.attributes(QueueUrl)).not.toHaveProperty('Policy');
  });

  test('are given by name; none are given where none are named', async () => {
    const QueueUrl = await fresh();
    expect(await sqs.attributes(QueueUrl, 'DelaySeconds', 'Policy')).toEqual({ DelaySeconds: '0' });
    expect((await sqs.json('GetQueueAttributes', { QueueUrl })).body).toEqual({});
    const AttributeNames = ['QueueArn', 'not-existing'];
    const unknown = ['InvalidAttributeName', 'Unknown Attribute not-existing.'];
    expect(await sqs.refusal('GetQueueAttributes', { AttributeNames, QueueUrl })).toEqual(unknown);
  });

  test('of fifo queues cannot make another kind of queue', async () => {
    const set = (QueueUrl: string, Attributes: object) => sqs.refusal('SetQueueAttributes', { Attributes, QueueUrl });
    const unknown = ['InvalidAttributeName', 'Unknown Attribute FifoQueue.'];
    expect(await set(await fresh(), { FifoQueue: 'true' })).toEqual(unknown);
    const message = 'Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.';
    expect(await set(await fresh(FIFO), { FifoQueue: 'false' })).toEqual(['InvalidAttributeValue', message]);
  });

  test('of high throughput belong together', async () => {
    const QueueUrl = await fresh(FIFO);
    const limit = { FifoThroughputLimit: 'perMessageGroupId' };
    expect(await sqs.refusal('SetQueueAttributes', { Attributes: limit, QueueUrl })).toEqual([
      'InvalidParameterValue',
      expect.stringContaining('allowed only when'),
    ]);
    const both = { ...limit, DeduplicationScope: 'messageGroup' };
    await sqs.json('SetQueueAttributes', { Attributes: both, QueueUrl });
    expect(await sqs.attributes(QueueUrl)).toMatchObject(both);
  });

  test('of encryption exclude each other', async () => {
    const QueueUrl = await fresh({ SqsManagedSseEnabled: 'true' });
    const Attributes = { KmsDataKeyReusePeriodSeconds: '6000', KmsMasterKeyId: 'testKeyId' };
    await sqs.json('SetQueueAttributes', { Attributes, QueueUrl });
    expect(await sqs.attributes(QueueUrl)).toMatchObject({ ...Attributes, SqsManagedSseEnabled: 'false' });
    const both = { KmsMasterKeyId: 'testKeyId', SqsManagedSseEnabled: 'true' };
    const [code] = await sqs.refusal('SetQueueAttributes', { Attributes: both, QueueUrl });
    expect(code).toBe('InvalidAttributeName');
  });

  test('of a key for encryption show how long it is used, which is five minutes unless it was said otherwise', async () => {
    const QueueUrl = await fresh({ KmsMasterKeyId: 'alias/mine' });
    const AttributeNames = ['KmsMasterKeyId', 'KmsDataKeyReusePeriodSeconds'];
    const shown = async () => (await sqs.json('GetQueueAttributes', { AttributeNames, QueueUrl })).body.Attributes;
    const set = (Attributes: object) => sqs.json('SetQueueAttributes', { Attributes, QueueUrl });
    const usual = { KmsDataKeyReusePeriodSeconds: '300', KmsMasterKeyId: 'alias/mine' };
    expect(await shown()).toEqual(usual);
    await set({ KmsDataKeyReusePeriodSeconds: '6000' });
    expect(await shown()).toEqual({ ...usual, KmsDataKeyReusePeriodSeconds: '6000' });
    await set(usual);
    expect(await shown()).toEqual(usual);
    await set({ KmsMasterKeyId: '' });
    expect(await shown()).toBeUndefined();
  });

  test('count what is ready, leased and delayed', async () => {
    const QueueUrl = await fresh();
    for (const DelaySeconds of [0, 0, 60]) await sqs.json('SendMessage', { DelaySeconds, MessageBody: 'x', QueueUrl });
    await sqs.json('ReceiveMessage', { QueueUrl });
    expect(await sqs.attributes(QueueUrl)).toMatchObject({
      ApproximateNumberOfMessages: '1',
      ApproximateNumberOfMessagesDelayed: '1',
      ApproximateNumberOfMessagesNotVisible: '1',
    });
  });
});

describe('queues are found', () => {
  test('by URL, by path and by name; of other accounts there are none', async () => {
    const url = await fresh();
    const name = url.split('/').at(-1) ?? '';
    for (const QueueUrl of [
      url,
      `/000000000000/${name}`,
      name,
      `https://sqs.us-east-1.amazonaws.com/000000000000/${name}`,
    ]) {
      expect(await sqs.attributes(QueueUrl, 'DelaySeconds')).toEqual({ DelaySeconds: '0' });
    }
    const missing = 'AWS.SimpleQueueService.NonExistentQueue';
    expect((await sqs.refusal('GetQueueAttributes', { QueueUrl: `http://x/111122223333/${name}` }))[0]).toBe(missing);
    expect((await sqs.refusal('GetQueueAttributes', { QueueUrl: 'http://whatever' }))[0]).toBe(missing);
    expect((await sqs.refusal('GetQueueUrl', { QueueName: name, QueueOwnerAWSAccountId: '111122223333' }))[0]).toBe(
      missing,
    );
    expect((await sqs.refusal('GetQueueAttributes', {}))[0]).toBe('MissingParameter');
  });

  test('by prefix, in pages', async () => {
    for (const at of [3, 1, 5, 2, 4]) await sqs.queue(`page-${at}`);
    const found: string[][] = [];
    let NextToken: string | undefined;
    do {
      const { body } = await sqs.json('ListQueues', { MaxResults: 2, NextToken, QueueNamePrefix: 'page-' });
      found.push((body.QueueUrls ?? []).map((url) => url.split('/').at(-1) ?? ''));
      NextToken = body.NextToken;
    } while (NextToken !== undefined);
    expect(found).toEqual([['page-1', 'page-2'], ['page-3', 'page-4'], ['page-5']]);
    expect((await sqs.json('ListQueues', { QueueNamePrefix: 'page-' })).body.NextToken).toBeUndefined();
    expect((await sqs.json('ListQueues', { QueueNamePrefix: 'no-such' })).body).toEqual({});
    expect((await sqs.refusal('ListQueues', { MaxResults: 1_001 }))[0]).toBe('InvalidParameterValue');
    expect((await sqs.refusal('ListQueues', { MaxResults: 1, NextToken: '!' }))[0]).toBe('InvalidParameterValue');
  });
});

describe('queues end', () => {
  test('a deleted queue is gone at once, also for who had just used it', async () => {
    const QueueUrl = await fresh();
    await sqs.json('SendMessage', { MessageBody: 'x', QueueUrl });
    expect((await sqs.json('DeleteQueue', { QueueUrl })).status).toBe(200);
    const missing = 'AWS.SimpleQueueService.NonExistentQueue';
    expect((await sqs.refusal('SendMessage', { MessageBody: 'x', QueueUrl }))[0]).toBe(missing);
    expect((await sqs.refusal('DeleteQueue', { QueueUrl }))[0]).toBe(missing);
  });

  test('a purged queue is empty, and can be purged again at once', async () => {
    const QueueUrl = await fresh();
    for (const body of ['a', 'b']) await sqs.json('SendMessage', { MessageBody: body, QueueUrl });
    await sqs.json('ReceiveMessage', { QueueUrl });
    for (let i = 0; i < 2; i++) expect((await sqs.json('PurgeQueue', { QueueUrl })).status).toBe(200);
    expect(
      await sqs.attributes(QueueUrl, 'ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'),
    ).toEqual({
      ApproximateNumberOfMessages: '0',
      ApproximateNumberOfMessagesNotVisible: '0',
    });
  });

  test('where it is strict, a minute passes between two purges, and before a name is used again', async () => {
    const strict = new TestEndpoint({ strict: true });
    await strict.listen();
    try {
      const QueueUrl = await strict.queue('slow');
      await strict.json('PurgeQueue', { QueueUrl });
      const again = await strict.json('PurgeQueue', { QueueUrl });
      expect(again.status).toBe(403);
      expect(again.body.message).toBe('Only one PurgeQueue operation on slow is allowed every 60 seconds.');
      await strict.json('DeleteQueue', { QueueUrl });
      const made = await strict.json('CreateQueue', { QueueName: 'slow' });
      expect(made.headers['x-amzn-query-error']).toBe('AWS.SimpleQueueService.QueueDeletedRecently;Sender');
      strict.ahead += 60_000;
      expect(await strict.queue('slow')).toBe(QueueUrl);
      expect((await strict.json('PurgeQueue', { QueueUrl })).status).toBe(200);
    } finally {
      await strict.close();
    }
  });
});

describe('tags', () => {
  test('come, are replaced, and go', async () => {
    const { body } = await sqs.json('CreateQueue', { QueueName: 'tagged', tags: { tag1: 'value1' } });
    const { QueueUrl } = body;
    const tags = async () => (await sqs.json('ListQueueTags', { QueueUrl })).body;
    await sqs.json('TagQueue', { QueueUrl, Tags: { tag2: 'value2', tag3: '' } });
    expect(await tags()).toEqual({ Tags: { tag1: 'value1', tag2: 'value2', tag3: '' } });
    await sqs.json('UntagQueue', { QueueUrl, TagKeys: ['tag1', 'tag3', 'never'] });
    expect(await tags()).toEqual({ Tags: { tag2: 'value2' } });
    await sqs.json('UntagQueue', { QueueUrl, TagKeys: ['tag2'] });
    expect(await tags()).toEqual({});
    const many = Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`k${i}`, 'v']));
    const tooMany = ['InvalidParameterValue', 'Too many tags added for queue tagged.'];
    expect(await sqs.refusal('TagQueue', { QueueUrl, Tags: many })).toEqual(tooMany);
    const none = ['MissingParameter', 'The request must contain the parameter Tags.'];
    expect(await sqs.refusal('TagQueue', { QueueUrl, Tags: {} })).toEqual(none);
    const keys = 'Tag keys must be between 1 and 128 characters in length.';
    expect(await sqs.refusal('UntagQueue', { QueueUrl, TagKeys: [] })).toEqual(['InvalidParameterValue', keys]);
  });
});
