/** Messages of SQS: which may be sent, alone and in batches, and what their attributes are. */
import { hash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bodies, TestEndpoint, text } from './client.ts';

let sqs: TestEndpoint;
beforeAll(() => {
  sqs = new TestEndpoint();
  return sqs.listen();
});
afterAll(() => sqs.close());

let count = 0;
const fresh = (attributes: Readonly<Record<string, string>> = {}) => sqs.queue(`m${++count}`, attributes);

describe('a message is refused', () => {
  const CHARACTERS =
    'Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF';
  test.each([
    ['empty', { MessageBody: '' }, 'MissingParameter', 'The request must contain the parameter MessageBody.'],
    ['missing', {}, 'MissingParameter', 'The request must contain the parameter MessageBody.'],
    ['with a zero byte', { MessageBody: 'a\u0000' }, 'InvalidMessageContents', CHARACTERS],
    ['with half a pair', { MessageBody: 'a\ud800' }, 'InvalidMessageContents', CHARACTERS],
    ['with U+FFFF', { MessageBody: '\uffff' }, 'InvalidMessageContents', CHARACTERS],
    [
      'delayed for too long',
      { DelaySeconds: 901, MessageBody: 'x' },
      'InvalidParameterValue',
      'Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.',
    ],
    [
      'with a deduplication id where there is none',
      { MessageBody: 'x', MessageDeduplicationId: 'd' },
      'InvalidParameterValue',
      'Value d for parameter MessageDeduplicationId is invalid. Reason: The request include parameter that is not valid for this queue type.',
    ],
    [
      'of an ill-formed group',
      { MessageBody: 'x', MessageGroupId: 'group 123' },
      'InvalidParameterValue',
      'Value group 123 for parameter MessageGroupId is invalid. Reason: MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length.',
    ],
    [
      'with a system attribute that is none',
      { MessageBody: 'x', MessageSystemAttributes: { Other: text('x') } },
      'InvalidParameterValue',
      "Message system attribute name 'Other' is invalid.",
    ],
  ])('%s', async (_, input, code, message) => {
    expect(await sqs.refusal('SendMessage', { ...input, QueueUrl: await fresh() })).toEqual([code, message]);
  });

  test.each([
    [
      'an empty value',
      { ErrorDetails: text('') },
      "Message (user) attribute 'ErrorDetails' must contain a non-empty value of type 'String'.",
    ],
    [
      'no type',
      { a: { StringValue: 'x' } },
      "The message attribute 'a' must contain a non-empty message attribute type.",
    ],
    [
      'an unknown type',
      { a: text('x', 'Text') },
      "The message attribute 'a' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.",
    ],
    [
      'bytes for a text',
      { a: { BinaryValue: 'AA==', DataType: 'String' } },
      "Message (user) attribute 'a' must contain a non-empty value of type 'String'.",
    ],
    [
      'no number for a number',
      { a: text('ten', 'Number') },
      "Can't cast the value of message (user) attribute 'a' to a number.",
    ],
    [
      'a list',
      { a: { DataType: 'String', StringListValues: ['x'] } },
      "The message attribute 'a' has a list of values; such values are not supported.",
    ],
    [
      'a reserved name',
      { 'aws.x': text('x') },
      expect.stringContaining("You can't use message attribute names beginning with 'AWS.'"),
    ],
    ['a name that ends with a dot', { 'x.': text('x') }, expect.stringContaining("cannot start or end with '.'")],
    ['an odd name', { 'a b': text('x') }, expect.stringContaining('Attribute name can contain A-Z, a-z, 0-9')],
    ['a long name', { ['a'.repeat(257)]: text('x') }, 'Message (user) attribute names must be shorter than 256 Bytes'],
    [
      'a control character',
      { a: text('x\u0001') },
      "Invalid binary character '#x1' was found in the message attribute 'a' value.",
    ],
    [
      'ten others',
      Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`a${i}`, text('x')])),
      'Number of message attributes [11] exceeds the allowed maximum [10].',
    ],
  ])('with an attribute of %s', async (_, MessageAttributes, message) => {
    const input = { MessageAttributes, MessageBody: 'x', QueueUrl: await fresh() };
    expect(await sqs.refusal('SendMessage', input)).toEqual(['InvalidParameterValue', message]);
  });

  test('larger than its queue takes, attributes included, and not when it just fits', async () => {
    const QueueUrl = await fresh({ MaximumMessageSize: '1024' });
    const MessageAttributes = { k: text('v') }; // 1 + 6 + 1 bytes
    expect(await sqs.send(QueueUrl, 'é'.repeat(508), { MessageAttributes })).toHaveProperty('MessageId');
    const input = { MessageAttributes, MessageBody: `${'é'.repeat(508)}x`, QueueUrl };
    expect(await sqs.refusal('SendMessage', input)).toEqual([
      'InvalidParameterValue',
      'One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes.',
    ]);
    const whole = await fresh();
    expect(await sqs.send(whole, 'x'.repeat(1_048_576))).toHaveProperty('MessageId');
    expect((await sqs.refusal('SendMessage', { MessageBody: 'x'.repeat(1_048_577), QueueUrl: whole }))[1]).toContain(
      '1048576',
    );
  });

  test('where there is no room', async () => {
    const full = new TestEndpoint();
    await full.listen();
    try {
      full.queues.room = 1;
      const QueueUrl = await full.queue('full');
      const Entries = ['a', 'b'].map((Id) => ({ Id, MessageBody: Id }));
      const { body } = await full.json('SendMessageBatch', { Entries, QueueUrl });
      expect(body.Successful).toMatchObject([{ Id: 'a' }]);
      const Message = 'the queue holds 1 messages, and no more';
      expect(body.Failed).toEqual([{ Code: 'OverLimit', Id: 'b', Message, SenderFault: true }]);
      expect((await full.json('SendMessage', { MessageBody: 'c', QueueUrl })).status).toBe(403);
    } finally {
      await full.close();
    }
  });
});

