/** The two protocols of SQS, byte by byte where clients depend on it. Recorded answers are those of the service. */
import { hash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestEndpoint } from './client.ts';

let sqs: TestEndpoint;
beforeAll(() => {
  sqs = new TestEndpoint();
  return sqs.listen();
});
afterAll(() => sqs.close());

const NS = 'xmlns="http://queue.amazonaws.com/doc/2012-11-05/"';
const ID = '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}';
/** The text with every id as `ID`. */
const withoutIds = (text: string) => text.replace(new RegExp(ID, 'g'), 'ID');

describe('over JSON', () => {
  test('a queue is made, and its URL is that of whoever asks', async () => {
    const { body, headers, status } = await sqs.json('CreateQueue', { QueueName: 'json-1' });
    expect({ body, status }).toEqual({ body: { QueueUrl: `${sqs.url}/000000000000/json-1` }, status: 200 });
    expect(headers['content-type']).toBe('application/x-amz-json-1.0');
    expect(headers['x-amzn-requestid']).toMatch(new RegExp(`^${ID}$`));
    const other = await sqs.json('GetQueueUrl', { QueueName: 'json-1' }, { host: 'localhost:99' });
    expect(other.body.QueueUrl).toBe('http://localhost:99/000000000000/json-1');
  });

  test('an unknown queue is refused in the words of the service', async () => {
    const { body, headers, status } = await sqs.json('GetQueueUrl', { QueueName: 'nobody' });
    expect(status).toBe(400);
    expect(headers['x-amzn-query-error']).toBe('AWS.SimpleQueueService.NonExistentQueue;Sender');
    const message = 'The specified queue does not exist.';
    expect(body).toEqual({ __type: 'com.amazonaws.sqs#QueueDoesNotExist', message });
  });

  test('a message comes back as it went, with its MD5', async () => {
    const QueueUrl = await sqs.queue('json-2');
    const MessageAttributes = {
      attr1: {
        BinaryValue: Buffer.from('traceparent\x1e00-774062d6c37081a5a0b9b5b88e30627c-2d2482211f6489da-01').toString(
          'base64',
        ),
        DataType: 'Binary',
      },
    };
    const sent = await sqs.json('SendMessage', { MessageAttributes, MessageBody: 'test', QueueUrl });
    expect(sent.body).toEqual({
      MD5OfMessageAttributes: '8cbe4db156db8a94db8b801b7addb984',
      MD5OfMessageBody: '098f6bcd4621d373cade4e832627b4f6',
      MessageId: expect.stringMatching(ID),
    });
    const { body } = await sqs.json('ReceiveMessage', { MessageAttributeNames: ['All'], QueueUrl });
    expect(body).toEqual({
      Messages: [
        {
          Body: 'test',
          MD5OfBody: '098f6bcd4621d373cade4e832627b4f6',
          MD5OfMessageAttributes: '8cbe4db156db8a94db8b801b7addb984',
          MessageAttributes,
          MessageId: sent.body.MessageId,
          ReceiptHandle: expect.any(String),
        },
      ],
    });
  });

  test('an action without a result has an empty body, and an empty result is an empty object', async () => {
    const QueueUrl = await sqs.queue('json-3');
    const headers = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'AmazonSQS.PurgeQueue' };
    expect(await sqs.bare({ body: JSON.stringify({ QueueUrl }), headers })).toMatchObject({ status: 200, text: '' });
    const received = await sqs.bare({
      body: JSON.stringify({ QueueUrl }),
      headers: { ...headers, 'x-amz-target': 'AmazonSQS.ReceiveMessage' },
    });
    expect(received).toMatchObject({ status: 200, text: '{}' });
  });

  test.each([
    ['no JSON', '{', 'SerializationException', 400],
    ['a list', '[]', 'SerializationException', 400],
    ['a number for a text', '{"QueueName":1}', 'SerializationException', 400],
    ['nothing that is required', '{}', 'MissingRequiredParameterException', 400],
    ['null for what is required', '{"QueueName":null}', 'MissingRequiredParameterException', 400],
  ])('%s is refused', async (_, body, type, status) => {
    const headers = { 'x-amz-target': 'AmazonSQS.CreateQueue' };
    const answer = await sqs.bare({ body, headers });
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text).__type).toBe(`com.amazon.coral.service#${type}`);
  });

  test('bytes that are no text are refused, and so is an unknown action', async () => {
    const headers = { 'x-amz-target': 'AmazonSQS.CreateQueue' };
    const odd = await sqs.bare({ body: Uint8Array.of(0xc3, 0x28), headers });
    expect(JSON.parse(odd.text).__type).toBe('com.amazon.coral.service#SerializationException');
    const unknown = await sqs.json('Nonsense', {});
    expect(unknown.status).toBe(400);
    expect(unknown.headers['x-amzn-query-error']).toBe('InvalidAction;Sender');
  });

  test('a body that is too large is refused while it is still on its way', async () => {
    const answer = await sqs.bare({
      body: new Uint8Array(9 * 2 ** 20),
      headers: { 'x-amz-target': 'AmazonSQS.SendMessage' },
    });
    expect(answer.status).toBe(413);
  });

  test('names of an object’s own kind are fields like others', async () => {
    const { body } = await sqs.json('SetQueueAttributes', {
      Attributes: JSON.parse('{"__proto__":"1","constructor":"2"}'),
      QueueUrl: await sqs.queue('json-4'),
    });
    expect(body.message).toBe('Unknown Attribute __proto__.');
  });
});

