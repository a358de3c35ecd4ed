/**
 * Real clients of Amazon SQS against a real node: the SDK for JavaScript and a consumer built on it over JSON, boto3 and the
 * AWS command line as Debian has them over forms and XML. What they send is received by `mpreg`, and the other way round.
 */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { fileURLToPath } from 'node:url';
import * as aws from '@aws-sdk/client-sqs';
import { Consumer } from 'sqs-consumer';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connect } from '../../src/engine/index.ts';
import { BUILT, ended, type RunningNode, World } from '../cli/mpreg.ts';
import { certificates } from './certificates.ts';
import { until } from './until.ts';

let world: World;
let sqs: aws.SQSClient;
const clients: aws.SQSClient[] = [];

beforeEach(() => {
  world = new World(BUILT);
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await world.close();
});

const httpOf = ({ url }: RunningNode) => url.replace(/^ws/, 'http');

/** `port`: of a former life. */
async function start(args: readonly string[] = [], port = 0): Promise<RunningNode> {
  const node = await world.node(['--name', 'alpha', '--data-dir', world.path('alpha'), '--port', `${port}`, ...args]);
  sqs = clientOf(node);
  return node;
}

function clientOf(node: RunningNode, accessKeyId = 'test', secretAccessKey = 'test', more: aws.SQSClientConfig = {}) {
  const credentials = { accessKeyId, secretAccessKey };
  const endpoint = httpOf(node);
  const client = new aws.SQSClient({ credentials, endpoint, maxAttempts: 3, region: 'eu-west-1', ...more });
  clients.push(client);
  return client;
}

async function queue(QueueName: string, Attributes: Record<string, string> = {}): Promise<string> {
  const { QueueUrl } = await sqs.send(new aws.CreateQueueCommand({ Attributes, QueueName }));
  if (QueueUrl === undefined) throw new Error('a queue without a URL');
  return QueueUrl;
}

const send = (QueueUrl: string, MessageBody: string, more: Partial<aws.SendMessageCommandInput> = {}) =>
  sqs.send(new aws.SendMessageCommand({ MessageBody, QueueUrl, ...more }));
const receive = async (QueueUrl: string, more: Partial<aws.ReceiveMessageCommandInput> = {}) =>
  (await sqs.send(new aws.ReceiveMessageCommand({ MaxNumberOfMessages: 10, QueueUrl, ...more }))).Messages ?? [];
const remove = (QueueUrl: string, { ReceiptHandle }: aws.Message) =>
  sqs.send(new aws.DeleteMessageCommand({ QueueUrl, ReceiptHandle }));

