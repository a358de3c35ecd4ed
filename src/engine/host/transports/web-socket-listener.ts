/**
 * The one port of a node: WebSocket for peers and clients, HTTP for everything else.
 *
 * What it refuses, with an answer that a person can read, and counts: pages of other origins; names that are not this
 * machine's while it listens on loopback (DNS rebinding); unknown subprotocols; one connection too many; whoever takes
 * longer for the upgrade than allowed, or sends nothing at all.
 */
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { ProblemCode } from '../../core/base/problems.ts';
import { type ProblemError, problemError } from '../../problem-error.ts';
import type { HttpHandler, Listener, ListenOptions, Subprotocol, TlsOptions } from '../ports.ts';
import { CLOSE_MS_MAX } from './buffering.ts';
import { hostAndPort, WebSocketConnection } from './web-socket-connection.ts';

/** Room for HTTP, and for reading a refusal, when all connections are taken. */
const SPARE_CONNECTIONS = 64;
const HEADER_BYTES_MAX = 16 * 1024;
/** How long a refused one may take to read why, in milliseconds. */
const REFUSAL_MS_MAX = 1_000;

type Refusal = { readonly status: number; readonly code: ProblemCode; readonly why: string };

/** Opens the port. Rejects with a `ProblemError`. */
export async function openListener(options: ListenOptions): Promise<Listener> {
  const door = new WebSocketListener(options);
  await door.open();
  return door;
}

class WebSocketListener implements Listener {
  readonly #options: ListenOptions;
  readonly #server: Server;
  readonly #sockets: WebSocketServer;
  readonly #loopback: boolean;
  #port = 0;
  #connections = 0;

