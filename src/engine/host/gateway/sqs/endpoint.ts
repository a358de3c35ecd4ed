/**
 * The Amazon SQS API on the node's HTTP port, in both its protocols: JSON (`X-Amz-Target: AmazonSQS.SendMessage`) and
 * query (`Action=SendMessage`, answered in XML, or in JSON to who asks for that). Requests come to `/` or to a queue's own
 * path: `/ACCOUNT/QUEUE`, or `/queue/QUEUE`, as emulators have it whose URLs stand in many a configuration; and to
 * `/ACCOUNT`, from clients whose endpoint ends with it.
 *
 * With access keys every request must be signed by one of them. Without, requests are taken from this machine only, and
 * only where the node has no cluster key: whoever locks a node locks this door, too.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { didNotHappen } from '../../../core/base/problems.ts';
import { ProblemError } from '../../../problem-error.ts';
import type { Digest } from '../../ports.ts';
import { isLoopback } from '../../transports/web-socket-listener.ts';
import { Bodies } from '../body.ts';
import { reply } from '../reply.ts';
import { ACTIONS } from './actions.ts';
import { type Asked, Desk } from './desk.ts';
import { noSuchQueue, SqsError, type SqsErrorName } from './errors.ts';
import { readJson, writeJson } from './json-protocol.ts';
import { errorJson, resultJson } from './query-json.ts';
import { readForm } from './query-protocol.ts';
import { QueueMissing, type QueuesFace } from './queues-face.ts';
import { claimedRegion, verify } from './signature.ts';
import { errorXml, resultXml } from './xml.ts';

/** A batch of one mebibyte, where every character takes six bytes of JSON, and its attributes. */
const BODY_BYTES_MAX = 8 * 2 ** 20;
/** Limit: bodies that are being read, together, in bytes. */
const BODIES_BYTES_MAX = 128 * 2 ** 20;
export const ACCOUNT = '000000000000';
const REGION = 'us-east-1';
const TARGET = 'AmazonSQS.';
const QUEUE_PATH = /^\/(\d{12}|queue)\/[^/]+\/?$/;

export interface EndpointParts {
  /** Secrets by the ids of their access keys. */
  readonly keys?: ReadonlyMap<string, string>;
  readonly account?: string;
  readonly strict?: boolean;
  readonly queues: QueuesFace;
  readonly digest: Digest;
  /** Whether the node has a cluster key. */
  readonly locked: boolean;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  readonly log: (level: 'error', message: string) => void;
}

export type SqsProtocol = Asked['protocol'];

/** Which protocol a request speaks; undefined: it is none of this endpoint's business. */
export function sqsProtocol({ headers, method, url = '/' }: IncomingMessage): SqsProtocol | undefined {
  const [path = '/', query = ''] = url.split('?');
  if (!/^\/(\d{12}\/?)?$/.test(path) && !QUEUE_PATH.test(path)) return undefined;
  const target = headers['x-amz-target'];
  const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  const isForm = type === 'application/x-www-form-urlencoded';
  // Why more than whether there is a target: clients from before the JSON protocol name an action there, too, beside their form.
  if (method === 'POST' && target !== undefined && !(isForm && !`${target}`.startsWith(TARGET))) return 'json';
  if (method === 'POST' && isForm) return 'query';
  return /(^|&)Action=/.test(query) && (method === 'GET' || method === 'POST') ? 'query' : undefined;
}

export class SqsEndpoint {
  readonly #parts: EndpointParts;
  readonly #desk: Desk;
  readonly #bodies = new Bodies(BODY_BYTES_MAX, BODIES_BYTES_MAX);

  constructor(parts: EndpointParts) {
    this.#parts = parts;
    const { account = ACCOUNT, now, queues, strict = false } = parts;
    this.#desk = new Desk({ account, now, queues, strict });
  }

