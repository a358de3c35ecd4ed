/**
 * What the SQS endpoint takes from `@aws-sdk/client-sqs`: the same program sends batches of ten bodies of 200 bytes, then receives
 * and deletes ten at a time, some of each at once. Its other side is an HTTP server that reads each request to its end and
 * answers 200 with a valid body made beforehand: what the SDK itself costs.
 *
 *   sqs-load.ts mpreg|bare
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { createNode } from '../../src/engine/index.ts';
import { cpuMs, startRole } from '../processes.ts';

const [role = 'mpreg', folder = ''] = process.argv.slice(2);
const here = fileURLToPath(import.meta.url);
const BODY = 'b'.repeat(200);
const BATCH = 10;
/** As many as the SDK has connections, without being told. */
const LANES = 50;
const WARM_MS = Number(process.env['BENCH_WARM_MS'] ?? 2_000);
const MEASURE_MS = Number(process.env['BENCH_MEASURE_MS'] ?? 4_000);

if (role === 'node') {
  const node = await createNode({ dataDir: folder, discover: false, workers: 1 });
  console.log(`ready ${node.url.replace('ws', 'http')}`);
} else if (role === 'nothing') {
  serveNothing();
} else {
  const data = mkdtempSync(join(process.env['BENCH_FOLDER'] ?? tmpdir(), 'mpreg-bench-'));
  process.on('exit', () => rmSync(data, { force: true, recursive: true }));
  await load(role === 'mpreg' ? await startRole(here, 'node', data) : await startRole(here, 'nothing'));
  process.exit(0);
}

async function load(endpoint: string): Promise<void> {
  const credentials = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret' };
  const sqs = new SQSClient({ credentials, endpoint, region: 'us-east-1' });
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'jobs' }));
  const ids = Array.from({ length: BATCH }, (_, i) => `${i}`);
  let stored = 0;
  const send = async () => {
    const Entries = ids.map((Id) => ({ Id, MessageBody: BODY }));
    const { Successful = [] } = await sqs.send(new SendMessageBatchCommand({ Entries, QueueUrl }));
    if (Successful.length !== BATCH) throw new Error(`${Successful.length} of ${BATCH} were sent`);
    stored += BATCH;
    return BATCH;
  };
  const take = async () => {
    if (stored <= LANES * BATCH) return 0;
    stored -= BATCH;
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ MaxNumberOfMessages: BATCH, QueueUrl }));
    const Entries = Messages.map(({ ReceiptHandle }, i) => ({ Id: `${i}`, ReceiptHandle }));
    if (Entries.length === 0 || Messages.some(({ Body }) => Body !== BODY)) throw new Error('not what was sent');
    const { Successful = [] } = await sqs.send(new DeleteMessageBatchCommand({ Entries, QueueUrl }));
    if (Successful.length !== Entries.length) throw new Error('not all were deleted');
    return Entries.length;
  };
  await during(send, WARM_MS);
  const sent = await during(send, MEASURE_MS);
  const takenWarm = await during(take, WARM_MS / 2);
  const taken = await during(take, MEASURE_MS / 2);
  if (takenWarm.count === 0 || taken.count === 0) throw new Error('nothing was left to receive: send for longer');
  console.log(
    JSON.stringify({
      'sent, per second': Math.round(sent.perSecond),
      'sent, processor µs each': sent.cpuUs,
      'received and deleted, per second': Math.round(taken.perSecond),
      'received, processor µs each': taken.cpuUs,
    }),
  );
}

/** Does so in some lanes at once, each with one request at a time, until the time is up or there is nothing more. */
async function during(step: () => Promise<number>, forMs: number) {
  const cpu = cpuMs() ?? 0;
  const began = performance.now();
  let count = 0;
  const lane = async () => {
    while (performance.now() - began < forMs) {
      const done = await step();
      if (done === 0) return;
      count += done;
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  const ms = performance.now() - began;
  return { count, cpuUs: (((cpuMs() ?? 0) - cpu) / count) * 1_000, perSecond: (count / ms) * 1_000 };
}

/** Answers that are valid for the only requests that come. */
function serveNothing(): void {
  const md5 = createHash('md5').update(BODY).digest('hex');
  const many = <T>(make: (id: string) => T) => Array.from({ length: BATCH }, (_, i) => make(`${i}`));
  const uuid = '00000000-0000-4000-8000-000000000000';
  const receipt = 'r'.repeat(48);
  const message = { Body: BODY, MD5OfBody: md5, MessageId: uuid, ReceiptHandle: receipt };
  const answers = new Map(
    Object.entries({
      CreateQueue: { QueueUrl: 'http://127.0.0.1/000000000000/jobs' },
      DeleteMessageBatch: { Failed: [], Successful: many((Id) => ({ Id })) },
      ReceiveMessage: { Messages: many(() => message) },
      SendMessageBatch: { Failed: [], Successful: many((Id) => ({ Id, MD5OfMessageBody: md5, MessageId: uuid })) },
    }).map(([action, answer]) => [`AmazonSQS.${action}`, Buffer.from(JSON.stringify(answer))]),
  );
  const server = createServer((request, response) => {
    const body = answers.get(String(request.headers['x-amz-target']));
    request.resume();
    request.once('end', () => {
      response.writeHead(body === undefined ? 400 : 200, {
        'content-length': body?.length ?? 0,
        'content-type': 'application/x-amz-json-1.0',
      });
      response.end(body);
    });
  });
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    console.log(`ready http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`);
  });
}