describe('the SDK for JavaScript', () => {
  test('comes over TLS, as long as it trusts who signed the certificate', async () => {
    const { ca, cert, key } = certificates(world.folder);
    writeFileSync(world.path('secret'), 'a secret of the test', { mode: 0o600 });
    const node = await start(['--tls-cert', cert, '--tls-key', key, '--sqs-key', `orders=${world.path('secret')}`]);
    const stranger = clientOf(node, 'orders', 'a secret of the test', { maxAttempts: 1 });
    await expect(stranger.send(new aws.ListQueuesCommand({}))).rejects.toThrow(/certificate/);
    const requestHandler = { httpsAgent: new Agent({ ca: readFileSync(ca), keepAlive: true }) };
    sqs = clientOf(node, 'orders', 'another secret', { requestHandler });
    await expect(sqs.send(new aws.ListQueuesCommand({}))).rejects.toThrow(/signature/);
    sqs = clientOf(node, 'orders', 'a secret of the test', { requestHandler });
    const url = await queue('safe');
    expect(url).toBe(`${httpOf(node)}/000000000000/safe`);
    expect(url).toMatch(/^https:/);
    await send(url, 'over TLS');
    const [message] = await receive(url, { WaitTimeSeconds: 5 });
    expect(message?.Body).toBe('over TLS');
    await remove(url, message as aws.Message);
    expect(await receive(url)).toEqual([]);
  });

  test('sends, receives, prolongs and deletes; errors come as its own classes', async () => {
    await start();
    const url = await queue('jobs', { VisibilityTimeout: '5' });
    const MessageAttributes = {
      kind: { DataType: 'String', StringValue: 'ünï <&>' },
      picture: { BinaryValue: Uint8Array.of(0, 255, 1), DataType: 'Binary.png' },
      size: { DataType: 'Number.int', StringValue: '12' },
    };
    const sent = await send(url, 'one 😀', { MessageAttributes });
    expect(sent.MD5OfMessageAttributes).toMatch(/^[0-9a-f]{32}$/);
    const [message] = await receive(url, {
      MessageAttributeNames: ['All'],
      MessageSystemAttributeNames: ['All'],
      WaitTimeSeconds: 5,
    });
    expect(message).toMatchObject({
      Attributes: { ApproximateReceiveCount: '1', SenderId: '000000000000' },
      Body: 'one 😀',
      MD5OfMessageAttributes: sent.MD5OfMessageAttributes,
      MessageAttributes,
      MessageId: sent.MessageId,
    });
    const { ReceiptHandle } = message ?? {};
    await sqs.send(new aws.ChangeMessageVisibilityCommand({ QueueUrl: url, ReceiptHandle, VisibilityTimeout: 0 }));
    const [again] = await receive(url, { WaitTimeSeconds: 5 });
    expect(again?.MessageId).toBe(sent.MessageId);
    await remove(url, again ?? {});
    await expect(remove(url, { ReceiptHandle: 'nonsense' })).rejects.toBeInstanceOf(aws.ReceiptHandleIsInvalid);
    const missing = sqs.send(new aws.GetQueueUrlCommand({ QueueName: 'nobody' }));
    await expect(missing).rejects.toBeInstanceOf(aws.QueueDoesNotExist);
    const other = sqs.send(new aws.CreateQueueCommand({ Attributes: { DelaySeconds: '9' }, QueueName: 'jobs' }));
    await expect(other).rejects.toBeInstanceOf(aws.QueueNameExists);
    await expect(send(url, '\u0000')).rejects.toBeInstanceOf(aws.InvalidMessageContents);
  });

  test('keeps fifo order within groups, and tells duplicates', async () => {
    await start();
    const url = await queue('orders.fifo', { ContentBasedDeduplication: 'true', FifoQueue: 'true' });
    const first = await send(url, 'a1', { MessageGroupId: 'a' });
    expect(await send(url, 'a1', { MessageGroupId: 'a' })).toMatchObject({
      MessageId: first.MessageId,
      SequenceNumber: first.SequenceNumber,
    });
    for (const [body, MessageGroupId] of [
      ['a2', 'a'],
      ['b1', 'b'],
      ['a3', 'a'],
    ] as const) {
      await send(url, body, { MessageGroupId });
    }
    const [one] = await receive(url, { MaxNumberOfMessages: 1, WaitTimeSeconds: 5 });
    expect(one?.Body).toBe('a1');
    const others = await receive(url, { WaitTimeSeconds: 5 });
    expect(others.map(({ Body }) => Body)).toEqual(['b1']);
    await remove(url, one ?? {});
    const rest = await receive(url, { WaitTimeSeconds: 5 });
    expect(rest.map(({ Body }) => Body)).toEqual(['a2', 'a3']);
    expect((await send(url, 'a1', { MessageGroupId: 'a' })).MessageId).toBe(first.MessageId);
  });

  test('buries what is received too often, and brings it back', async () => {
    await start();
    const dead = await queue('dead');
    const deadArn = 'arn:aws:sqs:eu-west-1:000000000000:dead';
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: deadArn, maxReceiveCount: 2 });
    const source = await queue('source', { RedrivePolicy, VisibilityTimeout: '1' });
    const sent = await send(source, 'poison');
    const found = async () => {
      await receive(source);
      return receive(dead, { MessageSystemAttributeNames: ['All'], VisibilityTimeout: 1 });
    };
    let letters: aws.Message[] = [];
    await until(
      'it is buried',
      async () => (letters = await found()),
      (messages) => messages.length > 0,
    );
    expect(letters[0]).toMatchObject({
      Attributes: { DeadLetterQueueSourceArn: 'arn:aws:sqs:eu-west-1:000000000000:source' },
      Body: 'poison',
      MessageId: sent.MessageId,
    });
    const waiting = async () => {
      const AttributeNames = ['ApproximateNumberOfMessages' as const];
      const { Attributes } = await sqs.send(new aws.GetQueueAttributesCommand({ AttributeNames, QueueUrl: dead }));
      return Attributes?.['ApproximateNumberOfMessages'];
    };
    await until('its lease is over', waiting, (count) => count === '1');
    await sqs.send(new aws.StartMessageMoveTaskCommand({ SourceArn: deadArn }));
    const status = async () =>
      (await sqs.send(new aws.ListMessageMoveTasksCommand({ SourceArn: deadArn }))).Results?.[0]?.Status;
    await until('it is moved', status, (state) => state === 'COMPLETED');
    const [back] = await receive(source, { WaitTimeSeconds: 5 });
    expect(back?.Body).toBe('poison');
  });

  test('must sign where there are access keys', async () => {
    writeFileSync(world.path('secret'), 'a secret of the test\n', { mode: 0o600 });
    const node = await start(['--sqs-key', `orders=${world.path('secret')}`]);
    await expect(queue('jobs')).rejects.toMatchObject({ name: 'InvalidClientTokenId' });
    sqs = clientOf(node, 'orders', 'another secret');
    await expect(queue('jobs')).rejects.toMatchObject({ name: 'SignatureDoesNotMatch' });
    sqs = clientOf(node, 'orders', 'a secret of the test');
    expect(await queue('jobs')).toBe(`${httpOf(node)}/000000000000/jobs`);
  });
});

