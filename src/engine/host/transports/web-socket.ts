/**
 * Nodes and clients over WebSocket, by `ws`: without compression, whole messages, no delay (TCP_NODELAY is set by ws).
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type ClientOptions, WebSocket } from 'ws';
import type { Address } from '../../core/base/ids.ts';
import {
  type Connection,
  DialError,
  type DialOptions,
  type Listener,
  type ListenOptions,
  type Transport,
} from '../ports.ts';
import { CLOSE_MS_MAX } from './buffering.ts';
import { WebSocketConnection } from './web-socket-connection.ts';
import { openListener, tlsFiles } from './web-socket-listener.ts';

/** How much of a refusal is read, in bytes. */
const ANSWER_BYTES_MAX = 4_096;

export const webSocketTransport: Transport = {
  dial,
  listen: (options: ListenOptions): Promise<Listener> => openListener(options),
};

function dial(address: Address, options: DialOptions): Promise<Connection> {
  const { protocol, signal, timeoutMs } = options;
  return new Promise((resolve, reject) => {
    const socket = dialled(address, options);
    const cut = (message: string) => {
      settled(() => reject(new DialError(message, false)));
      socket.terminate();
    };
    const timer = setTimeout(() => cut(`${address} did not answer within ${timeoutMs} ms`), timeoutMs);
    const abort = () => cut(`the attempt to reach ${address} was given up`);
    const settled = (settle: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      settle();
    };
    let raw: Socket;
    socket.on('error', (error) => settled(() => reject(dialError(address, error))));
    socket.on('upgrade', (response) => {
      raw = response.socket;
    });
    socket.on('unexpected-response', (_request, response) => {
      void answerOf(response).then((why) => cut(`${address} refused: ${why}`));
    });
    socket.on('open', () => settled(() => resolve(new WebSocketConnection(socket, raw, protocol))));
    if (signal?.aborted) abort();
    else signal?.addEventListener('abort', abort);
  });
}

function dialled(address: Address, { protocol, messageBytesMax, timeoutMs, tls }: DialOptions): WebSocket {
  const options: ClientOptions & { closeTimeout: number } = {
    closeTimeout: CLOSE_MS_MAX,
    followRedirects: false,
    // Why: masks guard old proxies against what scripts make a browser send (RFC 6455 §10.3). Here a mask of zeros, which
    // ws then skips on both sides: a megabyte costs a copy less.
    generateMask: (mask) => void mask.fill(0),
    handshakeTimeout: timeoutMs,
    maxPayload: messageBytesMax,
    perMessageDeflate: false,
    ...(tls && tlsFiles(tls)),
  };
  try {
    return new WebSocket(address, [protocol], options);
  } catch (error) {
    throw new DialError(`${address} cannot be dialled: ${(error as Error).message}`, false);
  }
}

/** What a server that did not upgrade says of it, in one line. */
async function answerOf(response: IncomingMessage): Promise<string> {
  let body = '';
  try {
    for await (const chunk of response.setEncoding('utf8')) {
      body += chunk;
      if (body.length > ANSWER_BYTES_MAX) break;
    }
    const said = JSON.parse(body) as { readonly error?: { readonly message?: unknown } };
    if (typeof said.error?.message === 'string') return said.error.message;
  } catch {
    // Not one of ours: the status says enough.
  }
  return `it answered ${response.statusCode} ${response.statusMessage}, so it is no mpreg node`;
}

function dialError(address: Address, error: Error & { readonly code?: string }): DialError {
  const reasons: Readonly<Record<string, string>> = {
    ECONNREFUSED: `nobody listens at ${address}`,
    ECONNRESET: `${address} hung up`,
    EHOSTUNREACH: `there is no way to ${address}`,
    ENETUNREACH: `there is no way to ${address}`,
    ENOTFOUND: `no machine has the name in ${address}`,
    ETIMEDOUT: `${address} does not answer`,
  };
  const reason = reasons[error.code ?? ''] ?? `${address} cannot be reached: ${error.message || error.code}`;
  return new DialError(reason, error.code === 'ECONNREFUSED');
}
