/** The endpoint on a real port with queues in memory, and bare requests to it in both protocols. */
import { createServer, type IncomingHttpHeaders, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemDigest } from '../../../src/engine/host/digest.ts';
import { type EndpointParts, SqsEndpoint, sqsProtocol } from '../../../src/engine/host/gateway/sqs/endpoint.ts';
import { MemoryQueues } from './memory-queues.ts';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface Bare {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export class TestEndpoint {
  /** Milliseconds that the clock of the endpoint and its queues is ahead. */
  ahead = 0;
  readonly queues: MemoryQueues;
  readonly logged: string[] = [];
  readonly #server: Server;

  constructor(parts: Partial<EndpointParts> = {}) {
    const now = () => Date.now() + this.ahead;
    this.queues = new MemoryQueues(now);
    const log = (_level: string, message: string) => void this.logged.push(message);
    const endpoint = new SqsEndpoint({ digest: systemDigest, locked: false, log, now, queues: this.queues, ...parts });
    this.#server = createServer((asked, response) => {
      const protocol = sqsProtocol(asked);
      if (protocol === undefined) response.writeHead(404).end();
      else endpoint.handle(asked, response, protocol);
    });
  }

  listen(): Promise<void> {
    return new Promise((resolve) => void this.#server.listen(0, '127.0.0.1', resolve));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => void this.#server.close(resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  bare({ body = '', headers = {}, method = 'POST', path = '/' }: Bare): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const out = request(new URL(path, this.url), { headers, method }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (more: string) => {
          text += more;
        });
        response.on('error', reject);
        response.on('end', () => resolve({ headers: response.headers, status: response.statusCode ?? 0, text }));
      });
      out.on('error', reject);
      out.end(body);
    });
  }

  async json(
    action: string,
    input: object,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<{ readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: JsonBody }> {
    const type = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': `AmazonSQS.${action}` };
    const answer = await this.bare({ body: JSON.stringify(input), headers: { ...type, ...headers } });
    return { body: JSON.parse(answer.text || '{}'), headers: answer.headers, status: answer.status };
  }

  query(action: string, input: Readonly<Record<string, string>>, path = '/'): Promise<Answer> {
    const body = new URLSearchParams({ Action: action, Version: '2012-11-05', ...input }).toString();
    return this.bare({ body, headers: { 'content-type': 'application/x-www-form-urlencoded' }, path });
  }

  /** Code and words of a refusal. */
  async refusal(action: string, input: object): Promise<readonly [code: string, message: string]> {
    const { body, headers, status } = await this.json(action, input);
    if (status === 200) throw new Error(`${action} was not refused: ${JSON.stringify(body)}`);
    return [String(headers['x-amzn-query-error']).split(';')[0] ?? '', body.message ?? ''];
  }

  async send(QueueUrl: string, MessageBody: string, more: object = {}): Promise<JsonBody> {
    return (await this.json('SendMessage', { MessageBody, QueueUrl, ...more })).body;
  }

  async receive(QueueUrl: string, more: object = {}): Promise<readonly JsonMessage[]> {
    return (await this.json('ReceiveMessage', { MaxNumberOfMessages: 10, QueueUrl, ...more })).body.Messages ?? [];
  }

  async attributes(QueueUrl: string, ...AttributeNames: string[]): Promise<JsonBody['Attributes']> {
    const names = AttributeNames.length === 0 ? ['All'] : AttributeNames;
    return (await this.json('GetQueueAttributes', { AttributeNames: names, QueueUrl })).body.Attributes;
  }

  /** The URL of a new queue. */
  async queue(name: string, Attributes: Readonly<Record<string, string>> = {}): Promise<string> {
    const { body } = await this.json('CreateQueue', { Attributes, QueueName: name });
    if (body.QueueUrl === undefined) throw new Error(JSON.stringify(body));
    return body.QueueUrl;
  }
}

/** What answers hold, as far as tests look. */
export interface JsonBody {
  readonly __type?: string;
  readonly message?: string;
  readonly QueueUrl?: string;
  readonly QueueUrls?: readonly string[];
  readonly queueUrls?: readonly string[];
  readonly NextToken?: string;
  readonly MessageId?: string;
  readonly SequenceNumber?: string;
  readonly Attributes?: Readonly<Record<string, string>>;
  readonly Messages?: readonly JsonMessage[];
  readonly Successful?: readonly Readonly<Record<string, string>>[];
  readonly Failed?: readonly Readonly<Record<string, unknown>>[];
  readonly Tags?: Readonly<Record<string, string>>;
  readonly TaskHandle?: string;
  readonly Results?: readonly Readonly<Record<string, unknown>>[];
}

export const bodies = (messages: readonly JsonMessage[]) => messages.map(({ Body }) => Body);

/** An attribute of a message. */
export const text = (StringValue: string, DataType = 'String') => ({ DataType, StringValue });

export interface JsonMessage {
  readonly MessageId: string;
  readonly ReceiptHandle: string;
  readonly Body: string;
  readonly MD5OfBody: string;
  readonly MD5OfMessageAttributes?: string;
  readonly Attributes?: Readonly<Record<string, string>>;
  readonly MessageAttributes?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}