  /** Takes a request of which `sqsProtocol` says the protocol. */
  handle(request: IncomingMessage, response: ServerResponse, protocol: SqsProtocol): void {
    const requestId = randomUUID();
    const gone = new AbortController();
    response.on('error', () => undefined);
    response.once('close', () => {
      if (!response.writableFinished) gone.abort('the HTTP client went away');
    });
    const write = (status: number, body: string, more: Readonly<Record<string, string>> = {}) => {
      if (gone.signal.aborted) return;
      const type =
        protocol === 'json' ? 'application/x-amz-json-1.0' : wantsJson(request) ? 'application/json' : 'text/xml';
      reply(request, response, status, body, { 'content-type': type, 'x-amzn-requestid': requestId, ...more });
    };
    this.#answer(request, protocol, requestId, gone.signal).then(
      (body) => write(200, body),
      (error: unknown) => {
        const refusal = this.#refusalOf(error, gone.signal);
        const { code, fault, message, status, type } = refusal;
        if (protocol === 'query') {
          const isMissing = refusal.name === 'QueueDoesNotExist';
          const says = isMissing ? `${message.slice(0, -1)} for this wsdl version.` : message;
          const said = wantsJson(request) ? errorJson : errorXml;
          return write(status, said({ code, fault, message: says }, requestId));
        }
        return write(status, writeJson({ __type: type, message }), { 'x-amzn-query-error': `${code};${fault}` });
      },
    );
  }

  async #answer(
    request: IncomingMessage,
    protocol: SqsProtocol,
    requestId: string,
    signal: AbortSignal,
  ): Promise<string> {
    this.#checkDoor(request);
    const body = await this.#bodies.bytes(request);
    this.#checkSignature(request, body);
    const text = textOf(body);
    const form = protocol === 'query' ? formOf(request, text) : new URLSearchParams();
    const name = protocol === 'json' ? targetOf(request) : form.get('Action');
    if (name === null) throw new SqsError('MissingActionException', 'The request must contain the parameter Action.');
    const action = ACTIONS.get(name);
    if (action === undefined) {
      throw new SqsError('UnknownOperationException', `The action ${name} is not valid for this endpoint.`);
    }
    const input = protocol === 'json' ? readJson(text, action.input) : readForm(form, action.input);
    const output = await action.run(input, this.#desk, askedBy(request, protocol, signal));
    if (protocol === 'query')
      return (wantsJson(request) ? resultJson : resultXml)(name, action.output, output, requestId);
    return action.output === undefined ? '' : writeJson(output);
  }

  /**
   * Throws `AccessDenied`. Why the fetch metadata: a page of a browser can send forms to other sites unasked; pages that
   * name their origin were refused by the listener.
   */
  #checkDoor({ headers, socket }: IncomingMessage): void {
    const { keys, locked } = this.#parts;
    if (keys !== undefined && keys.size > 0) return;
    const refuse = (why: string) => new SqsError('AccessDeniedException', why);
    if (locked) {
      throw refuse('This node has a cluster key and no access keys for SQS: start it with --sqs-key ID=FILE.');
    }
    if (!isLoopback(socket.remoteAddress?.replace(/^::ffff:/, '') ?? '')) {
      throw refuse('This node has no access keys for SQS: it is asked from its own machine only.');
    }
    if (headers['sec-fetch-site'] === 'cross-site') throw refuse('Pages of other sites may not use this node.');
  }

  #checkSignature({ method = '', rawHeaders, url = '/' }: IncomingMessage, body: Uint8Array): void {
    const { digest, keys, now } = this.#parts;
    if (keys === undefined || keys.size === 0) return;
    verify({ body, method, rawHeaders, url }, keys, now(), digest);
  }

  #refusalOf(error: unknown, signal: AbortSignal): SqsError {
    if (error instanceof SqsError) return error;
    if (error instanceof QueueMissing) {
      this.#desk.forget(error.queue);
      return noSuchQueue();
    }
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof ProblemError) {
      const name = REFUSALS.get(error.code);
      if (name !== undefined) return new SqsError(name, message);
      if (didNotHappen(error.problem)) return new SqsError('ServiceUnavailable', message);
    } else if (!signal.aborted) {
      this.#parts.log('error', `SQS: ${error instanceof Error ? (error.stack ?? message) : message}`);
    }
    return new SqsError('InternalFailure', message);
  }
}

const REFUSALS: ReadonlyMap<string, SqsErrorName> = new Map([
  ['input-invalid', 'InvalidParameterValueException'],
  ['limit-exceeded', 'RequestEntityTooLarge'],
  ['not-allowed', 'AccessDeniedException'],
]);

/** Of the query protocol. */
function wantsJson({ headers }: IncomingMessage): boolean {
  return /^\s*application\/json\b/i.test(headers.accept ?? '');
}

function targetOf({ headers }: IncomingMessage): string {
  const target = headers['x-amz-target'];
  if (typeof target !== 'string') return '';
  return target.startsWith(TARGET) ? target.slice(TARGET.length) : target;
}

/** Parameters of the body and of the URL together. */
function formOf({ url = '/' }: IncomingMessage, body: string): URLSearchParams {
  const form = new URLSearchParams(body);
  for (const [name, value] of new URL(url, 'http://node').searchParams) form.append(name, value);
  return form;
}

function askedBy(request: IncomingMessage, protocol: SqsProtocol, signal: AbortSignal): Asked {
  const { headers, rawHeaders, url = '/' } = request;
  const path = url.split('?')[0] ?? '/';
  const trace = headers['x-amzn-trace-id'];
  return {
    origin: originOf(request),
    path: QUEUE_PATH.test(path) ? path : undefined,
    protocol,
    region: claimedRegion({ rawHeaders, url }) ?? REGION,
    signal,
    trace: typeof trace === 'string' && trace !== '' ? trace : undefined,
  };
}

/**
 * Why the port: there are clients that leave it out of their `Host`, and then ask at the queue's URL. On this machine the
 * node's own port is right, whatever stands between; elsewhere a proxy may have another one.
 */
function originOf({ headers: { host = '' }, socket }: IncomingMessage): string {
  const isLocal = isLoopback(host) && isLoopback(socket.remoteAddress?.replace(/^::ffff:/, '') ?? '');
  return `${'encrypted' in socket ? 'https' : 'http'}://${isLocal ? `${host}:${socket.localPort}` : host}`;
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Throws `SerializationException`. */
function textOf(body: Uint8Array): string {
  try {
    return UTF8.decode(body);
  } catch {
    throw new SqsError('SerializationException', 'The body is not text: it holds bytes that are not UTF-8.');
  }
}
