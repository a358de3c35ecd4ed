import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

/** A client that is still sending when it is answered has so long to read the answer. */
const READ_MS_MAX = 1_000;

/** Answers, and only then stops listening: a client that is still sending would not see the answer otherwise. */
export function reply(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>>,
): void {
  const all = { 'cache-control': 'no-store', 'content-length': Buffer.byteLength(body), ...headers };
  if (response.headersSent) {
    response.destroy();
  } else if (request.complete) {
    response.writeHead(status, all);
    response.end(body);
  } else {
    response.writeHead(status, { ...all, connection: 'close' });
    response.write(body);
    request.resume();
    const read = new Promise((resolve) => request.once('close', resolve).once('end', resolve));
    void Promise.race([read, pause(READ_MS_MAX)]).then(() => response.end());
  }
}