describe('what was sent over SQS', () => {
  test('is still there after the node was killed', async () => {
    const node = await start();
    const url = await queue('kept', { VisibilityTimeout: '1' });
    const Entries = Array.from({ length: 10 }, (_, at) => ({ Id: `${at}`, MessageBody: `body ${at}` }));
    const { Successful } = await sqs.send(new aws.SendMessageBatchCommand({ Entries, QueueUrl: url }));
    const [gone] = await receive(url, { MaxNumberOfMessages: 1 });
    await remove(url, gone ?? {});
    node.child.kill('SIGKILL');
    await node.ended;
    await start([], Number(new URL(node.url).port));
    const ids = new Set<string | undefined>();
    const all = async () => {
      for (const message of await receive(url, { WaitTimeSeconds: 1 })) {
        ids.add(message.MessageId);
        await remove(url, message);
      }
      return ids.size;
    };
    await until('all are there', all, (count) => count === 9);
    expect([...ids].sort()).toEqual(
      (Successful ?? [])
        .map(({ MessageId }) => MessageId)
        .filter((id) => id !== gone?.MessageId)
        .sort(),
    );
    expect(await receive(url)).toEqual([]);
  });

  test('is received by others, and the other way round', async () => {
    const node = await start();
    const url = await queue('shared');
    await send(url, 'from SQS', { MessageAttributes: { user: { DataType: 'String', StringValue: '7' } } });
    const client = await connect({ urls: [node.url] });
    try {
      const [message] = await client.queue('shared').receive({ waitMs: 5_000 });
      expect(message).toMatchObject({ body: 'from SQS', headers: { user: '7' } });
      await message?.ack();
      await client.queue('shared').send({ order: 12 }, { headers: { user: '8' } });
    } finally {
      await client.close();
    }
    const [received] = await receive(url, { MessageAttributeNames: ['All'], WaitTimeSeconds: 5 });
    expect(received).toMatchObject({
      Body: '{"order":12}',
      MessageAttributes: { user: { DataType: 'String', StringValue: '8' } },
    });
  });
});