describe('attributes of messages', () => {
  test('have the MD5 that clients compute', async () => {
    const QueueUrl = await fresh();
    // All recorded from the service.
    const three = { General: text('Kenobi'), 'Help.Me': text('Me'), Hello: text('There') };
    expect(await sqs.send(QueueUrl, 'msg', { MessageAttributes: three })).toMatchObject({
      MD5OfMessageAttributes: '4c360f3fdafd970e05fae2f149d997f5',
      MD5OfMessageBody: '6e2baaf3b97dbeef01c0043275f9a0e7',
    });
    expect(await sqs.send(QueueUrl, 'msg', { MessageAttributes: { Foo: text('Bar') } })).toMatchObject({
      MD5OfMessageAttributes: 'ae7155c6026991b6d54b11589678bf9c',
    });
    expect(await sqs.send(QueueUrl, 'msg', { MessageAttributes: { MyAttribute: text('foobar') } })).toMatchObject({
      MD5OfMessageAttributes: 'adb59cd4678ea5a855436b949cd07ab6',
    });
  });

  test('of every type come back as they went', async () => {
    const QueueUrl = await fresh();
    const MessageAttributes = {
      b: { BinaryValue: Buffer.from([0, 255, 1]).toString('base64'), DataType: 'Binary.jpeg' },
      n: text('-1.50e3', 'Number.custom'),
      s: text('ünï <&> 😀', 'String.x'),
    };
    await sqs.send(QueueUrl, 'x', { MessageAttributes });
    const [message] = await sqs.receive(QueueUrl, { MessageAttributeNames: ['.*'] });
    expect(message?.MessageAttributes).toEqual(MessageAttributes);
  });

  test('are shown by name, by prefix, or all; the MD5 is of what is shown', async () => {
    const QueueUrl = await fresh({ VisibilityTimeout: '0' });
    const all = { General: text('Kenobi'), 'Help.Me': text('Me'), Hello: text('There') };
    await sqs.send(QueueUrl, 'msg', { MessageAttributes: all });
    const shown = async (...MessageAttributeNames: string[]) =>
      (await sqs.receive(QueueUrl, { MessageAttributeNames }))[0];
    for (const every of ['All', '.*', '*']) {
      expect((await shown(every))?.MD5OfMessageAttributes).toBe('4c360f3fdafd970e05fae2f149d997f5');
    }
    expect(Object.keys((await shown('Foo', 'Hello'))?.MessageAttributes ?? {})).toEqual(['Hello']);
    expect(Object.keys((await shown('Hel.*'))?.MessageAttributes ?? {}).sort()).toEqual(['Hello', 'Help.Me']);
    for (const none of [[], ['Foo', 'Help'], ['AWS.'], ['..foo']]) {
      expect(await shown(...none)).not.toHaveProperty('MessageAttributes');
      expect(await shown(...none)).not.toHaveProperty('MD5OfMessageAttributes');
    }
  });

  test('may have letters with accents in their names', async () => {
    const QueueUrl = await fresh();
    await sqs.send(QueueUrl, 'x', { MessageAttributes: { 'attr.1øßä': text('y') } });
    const [message] = await sqs.receive(QueueUrl, { MessageAttributeNames: ['attr.*'] });
    expect(message?.MessageAttributes).toEqual({ 'attr.1øßä': text('y') });
  });

  test('of other senders are texts; what only looks like a note of types is passed over', async () => {
    const QueueUrl = await fresh();
    const headers = new Map([
      ['user', '7'],
      ['empty', ''],
      ['AWS.types', 'not JSON'],
    ]);
    await sqs.queues.send(`m${count}`, [{ body: 'from elsewhere', headers }]);
    const [message] = await sqs.receive(QueueUrl, { MessageAttributeNames: ['All'] });
    expect(message?.MessageAttributes).toEqual({ user: text('7') });
  });

  test('of the system tell who, when and how often', async () => {
    const QueueUrl = await fresh({ VisibilityTimeout: '0' });
    const trace = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1';
    const sent = await sqs.json('SendMessage', {
      MessageBody: 'x',
      MessageGroupId: 'fair',
      MessageSystemAttributes: { AWSTraceHeader: text(trace) },
      QueueUrl,
    });
    expect(sent.body).toHaveProperty('MD5OfMessageSystemAttributes', expect.stringMatching(/^[0-9a-f]{32}$/));
    await sqs.receive(QueueUrl);
    const [message] = await sqs.receive(QueueUrl, { AttributeNames: ['All'] });
    const stamp = expect.stringMatching(/^\d{13}$/);
    expect(message?.Attributes).toEqual({
      ApproximateFirstReceiveTimestamp: stamp,
      ApproximateReceiveCount: '2',
      AWSTraceHeader: trace,
      MessageGroupId: 'fair',
      SenderId: '000000000000',
      SentTimestamp: stamp,
    });
    const [other] = await sqs.receive(QueueUrl, { MessageSystemAttributeNames: ['SenderId'] });
    expect(other?.Attributes).toEqual({ SenderId: '000000000000' });
    expect((await sqs.refusal('ReceiveMessage', { AttributeNames: ['Nonsense'], QueueUrl }))[0]).toBe(
      'InvalidAttributeName',
    );
  });
});

