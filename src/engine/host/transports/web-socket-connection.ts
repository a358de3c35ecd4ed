/**
 * One WebSocket as a `Connection`. Until it has an owner it does not read, so nothing is lost and nothing piles up.
 *
 * What it refuses to do: deliver anything after this side closed; pass text where the subprotocol says bytes, or the
 * other way round.
 */
import type { Socket } from 'node:net';
import type { RawData, WebSocket } from 'ws';
import type { Connection, ConnectionEvents, Subprotocol } from '../ports.ts';
import { BUFFERED_HIGH } from './buffering.ts';

/** What a close frame can carry, in bytes of UTF-8. */
const REASON_BYTES_MAX = 123;

export class WebSocketConnection implements Connection {
  readonly protocol: Subprotocol;
  readonly remote: string;
  readonly #socket: WebSocket;
  #events: ConnectionEvents | undefined;
  /** Why this side closed; the first reason stays. */
  #closing: string | undefined;
  /** Set once the connection is gone. */
  #closed: string | undefined;
  #error: Error | undefined;
  /** `send` has answered false and `drained` has not come yet. */
  #full = false;
  #paused = false;

  /** `socket` is open; `raw` is what it runs over. */
  constructor(socket: WebSocket, raw: Socket, protocol: Subprotocol) {
    this.protocol = protocol;
    this.remote = hostAndPort(raw.remoteAddress ?? 'unknown', raw.remotePort ?? 0);
    this.#socket = socket;
    socket.pause();
    socket.on('message', (data, binary) => this.#message(data, binary));
    socket.on('error', (error) => {
      this.#error = error;
    });
    socket.on('close', (code, reason) => this.#gone(code, reason.toString()));
    raw.on('drain', () => this.#drained());
  }

  get buffered(): number {
    return this.#closed === undefined ? this.#socket.bufferedAmount : 0;
  }

  /** Once nothing is buffered the operating system has it all. */
  get isCopied(): boolean {
    return this.#closed === undefined && this.#socket.bufferedAmount === 0;
  }

  own(events: ConnectionEvents): void {
    this.#events = events;
    const closed = this.#closed;
    if (closed !== undefined) setImmediate(() => events.closed(closed));
    else if (!this.#paused) this.#socket.resume();
  }

  limit(messageBytesMax: number): void {
    // Why a private field: ws takes its limit once, before it is known who is there. The transports' contract holds it to it.
    const { _receiver: receiver } = this.#socket as unknown as { readonly _receiver?: { _maxPayload: number } | null };
    if (receiver) receiver._maxPayload = messageBytesMax;
  }

  send(data: Uint8Array | string, bufferedMax = BUFFERED_HIGH): boolean {
    if (this.#closed !== undefined || this.#closing !== undefined) return true;
    this.#socket.send(data, { binary: typeof data !== 'string' });
    if (this.#socket.bufferedAmount <= bufferedMax) return true;
    this.#full = true;
    return false;
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    if (this.#events !== undefined) this.#socket.resume();
  }

  close(reason: string): void {
    this.#end(1000, reason);
  }

  destroy(reason: string): void {
    this.#closing ??= reason;
    this.#socket.terminate();
  }

  #end(code: number, reason: string): void {
    if (this.#closing !== undefined) return;
    this.#closing = reason;
    this.#socket.close(code, shortened(reason));
    this.#socket.resume(); // the other side's agreement has to be read
  }

  #message(data: RawData, binary: boolean): void {
    if (this.#closing !== undefined) return;
    if (binary !== (this.protocol === 'mpreg.v1')) {
      this.#end(1003, `${this.protocol} wants ${binary ? 'text' : 'bytes'}`);
      return;
    }
    const bytes = data as Buffer; // `binaryType` is `nodebuffer`: one Buffer, whatever the fragments were
    // A view: ws hands out what the socket has read, and nobody writes there again.
    this.#events?.message(binary ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length) : bytes.toString());
  }

  #drained(): void {
    if (!this.#full || this.#socket.bufferedAmount > 0) return;
    this.#full = false;
    if (this.#closing === undefined) this.#events?.drained();
  }

  #gone(code: number, reason: string): void {
    this.#closed = this.#closing ?? closedBecause(code, reason, this.#error);
    this.#events?.closed(this.#closed);
  }
}

export function hostAndPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function closedBecause(code: number, reason: string, error: Error | undefined): string {
  const name = (error as { code?: string } | undefined)?.code;
  if (name === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') return 'the other side sent a message over the limit';
  if (error !== undefined && name?.startsWith('WS_ERR')) return `the other side broke WebSocket: ${error.message}`;
  if (error !== undefined) return `the connection broke: ${error.message}`;
  if (code === 1009) return 'the other side refused a message over its limit';
  if (code === 1006) return 'the connection broke';
  return reason === '' ? 'the other side closed' : reason;
}

/** Cut to what fits into a close frame, at a character's border. */
function shortened(reason: string): string {
  const bytes = Buffer.from(reason);
  if (bytes.length <= REASON_BYTES_MAX) return reason;
  let end = REASON_BYTES_MAX - 3;
  while (((bytes[end] as number) & 0xc0) === 0x80) end--;
  return `${bytes.toString('utf8', 0, end)}…`;
}
