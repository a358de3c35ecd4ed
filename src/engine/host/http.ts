/**
 * What a node answers over plain HTTP: `/health` for load balancers, `/metrics` for Prometheus, `/v1/` for calls, `/` for
 * clients of Amazon SQS.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { NodeSnapshot } from '../core/node/snapshot.ts';
import type { Keeper } from '../flow/keeper.ts';
import type { TopicsCounters } from '../flow/topics-counters.ts';
import { type SqsProtocol, sqsProtocol } from './gateway/sqs/endpoint.ts';
import type { Digest, HttpHandler } from './ports.ts';
import { gauge, totals } from './prometheus.ts';
import { isLoopback } from './transports/web-socket-listener.ts';
import type { WireCounters } from './wire-counters.ts';

export interface HttpParts {
  readonly snapshot: () => NodeSnapshot;
  readonly counters: () => WireCounters;
  readonly topics: () => TopicsCounters;
  readonly kept: () => Pick<Keeper, 'counters' | 'totals'>;
  /** Messages that are owed to groups, and retained ones. */
  readonly held: () => { readonly owed: number; readonly retained: number };
  /** What a hub measures of its federation; nothing on other nodes. */
  readonly federation?: () => readonly string[];
  readonly digest: Digest;
  /**
   * Whoever is not on this machine must show it for `/metrics`, as a bearer token, or what is derived from it:
   * `metricsToken`. Why two: whoever has the key may do everything, so it is not taken from a network that others can
   * read, and a monitoring system should not have it at all.
   */
  readonly key: Uint8Array | undefined;
  /** Answers what is below `/v1/`. */
  readonly gateway: HttpHandler;
  /** Answers requests to the SQS API. */
  readonly sqs: (...request: [...Parameters<HttpHandler>, protocol: SqsProtocol]) => void;
}

export function httpHandler(parts: HttpParts): HttpHandler {
  return (request, response) => {
    const path = (request.url ?? '/').split('?')[0];
    const protocol = sqsProtocol(request);
    if (protocol !== undefined) {
      parts.sqs(request, response, protocol);
    } else if (path?.startsWith('/v1/')) {
      parts.gateway(request, response);
    } else if (request.method !== 'GET' && request.method !== 'HEAD') {
      answer(response, 405, 'application/json', {
        error: { code: 'not-allowed', message: 'only GET is answered here' },
      });
    } else if (path === '/health') {
      health(parts, response);
    } else if (path === '/metrics') {
      if (mayRead(parts, request)) answer(response, 200, 'text/plain; version=0.0.4; charset=utf-8', metrics(parts));
      else
        answer(response, 401, 'application/json', {
          error: { code: 'key-missing', message: TOKEN_WANTED },
        });
    } else {
      const message = `nothing at ${path}; try /health, /metrics or /v1/, or speak mpreg.v1 or mpreg.v1.json over WebSocket`;
      answer(response, 404, 'application/json', { error: { code: 'not-found', message } });
    }
  };
}

function mayRead({ key, digest }: HttpParts, request: IncomingMessage): boolean {
  if (key === undefined || isLoopback(request.socket.remoteAddress?.replace(/^::ffff:/, '') ?? '')) return true;
  const shown = Buffer.from(/^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '');
  const isPrivate = 'encrypted' in request.socket && request.socket.encrypted === true;
  return digest.equal(shown, Buffer.from(metricsToken(digest, key))) || (isPrivate && digest.equal(shown, key));
}

/** Opens `/metrics` and nothing else: HMAC-SHA256 of `mpreg metrics` with the cluster's key, in base64url. */
export function metricsToken(digest: Digest, key: Uint8Array): string {
  return Buffer.from(digest.hmac(key, 'mpreg metrics')).toString('base64url');
}

const TOKEN_WANTED =
  'send the token for metrics as bearer token (docs/PROTOCOL.md); the key itself is taken over TLS only';

function health({ snapshot }: HttpParts, response: ServerResponse): void {
  const { phase, record } = snapshot();
  const takesWork = phase === 'running' && record.state === 'active';
  answer(response, takesWork ? 200 : 503, 'application/json', {
    state: takesWork ? 'active' : phase === 'running' ? record.state : phase,
  });
}

function metrics({ counters, federation, held, kept, snapshot, topics }: HttpParts): string {
  const { owed, retained } = held();
  const { members, links, calls, health, generation } = snapshot();
  const states = ['alive', 'suspect', 'dead', 'left', 'draining'] as const;
  const count = (state: string) => members.filter((member) => member.state === state).length;
  const lines = [
    gauge(
      'mpreg_members',
      'Members by state, as this node sees them',
      states.map((s) => [`{state="${s}"}`, count(s)]),
    ),
    gauge('mpreg_links', 'Open links', [
      ['{role="peer"}', links.peers],
      ['{role="client"}', links.clients],
    ]),
    gauge('mpreg_calls_running', 'Functions running on this node', [['', calls.running]]),
    gauge('mpreg_calls_waiting', 'Calls that wait for an answer', [['', calls.waiting]]),
    gauge('mpreg_health', 'Local health multiplier of Lifeguard, 0 is best', [['', health]]),
    gauge('mpreg_routing_generation', 'Grows with every change of the directory', [['', generation]]),
    gauge('mpreg_topics_owed', 'Messages that this node owes to members of groups', [['', owed]]),
    gauge('mpreg_topics_retained', 'Topics of which this node retains the newest message', [['', retained]]),
    ...totals('wire', counters()),
    ...totals('topics', topics()),
    ...totals('kept', kept().counters),
    gauge('mpreg_kept', 'What this node keeps of topics, and who reads it', holding(kept().totals)),
    ...(federation?.() ?? []),
    gauge('process_resident_memory_bytes', 'Resident memory', [['', process.memoryUsage.rss()]]),
  ];
  return `${lines.join('\n')}\n`;
}

function holding(totals: Readonly<Record<string, number>>): readonly (readonly [labels: string, value: number])[] {
  return Object.entries(totals).map(([what, value]) => [`{what="${what}"}`, value]);
}

function answer(response: ServerResponse, status: number, type: string, body: string | object): void {
  const text = typeof body === 'string' ? body : `${JSON.stringify(body)}\n`;
  response.writeHead(status, { 'cache-control': 'no-store', 'content-type': type });
  response.end(text);
}