describe('a batch', () => {
  const entries = (ids: readonly string[]) => ids.map((Id) => ({ Id, MessageBody: `body ${Id}`, ReceiptHandle: 'x' }));
  const ID_RULE =
    'A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.';
  const kinds = ['SendMessageBatch', 'DeleteMessageBatch', 'ChangeMessageVisibilityBatch'];
  const table = kinds.flatMap(
    (action) =>
      [
        [action, [], 'EmptyBatchRequest', `There should be at least one ${action}RequestEntry in the request.`],
        [
          action,
          Array.from({ length: 11 }, (_, i) => `${i}`),
          'TooManyEntriesInBatchRequest',
          'Maximum number of entries per request are 10. You have sent 11.',
        ],
        [action, ['a', 'b', 'b', 'a'], 'BatchEntryIdsNotDistinct', 'Id b repeated.'],
        [action, ['invalid:id'], 'InvalidBatchEntryId', ID_RULE],
        [action, [''], 'InvalidBatchEntryId', ID_RULE],
        [action, ['x'.repeat(81)], 'InvalidBatchEntryId', ID_RULE],
      ] as const,
  );
  test.each(table)('%s of %j is refused', async (action, ids, code, message) => {
    const refused = await sqs.refusal(action, { Entries: entries(ids), QueueUrl: await fresh() });
    expect(refused).toEqual([`AWS.SimpleQueueService.${code}`, message]);
  });

  test('is refused as a whole where it is too long', async () => {
    const Entries = [
      { Id: '1', MessageAttributes: { k: text('x'.repeat(1_024)) }, MessageBody: 'a'.repeat(1_048_576 - 1_031) },
      { Id: '2', MessageBody: 'a' },
    ];
    expect(await sqs.refusal('SendMessageBatch', { Entries, QueueUrl: await fresh() })).toEqual([
      'AWS.SimpleQueueService.BatchRequestTooLong',
      'Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes.',
    ]);
  });

  test('is taken in part where some of it is not valid', async () => {
    const QueueUrl = await fresh({ MaximumMessageSize: '1024' });
    const Entries = [
      { Id: 'large', MessageBody: 'x'.repeat(1_025) },
      { Id: 'good', MessageBody: 'x' },
      { Id: 'odd', MessageBody: '\u0000' },
    ];
    const { body } = await sqs.json('SendMessageBatch', { Entries, QueueUrl });
    expect(body.Successful).toEqual([
      { Id: 'good', MD5OfMessageBody: hash('md5', 'x'), MessageId: expect.any(String) },
    ]);
    const Message = 'One or more parameters cannot be validated. Reason: Message must be shorter than 1024 bytes.';
    expect(body.Failed).toMatchObject([
      { Code: 'InvalidParameterValue', Id: 'large', Message, SenderFault: true },
      { Code: 'InvalidMessageContents', Id: 'odd', SenderFault: true },
    ]);
    expect(bodies(await sqs.receive(QueueUrl))).toEqual(['x']);
  });

  test('of receipts is done one by one', async () => {
    const QueueUrl = await fresh();
    await sqs.json('SendMessageBatch', { Entries: entries(['a', 'b']), QueueUrl });
    const [one, two] = (await sqs.receive(QueueUrl)).map(({ ReceiptHandle }) => ReceiptHandle);
    const changed = await sqs.json('ChangeMessageVisibilityBatch', {
      Entries: [
        { Id: '1', ReceiptHandle: one, VisibilityTimeout: 0 },
        { Id: '2', ReceiptHandle: two, VisibilityTimeout: 43_201 },
        { Id: '3', ReceiptHandle: 'nonsense', VisibilityTimeout: 1 },
      ],
      QueueUrl,
    });
    expect(changed.body.Successful).toEqual([{ Id: '1' }]);
    expect(changed.body.Failed).toMatchObject([
      { Code: 'InvalidParameterValue', Id: '2' },
      {
        Code: 'ReceiptHandleIsInvalid',
        Id: '3',
        Message: 'The input receipt handle "nonsense" is not a valid receipt handle.',
      },
    ]);
    const Entries = [two, two, 'nonsense'].map((ReceiptHandle, at) => ({ Id: `${at}`, ReceiptHandle }));
    const { body } = await sqs.json('DeleteMessageBatch', { Entries, QueueUrl });
    expect(body.Successful).toEqual([{ Id: '0' }, { Id: '1' }]);
    expect(body.Failed).toMatchObject([{ Code: 'ReceiptHandleIsInvalid', Id: '2', SenderFault: true }]);
    expect(bodies(await sqs.receive(QueueUrl))).toEqual(['body a']);
  });
});
