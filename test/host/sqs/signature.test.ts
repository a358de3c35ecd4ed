/** Signatures as the real SDK makes them, and each way to make them not fit. */
import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, TestEndpoint } from './client.ts';

const KEYS = new Map([
  ['mpregKeyOne', 'one/secret+of=chance'],
  ['mpregKeyTwo', 'another'],
]);

interface Signed {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

let sqs: TestEndpoint;
let signed: Signed;

beforeAll(async () => {
  sqs = new TestEndpoint({ keys: KEYS, locked: true });
  await sqs.listen();
  signed = await capture();
});
afterAll(() => sqs.close());

function clientOf(accessKeyId: string, secretAccessKey: string): SQSClient {
  const credentials = { accessKeyId, secretAccessKey };
  return new SQSClient({ credentials, endpoint: sqs.url, maxAttempts: 1, region: 'eu-central-1' });
}

/** A request as the SDK sends it. */
async function capture(): Promise<Signed> {
  const client = clientOf('mpregKeyOne', 'one/secret+of=chance');
  let seen: Signed | undefined;
  client.middlewareStack.add(
    (next) => (args) => {
      seen = args.request as Signed;
      return next(args);
    },
    { name: 'seen', step: 'deserialize' },
  );
  await client.send(new ListQueuesCommand({ QueueNamePrefix: 'q' }));
  client.destroy();
  if (seen === undefined) throw new Error('nothing was sent');
  return { body: seen.body, headers: { ...seen.headers } };
}

const again = (change: Partial<Signed> = {}, more: { readonly path?: string; readonly method?: string } = {}) =>
  sqs.bare({ body: signed.body, ...change, ...more, headers: change.headers ?? signed.headers });
const withHeader = (name: string, value: string) => again({ headers: { ...signed.headers, [name]: value } });
const errorIn = ({ headers, status }: Answer) => [status, String(headers['x-amzn-query-error']).split(';')[0]];

describe('a signed request', () => {
  test.each([...KEYS])('is taken under each key: %s', async (id, secret) => {
    const client = clientOf(id, secret);
    expect((await client.send(new ListQueuesCommand({}))).$metadata.httpStatusCode).toBe(200);
    client.destroy();
  });

  test('is taken once more within a few minutes, and then no longer', async () => {
    expect((await again()).status).toBe(200);
    for (const ahead of [301_000, -301_000]) {
      sqs.ahead = ahead;
      const answer = await again();
      sqs.ahead = 0;
      expect([...errorIn(answer), JSON.parse(answer.text).message]).toEqual([
        403,
        'SignatureDoesNotMatch',
        expect.stringContaining('Signature expired'),
      ]);
    }
  });

  test.each([
    ['another body', () => again({ body: '{"QueueNamePrefix":"x"}' })],
    [
      'another body, and its hash left out',
      () => {
        const { 'x-amz-content-sha256': _, ...headers } = signed.headers;
        return again({ body: '{"QueueNamePrefix":"x"}', headers });
      },
    ],
    ['another action', () => withHeader('x-amz-target', 'AmazonSQS.DeleteQueue')],
    ['another host', () => withHeader('host', 'elsewhere')],
    ['another path', () => again({}, { path: '/000000000000/q' })],
    ['a query', () => again({}, { path: '/?a=b' })],
    ['a header that was not signed', () => withHeader('x-amz-new', '1')],
    ['half a signature', () => withHeader('authorization', (signed.headers['authorization'] ?? '').slice(0, -4))],
  ])('is refused with %s', async (_, ask) => {
    expect(errorIn(await ask())).toEqual([403, 'SignatureDoesNotMatch']);
  });

  test('is refused under an unknown key or a wrong secret, in words that the SDK knows', async () => {
    for (const [id, secret, name] of [
      ['nobody', 'x', 'InvalidClientTokenId'],
      ['mpregKeyTwo', 'one/secret+of=chance', 'SignatureDoesNotMatch'],
    ] as const) {
      const client = clientOf(id, secret);
      const error = await client.send(new ListQueuesCommand({})).catch((reason: unknown) => reason);
      client.destroy();
      expect(error).toMatchObject({ $metadata: { httpStatusCode: 403 }, name });
    }
  });

  test.each([
    ['Bearer abc', 400, 'IncompleteSignature'],
    ['AWS4-HMAC-SHA256 Credential=mpregKeyOne, Signature=x', 400, 'IncompleteSignature'],
    [
      'AWS4-HMAC-SHA256 Credential=mpregKeyOne/20260101/eu-central-1/s3/aws4_request, SignedHeaders=host, Signature=x',
      400,
      'IncompleteSignature',
    ],
  ])('is not made of %s', async (authorization, status, code) => {
    expect(errorIn(await withHeader('authorization', authorization))).toEqual([status, code]);
  });
});

test('an unsigned request is refused where there are keys, in both protocols', async () => {
  expect((await sqs.json('ListQueues', {})).headers['x-amzn-query-error']).toBe('MissingAuthenticationToken;Sender');
  const answer = await sqs.query('ListQueues', {});
  expect([answer.status, answer.text]).toEqual([
    403,
    expect.stringContaining('<Code>MissingAuthenticationToken</Code>'),
  ]);
});