test('a queue on another node than the endpoint is used as one that is there, and refused while its node is away', async () => {
  const alpha = await start(['--no-discover']);
  const there = ['--no-discover', '--name', 'beta', '--data-dir', world.path('beta'), '--peer', alpha.url];
  const beta = await world.node(there);
  const owner = await connect({ urls: [beta.url] });
  await owner.queue('far').create({ maxReceives: null, place: 'beta' });
  await owner.close();
  // Why not by listing: that asks all nodes, and where a queue is alpha learns from beta's record, which may come a moment later.
  let QueueUrl = '';
  const ask = async () => {
    QueueUrl =
      (await sqs.send(new aws.GetQueueUrlCommand({ QueueName: 'far' })).catch(() => ({ QueueUrl: '' }))).QueueUrl ?? '';
    return QueueUrl;
  };
  await until('alpha knows of it', ask, (url) => url !== '');
  const listed = (await sqs.send(new aws.ListQueuesCommand({}))).QueueUrls ?? [];
  expect(listed).toContain(QueueUrl);
  const Entries = ['a', 'b', 'c'].map((MessageBody, i) => ({ Id: `${i}`, MessageBody }));
  const { Successful = [] } = await sqs.send(new aws.SendMessageBatchCommand({ Entries, QueueUrl }));
  expect(Successful.map(({ Id }) => Id)).toEqual(['0', '1', '2']);
  const messages = await receive(QueueUrl, { VisibilityTimeout: 60, WaitTimeSeconds: 5 });
  expect(messages.map(({ Body }) => Body)).toEqual(['a', 'b', 'c']);
  const [first, second, third] = messages as [aws.Message, aws.Message, aws.Message];
  await remove(QueueUrl, first);
  const again = { QueueUrl, ReceiptHandle: second.ReceiptHandle, VisibilityTimeout: 0 };
  await sqs.send(new aws.ChangeMessageVisibilityCommand(again));
  expect((await receive(QueueUrl, { WaitTimeSeconds: 5 })).map(({ Body }) => Body)).toEqual(['b']);
  sqs = clientOf(beta);
  await remove(QueueUrl.replace(httpOf(alpha), httpOf(beta)), third);
  sqs = clientOf(alpha);
  const AttributeNames: aws.QueueAttributeName[] = ['All'];
  const { Attributes } = await sqs.send(new aws.GetQueueAttributesCommand({ AttributeNames, QueueUrl }));
  expect(Attributes).toMatchObject({ ApproximateNumberOfMessages: '0', ApproximateNumberOfMessagesNotVisible: '1' });
  beta.child.kill('SIGKILL');
  await beta.ended;
  await expect(send(QueueUrl, 'nobody is there')).rejects.toMatchObject({ $metadata: expect.any(Object) });
  await world.node([...there, '--port', new URL(beta.url).port]);
  const back = async () => (await send(QueueUrl, 'd').catch(() => undefined))?.MessageId;
  await until('beta is back', back, (id) => id !== undefined);
});

test('sqs-consumer works through a queue, and leaves what it failed on', async () => {
  await start();
  const url = await queue('work', { VisibilityTimeout: '2' });
  const seen: string[] = [];
  const failed: string[] = [];
  const consumer = Consumer.create({
    batchSize: 10,
    handleMessage: async (message) => {
      const body = message.Body ?? '';
      if (body === 'bad' && failed.push(body) < 2) throw new Error('not today');
      seen.push(body);
      return message;
    },
    queueUrl: url,
    sqs,
    waitTimeSeconds: 1,
  });
  consumer.on('error', () => undefined);
  consumer.on('processing_error', () => undefined);
  consumer.start();
  try {
    const bodies = Array.from({ length: 25 }, (_, at) => `body ${at}`);
    await Promise.all(bodies.map((body) => send(url, body)));
    await send(url, 'bad');
    await until(
      'all are done',
      () => seen.length,
      (count) => count === 26,
    );
    expect([...seen].sort()).toEqual([...bodies, 'bad'].sort());
    expect(failed).toEqual(['bad', 'bad']);
  } finally {
    consumer.stop({ abort: true });
  }
  expect(await receive(url)).toEqual([]);
});

