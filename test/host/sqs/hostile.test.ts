/** Requests that nobody should send: whatever comes, it is answered, and never by a fault of the endpoint. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ACTIONS } from '../../../src/engine/host/gateway/sqs/actions.ts';
import type { Shape } from '../../../src/engine/host/gateway/sqs/shape.ts';
import { TestEndpoint } from './client.ts';

let sqs: TestEndpoint;
beforeAll(async () => {
  sqs = new TestEndpoint();
  await sqs.listen();
  await sqs.queue('q');
  await sqs.queue('q.fifo', { FifoQueue: 'true' });
});
afterAll(() => sqs.close());

const NAMES = [...ACTIONS.keys()];
const arn = 'arn:aws:sqs:us-east-1:000000000000:q';
const KNOWN = [
  'q',
  'q.fifo',
  '/000000000000/q',
  arn,
  'All',
  'Policy',
  'RedrivePolicy',
  'RedriveAllowPolicy',
  'FifoQueue',
  'VisibilityTimeout',
  'true',
  'String',
  'Binary',
  '__proto__',
  '',
  JSON.stringify({ deadLetterTargetArn: arn, maxReceiveCount: 1 }),
  JSON.stringify({ redrivePermission: 'byQueue', sourceQueueArns: [arn] }),
  '{"Statement":[null,{"Sid":1}]}',
  'null',
  '[1]',
  Buffer.from(JSON.stringify({ sourceArn: arn, taskId: 'x' })).toString('base64'),
];
const word = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...KNOWN) },
  fc.string({ unit: 'binary', maxLength: 12 }),
);

/** Mostly what a shape wants, now and then something else; nobody waits for messages. */
function valueFor(shape: Shape): fc.Arbitrary<unknown> {
  const odd = fc.jsonValue({ maxDepth: 2 });
  const fitting = (): fc.Arbitrary<unknown> => {
    switch (shape.kind) {
      case 'text':
        return word;
      case 'integer':
        return fc.oneof(fc.constantFrom(0, 1, -1, 10), fc.integer());
      case 'boolean':
        return fc.boolean();
      case 'blob':
        return fc.oneof(fc.base64String({ maxLength: 8 }), word);
      case 'list':
        return fc.array(valueFor(shape.of), { maxLength: 3 });
      case 'map':
        return fc.dictionary(word, valueFor(shape.of), { maxKeys: 3 });
      case 'record': {
        const fields = Object.entries(shape.fields).filter(([name]) => name !== 'WaitTimeSeconds');
        return fc.record(Object.fromEntries(fields.map(([name, of]) => [name, valueFor(of)])), { requiredKeys: [] });
      }
    }
  };
  return fc.oneof({ weight: 12, arbitrary: fitting() }, odd);
}

const request = fc
  .constantFrom(...NAMES.filter((name) => name !== 'DeleteQueue'))
  .chain((name) => fc.tuple(fc.constant(name), valueFor(ACTIONS.get(name)?.input as Shape)));

test('whatever is asked in JSON', async () => {
  await fc.assert(
    fc.asyncProperty(request, async ([name, input]) => {
      const { body, status } = await sqs.json(name, input as object);
      expect(status, `${name} ${JSON.stringify(input)} ${JSON.stringify(body)}`).toBeLessThan(500);
    }),
    { numRuns: 1_500 },
  );
  expect(sqs.logged).toEqual([]);
});

test('whatever is asked by a form', async () => {
  const segment = fc.oneof(
    fc.constantFrom('1', '2', '0', 'Name', 'Key', 'Value', 'Attribute', 'Tag', 'DataType', 'StringValue', 'QueueUrl'),
    fc.constantFrom('QueueName', 'MessageBody', 'SendMessageBatchRequestEntry', 'Id', 'AttributeName', '__proto__', ''),
  );
  const pair = fc.tuple(
    fc.array(segment, { maxLength: 9, minLength: 1 }).map((path) => path.join('.')),
    fc.oneof(word, fc.integer().map(String)),
  );
  const form = fc.tuple(
    fc.constantFrom(...NAMES.filter((name) => name !== 'DeleteQueue')),
    fc.array(pair, { maxLength: 8 }),
  );
  await fc.assert(
    fc.asyncProperty(form, async ([name, pairs]) => {
      const input = Object.fromEntries(pairs.filter(([path]) => path !== 'Action'));
      const { status, text } = await sqs.query(name, input, '/000000000000/q');
      expect(status, `${name} ${JSON.stringify(input)} ${text}`).toBeLessThan(500);
      expect(text).toMatch(/^<\?xml version="1\.0"\?>/);
    }),
    { numRuns: 1_000 },
  );
  expect(sqs.logged).toEqual([]);
});