  constructor(options: ListenOptions) {
    this.#options = options;
    this.#loopback = isLoopback(options.host);
    this.#server = createServer(options);
    this.#sockets = new WebSocketServer({
      clientTracking: false,
      handleProtocols: (offered) => chosen(offered) ?? false,
      maxPayload: options.messageBytesMax,
      noServer: true,
      perMessageDeflate: false,
      ...{ closeTimeout: CLOSE_MS_MAX },
    });
    this.#sockets.on('wsClientError', (error, socket) =>
      this.#refuse(socket, { code: 'protocol-violated', status: 400, why: error.message }),
    );
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    const { host, tls } = this.#options;
    return `${tls ? 'wss' : 'ws'}://${hostAndPort(isWildcard(host) ? outsideAddress(host) : host, this.port)}`;
  }

  open(): Promise<void> {
    const { host, port, connectionsMax } = this.#options;
    const server = this.#server;
    server.maxConnections = connectionsMax + SPARE_CONNECTIONS;
    server.on('drop', () => this.#count('too many connections'));
    server.on('clientError', (error, socket) => this.#clientError(error, socket));
    server.on('request', (request, response) => this.#request(request, response));
    server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket as Socket, head));
    return new Promise((resolve, reject) => {
      const refused = (error: NodeJS.ErrnoException) => reject(listenProblem(error, host, port));
      server.once('error', refused);
      server.listen({ host, port }, () => {
        server.off('error', refused);
        this.#port = (server.address() as AddressInfo).port;
        server.on('error', (error) => this.#count(`accept: ${error.message}`));
        resolve();
      });
    });
  }

  /** Nobody new comes in; open connections stay with their owners. */
  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections(); // those that are not WebSockets
  }

  /** Too slow, not HTTP, or not even TLS. */
  #clientError(error: NodeJS.ErrnoException, socket: Duplex): void {
    if (error.code?.startsWith('HPE_')) {
      this.#refuse(socket, { code: 'protocol-violated', status: 400, why: `not HTTP: ${error.message}` });
      return;
    }
    this.#count(error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'too slow' : error.message);
    socket.destroy();
  }

  #request(request: IncomingMessage, response: ServerResponse): void {
    const refusal = this.#stranger(request);
    if (refusal !== undefined) {
      this.#count(refusal.why);
      answer(response, refusal);
      return;
    }
    const { http = nothingServed } = this.#options;
    http(request, response);
  }

  #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    const offered = request.headers['sec-websocket-protocol'] ?? '';
    const protocol = chosen(offered.split(',').map((name) => name.trim()));
    const refusal = this.#stranger(request) ?? this.#full();
    if (refusal !== undefined || protocol === undefined) {
      this.#refuse(socket, refusal ?? unknownProtocol(offered));
      return;
    }
    this.#sockets.handleUpgrade(request, socket, head, (webSocket) => {
      this.#connections++;
      webSocket.once('close', () => {
        this.#connections--;
      });
      this.#options.accept(new WebSocketConnection(webSocket, socket, protocol));
    });
  }

  #full(): Refusal | undefined {
    if (this.#connections < this.#options.connectionsMax) return undefined;
    const why = `all ${this.#options.connectionsMax} connections of this node are taken`;
    return { code: 'overloaded', status: 503, why };
  }

  /** Whether a browser was led here by a page that has no business with this node. */
  #stranger({ headers }: IncomingMessage): Refusal | undefined {
    const host = hostOf(`http://${headers.host ?? ''}`);
    if (this.#loopback && (host === undefined || !isLoopback(host))) {
      return { code: 'not-allowed', status: 403, why: `this node listens on loopback; it is not ${headers.host}` };
    }
    const { origin } = headers;
    if (origin === undefined || this.#allows(origin)) return undefined;
    return { code: 'not-allowed', status: 403, why: `pages of ${origin} may not talk to this node` };
  }

  #allows(origin: string): boolean {
    const { origins = [] } = this.#options;
    if (origins.includes(origin) || origins.includes('*')) return true;
    const host = hostOf(origin);
    return host !== undefined && isLoopback(host);
  }

  #refuse(socket: Duplex, refusal: Refusal): void {
    this.#count(refusal.why);
    if (!socket.writable) {
      socket.destroy();
      return;
    }
    const body = refusalBody(refusal);
    const head = `HTTP/1.1 ${refusal.status} Refused\r\nContent-Type: application/json\r\nConnection: close\r\n`;
    socket.on('error', () => undefined);
    socket.end(`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    const timer = setTimeout(() => socket.destroy(), REFUSAL_MS_MAX);
    socket.once('finish', () => socket.destroy()).once('close', () => clearTimeout(timer));
  }

  #count(reason: string): void {
    this.#options.refused?.(reason);
  }
}

function createServer({ tls, upgradeMsMax }: ListenOptions): Server {
  const limits: ServerOptions = {
    connectionsCheckingInterval: Math.min(upgradeMsMax, 1_000),
    headersTimeout: upgradeMsMax, // counts from the first moment: silence is slow too
    maxHeaderSize: HEADER_BYTES_MAX,
    noDelay: true,
    requestTimeout: upgradeMsMax * 10, // bodies are larger than headers
  };
  if (tls === undefined) return createHttpServer(limits);
  try {
    return createHttpsServer({ ...limits, ...tlsFiles(tls), handshakeTimeout: upgradeMsMax });
  } catch (error) {
    throw problemError('input-invalid', `the TLS certificate or key is not valid: ${(error as Error).message}`);
  }
}

export function tlsFiles({ cert, key, ca, clientCertificates = false }: TlsOptions) {
  return {
    rejectUnauthorized: true,
    requestCert: clientCertificates,
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(ca !== undefined && { ca }),
  };
}

function chosen(offered: Iterable<string>): Subprotocol | undefined {
  for (const name of offered) if (name === 'mpreg.v1' || name === 'mpreg.v1.json') return name;
  return undefined;
}

function unknownProtocol(offered: string): Refusal {
  const why = `this port speaks the WebSocket subprotocols mpreg.v1 and mpreg.v1.json, not ${offered || 'none'}`;
  return { code: 'version-unsupported', status: 400, why };
}

function refusalBody({ code, why }: Refusal): string {
  return `${JSON.stringify({ error: { code, message: why } })}\n`;
}

const nothingServed: HttpHandler = (_request, response) =>
  answer(response, { code: 'input-invalid', status: 404, why: 'nothing is served here' });

function answer(response: ServerResponse, refusal: Refusal): void {
  response.writeHead(refusal.status, { 'content-type': 'application/json' }).end(refusalBody(refusal));
}

function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}

/** Loopback by name or number; brackets around IPv6 are taken. */
export function isLoopback(host: string): boolean {
  return /^(localhost|([^.]+\.)*localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(host);
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::' || host === '';
}

/** What others can dial: this machine's first address that is not internal. */
function outsideAddress(wildcard: string): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const outside = all.filter(({ internal, scopeid = 0 }) => !internal && scopeid === 0);
  const found = outside.find(({ family }) => family === 'IPv4') ?? (wildcard === '0.0.0.0' ? undefined : outside[0]);
  return found?.address ?? '127.0.0.1';
}

function listenProblem(error: NodeJS.ErrnoException, host: string, port: number): ProblemError {
  const place = hostAndPort(host, port);
  switch (error.code) {
    case 'EADDRINUSE':
      return problemError('address-in-use', `${place} is taken by another program`);
    case 'EACCES':
      return problemError('not-allowed', `this user may not listen on ${place}`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return problemError('input-invalid', `${host} is no address of this machine`);
    default:
      return problemError('input-invalid', `cannot listen on ${place}: ${error.message}`);
  }
}