/** Debian's own Python, which has Debian's packages. */
const PYTHON = '/usr/bin/python3';
const AWS = '/usr/bin/aws';
const works = (command: string, ...args: string[]) => spawnSync(command, args).status === 0;

test('boto3 of Debian does all that an application does', async ({ skip }) => {
  if (!works(PYTHON, '-c', 'import boto3')) skip('there is no python3-boto3 here (apt-get install python3-boto3)');
  const node = await start();
  const script = fileURLToPath(new URL('./sqs/boto3-run.py', import.meta.url));
  const child = world.spawnOther(PYTHON, [script, httpOf(node)]);
  const { code, stderr, stdout } = await ended(child);
  expect({ code, stderr, stdout }).toEqual({ code: 0, stderr: '', stdout: expect.stringMatching(/^done with boto3/) });
});

test('the AWS command line of Debian makes, fills and empties queues', async ({ skip }) => {
  if (!works(AWS, '--version')) skip('there is no awscli here (apt-get install awscli)');
  writeFileSync(world.path('secret'), 'a secret of the test', { mode: 0o600 });
  const node = await start(['--sqs-key', `orders=${world.path('secret')}`]);
  const env = world.env({
    AWS_ACCESS_KEY_ID: 'orders',
    AWS_DEFAULT_REGION: 'eu-west-1',
    AWS_PAGER: '',
    AWS_SECRET_ACCESS_KEY: 'a secret of the test',
  });
  const run = (...args: string[]): SpawnSyncReturns<string> =>
    spawnSync(AWS, ['--endpoint-url', httpOf(node), '--output', 'json', 'sqs', ...args], { encoding: 'utf8', env });
  const asks = (...args: string[]) => {
    const { status, stderr, stdout } = run(...args);
    if (status !== 0) throw new Error(`aws sqs ${args.join(' ')}: ${stderr}`);
    return stdout === '' ? undefined : (JSON.parse(stdout) as Record<string, unknown>);
  };
  const { QueueUrl } = asks('create-queue', '--queue-name', 'cli', '--tags', 'team=a') as { QueueUrl: string };
  const own = ['--queue-url', QueueUrl];
  expect(asks('get-queue-url', '--queue-name', 'cli')).toEqual({ QueueUrl });
  expect(asks('list-queues', '--queue-name-prefix', 'cl')).toEqual({ QueueUrls: [QueueUrl] });
  expect(asks('list-queue-tags', ...own)).toEqual({ Tags: { team: 'a' } });
  asks('set-queue-attributes', ...own, '--attributes', 'VisibilityTimeout=7');
  const attributes = asks('get-queue-attributes', ...own, '--attribute-names', 'All');
  expect(attributes).toMatchObject({ Attributes: { VisibilityTimeout: '7' } });
  const sent = asks(
    'send-message',
    ...own,
    '--message-body',
    'line\none & <two>',
    '--message-attributes',
    '{"a":{"DataType":"String","StringValue":"b"}}',
  );
  expect(sent).toMatchObject({ MD5OfMessageBody: expect.any(String) });
  const wish = ['--wait-time-seconds', '5', '--message-attribute-names', 'All', '--attribute-names', 'All'];
  const { Messages } = asks('receive-message', ...own, ...wish) as { Messages: { ReceiptHandle: string }[] };
  expect(Messages).toMatchObject([{ Body: 'line\none & <two>', MessageAttributes: { a: { StringValue: 'b' } } }]);
  asks('delete-message', ...own, '--receipt-handle', Messages[0]?.ReceiptHandle ?? '');
  asks('purge-queue', ...own);
  asks('delete-queue', ...own);
  const { status, stderr } = run('get-queue-url', '--queue-name', 'cli');
  expect([status, stderr]).toEqual([254, expect.stringContaining('(AWS.SimpleQueueService.NonExistentQueue)')]);
});
