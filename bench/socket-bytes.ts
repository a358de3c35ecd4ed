/**
 * The bytes that went over the TCP connections of this process, in and out, whichever library opened them: Node tells of
 * every socket that is made. Import it before the first connection is; what was there already is not counted.
 */
import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

const open = new Set<Socket>();
let closed = 0;

for (const channel of ['net.client.socket', 'net.server.socket']) {
  subscribe(channel, (message) => {
    const { socket } = message as { readonly socket: Socket };
    open.add(socket);
    socket.once('close', () => {
      open.delete(socket);
      closed += bytesOf(socket);
    });
  });
}

/** So far. */
export function socketBytes(): number {
  let sum = closed;
  for (const socket of open) sum += bytesOf(socket);
  return sum;
}

function bytesOf({ bytesRead, bytesWritten }: Socket): number {
  return bytesRead + bytesWritten;
}