describe('over forms and XML', () => {
  test('a queue is made with its attributes and tags', async () => {
    const answer = await sqs.query('CreateQueue', {
      'Attribute.1.Name': 'DelaySeconds',
      'Attribute.1.Value': '5',
      'Attribute.2.Name': 'VisibilityTimeout',
      'Attribute.2.Value': '7',
      QueueName: 'xml-1',
      'Tag.1.Key': 'team',
      'Tag.1.Value': 'a & b',
    });
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('text/xml');
    const result = `<CreateQueueResult><QueueUrl>${sqs.url}/000000000000/xml-1</QueueUrl></CreateQueueResult>`;
    const metadata = '<ResponseMetadata><RequestId>ID</RequestId></ResponseMetadata>';
    const whole = `<?xml version="1.0"?><CreateQueueResponse ${NS}>${result}${metadata}</CreateQueueResponse>`;
    expect(withoutIds(answer.text)).toBe(whole);
    const path = '/000000000000/xml-1';
    const attributes = await sqs.query('GetQueueAttributes', { 'AttributeName.1': 'DelaySeconds' }, path);
    expect(attributes.text).toContain('<Attribute><Name>DelaySeconds</Name><Value>5</Value></Attribute></GetQueueAttr');
    const tags = await sqs.query('ListQueueTags', {}, path);
    expect(tags.text).toContain('<Tag><Key>team</Key><Value>a &amp; b</Value></Tag>');
  });

  test('has lists of one thing without a number, too', async () => {
    const QueueUrl = await sqs.queue('unnumbered');
    await sqs.query('SetQueueAttributes', { 'Attribute.Name': 'DelaySeconds', 'Attribute.Value': '9', QueueUrl });
    expect(await sqs.attributes(QueueUrl, 'DelaySeconds')).toEqual({ DelaySeconds: '9' });
    const entry = 'SendMessageBatchRequestEntry';
    const sent = await sqs.query('SendMessageBatch', { [`${entry}.Id`]: 'a', [`${entry}.MessageBody`]: 'x', QueueUrl });
    expect(sent.text).toContain('<SendMessageBatchResultEntry><Id>a</Id>');
    const refused = await sqs.query('SetQueueAttributes', { 'Attribute.Name': 'DelaySeconds', QueueUrl });
    expect(refused.text).toContain('The request must contain the parameter Attribute.1.Value');
  });

  test('is answered in JSON to who asks for that', async () => {
    const QueueUrl = await sqs.queue('asked-in-json');
    const get = async (Action: string, more: Readonly<Record<string, string>>, accept = 'application/json, */*') => {
      const path = `/?${new URLSearchParams({ Action, QueueUrl, ...more })}`;
      const { headers, status, text } = await sqs.bare({ headers: { accept }, method: 'GET', path });
      return [status, headers['content-type'], text.startsWith('{') ? JSON.parse(text) : text];
    };
    const ResponseMetadata = { RequestId: expect.stringMatching(/^[0-9a-f-]{36}$/) };
    const body = 'a\r"<&>';
    const [, type, sent] = await get('SendMessage', { MessageBody: body });
    const { MessageId, ...rest } = sent.SendMessageResponse.SendMessageResult;
    expect([type, sent.SendMessageResponse.ResponseMetadata]).toEqual(['application/json', ResponseMetadata]);
    expect(rest).toMatchObject({ MD5OfMessageAttributes: null, SequenceNumber: null });
    const [, , received] = await get('ReceiveMessage', { 'AttributeName.1': 'SenderId', VisibilityTimeout: '0' });
    expect(received).toMatchObject({
      ReceiveMessageResponse: {
        ReceiveMessageResult: {
          messages: [{ Attributes: [{ Name: 'SenderId', Value: '000000000000' }], Body: body, MessageId }],
        },
      },
    });
    const [, , listed] = await get('ListQueues', { QueueNamePrefix: 'asked-in' });
    expect(listed).toEqual({
      ListQueuesResponse: { ListQueuesResult: { nextToken: null, queueUrls: [QueueUrl] }, ResponseMetadata },
    });
    expect(await get('DeleteQueue', { QueueUrl: `${QueueUrl}-not` })).toMatchObject([
      400,
      'application/json',
      { Error: { Code: 'AWS.SimpleQueueService.NonExistentQueue', Type: 'Sender' } },
    ]);
    expect(await get('PurgeQueue', {})).toMatchObject([
      200,
      'application/json',
      { PurgeQueueResponse: { ResponseMetadata } },
    ]);
    expect(await get('ListQueues', {}, '*/*')).toMatchObject([200, 'text/xml', expect.stringContaining('<?xml')]);
  });

  test('an error has its code, its type and its words', async () => {
    const answer = await sqs.query('SendMessage', { MessageBody: 'x' }, '/000000000000/nobody');
    expect(answer.status).toBe(400);
    const says = 'The specified queue does not exist for this wsdl version.';
    const code = 'AWS.SimpleQueueService.NonExistentQueue';
    const error = `<Error><Type>Sender</Type><Code>${code}</Code><Message>${says}</Message><Detail/></Error>`;
    const whole = `<?xml version="1.0"?><ErrorResponse ${NS}>${error}<RequestId>ID</RequestId></ErrorResponse>`;
    expect(withoutIds(answer.text)).toBe(whole);
  });

  test('an action without a result has its metadata only', async () => {
    await sqs.queue('xml-2');
    const answer = await sqs.query('PurgeQueue', {}, '/000000000000/xml-2');
    const metadata = '<ResponseMetadata><RequestId>ID</RequestId></ResponseMetadata>';
    const whole = `<?xml version="1.0"?><PurgeQueueResponse ${NS}>${metadata}</PurgeQueueResponse>`;
    expect(withoutIds(answer.text)).toBe(whole);
  });

  test('batches and attributes are flattened on the way in and out', async () => {
    const QueueUrl = await sqs.queue('xml-3');
    const entry = 'SendMessageBatchRequestEntry';
    const sent = await sqs.query('SendMessageBatch', {
      QueueUrl,
      [`${entry}.1.Id`]: 'one',
      [`${entry}.1.MessageBody`]: 'first',
      [`${entry}.1.MessageAttribute.1.Name`]: 'MyAttribute',
      [`${entry}.1.MessageAttribute.1.Value.DataType`]: 'String',
      [`${entry}.1.MessageAttribute.1.Value.StringValue`]: 'foobar',
      [`${entry}.10.Id`]: 'two',
      [`${entry}.10.MessageBody`]: 'second',
      [`${entry}.10.DelaySeconds`]: '901',
    });
    expect(sent.text).toContain('<Id>one</Id><MD5OfMessageBody>8b04d5e3775d298e78455efc5ca404d5</MD5OfMessageBody>');
    expect(sent.text).toContain('<MD5OfMessageAttributes>adb59cd4678ea5a855436b949cd07ab6</MD5OfMessageAttributes>');
    expect(sent.text).toContain('<BatchResultErrorEntry><Code>InvalidParameterValue</Code><Id>two</Id>');
    expect(sent.text).toContain('<SenderFault>true</SenderFault>');
    const received = await sqs.query('ReceiveMessage', {
      'AttributeName.1': 'ApproximateReceiveCount',
      'MessageAttributeName.1': 'My.*',
      QueueUrl,
    });
    expect(received.text).toContain('<Body>first</Body>');
    expect(received.text).toContain('<Attribute><Name>ApproximateReceiveCount</Name><Value>1</Value></Attribute>');
    const value = '<Value><StringValue>foobar</StringValue><DataType>String</DataType></Value>';
    expect(received.text).toContain(`<MessageAttribute><Name>MyAttribute</Name>${value}</MessageAttribute>`);
  });

  test('bodies keep every character; what XML cannot write is replaced, and counted in the MD5', async () => {
    const QueueUrl = await sqs.queue('xml-4');
    await sqs.query('SendMessage', { MessageBody: '<a b="c">&\r\n\t😀é]]></a>', QueueUrl });
    const { text } = await sqs.query('ReceiveMessage', { QueueUrl });
    const body = '&lt;a b=&quot;c&quot;&gt;&amp;&#xD;&#xA;&#x9;😀é]]&gt;&lt;/a&gt;';
    expect(text).toContain(`<Body>${body}</Body>`);
    await sqs.queues.send('xml-4', [{ body: 'a\u0000\ud800b', headers: new Map() }]);
    const odd = await sqs.query('ReceiveMessage', { QueueUrl });
    expect(odd.text).toContain('<Body>a\ufffd\ufffdb</Body>');
    expect(odd.text).toContain(`<MD5OfBody>${hash('md5', 'a\ufffd\ufffdb')}</MD5OfBody>`);
  });

  test('an action can be asked by GET, and must be named', async () => {
    const listed = await sqs.bare({
      method: 'GET',
      path: '/?Action=ListQueues&QueueNamePrefix=xml-1&Version=2012-11-05',
    });
    expect(listed.text).toContain(`<QueueUrl>${sqs.url}/000000000000/xml-1</QueueUrl>`);
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    expect((await sqs.bare({ body: 'Version=2012-11-05', headers })).text).toContain('<Code>MissingAction</Code>');
    expect((await sqs.query('Nonsense', {})).text).toContain('<Code>InvalidAction</Code>');
  });

  test('clients from before the JSON protocol name their action as a target, too, and are answered in XML', async () => {
    await sqs.queue('old-target');
    const headers = {
      'content-type': 'application/x-www-form-urlencoded;charset=utf-8',
      'x-amz-target': 'AmazonSQSv20121105.ListQueues',
    };
    const answer = await sqs.bare({ body: 'Action=ListQueues&QueueNamePrefix=old-', headers });
    expect(answer.headers['content-type']).toBe('text/xml');
    expect(answer.text).toContain(`<QueueUrl>${sqs.url}/000000000000/old-target</QueueUrl>`);
    const json = { ...headers, 'x-amz-target': 'AmazonSQS.ListQueues' };
    const { text } = await sqs.bare({ body: '{"QueueNamePrefix":"old-"}', headers: json });
    expect(JSON.parse(text)).toEqual({ QueueUrls: [`${sqs.url}/000000000000/old-target`] });
  });

  test('a queue has the path of its URL, and the one that it has in emulators without accounts', async () => {
    await sqs.queue('at-path');
    for (const path of ['/000000000000/at-path', '/000000000000/at-path/', '/queue/at-path']) {
      const { text } = await sqs.query('SendMessage', { MessageBody: path }, path);
      expect(text).toContain(`<MD5OfMessageBody>${hash('md5', path)}</MD5OfMessageBody>`);
      const { body } = await sqs.json('ReceiveMessage', { QueueUrl: `http://elsewhere.example:9324${path}` });
      expect(body.Messages).toMatchObject([{ Body: path }]);
    }
    const foreign = await sqs.query('SendMessage', { MessageBody: 'x' }, '/123456789012/at-path');
    expect(foreign.text).toContain('<Code>AWS.SimpleQueueService.NonExistentQueue</Code>');
  });

  test('an endpoint that ends with the account is one, too, and names no queue', async () => {
    const headers = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'AmazonSQS.SendMessage' };
    const body = JSON.stringify({ MessageBody: 'x', QueueUrl: await sqs.queue('below-account') });
    for (const path of ['/000000000000', '/000000000000/']) {
      expect((await sqs.bare({ body, headers, path })).status).toBe(200);
      const unnamed = await sqs.query('SendMessage', { MessageBody: 'x' }, path);
      expect(unnamed.text).toContain('<Message>The request must contain the parameter QueueUrl.</Message>');
    }
  });

  test('a client of this machine that leaves out the port is given URLs with it', async () => {
    const { body } = await sqs.json('CreateQueue', { QueueName: 'no-port' }, { host: 'localhost' });
    expect(body.QueueUrl).toBe(`http://localhost:${new URL(sqs.url).port}/000000000000/no-port`);
    const elsewhere = await sqs.json('GetQueueUrl', { QueueName: 'no-port' }, { host: 'sqs.example.com' });
    expect(elsewhere.body.QueueUrl).toBe('http://sqs.example.com/000000000000/no-port');
  });

  test.each([
    ['a number that is none', { DelaySeconds: 'soon', MessageBody: 'x' }, 'InvalidParameterValue'],
    ['a name without a value', { 'MessageAttribute.1.Name': 'a', MessageBody: 'x' }, 'MissingParameter'],
    ['a value without a name', { 'MessageAttribute.1.Value.DataType': 'a', MessageBody: 'x' }, 'MissingParameter'],
    ['nothing', {}, 'MissingParameter'],
  ])('a message with %s is refused', async (_, input, code) => {
    const QueueUrl = await sqs.queue('xml-5');
    const answer = await sqs.query('SendMessage', { ...(input as Record<string, string>), QueueUrl });
    expect(answer.text).toContain(`<Code>${code}</Code>`);
  });
});

