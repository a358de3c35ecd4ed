import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CallOptions, Client } from '../../api.ts';
import { type Problem, problem } from '../../core/base/problems.ts';
import { errorDocument, replyDocument } from '../../documents.ts';
import { planFromJson } from '../../plan-document.ts';
import { ProblemError } from '../../problem-error.ts';
import { valueToJson } from '../../wire/json-value.ts';
import type { Digest } from '../ports.ts';
import { Bodies } from './body.ts';
import { writeEvents } from './events.ts';
import { reply } from './reply.ts';
import { argumentsOf, optionsOf, type Refusal, type Wanted, wantedBy, whyNot } from './request.ts';
import { SharedClient } from './shared-client.ts';
import { statusOf } from './status.ts';
import { publish, subscribe, topicWantedBy } from './topics.ts';

export interface GatewayOptions {
  /** A client of this very node, with no socket between. */
  readonly open: () => Promise<Client>;
  readonly digest: Digest;
  readonly key: Uint8Array | undefined;
  /** Largest body of a request. */
  readonly bodyBytesMax: number;
}

/** Limit: bodies that are being read, together, in bytes. */
const BODIES_BYTES_MAX = 256 * 2 ** 20;

/**
 * Calls, plans and topics (`topics.ts`) over plain HTTP, for `curl` and every language: `POST /v1/call/FUN` and `POST /v1/plan`, answered by the
 * documents that the command line prints under `--json`, with `Accept: text/event-stream` by a stream's items as they come.
 *
 * A request is a call of a client inside this process, so that placing, limits and problems are those of any other call.
 * Whoever hangs up cancels.
 */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #bodies: Bodies;
  readonly #client: SharedClient;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#bodies = new Bodies(options.bodyBytesMax, BODIES_BYTES_MAX);
    this.#client = new SharedClient(options.open);
  }

  /** Takes a request whose path begins with `/v1/`. */
  handle(request: IncomingMessage, response: ServerResponse): void {
    const gone = new AbortController();
    response.on('error', () => undefined);
    response.once('close', () => {
      if (!response.writableFinished) gone.abort('the HTTP client went away');
    });
    this.#answer(request, response, gone.signal).catch((error: unknown) => {
      if (!gone.signal.aborted) refuse(request, response, { problem: problemOf(error) });
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse, signal: AbortSignal): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://node');
    const allow = url.pathname === '/v1/subscribe' ? 'GET' : 'POST';
    const refusal = whyNot(request, allow, this.#options.key, this.#options.digest);
    if (refusal !== undefined) return refuse(request, response, refusal);
    const topic = topicWantedBy(url);
    if (topic?.kind === 'subscribe') {
      const lastEventId = request.headers['last-event-id'];
      const after = typeof lastEventId === 'string' ? lastEventId : undefined;
      return subscribe(await this.#client.get(), url, signal, response, after);
    }
    if (topic !== undefined) {
      const body = await this.#bodies.read(request);
      return write(response, 200, await publish(await this.#client.get(), topic.topic, body, url, signal));
    }
    const wanted = wantedBy(url);
    if (wanted === undefined) {
      const says = `nothing at ${url.pathname}; there are /v1/call/FUN, /v1/plan, /v1/publish/TOPIC and /v1/subscribe`;
      return refuse(request, response, { problem: problem('input-invalid', says), status: 404 });
    }
    const options = { ...optionsOf(url, wanted), signal };
    const body = await this.#bodies.read(request);
    const client = await this.#client.get();
    if (wanted.kind === 'plan') await plan(client, body, options, response);
    else await call(client, wanted, body, options, request, response);
  }
}

async function call(
  client: Client,
  { both, fun }: Extract<Wanted, { readonly kind: 'call' }>,
  body: unknown,
  options: CallOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { args, ...named } = argumentsOf(body, both);
  const all = { ...options, ...named };
  if (/\btext\/event-stream\b/.test(request.headers.accept ?? '')) {
    await writeEvents(client.stream(fun, args, all), response);
    return;
  }
  const began = performance.now();
  const { value, ...from } = await client.ask(fun, args, all);
  write(response, 200, { value: valueToJson(value), ...from, tookMs: Math.round(performance.now() - began) });
}

async function plan(client: Client, body: unknown, options: CallOptions, response: ServerResponse): Promise<void> {
  const reply = await client.run(planFromJson(body), options);
  write(response, reply.problem === undefined ? 200 : statusOf(reply.problem), replyDocument(reply));
}

function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  return problem('internal', error instanceof Error ? `${error.name}: ${error.message}` : String(error));
}

function refuse(request: IncomingMessage, response: ServerResponse, refusal: Refusal): void {
  const status = refusal.status ?? statusOf(refusal.problem);
  const document = { error: errorDocument(refusal.problem) };
  reply(request, response, status, textOf(document), {
    'content-type': 'application/json',
    ...(status === 401 && { 'www-authenticate': 'Bearer' }),
    ...(refusal.allow && { allow: refusal.allow }),
  });
}

function write(response: ServerResponse, status: number, document: object): void {
  const text = textOf(document);
  response.writeHead(status, {
    'cache-control': 'no-store',
    'content-length': Buffer.byteLength(text),
    'content-type': 'application/json',
  });
  response.end(text);
}

function textOf(document: object): string {
  return `${JSON.stringify(document)}\n`;
}