describe('the door', () => {
  test('other requests are not for this endpoint', async () => {
    for (const asked of [
      { method: 'GET', path: '/' },
      { method: 'GET', path: '/health?Action=ListQueues' },
      { headers: { 'content-type': 'application/json' }, path: '/' },
      { headers: { 'x-amz-target': 'AmazonSQS.ListQueues' }, path: '/v1/call/x' },
      { headers: { 'x-amz-target': 'AmazonSQS.ListQueues' }, path: '/queue/a/b' },
    ]) {
      expect((await sqs.bare(asked)).status).toBe(404);
    }
  });

  test('pages of other sites are refused where nobody has to sign', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'cross-site' };
    const answer = await sqs.bare({ body: 'Action=ListQueues', headers });
    expect(answer.status).toBe(403);
    expect(answer.text).toContain('<Code>AccessDenied</Code>');
  });

  test('a node with a cluster key wants access keys', async () => {
    const locked = new TestEndpoint({ locked: true });
    await locked.listen();
    try {
      const { body, status } = await locked.json('ListQueues', {});
      expect(status).toBe(403);
      expect(body.message).toContain('--sqs-key');
    } finally {
      await locked.close();
    }
  });

  test('what is no refusal is the service’s fault, and is logged', async () => {
    const broken = new TestEndpoint();
    await broken.listen();
    try {
      broken.queues.list = () => Promise.reject(new TypeError('a bug'));
      const { body, headers, status } = await broken.json('ListQueues', {});
      expect(status).toBe(500);
      expect(headers['x-amzn-query-error']).toBe('InternalFailure;Receiver');
      expect(body.message).toBe('a bug');
      expect(broken.logged).toEqual([expect.stringContaining('TypeError: a bug')]);
    } finally {
      await broken.close();
    }
  });
});
